"""A sentence about a run, and how numbers stand in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from paretofair.analysis.results import Results
from paretofair.report.labels import Labels

SHOWN = 5
"""Sentences of one kind, at most."""


class Finding(NamedTuple):
    """A sentence, and the file that it can be checked in (empty: none); `warns` where others rest on it."""

    sentence: str
    file: str
    warns: bool = False


def say_file(results: Results, name: str) -> str:
    """Where a table of the leading set stands."""
    return f"tables/{name}.csv" if results.leading == "arfg_are" else f"tables/{results.leading}/{name}.csv"


def say_attributes(results: Results, labels: Labels) -> list[str]:
    """The attributes that losses act on."""
    return list(dict.fromkeys(labels.attribute(name) for name in (results.sensitive or {}).values()))


def count_rows(results: Results, split: str = "test") -> int:
    """0 where it is not known."""
    cells = results.cells
    return int(cells.names[f"rows_{split}"].sum()) if cells is not None and f"rows_{split}" in cells.names else 0


def say_count(number: int, what: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{number} {what}{'s' * (number != 1)}"


def say_signed(value: float, *beside: float) -> str:
    """Three digits; four where they would round the value, or one of those `beside` it, to 0.

    >>> say_signed(.026), say_signed(-.00042), say_signed(.026, -.00042)
    ('+0.026', '-0.0004', '+0.0260')
    """
    digits = 4 if any(0 < abs(each) < 0.0005 for each in (value, *beside)) else 3
    return f"{value:+.{digits}f}"


def say_range(low: float, high: float) -> str:
    """The ends of an interval."""
    return f"{say_signed(low, high)} to {say_signed(high, low)}"


def say_change(row: Any) -> str:
    """The `change` of a row and its interval from `low` to `high`, which is of no number with one seed.

    >>> from types import SimpleNamespace
    >>> say_change(SimpleNamespace(change=-.04, low=-.0532, high=-.022))
    '-0.040, -0.053 to -0.022'
    """
    if np.isnan(row.low):
        return f"{say_signed(row.change)}, one seed"
    return f"{say_signed(row.change)}, {say_range(row.low, row.high)}"


def say_p(value: float) -> str:
    """A p-value, with more digits where it is small."""
    return f"{value:.4f}" if value < 0.01 else f"{value:.3f}"
