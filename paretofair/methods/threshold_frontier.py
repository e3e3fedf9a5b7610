"""Post-processing: the vanilla model with a threshold for each group, the reference of every frontier."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from paretofair.methods.method import TASK_WEIGHT, Parameter
from paretofair.methods.vanilla import Vanilla
from paretofair.metrics.group_thresholds import error_minimal
from paretofair.tasks.task import EVERYTHING

TOLERANCE = Parameter("tolerance", per_task=True, low=0.0, high=1.0)


class ThresholdFrontier(Vanilla):
    """Trains Σ_t w_t L_t; then each group's threshold is the one with the fewest errors on the split that chooses,
    among those with a gap <= `tolerance` there.

    The gap is that of the goal, for `odds` the larger of the two (`equalized_odds_max`); tolerance 1 admits any gap.
    Swept over the tolerance this is the frontier of post-processing, which in-processing has to beat.
    """

    parameters = (TASK_WEIGHT, TOLERANCE)
    reads = ("goal", "reduction")
    needs = EVERYTHING

    def thresholds(
        self,
        logits: Tensor,
        labels: Tensor,
        groups: Tensor,
        n_groups: int,
        hyper: Mapping[str, np.ndarray],
        weights: Tensor | None = None,
    ) -> Tensor:
        tolerance = torch.as_tensor(hyper["tolerance"], dtype=torch.float64, device=logits.device)
        return error_minimal(
            logits, labels, groups, n_groups, weights=weights, tolerance=tolerance, goal=self.settings.goal
        )
