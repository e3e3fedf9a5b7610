"""Trains a search space: `paretofair sweep` from a checkout. The command itself is paretofair/cli/sweep.py."""

import sys

from paretofair.cli.main import start

if __name__ == "__main__":
    sys.exit(start("sweep"))
