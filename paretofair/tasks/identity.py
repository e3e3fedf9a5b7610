"""Identities: thousands of labels, such as people, told apart by the angles between features.

A network gives the cosine of the angle between an example's features and the direction of every identity of training
(`models.CosineNetwork`). Training classifies by them with a margin (CosFace: Wang et al. 2018); evaluation compares
features, so that it also works on identities that training never saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from paretofair.metrics import rates
from paretofair.metrics.rows import recognition
from paretofair.tasks.task import MARGINS, LabelledRows, Measured, Task

SCALE = 64.0
MARGIN = 0.35


@dataclass(frozen=True)
class Identity(Task):
    """One of `classes` identities of training; rows of other identities have higher labels.

    The loss of a row is the cross-entropy of s (cos θ_y - m) for its own identity against s cos θ_j for the others,
    with s = 64 and m = .35. What evaluation keeps of a row is its features and, behind them, the identity of the
    largest cosine. On training rows a decision is that identity; on other rows it is that of the nearest other row of
    the same split (rank-1, leave-one-out): right or wrong is all that counts say, so that they are those of a binary
    task whose rows all have the label 1.
    """

    gives: ClassVar[frozenset[str]] = frozenset({MARGINS})
    own_groups: ClassVar[bool] = True

    @property
    def outputs(self) -> int:
        return self.classes

    @property
    def scored(self) -> tuple[int, ...]:
        return ()

    def row_losses(self, outputs: Tensor, labels: Tensor, margin: Tensor | float = MARGIN) -> Tensor:
        """`margin`: one number, or those of the rows, `(K, B)`."""
        own = labels.long().clamp(0, self.classes - 1)
        index = own.expand(len(outputs), -1)[:, None]
        reduced = outputs.gather(1, index) - (margin[:, None] if isinstance(margin, Tensor) else margin)
        # Not in place: autograd needs the cosines as they were.
        logits = SCALE * outputs.scatter(1, index, reduced)
        return logits.logsumexp(1) - SCALE * reduced[:, 0]

    def scores(self, outputs: Tensor) -> Tensor:
        """None: `(K, 0, B)`."""
        return outputs[:, :0]

    def keep(self, outputs: Tensor, features: Tensor | None) -> Tensor:
        """Features and the identity of the largest cosine, `(K, D + 1, B)`."""
        assert features is not None, "a network with a cosine head tells its features"
        return torch.cat([features, outputs.argmax(1, keepdim=True).to(features.dtype)], 1)

    def decide(self, outputs: Tensor, scores: Tensor) -> Tensor:
        """The identity of training with the largest cosine."""
        return outputs[:, -1].long()

    def measure(self, outputs: Tensor, scores: Tensor, rows: LabelledRows) -> Measured:
        """From what `keep` kept; angles are means over identities, in degrees."""
        groups = _find_groups(rows, rows.labels)
        counts, unweighted, of_groups = [], [], []
        for own in outputs:
            features = own[:-1].T
            if rows.in_training:
                probe = rows.labels >= 0
                right = probe & (own[-1] == rows.labels)
            else:
                probe, right = recognition.match_nearest(features, rows.labels)
            counts.append(_count(probe, right, rows, rows.weights))
            unweighted.append(_count(probe, right, rows, None))
            angles = recognition.measure_angles(features, rows.labels)
            of_groups.append([[_mean(each), *_mean_by(each, groups, rows.n_groups)] for each in angles[1:]])
        confusion = np.stack(counts)
        angles_of = np.array(of_groups)  # (K, 2, 1 + groups)
        metrics = {"error": rates.error(confusion.sum(1))}
        metrics |= {"intra_angle": angles_of[:, 0, 0], "inter_angle": angles_of[:, 1, 0]}
        of_each = {"intra_angle": angles_of[:, 0, 1:], "inter_angle": angles_of[:, 1, 1:]}
        return Measured(metrics, confusion, None if rows.weights is None else np.stack(unweighted), of_each)


def _count(probe: Tensor, right: Tensor, rows: LabelledRows, weights: Tensor | None) -> np.ndarray:
    """`(cells, 6)`, as of a binary task: right ones are true positives, wrong ones false negatives."""
    weight = probe.double() if weights is None else probe * weights
    cells = len(rows.group_of_cell)
    # Sums of whole numbers, or of multiples of a power of two, are exact in any order.
    every = torch.zeros(cells, dtype=torch.float64, device=probe.device).index_add_(0, rows.cells, weight)
    found = torch.zeros_like(every).index_add_(0, rows.cells, weight * right)
    counts = torch.zeros(cells, 6, dtype=torch.float64)
    counts[:, 0], counts[:, 3] = found.cpu(), (every - found).cpu()
    return counts.numpy()


def _find_groups(rows: LabelledRows, labels: Tensor) -> Tensor:
    """The group of every identity with a known label, in ascending order: that of its first row of known group, else
    -1."""
    known = labels >= 0
    found, place = labels[known].long().unique(return_inverse=True)
    groups = torch.full((len(found),), -1, dtype=torch.int64, device=labels.device)
    return groups.scatter_reduce(0, place, rows.groups[known].long(), "amax")


def _mean(values: Tensor) -> float:
    return float(values.cpu().numpy().mean()) if len(values) else np.nan


def _mean_by(values: Tensor, groups: Tensor, n_groups: int) -> list[float]:
    return [_mean(values[groups == group]) for group in range(n_groups)]
