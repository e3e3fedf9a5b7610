"""paretofair: fairness methods compared by whole accuracy-fairness frontiers."""

import os

# One code path of matrix products, whatever the place of their operands in memory: the bits of a trial depend on it. It
# is read when PyTorch is first imported.
os.environ.setdefault("MKL_CBWR", "AUTO")
