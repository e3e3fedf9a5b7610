"""What a data set and its split hold, counted: shown before a run and kept with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretofair.data.dataset import PARTS
from paretofair.data.inputs.columns import MISSING, Columns
from paretofair.data.inputs.protocol import FittedInputs, Inputs
from paretofair.data.splits import Splits

UNKNOWN = "unknown"
Counts = dict[str, int]  # rows by part, of the parts that have rows


@dataclass(frozen=True)
class DataSheet:
    """Rows, labels, groups and inputs of a split; every value is plain data, for JSON.

    Attributes:
        rows: Rows by part.
        labels: Task -> label, in the task's words -> rows by part.
        groups: Attribute -> group -> rows by part.
        unknown: Task or attribute -> rows by part without a label or a known group, where there are such rows.
        numeric: The numeric inputs.
        categorical: Input -> how many categories the training rows have.
        filled: Input -> cells that were missing, where there were any.
        other: What inputs that are no columns are, as in `Embeddings (64,)`, or in their own words.
    """

    rows: Counts
    labels: dict[str, dict[str, Counts]]
    groups: dict[str, dict[str, Counts]]
    unknown: dict[str, Counts]
    numeric: list[str]
    categorical: dict[str, int]
    filled: Counts
    other: str = ""


def describe_data(splits: Splits) -> DataSheet:
    """Counts what a split holds."""
    data = splits.dataset
    columns = dict(zip(data.tasks, data.labels.T, strict=True)) | data.groups
    unknown = {name: count_rows(splits, codes < 0) for name, codes in columns.items()}
    inputs, fitted = data.inputs, splits.inputs
    numeric: list[str] = []
    categorical: dict[str, int] = {}
    filled: Counts = {}
    if isinstance(inputs, Columns):
        told = {f"{name}_{MISSING}" for name in inputs.fills}
        numeric = [name for name in inputs.numeric_names if name not in told]
        sizes = (size - 1 for size in fitted.categories)
        categorical = dict(zip(inputs.categorical_names, sizes, strict=True))
        filled = _count_filled(inputs)
    return DataSheet(
        rows=count_rows(splits, np.ones(len(data), dtype=bool)),
        labels={
            task: _count_identities(splits, columns[task])
            if kind.is_identity
            else count_each(splits, columns[task], kind.classes)
            for task, kind in zip(data.tasks, data.kinds, strict=True)
        },
        groups={name: count_each(splits, codes, data.group_names[name]) for name, codes in data.groups.items()},
        unknown={name: counts for name, counts in unknown.items() if any(counts.values())},
        numeric=numeric,
        categorical=categorical,
        filled=filled,
        other="" if isinstance(inputs, Columns) else _describe_other(inputs, fitted),
    )


def _describe_other(inputs: Inputs, fitted: FittedInputs) -> str:
    words: str = getattr(fitted, "words", "")
    return words or f"{type(inputs).__name__} {fitted.shape}"


def count_rows(splits: Splits, mask: np.ndarray) -> Counts:
    """How many of the rows of a mask `(rows,)` each part has."""
    return _name_parts(splits, np.bincount(splits.part[mask], minlength=len(PARTS)))


def count_each(splits: Splits, codes: np.ndarray, names: Sequence[str]) -> dict[str, Counts]:
    """How many rows each part has of each code `(rows,)`, by its name; those below 0 are of none."""
    known = codes >= 0
    places = codes[known].astype(np.int64) * len(PARTS) + splits.part[known]
    counts = np.bincount(places, minlength=len(names) * len(PARTS)).reshape(len(names), len(PARTS))
    return {name: _name_parts(splits, own) for name, own in zip(names, counts, strict=True)}


def _count_identities(splits: Splits, labels: np.ndarray) -> dict[str, Counts]:
    """How many different identities each part has; one line for all."""
    counts = [len(np.unique(labels[(splits.part == place) & (labels >= 0)])) for place in range(len(PARTS))]
    return {"identities": _name_parts(splits, np.array(counts))}


def _name_parts(splits: Splits, counts: np.ndarray) -> Counts:
    present = np.bincount(splits.part, minlength=len(PARTS)) > 0
    return {name: int(count) for name, count, is_there in zip(PARTS, counts, present, strict=True) if is_there}


def _count_filled(inputs: Columns) -> Counts:
    """Cells that were missing, by input."""
    numbers = dict(zip(inputs.numeric_names, inputs.numeric.T, strict=True))
    found = {name: int(numbers[f"{name}_{MISSING}"].sum()) for name in inputs.fills}
    for name, table, codes in zip(inputs.categorical_names, inputs.tables, inputs.codes.T, strict=True):
        if MISSING in table:
            found[name] = int((codes == table.index(MISSING)).sum())
    return found
