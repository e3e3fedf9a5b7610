"""Constraints on all predictions together by Lagrangian relaxation (Zhao, Wang, Yatskar, Ordonez and Chang, "Men Also
Like Shopping: Reducing Gender Bias Amplification using Corpus-level Constraints", EMNLP 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from paretofair.methods.corpus.group_task import choose_group_task
from paretofair.methods.method import NO_NAMES, TASK_WEIGHT, LossSettings, MethodOptions, Names, Parameter
from paretofair.methods.vanilla import Vanilla
from paretofair.tasks.task import EVERYTHING

CORPUS_MARGIN = Parameter("corpus_margin", low=0.0, high=1.0, search={"uniform": [0, 0.2]})


class CorpusConstraintOptions(MethodOptions):
    """Keys of the method: the task that predicts the group (by default the first that is called as a group is), and how
    often and in which steps the multipliers are updated."""

    group_task: str | None = None
    iterations: int = Field(100, ge=1)
    rate: float = Field(1.0, gt=0)


class CorpusConstraint(Vanilla):
    """Trains Σ_t w_t L_t. Then all rows of a split are decided together: the decisions of all tasks with the largest
    sum of log-odds above their thresholds, under the condition that of the rows with each object the share that is
    decided to be of the group is within `corpus_margin` of that among training labels.

    Given multipliers u, v ≥ 0 of the upper and the lower bounds of each object, every row is decided alone: for each of
    the two groups an object is decided where its log-odds, less u times (1[group] − upper) and v times (lower −
    1[group]), are positive, and the group is the one with the larger sum. The multipliers then follow the violations
    (subgradient steps that shrink with the root of their number). Of all iterations that one is kept whose largest
    violation is least. A bias is left free where no training row has the object. A margin of 1 changes nothing.

    It needs all rows at once, though not their labels, and one row's decision depends on the others: it cannot be
    exported as a model of single rows.
    """

    parameters = (TASK_WEIGHT, CORPUS_MARGIN)
    Options = CorpusConstraintOptions
    needs = EVERYTHING

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        """Raises ValueError where no task predicts a group."""
        super().__init__(settings, options, names)
        self.group_task = choose_group_task(names, self.options.group_task)

    def decide(
        self, margins: Tensor, training: Tensor, weights: Tensor | None, hyper: Mapping[str, np.ndarray]
    ) -> Tensor:
        bias = self._training_bias(training, weights)
        allowed = torch.as_tensor(np.asarray(hyper["corpus_margin"]), dtype=torch.float64, device=margins.device)
        # Trial by trial: none has other bits beside others.
        return torch.stack(
            [self._decide(own.double(), bias, margin) for own, margin in zip(margins, allowed, strict=True)]
        )

    def _training_bias(self, training: Tensor, weights: Tensor | None) -> Tensor:
        """The share of the group among training rows with each object, `(T,)`; NaN without any."""
        member = training[self.group_task]
        counted = torch.ones_like(member, dtype=torch.float64) if weights is None else weights
        has = (training == 1) & (member >= 0)
        total = (has * counted).sum(-1)
        return torch.where(total > 0, (has & (member == 1)).mul(counted).sum(-1) / total.clamp_min(1e-300), torch.nan)

    def _decide(self, margins: Tensor, bias: Tensor, allowed: Tensor) -> Tensor:
        """Decisions of one trial, `(T, n)`."""
        place, free = self.group_task, torch.isnan(bias)
        free[place] = True
        upper = torch.where(free, 1.0, (bias + allowed).clamp(max=1))
        lower = torch.where(free, 0.0, (bias - allowed).clamp(min=0))
        over, under = torch.zeros_like(bias), torch.zeros_like(bias)
        best, least = margins >= 0, torch.inf
        for iteration in range(self.options.iterations):
            decisions = self._decide_rows(
                margins, over * (1 - upper) - under * (1 - lower), under * lower - over * upper
            )
            member = decisions[place]
            count = decisions.sum(-1).double()
            share = (decisions & member).sum(-1).double() / count.clamp_min(1)
            above, below = (share - upper) * (count > 0), (lower - share) * (count > 0)
            worst = float(torch.maximum(above, below).masked_fill(free, 0).max())
            if worst < least:
                best, least = decisions, worst
            if worst <= 0:
                break
            rate = self.options.rate / (1 + iteration) ** 0.5
            over = (over + rate * above.masked_fill(free, 0)).clamp_min(0)
            under = (under + rate * below.masked_fill(free, 0)).clamp_min(0)
        return best

    def _decide_rows(self, margins: Tensor, of_group: Tensor, of_others: Tensor) -> Tensor:
        """Each row alone, `(T, n)`, where an object costs `of_group` `(T,)` in a row of the group and `of_others` in
        any other."""
        place = self.group_task
        inside, outside = margins - of_group[:, None], margins - of_others[:, None]
        inside[place], outside[place] = 0, 0
        gain = margins[place] + inside.clamp_min(0).sum(0) - outside.clamp_min(0).sum(0)
        member = gain >= 0
        decisions = torch.where(member, inside >= 0, outside >= 0)
        decisions[place] = member
        return decisions
