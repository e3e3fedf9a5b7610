"""Making a `Dataset` from named columns: missing inputs filled, test rows drawn where none are given."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from paretofair.data.dataset import TRAIN, Dataset, mark_test_rows
from paretofair.data.inputs.columns import MISSING, Columns
from paretofair.data.inputs.protocol import Inputs
from paretofair.data.reading.cells import format_number
from paretofair.data.stratify import draw_by, draw_rows
from paretofair.errors import DataError
from paretofair.tasks import BINARY, TaskKind


def assemble(
    name: str,
    source: str,
    *,
    labels: Mapping[str, np.ndarray],
    numeric: Mapping[str, np.ndarray],
    categorical: Mapping[str, np.ndarray],
    groups: Mapping[str, np.ndarray],
    group_names: Mapping[str, tuple[str, ...]],
    part: np.ndarray | None = None,
    test: float = 0.3,
    test_seed: int = 0,
    checksums: Mapping[str, str],
    weights: np.ndarray | None = None,
    together: np.ndarray | None = None,
    kinds: Mapping[str, TaskKind] | None = None,
    inputs: Inputs | None = None,
) -> Dataset:
    """Put columns, each of `(rows,)`, together.

    Args:
        name, source, group_names, part, checksums, weights, together: As in `Dataset`.
        labels: Task -> 0, 1, … or -1 (unknown).
        kinds: Task -> what it predicts; binary labels for a task that is not named.
        numeric: Input -> numbers; NaN where missing (see `fill_missing`).
        categorical: Input -> texts; "" where missing, which becomes the category "missing".
        inputs: What a network reads in place of columns.
        groups: Attribute -> index into its names, or -1.
        test: Without `part`, the share of test rows, 0 to 1: they are drawn by `test_seed`, stratified by all labels
            and groups; of identities whole ones, stratified by groups.

    Raises:
        DataError: As by `Dataset` and `fill_missing`.
    """
    of_tasks = tuple((kinds or {}).get(task, BINARY) for task in labels)
    type_ = np.int8 if all(len(kind.classes) <= 128 for kind in of_tasks) else np.int32
    label_columns = np.stack([np.asarray(column, dtype=type_) for column in labels.values()], axis=1)
    members = {attribute: np.asarray(column, dtype=np.int8) for attribute, column in groups.items()}
    if part is None:
        columns = np.stack([*members.values()], axis=1) if members else np.zeros((len(label_columns), 0), np.int8)
        strata, clusters = draw_by(label_columns, columns, of_tasks, together)
        wanted = math.floor(test * len(label_columns) + 0.5)
        part = mark_test_rows(draw_rows(strata, wanted, test_seed, clusters))
    texts = {name: np.where(column == "", MISSING, column) for name, column in categorical.items()}
    return Dataset(
        name=name,
        source=source,
        inputs=_fill_columns(numeric, texts, part == TRAIN) if inputs is None else inputs,
        tasks=tuple(labels),
        labels=label_columns,
        groups=members,
        group_names=dict(group_names),
        part=part,
        checksums=dict(checksums),
        weights=weights,
        together=together,
        kinds=of_tasks,
    )


def _fill_columns(numeric: Mapping[str, np.ndarray], texts: Mapping[str, np.ndarray], train: np.ndarray) -> Columns:
    for name in texts:
        base = name.removesuffix(f"_{MISSING}")
        if base != name and base in numeric and np.isnan(numeric[base]).any():
            _refuse_taken(base, name)
    filled, fills = fill_missing(numeric, train)
    return Columns.of(filled, texts, fills)


def fill_missing(inputs: Mapping[str, np.ndarray], train: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Replace NaN by the median of the training rows, and tell so by one more input.

    These are the training rows of the given split: where `split` redraws the test rows, the medians stay.

    Args:
        inputs: Input -> `(rows,)` float64; NaN where missing.
        train: `(rows,)` bool: the rows whose median is taken.

    Returns:
        The inputs; behind them, for each that had a NaN, `<name>_missing`: 1 where it was missing, else 0. Where
        there is such an input with just these values, it stays where it is. And what each such input was filled with.

    Raises:
        DataError: An input is missing in every training row; an input `<name>_missing` has other values.
    """
    filled, indicators, fills = {}, {}, {}
    for name, values in inputs.items():
        missing = np.isnan(values)
        filled[name] = values
        if missing.any():
            known = values[train & ~missing]
            if not len(known):
                raise DataError(f"input {name!r} is missing in all {train.sum()} training rows; exclude it")
            fills[name] = float(np.median(known))
            filled[name] = np.where(missing, fills[name], values)
            indicators[f"{name}_{MISSING}"] = missing.astype(np.float64)
    for name, values in indicators.items():
        if name in inputs and not np.array_equal(inputs[name], values):
            _refuse_taken(name.removesuffix(f"_{MISSING}"), name)
    return filled | indicators, fills


def _refuse_taken(name: str, indicator: str) -> NoReturn:
    raise DataError(
        f"input {name!r} has missing values, which an input {indicator!r} tells of; the data have another column of "
        "that name: rename or exclude it"
    )


def group_by_bins(values: np.ndarray, bins: Sequence[float]) -> tuple[tuple[str, ...], np.ndarray]:
    """Groups of a number, cut after each of the ascending `bins`, at most 126: with (25, 60), up to and including 25,
    then up to and including 60, then over 60.

    Returns:
        Their names (`up_to_25`, `25_to_60`, `over_60`), which have all digits of the bins, and `(rows,)` int8 indices,
        -1 where a value is NaN.
    """
    edges = [format_number(edge) for edge in bins]
    between = [f"{low}_to_{high}" for low, high in itertools.pairwise(edges)]
    names = (f"up_to_{edges[0]}", *between, f"over_{edges[-1]}")
    indices = np.searchsorted(np.asarray(bins, dtype=np.float64), values, side="left")
    return names, np.where(np.isnan(values), -1, indices).astype(np.int8)
