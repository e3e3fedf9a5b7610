"""All combinations."""

from __future__ import annotations

import itertools
import math
from typing import Annotated

import numpy as np
from pydantic import Field

from paretofair.search.distributions import Choice, Distribution, Fixed, Integers, Simplex, column
from paretofair.search.samplers import sampler

LARGEST = 10_000_000


class GridOptions(sampler.Options):
    """`points` of each range, its ends among them; lists and fixed values are taken as they are."""

    points: Annotated[int, Field(ge=2)] = 5


class Grid(sampler.Sampler):
    """Every combination of the listed values and of `points` from each range, the shares of tasks in steps of
    1 / (points - 1). The last parameter changes first; indices walk through all combinations in this order, whatever
    the seed."""

    Options = GridOptions

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]
        # Axes: the columns that change together, and their values side by side, `(values, columns)`.
        self._axes: list[tuple[list[str], np.ndarray]] = []
        for name, distribution in self.parameters.items():
            if isinstance(distribution, Distribution):
                self._axes.append(([name], self._values(distribution)[:, None]))
            elif isinstance(distribution, Simplex):
                names = [column(name, task) for task in self.tasks]
                self._axes.append((names, self._shares()))
            else:
                self._axes += [([column(name, task)], self._values(distribution[task])[:, None]) for task in self.tasks]
        if self.size > LARGEST:
            raise ValueError(f"the grid has {self.size:,} combinations, more than {LARGEST:,}: take fewer points")

    @property
    def size(self) -> int:
        return math.prod(len(values) for _, values in self._axes)

    def ask(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        if len(indices) and indices.max() >= self.size:
            raise ValueError(f"index {indices.max()} is beyond the {self.size} combinations of the grid")
        places = np.unravel_index(indices, [len(values) for _, values in self._axes])
        return {
            name: values[place, each]
            for (names, values), place in zip(self._axes, places, strict=True)
            for each, name in enumerate(names)
        }

    def _values(self, distribution: Distribution) -> np.ndarray:
        if isinstance(distribution, Fixed):
            return distribution.values(np.array([0.5]))
        if isinstance(distribution, Choice):
            return np.array(distribution.entries)
        if isinstance(distribution, Integers):
            count = min(self.options.points, int(distribution.high - distribution.low) + 1)
            return np.rint(np.linspace(distribution.low, distribution.high, count)).astype(np.int64)
        return distribution.values(np.linspace(0, 1, self.options.points))

    def _shares(self) -> np.ndarray:
        """All vectors of whole steps that sum to 1, `(vectors, tasks)`."""
        steps = self.options.points - 1
        bars = itertools.combinations(range(steps + len(self.tasks) - 1), len(self.tasks) - 1)
        cuts = np.array(list(bars), dtype=float).reshape(-1, len(self.tasks) - 1)
        ends = np.concatenate([np.full((len(cuts), 1), -1.0), cuts, np.full((len(cuts), 1), steps + cuts.shape[1])], 1)
        return (np.diff(ends, axis=1) - 1) / steps
