"""Treating groups by which rows are shown, or how much they count: oversampling and reweighing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from paretofair.methods.method import NO_NAMES, LossSettings, MethodOptions, Names
from paretofair.methods.row_plan import RowPlan, TrainingRows, balance_rows
from paretofair.methods.vanilla import Vanilla
from paretofair.tasks.task import SCORES


class BalanceOptions(MethodOptions):
    """`balance_task`: the task whose (group x label) cells are balanced; needed where there are several."""

    balance_task: str | None = None


class Oversample(Vanilla):
    """Σ_t w_t L_t on cell-balanced batches: as many rows of every (group, label), small cells repeated (a baseline of
    "Fairness via Group Contribution Matching"); of identities, each of which is of one group, as many rows of every
    group. Means, whatever `training.reduction` says."""

    Options = BalanceOptions
    reads = ("loss",)
    holdout = False

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        super().__init__(settings, options, names)
        self.balance_task = names.task("balance_task", self.options.balance_task)

    def row_plan(self, train: TrainingRows, batch_size: int, holdout: bool) -> RowPlan:
        predicted = self.names.predicted
        of_groups = bool(predicted) and predicted[self.balance_task].own_groups
        return balance_cells(train, self.balance_task, batch_size, holdout, of_groups)


class Reweigh(Vanilla):
    """Σ_t w_t L_t, rows weighted by P(group) P(label) / P(group, label) among the training rows (Kamiran and Calders
    2012). Means, whatever `training.reduction` says."""

    reads = ("loss",)
    holdout = False
    # Every label must occur in every group, which those of identities, who have no scores, do not.
    needs = frozenset({SCORES})

    def row_plan(self, train: TrainingRows, batch_size: int, holdout: bool) -> RowPlan:
        return replace(super().row_plan(train, batch_size, holdout), weights=weigh_cells(train))


def balance_cells(train: TrainingRows, task: int, batch_size: int, holdout: bool, of_groups: bool = False) -> RowPlan:
    """As many rows of every (group x label) cell of a task in each batch, in the order of the cells; with `of_groups`
    of every group, whatever the label."""
    labels, groups, classes = train.labels[task], train.groups[task], train.classes[task]
    own = train.weights, train.together
    if of_groups:
        names = [f"{train.attributes[task]} = {group}" for group in train.group_names[task]]
        return balance_rows(groups, names, batch_size, *own, holdout=holdout, ordered=True)
    cell = np.where((labels >= 0) & (groups >= 0), len(classes) * groups + labels, -1)
    names = [
        f"{train.tasks[task]} = {label} and {train.attributes[task]} = {group}"
        for group in train.group_names[task]
        for label in classes
    ]
    return balance_rows(cell, names, batch_size, *own, holdout=holdout, ordered=True)


def weigh_cells(train: TrainingRows) -> np.ndarray:
    """P(group) P(label) / P(group, label) of every row and task, `(T, n)`, among rows where both are known; else 1. All
    three are shares of the rows' own weights."""
    weights, own = np.ones(train.labels.shape), train.weight_of_rows
    for task, (labels, groups) in enumerate(zip(train.labels, train.groups, strict=True)):
        known = (labels >= 0) & (groups >= 0)
        for group in range(len(train.group_names[task])):
            for label in range(len(train.classes[task])):
                of_group, of_label = known & (groups == group), known & (labels == label)
                cell = of_group & of_label
                if own[cell].any():
                    expected = own[of_group].sum() * own[of_label].sum() / own[known].sum()
                    weights[task, cell] = expected / own[cell].sum()
    return weights
