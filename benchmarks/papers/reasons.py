"""Why a published number does not lie in our interval: one sentence each, in `reasons.yaml`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml

UNKNOWN = "Not known."
FILE = Path(__file__).parent / "reasons.yaml"


def explain(table: str, row: str, metric: str) -> str:
    """The sentence of the first entry that fits; `UNKNOWN` where none does."""
    for entry in read_reasons():
        wanted = (entry.get("table", "*"), entry.get("row", "*"), entry.get("metric", "*"))
        if all(fnmatchcase(name, pattern) for name, pattern in zip((table, row, metric), wanted, strict=True)):
            return entry["because"]
    return UNKNOWN


@cache
def read_reasons() -> list[dict[str, str]]:
    """The entries: patterns for `table`, `row` and `metric`, each `*` by default, and `because`."""
    found: list[dict[str, str]] = yaml.safe_load(FILE.read_text())
    return found
