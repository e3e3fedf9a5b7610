"""Trains a search space: `paretofair sweep` from a checkout. The command itself is paretofair/cli/sweep.py."""

import sys

from paretofair.cli.sweep import main

if __name__ == "__main__":
    sys.exit(main())
