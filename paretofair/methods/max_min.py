"""Max-min fairness ("Technical Challenges", eq. 7)."""

from __future__ import annotations

from torch import Tensor

from paretofair.methods.losses.distances import extremes, group_means
from paretofair.methods.losses.terms import row_losses, weighted
from paretofair.methods.method import TASK_WEIGHT, Hyper, Losses, Method, Rows


class MaxMin(Method):
    """Σ_t w_t max over groups of L_t's mean over the group in this batch.

    Only rows with a known label and group count. A batch with one group gives that group's loss; one with none gives
    exactly 0 with zero gradient, and is counted. Means, whatever `training.reduction` says.
    """

    parameters = (TASK_WEIGHT,)
    reads = ()
    needs = frozenset()
    holdout = False

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        weights = rows.loss_weight * (rows.penalty_weight > 0)
        means, sizes = group_means(row_losses(logits, rows), weights, rows.groups, rows.n_groups)
        largest, _, missing = extremes(means, sizes, at_least=1)
        undefined = missing.to(largest.dtype).expand_as(largest).sum(-1)
        return Losses(weighted(hyper["task_weight"], largest), undefined=undefined)
