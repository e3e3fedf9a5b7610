"""Equalized odds regularisation: a baseline of "Fairness via Group Contribution Matching", after Madras et al. 2018."""

from __future__ import annotations

import torch
from torch import Tensor

from paretofair.methods.method import FAIRNESS_WEIGHT, TASK_WEIGHT, Hyper, Rows
from paretofair.methods.penalties import Penalised, difference
from paretofair.methods.subsets import subsets


class EOR(Penalised):
    """Σ_t w_t L_t + mean_t λ_t Σ_y abs(mean p | a=0, y - mean p | a=1, y).

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
