"""Treating groups by which rows are shown, or how much they count: oversampling and reweighing."""

from __future__ import annotations

from typing import Any

from paretofair.methods.method import NO_NAMES, LossSettings, Names, Options
from paretofair.methods.vanilla import Vanilla


class BalanceOptions(Options):
    """`balance_task`: the task whose (group x label) cells are balanced; needed where there are several."""

    balance_task: str | None = None


class Oversample(Vanilla):
    """Σ_t w_t L_t on cell-balanced batches: as many rows of every (group, label), small cells repeated (a baseline of
    "Fairness via Group Contribution Matching"). Means, whatever `training.reduction` says."""

    Options = BalanceOptions
    reads = ()
    batches = "cells"
    holdout = False

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        super().__init__(settings, options, names)
        self.balance_task = names.task("balance_task", self.options.balance_task)


class Reweigh(Vanilla):
    """Σ_t w_t L_t, rows weighted by P(group) P(label) / P(group, label) among the training rows (Kamiran and Calders
    2012). Means, whatever `training.reduction` says."""

    reads = ()
    reweighs = True
    holdout = False
