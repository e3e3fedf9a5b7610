"""All combinations."""

from __future__ import annotations

import itertools
import math
from typing import Annotated

import numpy as np
from pydantic import Field

from paretofair.sampling import sampler
from paretofair.sampling.distributions import (
    Choice,
    Distribution,
    Fixed,
    Integers,
    Simplex,
    When,
    conditions,
    parts,
    settle,
)

LARGEST = 10_000_000


class GridOptions(sampler.SamplerOptions):
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
        for names, distribution in parts(self.parameters, self.tasks):
            values = self._shares() if isinstance(distribution, Simplex) else self._values(distribution)[:, None]
            self._axes.append((names, values))
        whole = math.prod(len(values) for _, values in self._axes)
        if whole > LARGEST:
            raise ValueError(f"the grid has {whole:,} combinations, more than {LARGEST:,}: take fewer points")
        self._whole = whole
        self._kept = self._without_repetitions() if conditions(self.parameters, self.tasks) else None

    @property
    def size(self) -> int:
        return self._whole if self._kept is None else len(self._kept)

    def ask(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        if len(indices) and indices.max() >= self.size:
            raise ValueError(f"index {indices.max()} is beyond the {self.size} combinations of the grid")
        places = indices if self._kept is None else self._kept[indices]
        return settle(self.parameters, self.tasks, self._at(places))

    def _at(self, combinations: np.ndarray) -> dict[str, np.ndarray]:
        places = np.unravel_index(combinations, [len(values) for _, values in self._axes])
        return {
            name: values[place, each]
            for (names, values), place in zip(self._axes, places, strict=True)
            for each, name in enumerate(names)
        }

    def _without_repetitions(self) -> np.ndarray:
        """Where a condition does not hold all values of its parameter are one: the first stands for them."""
        combinations = np.arange(self._whole)
        firsts = {names[0]: values[0, 0] for names, values in self._axes}
        for name, (on, each) in conditions(self.parameters, self.tasks).items():
            values = self._at(combinations)
            combinations = combinations[each.condition.holds(values[on]) | (values[name] == firsts[name])]
        return combinations

    def _values(self, distribution: Distribution) -> np.ndarray:
        if isinstance(distribution, When):
            return self._values(distribution.then)
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
