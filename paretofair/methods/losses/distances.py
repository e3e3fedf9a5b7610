"""Differentiable distances between the scores of groups on a subset of rows (Wang et al. 2021, eq. 6-7).

Every distance in `DISTANCES` takes probabilities `(K, T, B)`, subset weights `([K,] T, B)` and a mask of one group
`([K,] T, B)`, and compares that group with the rest of the subset; `between_groups` averages over the groups present.
`differential` compares all groups at once instead. A constant score gives exactly 0 with zero gradient: scores are
measured from the first row of the subset, so that equal scores cancel exactly instead of leaving rounding noise for an
absolute value to amplify. (`differential` is smoothed, which pulls small groups towards one half: there a constant
score is 0 where the groups compared have one size, or the score is one half.)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from paretofair.methods.losses.mmd import squared_mmd
from paretofair.methods.method import LossSettings, avoid_zero

Distance = Callable[[Tensor, Tensor, Tensor, LossSettings], Tensor]


def between_groups(
    probabilities: Tensor, subset: Tensor, groups: Tensor, n_groups: int, settings: LossSettings
) -> tuple[Tensor, Tensor]:
    """The mean, over the groups present in the subset, of each group's distance to the rest; or `differential`.

    Shapes: probabilities `(K, T, B)`, subset and groups `([K,] T, B)`. Returns the distance `(K, T)`, minimised,
    exactly 0 with zero gradient where fewer than two groups are present, and whether that was so, `([K,] T)`.
    """
    if settings.distance == "differential":
        return differential(probabilities, subset, groups, n_groups, settings.concentration)
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
    rows = avoid_zero(subset.sum(-1, keepdim=True))
    group = member - (subset * member).sum(-1, keepdim=True) / rows
    score = _subtract_first(probabilities, subset)
    score = score - (subset * score).sum(-1, keepdim=True) / rows
    of_group, of_score = subset * group, subset * score
    rows = rows[..., 0]
    covariance = (score * of_group).sum(-1) / rows
    variances = (score * of_score).sum(-1) * (group * of_group).sum(-1) / (rows * rows)
    # The clamp keeps the gradient of the root finite where the score is constant.
    return covariance.abs() / (variances.clamp_min(1e-24).sqrt() + 1e-6)


def mmd(probabilities: Tensor, subset: Tensor, member: Tensor, settings: LossSettings) -> Tensor:
    """Squared maximum mean discrepancy, kernel exp(-(x-y)²/bandwidth²), biased V-statistic (eq. 6b).

    In float64 whatever the type of the scores, and linear in the rows: see `squared_mmd`.
    """
    scores = _subtract_first(probabilities.double(), subset)
    contrast = _contrast(subset.double(), member.double())
    return squared_mmd(scores, contrast, settings.bandwidth).to(probabilities.dtype)


def fpr_gap(probabilities: Tensor, subset: Tensor, member: Tensor, settings: LossSettings) -> Tensor:
    """Absolute difference of the groups' mean scores (eq. 6c with scores in place of decisions).

    With `hard` it is the published code's difference of rates at .5, which has no gradient.
    """
    if settings.hard:
        probabilities = (probabilities.detach() >= 0.5).to(probabilities.dtype)
    return (_subtract_first(probabilities, subset) * _contrast(subset, member)).sum(-1).abs()


DISTANCES: dict[str, Distance] = {"correlation": correlation, "mmd": mmd, "fpr_gap": fpr_gap}


def differential(
    probabilities: Tensor, subset: Tensor, groups: Tensor, n_groups: int, concentration: float
) -> tuple[Tensor, Tensor]:
    """Largest log ratio, over pairs of groups present, of smoothed mean scores (Σp + c)/(n + 2c) (Foulds et al. 2020),
    c the `concentration`; of this batch alone (`running` counts over batches).

    Arguments and result are those of `between_groups`. Foulds et al. bound the ratio of every pair of groups, so the
    largest is kept for more than two groups, where the other distances average; their bound on the ratio of 1 - p is
    left out.
    """
    means, sizes = group_means(probabilities, subset, groups, n_groups)
    largest, smallest, missing = extremes((sizes * means + concentration) / (sizes + 2 * concentration), sizes)
    # 1 / 1 where there is nothing to compare.
    one = missing.to(largest.dtype)
    return ((largest + one) / (smallest + one)).log(), missing


def group_means(values: Tensor, weights: Tensor, groups: Tensor, n_groups: int) -> tuple[Tensor, Tensor]:
    """Weighted means of `values` `(K, T, B)` in every group, `(K, T, G)`, and the groups' weights, `([K,] T, G)`.

    Weights and groups are `([K,] T, B)`; -1 is no group. Equal values have exactly equal means, whatever the groups'
    sizes. The mean of a group of weight 0 has no meaning and no gradient.
    """
    first = _first(values, weights)
    values = values - first
    means, sizes = [], []
    for group in range(n_groups):
        own = weights * (groups == group)
        size = own.sum(-1)
        means.append((values * own).sum(-1) / avoid_zero(size))
        sizes.append(size)
    return first + torch.stack(means, -1), torch.stack(sizes, -1)


def extremes(values: Tensor, sizes: Tensor, at_least: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Largest and smallest of the groups' `values` `(K, T, G)` over the groups present (of `sizes` `([K,] T, G)` > 0).

    Returns both, `(K, T)`, and where fewer than `at_least` groups are present, `([K,] T)`: there both are exactly 0
    with zero gradient. Groups that tie share the gradient evenly.
    """
    present = sizes > 0
    missing = present.sum(-1) < at_least
    largest = torch.where(present, values, -math.inf).amax(-1)
    smallest = torch.where(present, values, math.inf).amin(-1)
    return torch.where(missing, 0, largest), torch.where(missing, 0, smallest), missing


def _subtract_first(probabilities: Tensor, subset: Tensor) -> Tensor:
    """Scores less the score of the subset's first row."""
    return probabilities - _first(probabilities, subset)


def _first(values: Tensor, subset: Tensor) -> Tensor:
    """The value of the subset's first row, `(K, T, 1)`, a constant to the gradient."""
    # Not by argmax: compiled, PyTorch 2.13 finds an index beyond the rows at some shapes.
    rows = subset.shape[-1]
    place = torch.where(subset > 0, torch.arange(rows, device=subset.device), rows).amin(-1, keepdim=True)
    first = torch.where(place < rows, place, 0).expand(*values.shape[:-1], 1)
    return values.detach().gather(-1, first)


def _contrast(subset: Tensor, member: Tensor) -> Tensor:
    """Weights `([K,] T, B)` whose product with scores is the group's mean less the mean of the rest."""
    inside, outside = subset * member, subset * (1 - member)
    inside_size = avoid_zero(inside.sum(-1, keepdim=True))
    outside_size = avoid_zero(outside.sum(-1, keepdim=True))
    return inside / inside_size - outside / outside_size
