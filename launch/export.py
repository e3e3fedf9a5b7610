"""Saves a trial as a model: `paretofair export` from a checkout. The command itself is paretofair/cli/export.py."""

import sys

from paretofair.cli.main import start

if __name__ == "__main__":
    sys.exit(start("export"))
