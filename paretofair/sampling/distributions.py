"""Distributions of hyperparameters, and draws from them that depend on seed, column and trial index alone."""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from paretofair.metrics.constraints import Constraint

Number = int | float


class Distribution(ABC):
    """The values of one column of the trial table: int64 or float64, as its bounds or entries are."""

    @property
    @abstractmethod
    def centre(self) -> Number:
        """The median: what a point of the space file gets for a parameter that it does not give."""

    @abstractmethod
    def values(self, uniforms: np.ndarray) -> np.ndarray:
        """`(trials,)` values at `(trials,)` uniform numbers between 0 and 1, both exclusive."""

    @abstractmethod
    def covers(self, values: np.ndarray) -> np.ndarray:
        """Mask of the `(trials,)` values that can be drawn."""

    @abstractmethod
    def written(self) -> Any:
        """The distribution as the space file writes it."""


@dataclass(frozen=True)
class Fixed(Distribution):
    """One value (file: `0.08`)."""

    value: Number

    @property
    def centre(self) -> Number:
        return self.value

    def values(self, uniforms: np.ndarray) -> np.ndarray:
        return np.full(len(uniforms), self.value, _dtype(self.value))

    def covers(self, values: np.ndarray) -> np.ndarray:
        return values == self.value

    def written(self) -> Any:
        return self.value


@dataclass(frozen=True)
class Choice(Distribution):
    """Equal chances for each entry (file: `[20, 40, 60]`). The centre is the median entry, the lower one of two."""

    entries: tuple[Number, ...]

    @property
    def centre(self) -> Number:
        return sorted(self.entries)[(len(self.entries) - 1) // 2]

    def values(self, uniforms: np.ndarray) -> np.ndarray:
        indices = np.floor(uniforms * len(self.entries)).astype(np.int64)
        return np.array(self.entries, _dtype(self.entries[0]))[indices]

    def covers(self, values: np.ndarray) -> np.ndarray:
        return np.isin(values, self.entries)

    def written(self) -> Any:
        return list(self.entries)


@dataclass(frozen=True)
class Uniform(Distribution):
    """File: `{uniform: [0, 5]}`. The centre is the middle."""

    low: float
    high: float

    @property
    def centre(self) -> Number:
        return 0.5 * self.low + 0.5 * self.high

    def values(self, uniforms: np.ndarray) -> np.ndarray:
        return np.clip(self.low + (self.high - self.low) * uniforms, self.low, self.high)

    def covers(self, values: np.ndarray) -> np.ndarray:
        return (values >= self.low) & (values <= self.high)

    def written(self) -> Any:
        return {"uniform": [self.low, self.high]}


@dataclass(frozen=True)
class LogUniform(Distribution):
    """The logarithm is uniform (file: `{log_uniform: [0.01, 0.3]}`, positive). The centre is the geometric mean."""

    low: float
    high: float

    @property
    def centre(self) -> Number:
        return math.sqrt(self.low) * math.sqrt(self.high)

    def values(self, uniforms: np.ndarray) -> np.ndarray:
        low, high = log(np.array([self.low, self.high]))
        return np.clip(exp(low + (high - low) * uniforms), self.low, self.high)

    def covers(self, values: np.ndarray) -> np.ndarray:
        return (values >= self.low) & (values <= self.high)

    def written(self) -> Any:
        return {"log_uniform": [self.low, self.high]}


@dataclass(frozen=True)
class Integers(Distribution):
    """Whole numbers with equal chances (file: `{integer: [1, 100]}`). The centre is the lower middle."""

    low: Number
    high: Number

    @property
    def centre(self) -> Number:
        return (self.low + self.high) // 2

    def values(self, uniforms: np.ndarray) -> np.ndarray:
        steps = np.floor(uniforms * (self.high - self.low + 1))
        return (self.low + steps).astype(_dtype(self.low))

    def covers(self, values: np.ndarray) -> np.ndarray:
        return (values >= self.low) & (values <= self.high) & (values == np.rint(values))

    def written(self) -> Any:
        return {"integer": [self.low, self.high]}


@dataclass(frozen=True)
class When(Distribution):
    """A distribution that counts only where another parameter of the trial, or of the trial and task, is at least or at
    most a bound (file: `{when: fairness_weight >= 0.1, then: {uniform: [0, 1]}, otherwise: 0}`)."""

    condition: Constraint
    then: Distribution
    otherwise: Number

    @property
    def centre(self) -> Number:
        return self.then.centre

    def values(self, uniforms: np.ndarray) -> np.ndarray:
        """Those of `then`; `settle` puts `otherwise` in their place."""
        return self.then.values(uniforms)

    def covers(self, values: np.ndarray) -> np.ndarray:
        return self.then.covers(values) | (values == self.otherwise)

    def written(self) -> Any:
        return {"when": str(self.condition), "then": self.then.written(), "otherwise": self.otherwise}


@dataclass(frozen=True)
class Simplex:
    """Shares of the tasks that sum to 1, uniform over all such vectors (file: `simplex`)."""

    def values(self, uniforms: Sequence[np.ndarray]) -> list[np.ndarray]:
        """One `(trials,)` array for each task: exponentials, one stream for each task, over their sum."""
        exponentials = [-log(column) for column in uniforms]
        total = sum(exponentials[1:], start=exponentials[0])
        return [column / total for column in exponentials]

    def written(self) -> Any:
        return "simplex"


# A scalar parameter has a distribution; a parameter per task one for each task, or one of all tasks together.
Distributions = Mapping[str, Distribution | Simplex | Mapping[str, Distribution]]


def column(name: str, task: str) -> str:
    """The trial table's column of a task's value of a parameter."""
    return f"{name}_{task}"


def parts(parameters: Distributions, tasks: Sequence[str]) -> Iterator[tuple[list[str], Distribution | Simplex]]:
    """Every distribution with the columns that it fills: one, or for shares those of all tasks."""
    for name, distribution in parameters.items():
        if isinstance(distribution, Simplex):
            yield [column(name, task) for task in tasks], distribution
        elif isinstance(distribution, Distribution):
            yield [name], distribution
        else:
            yield from (([column(name, task)], distribution[task]) for task in tasks)


def is_one_point(parameters: Distributions, tasks: Sequence[str]) -> bool:
    """Whether every draw is the same."""
    return all(
        len(tasks) == 1 if isinstance(each, Simplex) else isinstance(each, Fixed)
        for _, each in parts(parameters, tasks)
    )


def conditions(parameters: Distributions, tasks: Sequence[str]) -> dict[str, tuple[str, When]]:
    """The columns with a condition, each with the column that decides it: the same task's, where there is one."""
    found = {}
    for name, distribution in parameters.items():
        for task in tasks if isinstance(distribution, Mapping) else [None]:
            each = distribution[task] if isinstance(distribution, Mapping) and task else distribution
            if isinstance(each, When):
                on = each.condition.name
                of_task = task is not None and not isinstance(parameters.get(on), Distribution)
                found[column(name, task) if task else name] = (column(on, task) if task and of_task else on, each)
    return found


def settle(parameters: Distributions, tasks: Sequence[str], values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Drawn `values` by column, with `otherwise` where a condition does not hold."""
    changed = {
        name: np.where(each.condition.holds(values[on]), values[name], each.otherwise).astype(values[name].dtype)
        for name, (on, each) in conditions(parameters, tasks).items()
        if on in values
    }
    return values | changed


def draw(parameters: Distributions, tasks: Sequence[str], *, seed: int, first: int, last: int) -> dict[str, np.ndarray]:
    """The hyperparameters of the trials `first` to `last - 1`: by column `(last - first,)`, float64 or int64.

    A pure function of seed, column name and trial index: other parameters, methods and ranges leave a value alone,
    so methods that read the same parameter get the same values, trial by trial. Bit for bit the same on every
    platform.
    """
    result: dict[str, np.ndarray] = {}
    for names, distribution in parts(parameters, tasks):
        streams = [uniforms(seed, name, first, last) for name in names]
        if isinstance(distribution, Simplex):
            result.update(zip(names, distribution.values(streams), strict=True))
        else:
            result[names[0]] = distribution.values(streams[0])
    return settle(parameters, tasks, result)


def uniforms(seed: int, name: str, first: int, last: int) -> np.ndarray:
    """`(last - first,)` numbers strictly between 0 and 1: a range of the endless stream that (seed, name) names."""
    if not 0 <= first <= last:
        raise ValueError(f"expected 0 <= first <= last, got {first} and {last}")
    digest = hashlib.sha256(json.dumps([int(seed), name]).encode()).digest()
    # Philox makes blocks of four numbers from (key, block index): any place of the stream is reached at once.
    block, skipped = divmod(first, 4)
    philox = np.random.Philox(key=np.frombuffer(digest[:16], "<u8"), counter=block)
    raw = philox.random_raw(skipped + last - first)[skipped:]
    # 52 bits and one half: the largest resolution at which neither 0 nor 1 can come out of rounding.
    return ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _dtype(value: Number) -> type[np.generic]:
    return np.int64 if isinstance(value, int) else np.float64


# numpy's log and exp differ in the last bit between processors. These use only operations that IEEE 754 rounds
# exactly, so that a trial has the same hyperparameters wherever it is drawn. ln 2 in two parts (fdlibm): multiples of
# the first one are exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10


def log(values: np.ndarray) -> np.ndarray:
    """Natural logarithm of positive numbers, within a few units in the last place."""
    mantissa, exponent = np.frexp(values)
    small = mantissa < math.sqrt(0.5)
    mantissa, exponent = np.where(small, 2 * mantissa, mantissa), exponent - small
    ratio = (mantissa - 1) / (mantissa + 1)
    series = np.zeros_like(ratio)
    for odd in range(23, 0, -2):
        series = series * ratio * ratio + 1 / odd
    return exponent * _LN2_HIGH + (exponent * _LN2_LOW + 2 * ratio * series)


def exp(values: np.ndarray) -> np.ndarray:
    """The exponential of numbers between -700 and 700, within a few units in the last place."""
    exponent = np.rint(values / (_LN2_HIGH + _LN2_LOW))
    rest = (values - exponent * _LN2_HIGH) - exponent * _LN2_LOW
    series = np.ones_like(rest)
    for n in range(15, 0, -1):
        series = 1 + series * rest / n
    return np.ldexp(series, exponent.astype(np.int32))
