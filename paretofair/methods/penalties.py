"""Penalties on differences between groups ("Technical Challenges", eq. 2-6; the last two after Padala and Gujar 2020),
and max-min fairness (eq. 7).

They are means, whatever `training.reduction` says, since the published weights assume that, and read nothing of the
`fairness` section. The accuracy part L is the mean over rows of `loss_weight`, the penalty one over rows of
`penalty_weight` whose group is known: under a holdout penalty these are different rows of one batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paretofair.methods.losses.distances import extremes, group_means
from paretofair.methods.losses.subsets import labelled, subsets
from paretofair.methods.losses.terms import reduce_losses, row_losses, shape_means, weighted
from paretofair.methods.method import FAIRNESS_WEIGHT, TASK_WEIGHT, Hyper, Losses, Method, Parameter, Rows

PENALTY_WEIGHT = Parameter("penalty_weight", low=0.0, search={"log_uniform": [0.01, 100]})


class PenaltyMethod(Method):
    """Σ_t w_t L_t + mean_t α penalty_t, for heads and shared layers alike. A subclass says what the penalty is."""

    parameters = (TASK_WEIGHT, PENALTY_WEIGHT)
    reads = ("loss",)

    def penalty(self, logits: Tensor, each: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """The penalty of each task, `(K, T)`, from logits and losses of rows, `(K, T, B)`.

        And how often it had no value and was taken as 0, with zero gradient, `([K,] T)`.
        """
        raise NotImplementedError

    def weight(self, hyper: Hyper) -> Tensor:
        """α, `(K, 1)` or `(K, T)`."""
        return hyper["penalty_weight"][:, None]

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        each = row_losses(logits, rows, self.settings)
        accuracy = weighted(hyper["task_weight"], reduce_losses(each, rows, self.settings))
        penalty, missing = self.penalty(logits, each, rows)
        undefined = missing.to(penalty.dtype).expand_as(penalty).sum(-1)
        return Losses(accuracy + (self.weight(hyper) * penalty).mean(-1), undefined=undefined)


class EqualLoss(PenaltyMethod):
    """abs(L⁺ - L⁻), the mean losses of the groups (eq. 2); of more than two groups the largest and the smallest."""

    needs = frozenset()

    def penalty(self, logits: Tensor, each: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        means, sizes = group_means(each, labelled(rows), rows.groups, rows.n_groups)
        largest, smallest, missing = extremes(shape_means(means, self.settings), sizes)
        return largest - smallest, missing


class OddsPenalty(PenaltyMethod):
    """fpr + fnr (eq. 4): differences between groups of the means of p(1-y) and of (1-p)y.

    As printed, both are means over *all* rows of a group whose label is known, not over its negatives or positives.
    """

    def penalty(self, logits: Tensor, each: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        seen = labelled(rows)
        false_positives, missing = difference(torch.sigmoid(logits) * (rows.labels == 0), seen, rows)
        false_negatives, _ = difference(torch.sigmoid(-logits) * (rows.labels == 1), seen, rows)
        return false_positives + false_negatives, missing


class DisparateImpact(PenaltyMethod):
    """Minus min(m⁺/m⁻, m⁻/m⁺), + 1e-6 below, m± the mean score of each group, labels known or not (eq. 6).

    Of more than two groups the smallest mean over the largest; 0 where fewer than two groups are present.
    """

    def penalty(self, logits: Tensor, each: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        (seen,) = subsets("parity", rows)
        means, sizes = group_means(torch.sigmoid(logits), seen, rows.groups, rows.n_groups)
        largest, smallest, missing = extremes(means, sizes)
        return -smallest / (largest + 1e-6), missing


def difference(values: Tensor, weights: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
    """Largest less smallest of the groups' means of `values` `(K, T, B)`, `(K, T)`; and where it is undefined."""
    largest, smallest, missing = extremes(*group_means(values, weights, rows.groups, rows.n_groups))
    return largest - smallest, missing


class EOR(PenaltyMethod):
    """Equalized odds regularisation: Σ_t w_t L_t + mean_t λ_t Σ_y abs(mean p | a=0, y - mean p | a=1, y) (a baseline of
    "Fairness via Group Contribution Matching", after Madras et al. 2018).

    Of more than two groups the largest and the smallest mean. The two labels count apart where undefined.
    """

    parameters = (TASK_WEIGHT, FAIRNESS_WEIGHT)

    def weight(self, hyper: Hyper) -> Tensor:
        return hyper["fairness_weight"]

    def penalty(self, logits: Tensor, each: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        probabilities = torch.sigmoid(logits)
        negatives, positives = subsets("odds", rows)
        on_negatives, missing = difference(probabilities, negatives, rows)
        on_positives, also_missing = difference(probabilities, positives, rows)
        return on_negatives + on_positives, missing.int() + also_missing.int()


class MaxMin(Method):
    """Σ_t w_t max over groups of L_t's mean over the group in this batch.

    Only rows with a known label and group count. A batch with one group gives that group's loss; one with none gives
    exactly 0 with zero gradient, and is counted. Means, whatever `training.reduction` says.
    """

    parameters = (TASK_WEIGHT,)
    reads = ("loss",)
    needs = frozenset()
    holdout = False

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        weights = rows.loss_weight * (rows.penalty_weight > 0)
        means, sizes = group_means(row_losses(logits, rows, self.settings), weights, rows.groups, rows.n_groups)
        largest, _, missing = extremes(shape_means(means, self.settings), sizes, at_least=1)
        undefined = missing.to(largest.dtype).expand_as(largest).sum(-1)
        return Losses(weighted(hyper["task_weight"], largest), undefined=undefined)
