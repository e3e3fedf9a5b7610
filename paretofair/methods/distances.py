"""Differentiable distances between the scores of groups on a subset of rows (Wang et al. 2021, eq. 6-7).

Every distance takes probabilities `(K, T, B)`, subset weights `([K,] T, B)` and a mask of one group `([K,] T, B)`,
and compares that group with the rest of the subset; `between_groups` averages over the groups present. A constant
score gives exactly 0 with zero gradient: scores are measured from the first row of the subset, so that equal scores
cancel exactly instead of leaving rounding noise for an absolute value to amplify.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from paretofair.methods.method import LossSettings
from paretofair.methods.mmd import squared_mmd

Distance = Callable[[Tensor, Tensor, Tensor, LossSettings], Tensor]


def between_groups(
    probabilities: Tensor, subset: Tensor, groups: Tensor, n_groups: int, settings: LossSettings
) -> tuple[Tensor, Tensor]:
    """The mean, over the groups present in the subset, of each group's distance to the rest.

    Shapes: probabilities `(K, T, B)`, subset and groups `([K,] T, B)`. Returns the distance `(K, T)`, minimised,
    exactly 0 with zero gradient where fewer than two groups are present, and whether that was so, `([K,] T)`.
    """
    distance = DISTANCES[settings.distance]
    # For two groups, each against the rest is the same number twice.
    compared = range(1, 2) if n_groups == 2 else range(n_groups)
    total = probabilities.new_zeros(probabilities.shape[:2])
    present = torch.zeros_like(subset[..., 0])
    for group in compared:
        member = (groups == group).to(subset.dtype)
        size = (subset * member).sum(-1)
        both = ((size > 0) & (subset.sum(-1) > size)).to(subset.dtype)
        total = total + distance(probabilities, subset * both[..., None], member, settings)
        present = present + both
    return total / present.clamp_min(1), present == 0


def correlation(probabilities: Tensor, subset: Tensor, member: Tensor, settings: LossSettings) -> Tensor:
    """Absolute Pearson correlation of score and group: population moments, denominator + 1e-6 (eq. 6a)."""
    rows = subset.sum(-1, keepdim=True).clamp_min(1)
    group = (member - (subset * member).sum(-1, keepdim=True) / rows) * subset
    score = _from_first(probabilities, subset)
    score = (score - (subset * score).sum(-1, keepdim=True) / rows) * subset
    rows = rows[..., 0]
    covariance = (score * group).sum(-1) / rows
    variances = (score * score).sum(-1) * (group * group).sum(-1) / (rows * rows)
    # The clamp keeps the gradient of the root finite where the score is constant.
    return covariance.abs() / (variances.clamp_min(1e-24).sqrt() + 1e-6)


def mmd(probabilities: Tensor, subset: Tensor, member: Tensor, settings: LossSettings) -> Tensor:
    """Squared maximum mean discrepancy, kernel exp(-(x-y)²/bandwidth²), biased V-statistic (eq. 6b).

    In float64 whatever the type of the scores, and linear in the rows: see `squared_mmd`.
    """
    scores = _from_first(probabilities.double(), subset)
    contrast = _contrast(subset.double(), member.double())
    return squared_mmd(scores, contrast, settings.bandwidth).to(probabilities.dtype)


def fpr_gap(probabilities: Tensor, subset: Tensor, member: Tensor, settings: LossSettings) -> Tensor:
    """Absolute difference of the groups' mean scores (eq. 6c with scores in place of decisions).

    With `hard` it is the published code's difference of rates at .5, which has no gradient.
    """
    if settings.hard:
        probabilities = (probabilities.detach() >= 0.5).to(probabilities.dtype)
    return (_from_first(probabilities, subset) * _contrast(subset, member)).sum(-1).abs()


DISTANCES: dict[str, Distance] = {"correlation": correlation, "mmd": mmd, "fpr_gap": fpr_gap}


def _from_first(probabilities: Tensor, subset: Tensor) -> Tensor:
    """Scores less the score of the subset's first row, which is a constant to the gradient."""
    first = (subset > 0).to(torch.int8).argmax(-1, keepdim=True)
    first = first.expand(*probabilities.shape[:-1], 1)
    return probabilities - probabilities.detach().gather(-1, first)


def _contrast(subset: Tensor, member: Tensor) -> Tensor:
    """Weights `([K,] T, B)` whose product with scores is the group's mean less the mean of the rest."""
    inside, outside = subset * member, subset * (1 - member)
    inside_size = inside.sum(-1, keepdim=True).clamp_min(1)
    outside_size = outside.sum(-1, keepdim=True).clamp_min(1)
    return inside / inside_size - outside / outside_size
