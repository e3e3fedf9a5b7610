"""paretofair: fairness methods compared by whole accuracy-fairness frontiers.

run = paretofair.compare(frame, tasks=["repaid"], sensitive="sex")  # a frame, an array or a file
model = run.best("smallest equalized_odds_max, error <= 0.2")       # predict, predict_proba, score
FairClassifier().fit(X, y, sensitive_features=A)                    # as an estimator of scikit-learn
results = paretofair.sweep("search_spaces/mtaf_lsac.yaml")          # as the command
results = paretofair.Results("results/mtaf_lsac")                   # what is there
results.frontier("arfg", "are")                                     # a pandas frame
paretofair.load("results/mtaf_lsac/exported/3f2a9c").predict_proba(frame)
"""

import importlib
import os
from typing import Any

# One code path of matrix products, whatever the place of their operands in memory: the bits of a trial depend on it. It
# is read when PyTorch is first imported.
os.environ.setdefault("MKL_CBWR", "AUTO")

# Imported when they are asked for: PyTorch and Ray take seconds.
_PUBLIC = {
    "Comparison": "paretofair.interface.compare",
    "FairClassifier": "paretofair.interface.classifier",
    "Results": "paretofair.analysis.results",
    "compare": "paretofair.interface.compare",
    "export_trial": "paretofair.export",
    "load": "paretofair.exported",
    "load_frame": "paretofair.interface.known_frame",
    "sweep": "paretofair.api",
}

__all__ = ["Comparison", "FairClassifier", "Results", "compare", "export_trial", "load", "load_frame", "sweep"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("paretofair")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'paretofair' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    """What is imported on demand as well, and nothing else."""
    return sorted([*__all__, "__version__"])
