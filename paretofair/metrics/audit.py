"""The gerrymandering audit: every gap again for every attribute and intersection of attributes (numpy).

A loss that acts on one attribute can move unfairness to another or to a subgroup of several (Kearns et al. 2018), so
gaps are measured for each attribute, each pair of attributes and all of them together.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretofair.metrics import rates
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.objectives import measure_counts
from paretofair.metrics.registry import GROUP_METRICS, METRICS, OF_TWO_GROUPS
from paretofair.metrics.relative import group_harm
from paretofair.naming import JOINT

Array = NDArray[Any]


class AuditLine(NamedTuple):
    """One metric of one attribute or intersection; arrays have the leading axes of the confusion array.

    Lines are rows of a table as they stand: `pandas.DataFrame(lines)`.
    """

    grouping: str  # an attribute, or "sex_x_race"
    metric: str  # a key of `registry.GROUP_METRICS`, or `group_harm`
    value: Array  # NaN where undefined
    change: Array  # value less that of vanilla, NaN without one
    rows: Array  # behind the value: negatives for a gap of false positive rates, say
    smallest: Array  # of these, in the group that has the fewest
    groups: Array  # compared
    left_out: Array  # groups that have rows, but fewer than the minimum


def audit(
    confusion: TaskCounts | ArrayLike,
    cell_groups: ArrayLike,
    attributes: Sequence[str],
    n_groups: Sequence[int],
    *,
    minimum_count: int = 1,
    vanilla: TaskCounts | ArrayLike | None = None,
    rows: TaskCounts | ArrayLike | None = None,
) -> list[AuditLine]:
    """All `registry.GROUP_METRICS` of every attribute, every pair of attributes and all attributes together.

    Args:
        confusion: of a task, over the finest cells; an array `(..., cells, 6)` is that of a binary one.
        cell_groups: `(cells, attributes)` group of every attribute in each cell, -1 unknown; a cell counts where the
            attributes in question are known.
        attributes: their names.
        n_groups: the number of groups of each.
        minimum_count: groups with fewer rows of known label are left out, as groups without rows always are.
        vanilla: confusion of the model to compare with, broadcastable against `confusion`.
        rows: where `confusion` counts by weights, the same counts of rows.

    Returns:
        A line for each grouping and metric; metrics of exactly two groups only for attributes that have two, and
        `group_harm` only where there is a `vanilla`.

    Raises:
        ValueError: shapes that do not belong together, or a group outside its range.

    >>> lines = audit(np.ones((4, 6)), [[0, 0], [0, 1], [1, 0], [1, 1]], ["sex", "race"], [2, 2])
    >>> sorted({line.grouping for line in lines})
    ['race', 'sex', 'sex_x_race']
    """
    counts, cells = _as_counts(confusion), np.asarray(cell_groups)
    if cells.ndim != 2 or not cells.shape[1] == len(attributes) == len(n_groups):
        raise ValueError(
            f"got cell_groups of shape {cells.shape}, {len(attributes)} attributes and {len(n_groups)} numbers of "
            "groups, expected (cells, attributes) and one of each for every attribute"
        )
    lines = []
    for chosen in _groupings(len(attributes)):
        if len(chosen) == 1:
            codes, size = cells[:, chosen[0]], n_groups[chosen[0]]
        else:
            codes, size = _intersection(cells[:, chosen])
        name = JOINT.join(attributes[column] for column in chosen)
        by_group = counts.merge(codes, size)
        reference = None if vanilla is None else _as_counts(vanilla).merge(codes, size)
        counted = by_group if rows is None else _as_counts(rows).merge(codes, size)
        skipped = OF_TWO_GROUPS if len(chosen) > 1 or size != 2 else frozenset()
        lines += _lines(name, by_group, reference, counted, minimum_count, skipped)
    return lines


def _groupings(attributes: int) -> list[tuple[int, ...]]:
    """Columns of each attribute, each pair, and all of three or more."""
    columns = range(attributes)
    whole = [tuple(columns)] if attributes > 2 else []
    return [*combinations(columns, 1), *combinations(columns, 2), *whole]


def _intersection(cells: Array) -> tuple[Array, int]:
    """Each cell's group in the intersection of its columns, -1 where one is unknown; and how many groups occur."""
    known = (cells >= 0).all(axis=1)
    codes = np.full(len(cells), -1)
    groups, codes[known] = np.unique(cells[known], axis=0, return_inverse=True)
    return codes, len(groups)


def _lines(
    grouping: str,
    by_group: TaskCounts,
    vanilla: TaskCounts | None,
    counted: TaskCounts,
    minimum_count: int,
    skipped: frozenset[str],
) -> list[AuditLine]:
    every = counted.rows
    large = every >= minimum_count
    left_out = ((every > 0) & ~large).sum(axis=-1)
    kept = by_group.keep(large)
    reference = None if vanilla is None else vanilla.keep(large)
    seen = counted.keep(large)
    present = seen.rows > 0
    found = {}
    for metric in [name for name in GROUP_METRICS if name not in skipped]:
        value = measure_counts(METRICS[metric], kept)
        of_vanilla = np.full(value.shape, np.nan) if reference is None else measure_counts(METRICS[metric], reference)
        found[metric] = value, of_vanilla
    if reference is not None:
        harm = group_harm(kept.rate("error", rates.error), reference.rate("error", rates.error))
        found["group_harm"] = harm, np.zeros(harm.shape)
    lines = []
    for metric, (value, of_vanilla) in found.items():
        rows = seen.behind(METRICS[metric].rate)
        smallest = np.where(present, rows, np.inf).min(axis=-1, initial=np.inf)
        lines.append(
            AuditLine(
                grouping=grouping,
                metric=metric,
                value=value,
                change=value - of_vanilla,
                rows=rows.sum(axis=-1),
                smallest=np.where(np.isinf(smallest), 0, smallest),
                groups=present.sum(axis=-1),
                left_out=left_out,
            )
        )
    return lines


def _as_counts(counts: TaskCounts | ArrayLike) -> TaskCounts:
    return counts if isinstance(counts, TaskCounts) else TaskCounts(np.asarray(counts, dtype=float))
