"""What a command calls itself, and its parser."""

from __future__ import annotations

import argparse
import re
import sys

_PROGRAMS = ("python -m paretofair", "paretofair")


def name_program(name: str) -> str:
    """For usage, advice and errors: `paretofair NAME`, or `python launch/NAME.py` in a checkout, as this program was
    called."""
    called = next((program for program in _PROGRAMS if sys.argv[0].startswith(f"{program} ")), None)
    return f"{called} {name}" if called else f"python launch/{name}.py"


def name_examples(text: str) -> str:
    """Examples that are written for a checkout, as this program was called."""
    return re.sub(r"(?:python )?launch/(\w+)\.py", lambda found: name_program(found[1]), text)


def make_parser(name: str, description: str | None, examples: str = "") -> argparse.ArgumentParser:
    """The parser of a command, whose description and examples keep their lines."""
    return argparse.ArgumentParser(
        prog=name_program(name),
        description=description,
        epilog=name_examples(examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
