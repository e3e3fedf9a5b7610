"""The fairness treatments of Wang et al. 2021: per task ("Baseline", eq. 9), and MTA-F (eq. 10-11, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from paretofair.methods.losses.against_rest import average_over_scores, score_against_rest
from paretofair.methods.losses.running import begin_counts
from paretofair.methods.losses.subsets import exclusive_subsets, subsets
from paretofair.methods.losses.terms import COUNTS, cross_entropy, fairness, weighted
from paretofair.methods.method import (
    FAIRNESS_WEIGHT,
    HEAD_RATIO,
    NO_NAMES,
    TASK_WEIGHT,
    Hyper,
    Losses,
    LossSettings,
    Method,
    Names,
    Parameter,
    Rows,
)
from paretofair.methods.row_plan import TrainingRows
from paretofair.tasks.task import SCORES

_EXCLUSIVE = "exclusive_group_counts"


class PerTask(Method):
    """Σ_t w_t (L_t + λ_t F_t), for heads and shared layers alike (eq. 9).

    Of several classes F_t is the mean over classes of that of each against the rest.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (TASK_WEIGHT, FAIRNESS_WEIGHT)
    needs: ClassVar[frozenset[str]] = frozenset({SCORES})

    def trial_state(self, train: TrainingRows) -> Mapping[str, np.ndarray]:
        return begin_counts(self.settings, self.names, train, (COUNTS,))

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        settings = self.settings
        scores, seen = score_against_rest(logits, rows)
        found = fairness(scores, subsets(settings.goal, seen), seen, settings, hyper)
        unfairness = average_over_scores(found.distances, rows)
        each = cross_entropy(logits, rows, settings) + hyper["fairness_weight"] * unfairness
        return Losses(weighted(hyper["task_weight"], each), undefined=found.undefined, state=found.state)


class MTAF(Method):
    """Fairness on a task's exclusive rows E_t goes to its head, the remainder to the shared layers.

    Head of task t: w_t (L_t + λ_t r_t F(E_t)). Shared: Σ_t w_t L_t + Σ_t w_t λ_t (F(N_t) - r_t F(E_t)), which may be
    negative. Both are taken at the same parameters. `tpr` and `odds` exchange or add the positives (eq. 11).
    """

    parameters = (TASK_WEIGHT, FAIRNESS_WEIGHT, HEAD_RATIO)

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        if settings.goal == "parity":
            raise ValueError("mtaf has no exclusive rows under goal: parity; use fpr, tpr or odds")
        super().__init__(settings, options, names)

    def trial_state(self, train: TrainingRows) -> Mapping[str, np.ndarray]:
        return begin_counts(self.settings, self.names, train, (COUNTS, _EXCLUSIVE))

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        settings = self.settings
        probabilities = torch.sigmoid(logits)
        everywhere = fairness(probabilities, subsets(settings.goal, rows), rows, settings, hyper)
        own = exclusive_subsets(settings.goal, rows)
        exclusive = fairness(probabilities, own, rows, settings, hyper, _EXCLUSIVE)
        accuracy = cross_entropy(logits, rows, settings)
        at_heads = hyper["head_ratio"] * exclusive.distances
        weight = hyper["fairness_weight"]
        return Losses(
            shared=weighted(hyper["task_weight"], accuracy + weight * (everywhere.distances - at_heads)),
            heads=weighted(hyper["task_weight"], accuracy + weight * at_heads),
            undefined=everywhere.undefined + exclusive.undefined,
            state={**everywhere.state, **exclusive.state},
        )
