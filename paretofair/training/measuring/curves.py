"""What is measured while trials train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CurveSettings:
    """Asks for headline metrics after every so many epochs and at the end, and with `contribution` for the disparities
    of `training.measuring.contribution`, under `contribution_<name>`; on these `splits` alone, where there are any of
    them. Training goes on as without."""

    every: int = 1
    contribution: bool = False
    splits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Curve:
    """What was measured: in each row a trial, by its place in the stack, after so many epochs; metrics are
    `(rows, tasks)`."""

    positions: np.ndarray
    epochs: np.ndarray
    metrics: dict[str, np.ndarray]

    @staticmethod
    def join(parts: Sequence[Curve]) -> Curve:
        """One after the other."""
        return Curve(
            np.concatenate([part.positions for part in parts]),
            np.concatenate([part.epochs for part in parts]),
            {name: np.concatenate([part.metrics[name] for part in parts]) for name in parts[0].metrics},
        )
