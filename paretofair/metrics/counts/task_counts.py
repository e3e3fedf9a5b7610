"""The counts of one task, whatever its kind: of cells or groups, and every rate and metric that follows from them.

A binary task has the six counts of `confusion`, a task with C classes those of `class_counts`. What is known of two
labels (rates, gaps) is measured for every class against the rest; over classes the worst value counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretofair.metrics import rates
from paretofair.metrics.counts import class_counts

Array = NDArray[Any]
_DECISIONS = 4  # of the six counts of a binary task, those that add up to its rows

# What several classes have of their own, in place of the metric of this name of each class against the rest.
_OF_CLASSES: dict[str, Callable[[ArrayLike], Array]] = {
    "error": class_counts.error,
    "accuracy": class_counts.accuracy,
}
_OF_GROUPS_OF_CLASSES: dict[str, Callable[[ArrayLike], Array]] = {
    "accuracy_gap": class_counts.accuracy_gap,
    "worst_group_accuracy": class_counts.worst_group_accuracy,
    "worst_group_error": class_counts.worst_group_error,
}


@dataclass(frozen=True)
class TaskCounts:
    """`values` `(..., cells, 6)` of a binary task, where `classes` is 0, else `(..., cells, 2, C, C)`."""

    values: Array
    classes: int = 0

    @staticmethod
    def split(flat: ArrayLike, cells: int, classes: Sequence[int]) -> list[TaskCounts]:
        """The counts of every task from the lists of a trial table, `(..., all of them)`; `classes` of each task, 0 for
        a binary one. Raises ValueError for lists of another length."""
        values = np.asarray(flat, dtype=float)
        widths = [cells * count_size(each) for each in classes]
        if values.shape[-1] != sum(widths):
            raise ValueError(f"got lists of {values.shape[-1]} counts, expected {sum(widths)}")
        parts = np.split(values, np.cumsum(widths)[:-1], axis=-1)
        return [
            TaskCounts(part.reshape(*part.shape[:-1], cells, *((2, each, each) if each else (6,))), each)
            for part, each in zip(parts, classes, strict=True)
        ]

    def take(self, index: Any) -> TaskCounts:
        """The counts at an index of the leading axes."""
        return TaskCounts(self.values[index], self.classes)

    def merge(self, cell_groups: ArrayLike, n_groups: int) -> TaskCounts:
        """Cells summed into the groups of one attribute, as `rates.merge`."""
        merge = class_counts.merge if self.classes else rates.merge
        return TaskCounts(merge(self.values, cell_groups, n_groups), self.classes)

    def keep(self, cells: Array) -> TaskCounts:
        """The counts with 0 in all cells but these, a mask `(..., cells)`."""
        mask = cells[..., None, None, None] if self.classes else cells[..., None]
        # The counts of a diverged trial are NaN: it compares no group, and its values are NaN.
        return TaskCounts(np.where(mask, self.values, 0), self.classes)

    def behind(self, rate: str) -> Array:
        """The rows behind a rate of each cell, `(..., cells)`; of several classes those of the one with the fewest."""
        return np.asarray(rates.rate_counts(self.by_class)[rate].min(-2))

    @property
    def total(self) -> TaskCounts:
        """All cells in one, `(..., 1, ...)`."""
        axis = -4 if self.classes else -2
        return TaskCounts(self.values.sum(axis=axis, keepdims=True), self.classes)

    @property
    def rows(self) -> Array:
        """Rows of known label in every cell, `(..., cells)`."""
        return np.asarray(self.decisions.sum(-1))

    @property
    def decisions(self) -> Array:
        """Rows of every cell by label and decision, `(..., cells, n)`: they add up to its rows."""
        if self.classes:
            return self.values[..., 0, :, :].reshape(*self.values.shape[:-3], -1)
        return self.values[..., :_DECISIONS]

    def with_decisions(self, decisions: Array) -> TaskCounts:
        """Counts `(..., cells, n)` of decisions drawn anew; the sums of scores, which nobody drew, are 0."""
        if self.classes:
            hard = decisions.reshape(*decisions.shape[:-1], self.classes, self.classes)
            return TaskCounts(np.stack([hard, np.zeros_like(hard)], -3), self.classes)
        scores = np.zeros((*decisions.shape[:-1], self.values.shape[-1] - _DECISIONS))
        return TaskCounts(np.concatenate([decisions, scores], -1))

    @property
    def by_class(self) -> Array:
        """The six counts of each class against the rest, `(..., C, cells, 6)`; of a binary task its own, with C 1."""
        return class_counts.one_against_rest(self.values) if self.classes else self.values[..., None, :, :]

    def rate(self, name: str, function: Callable[[ArrayLike], Array]) -> Array:
        """A rate of every cell, `(..., cells)`: `function` of six counts. Of several classes the accuracy or error of
        the task; any other rate is the mean over classes."""
        if not self.classes:
            return function(self.values)
        if name in _OF_CLASSES:
            return _OF_CLASSES[name](self.values)
        return np.asarray(function(self.by_class).mean(-2))

    def measure(self, name: str, function: Callable[[ArrayLike], Array], worst: str = "largest") -> Array:
        """A metric of groups, `(...)`: `function` of `(..., groups, 6)`. Of several classes that of the class where it
        is worst: the `largest`, the `smallest`, or the one `far from 1`."""
        if not self.classes:
            return function(self.values)
        if name in _OF_GROUPS_OF_CLASSES:
            return _OF_GROUPS_OF_CLASSES[name](self.values)
        every = function(self.by_class)
        if worst == "far from 1":
            place = np.abs(np.where(np.isnan(every), 1.0, every) - 1).argmax(-1)
            found = np.take_along_axis(every, place[..., None], -1)[..., 0]
            return np.where(np.isnan(every).any(-1), np.nan, found)
        return np.asarray(every.min(-1) if worst == "smallest" else every.max(-1))


def count_size(classes: int) -> int:
    """How many counts a cell has."""
    return 2 * classes**2 if classes else 6
