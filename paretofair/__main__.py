"""`python -m paretofair`: the installed command where its folder is not on the path."""

import sys

from paretofair.cli.main import main

if __name__ == "__main__":
    sys.exit(main(program="python -m paretofair"))
