"""Shows how far a run is: `paretofair status` from a checkout. The command itself is paretofair/cli/status.py."""

import sys

from paretofair.cli.main import start

if __name__ == "__main__":
    sys.exit(start("status"))
