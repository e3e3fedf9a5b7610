"""Bounds on metrics and on hyperparameters."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_WRITTEN = re.compile(r"\s*([A-Za-z_]\w*)\s*(<=|>=)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


@dataclass(frozen=True)
class Constraint:
    """`name` is a metric as in the columns of the trial table without the split (`error_income`, `arfg`), on the split
    that chooses at most or at least `bound`."""

    name: str
    at_most: bool
    bound: float

    def __str__(self) -> str:
        return f"{self.name} {'<=' if self.at_most else '>='} {self.bound!r}"

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Mask of the values that keep it."""
        return values <= self.bound if self.at_most else values >= self.bound

    def violations(self, values: np.ndarray) -> np.ndarray:
        """By how much it is missed, `(n,)`: 0 and less where it is kept, NaN where there is no value."""
        return values - self.bound if self.at_most else self.bound - values


def parse_constraint(text: str) -> Constraint:
    """Reads `error_income <= 0.16`. Raises ValueError with what is accepted."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(f"found {text!r}; expected a name, <= or >=, and a number, as in 'name <= 0.16'")
    return Constraint(found[1], found[2] == "<=", float(found[3]))
