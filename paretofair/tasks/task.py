"""What methods, networks and evaluation ask of a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

# What a task can give, and what methods need of every task that they train (`Method.needs`).
SCORES = "scores"  # a probability for each label
CURVATURE = "curvature"  # derivatives of the row losses by the outputs
LABELS_OF_TWO = "labels of two"  # labels 0 and 1 and one logit
EVERYTHING = frozenset({SCORES, CURVATURE, LABELS_OF_TWO})
MARGINS = "margins"  # losses of rows with a margin of their own, for identities alone


class Measured(NamedTuple):
    """What evaluation found for K trials of one task on one split: `metrics` by name, `(K,)` each, and the counts of
    the finest cells, `(K, cells, ...)`, from which every rate and gap follows; where rows have weights both are by
    weight, and `unweighted` are the counts of rows. `of_groups` are metrics of each group alone, `(K, groups)`, for
    those that ask for one (`registry.metric_of_group`)."""

    metrics: dict[str, np.ndarray]
    counts: np.ndarray
    unweighted: np.ndarray | None = None
    of_groups: Mapping[str, np.ndarray] = MappingProxyType({})


class LabelledRows(NamedTuple):
    """The rows of a split as one task sees them, `(n,)` each: labels (-1 unknown), groups of the attribute that its
    loss acts on (-1 unknown), and the finest cell of all attributes. `group_of_cell` `(cells,)` says which of the
    `n_groups` groups a cell belongs to. Where rows have weights these are `weights`, float64 multiples of a power of
    two, and `units`, int64, how many times that."""

    labels: Tensor
    groups: Tensor
    cells: Tensor
    group_of_cell: np.ndarray
    n_groups: int
    weights: Tensor | None = None
    units: Tensor | None = None
    in_training: bool = False


@dataclass(frozen=True)
class Task:
    """One task for K trials at once. Labels are `([K,] B)`: 0 to `classes` - 1, or -1 where unknown."""

    classes: int = 2

    # Of what is above, what this kind of task has.
    gives: ClassVar[frozenset[str]] = frozenset()
    # Whether all rows of a label are of one group, as all pictures of a person are.
    own_groups: ClassVar[bool] = False

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for it: its slice of the flat outputs `(K, O, B)`."""
        raise NotImplementedError

    @property
    def scored(self) -> tuple[int, ...]:
        """The labels that have a score, in the order of `scores`."""
        raise NotImplementedError

    def row_losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The loss of every row, `(K, B)`, from outputs `(K, O, B)`; of no meaning where the label is unknown."""
        raise NotImplementedError

    def scores(self, outputs: Tensor) -> Tensor:
        """Probabilities of the labels `scored`, `(K, S, B)`, from outputs `(K, O, B)`."""
        raise NotImplementedError

    def keep(self, outputs: Tensor, features: Tensor | None) -> Tensor:
        """What evaluation keeps of a forward pass, `(K, M, B)`, and gives to `decide` and `measure`: the outputs `(K,
        O, B)`, or where these would be too many something made of them and of the `features` `(K, H, B)`."""
        return outputs

    def decide(self, outputs: Tensor, scores: Tensor) -> Tensor:
        """The label that is decided for every row, `(K, n)`: that of the largest score; binary tasks have thresholds,
        which are applied in `training.measuring.evaluation`."""
        return torch.tensor(self.scored, device=scores.device)[scores.argmax(1)]

    def confidence(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The probability of the true label of every row, `(K, B)`."""
        raise NotImplementedError

    def residual(self, scores: Tensor, labels: Tensor, share: Tensor) -> Tensor:
        """The derivative of `Σ share · row_losses` by the outputs, `(K, O, B)`, share `([K,] B)`."""
        raise NotImplementedError

    def curve(self, scores: Tensor, share: Tensor, move: Tensor) -> Tensor:
        """How far `residual` changes where the outputs move by `move` `(K, O, B)`, `(K, O, B)`."""
        raise NotImplementedError

    def measure(self, outputs: Tensor, scores: Tensor, rows: LabelledRows) -> Measured:
        """Metrics and counts of K trials from outputs `(K, O, n)` and their scores `(K, S, n)`; binary tasks are
        measured together, in `training.measuring.evaluation`."""
        raise NotImplementedError
