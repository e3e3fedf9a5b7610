"""Makes a table from COCO annotations: `paretofair coco` from a checkout.

The command is paretofair/cli/data/coco.py.
"""

import sys

from paretofair.cli.main import start

if __name__ == "__main__":
    sys.exit(start("coco"))
