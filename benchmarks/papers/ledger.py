"""What our runs of a table have reached so far: a CSV file that is kept with the sources, so that a later checkout
trains what is missing and nothing else.

A *unit* is all trials of one method and seed; it is in the file as a whole or not at all. Its `settings` are a digest
of all that its numbers depend on. Units of other settings than today's are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

KEYS = ["settings", "method", "seed"]
COLUMNS = [*KEYS, "row", "metric", "value"]
FRONT_COLUMNS = [*KEYS, "plane", "x", "y"]
TRIALS, SECONDS = "trials", "seconds"
"""Metrics that every unit has: how many trials it is, and how long they trained, on one core."""

Unit = tuple[str, int]


def read_ledger(path: Path, columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
    """The rows of a file, none where it does not exist; `FRONT_COLUMNS` are those of a table's fronts."""
    if not path.exists():
        return pd.DataFrame(columns=columns)
    words = ("settings", "method", "row", "metric", "plane")
    return pd.read_csv(path, dtype=dict.fromkeys(words, str))


def fronts_path(path: Path) -> Path:
    """The file of a table's fronts, beside that of its numbers."""
    return path.with_name(f"{path.stem}_fronts.csv")


def keep_settings(ledger: pd.DataFrame, settings: Mapping[str, str]) -> pd.DataFrame:
    """Without units whose method has other `settings` now, or is no longer in the table."""
    return ledger[ledger["method"].map(settings) == ledger["settings"]]


def find_missing(ledger: pd.DataFrame, methods: Iterable[str], seeds: Iterable[int]) -> list[Unit]:
    """The units that are not in the ledger, seed by seed."""
    done = set(zip(ledger["method"], ledger["seed"], strict=True))
    return [unit for seed in seeds for unit in ((method, seed) for method in methods) if unit not in done]


def group_alike(missing: Iterable[Unit], together: int) -> list[tuple[list[int], list[str]]]:
    """The fewest commands that train these units and no others: seeds, at most so many `together`, with the methods
    that lack all of them. The first seeds come first.

    >>> group_alike([("a", 0), ("b", 0), ("a", 1), ("b", 1), ("b", 2)], together=2)
    [([0, 1], ['a', 'b']), ([2], ['b'])]
    """
    lacking: dict[int, list[str]] = {}
    for method, seed in missing:
        lacking.setdefault(seed, []).append(method)
    groups: list[tuple[list[int], list[str]]] = []
    for seed, methods in sorted(lacking.items()):
        if groups and groups[-1][1] == methods and len(groups[-1][0]) < together:
            groups[-1][0].append(seed)
        else:
            groups.append(([seed], methods))
    return groups


def write_ledger(path: Path, ledger: pd.DataFrame, columns: Sequence[str] = COLUMNS) -> None:
    """Writes the rows in an order of their own, so that a file changes where a number does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = ledger[list(columns)].sort_values(["method", *columns[3:5], "seed"], kind="stable")
    partial = path.with_suffix(".partial")
    ordered.to_csv(partial, index=False, float_format="%.6g")
    partial.replace(path)
