"""Post-processing: the vanilla model with a threshold for each group, the reference of every frontier."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from paretofair.methods.method import TASK_WEIGHT, Parameter
from paretofair.methods.vanilla import Vanilla
from paretofair.metrics.thresholds.by_group import error_minimal, share_positives
from paretofair.tasks.task import EVERYTHING

TOLERANCE = Parameter("tolerance", per_task=True, low=0.0, high=1.0, search={"uniform": [0, 0.2]})


class ThresholdFrontier(Vanilla):
    """Trains Σ_t w_t L_t; then the groups' thresholds are those with the fewest errors on the split that chooses, among
    those with a gap <= `tolerance` there that call as many rows positive as the rule of the space file does.

    Under the rule `least_error` any number may be positive, as for all methods there; under any other one they decide
    like the other methods and differ in who is called positive. The gap is that of the goal, for `odds` the larger of
    the two (`equalized_odds_max`); tolerance 1 admits any gap. Swept over the tolerance this is the frontier of
    post-processing, which in-processing has to beat.
    """

    parameters = (TASK_WEIGHT, TOLERANCE)
    reads = ("goal", "reduction", "loss")
    needs = EVERYTHING
    version = 2  # 1: as many positives as it takes for the fewest errors, whatever the rule

    def thresholds(
        self,
        logits: Tensor,
        labels: Tensor,
        groups: Tensor,
        n_groups: int,
        hyper: Mapping[str, np.ndarray],
        common: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> Tensor:
        tolerance = torch.as_tensor(hyper["tolerance"], dtype=torch.float64, device=logits.device)
        rows, goal = (logits, labels, groups, n_groups), self.settings.goal
        if common is None:
            return error_minimal(*rows, tolerance=tolerance, goal=goal, weights=weights)
        return share_positives(*rows, common, tolerance=tolerance, goal=goal, weights=weights)
