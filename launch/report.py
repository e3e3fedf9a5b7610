"""Draws what runs have found: `paretofair report` from a checkout. The command itself is paretofair/cli/report.py."""

import sys

from paretofair.cli.main import start

if __name__ == "__main__":
    sys.exit(start("report"))
