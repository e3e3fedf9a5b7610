"""The installed command `paretofair`."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from types import ModuleType

COMMANDS = {
    "sweep": "train a search space and write its frontiers",
    "report": "write figures, tables and a page from runs",
    "status": "show how far a run is",
    "export": "save a trial as an ordinary PyTorch model",
    "init": "look at a table and write a space file for it",
    "spaces": "list and copy the space files of published experiments",
    "completion": "print what a shell needs to complete commands",
    "coco": "make a table of objects and gender from COCO annotations",
    "embed": "make vectors of pictures or texts by a network",
}
# Those whose module stands in a folder.
_FOLDERS = {"coco": "data", "embed": "data"}


def main(arguments: list[str] | None = None, program: str = "paretofair") -> int:
    """Runs `paretofair COMMAND ...`, called as `program`, and returns its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    name, *others = given or ["--help"]
    if name in COMMANDS:
        # Argparse takes the name of the program from here, for usage and errors.
        sys.argv[0] = f"{program} {name}"
        return start(name, others)
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {command:{width}} {words}" for command, words in COMMANDS.items())
    usage = f"usage: {program} COMMAND ...\n\n{listed}\n\n`{program} COMMAND --help` has examples."
    if name in ("-h", "--help"):
        print(usage)
        return 0
    if name == "--version":
        print(f"paretofair {version('paretofair')}")
        return 0
    print(f"error: no command {name!r}\n\n{usage}", file=sys.stderr)
    return 2


def import_command(name: str) -> ModuleType:
    """The module of a command, which has `main` and `parser`."""
    place = f"{_FOLDERS[name]}.{name}" if name in _FOLDERS else name
    return importlib.import_module(f"paretofair.cli.{place}")


def start(name: str, arguments: list[str] | None = None) -> int:
    """Imports the command and runs it; Ctrl-C is no error either while Python still reads it."""
    try:
        return int(import_command(name).main(arguments))
    except KeyboardInterrupt:
        print("\nInterrupted before anything had begun.", file=sys.stderr)
        return 130
