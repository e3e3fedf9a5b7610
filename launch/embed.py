"""Makes vectors of pictures or texts: `paretofair embed` from a checkout.

The command is paretofair/cli/data/embed.py.
"""

import sys

from paretofair.cli.main import start

if __name__ == "__main__":
    sys.exit(start("embed"))
