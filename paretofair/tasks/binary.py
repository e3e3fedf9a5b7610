"""Two labels, one logit: the sigmoid of it is the probability of label 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from paretofair.tasks.task import EVERYTHING, Task


@dataclass(frozen=True)
class Binary(Task):
    """A label 0 or 1."""

    gives: ClassVar[frozenset[str]] = EVERYTHING

    @property
    def outputs(self) -> int:
        return 1

    @property
    def scored(self) -> tuple[int, ...]:
        return (1,)

    def row_losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return binary_cross_entropy(outputs[:, 0], labels)

    def scores(self, outputs: Tensor) -> Tensor:
        return torch.sigmoid(outputs)

    def confidence(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return torch.sigmoid((2 * labels - 1) * outputs[:, 0])

    def residual(self, scores: Tensor, labels: Tensor, share: Tensor) -> Tensor:
        return (share * (scores[:, 0] - labels))[:, None]

    def curve(self, scores: Tensor, share: Tensor, move: Tensor) -> Tensor:
        p = scores[:, 0]
        return (share * p * (1 - p))[:, None] * move


def binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Of every row, in the shape of `logits`; of no meaning where the label is unknown (-1)."""
    # Above the threshold softplus returns its argument; 50 is where that is exact in float64.
    return softplus(logits, threshold=50) - logits * labels.clamp_min(0)
