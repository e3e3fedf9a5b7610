"""What a command calls itself."""

from __future__ import annotations

import sys


def name_program(name: str) -> str:
    """For usage and errors: `paretofair NAME`, or `python launch/NAME.py` in a checkout."""
    return f"paretofair {name}" if sys.argv[0] == f"paretofair {name}" else f"python launch/{name}.py"
