"""Adversarial debiasing: scores from which an adversary cannot tell the group (Zhang, Lemoine and Mitchell 2018)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from paretofair.methods.losses.subsets import labelled, subsets
from paretofair.methods.method import (
    NO_NAMES,
    TASK_WEIGHT,
    Gradient,
    Hyper,
    LossSettings,
    Names,
    Parameter,
    Rows,
    avoid_zero,
    differentiate,
    run_forward,
)
from paretofair.methods.penalties import PENALTY_WEIGHT
from paretofair.methods.vanilla import Vanilla
from paretofair.models import MultilayerPerceptron, Outputs, StackedNetwork
from paretofair.models.constants import constant
from paretofair.tasks.known import split_outputs
from paretofair.tasks.task import SCORES

HIDDEN = 32
ADVERSARY_LEARNING_RATE = Parameter(
    "adversary_learning_rate", low=1e-12, default=0.01, search={"log_uniform": [0.001, 0.1]}
)

_SEED = 0x616476657273  # separates the adversaries' initial values from the network's


class Adversarial(Vanilla):
    """The predictor of task t works against an adversary that tells the group from its logit z_t, of several classes
    from their logits.

    A_t is the adversary's mean cross-entropy over the rows on which the goal compares groups. `parity`: all rows, from
    z_t. `odds`: the rows with a label, from z_t and y_t. `fpr` and `tpr` (equality of opportunity): the negatives or
    the positives alone, from z_t. With g the gradient of Σ_t w_t L_t and h that of mean_t A_t by a parameter of the
    predictor, this parameter follows (eq. 1)

        g - <g, u> u - α h,  u = h / (|h| + 1e-8),

    and every adversary the gradient of its own A_t. A parameter is a tensor as the network names it; the heads of a
    multilayer perceptron have theirs in common.

    An adversary has one hidden layer of 32 with ReLU; softmax over groups, of two groups a sigmoid. Where fewer than
    two groups are present A_t is exactly 0 with zero gradient, and counted. All losses are means over rows, whatever
    the settings say; of the `fairness` section only the goal is read. A task of several classes has no negatives and
    positives: there `fpr` and `tpr` are refused. Adversaries of tasks with different numbers of classes are of one
    shape; what a task lacks stays 0.
    """

    parameters = (TASK_WEIGHT, PENALTY_WEIGHT, ADVERSARY_LEARNING_RATE)
    reads = ("goal", "loss")
    needs = frozenset({SCORES})

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        """Without names there are two groups."""
        super().__init__(settings, options, names)
        self.n_groups = max((len(groups) for groups in names.groups), default=2)
        several = [name for name, task in zip(names.tasks, names.predicted, strict=False) if len(task.scored) > 1]
        if several and self.settings.goal in ("fpr", "tpr"):
            words = f"{several[0]} has several classes, and with them no negatives and positives"
            raise ValueError(f"goal: found {self.settings.goal}; {words}; expected odds or parity")
        # What an adversary sees of a task: its logits, and for odds its label.
        self._logits = max((task.outputs for task in names.predicted), default=1)
        labels = max((len(task.scored) for task in names.predicted), default=1)
        self._labels = labels if self.settings.goal == "odds" else 0

    def adversary(self, network: StackedNetwork) -> Adversaries:
        return adversaries(
            inputs=self._logits + self._labels,
            hidden=(HIDDEN,),
            outputs=1 if self.n_groups == 2 else self.n_groups,
            count=network.tasks,
        )

    def gradient(
        self,
        network: StackedNetwork,
        parameters: Tensor,
        rows: Rows,
        hyper: Hyper,
        adversary: Tensor | None = None,
    ) -> Gradient:
        assert adversary is not None
        opponent = self.adversary(network)
        out, logits = run_forward(network, parameters, rows)
        with torch.enable_grad():
            own, _ = differentiate(self.losses(logits, rows, hyper), logits)
            guess = opponent.forward(adversary, self._show_adversary(logits, rows))
            scores = guess.logits.unflatten(1, (network.tasks, -1))
            seen = (
                labelled(rows)
                if self.settings.goal == "odds"
                else torch.stack(subsets(self.settings.goal, rows)).sum(0)
            )
            unfair, missing = mean_cross_entropy(scores, rows.groups, seen)
            of_guess, against = torch.autograd.grad(unfair.sum(), (guess.logits, logits))
        with torch.no_grad():
            g = network.backward(parameters, out, own)
            h = network.backward(parameters, out, against / network.tasks)
            return Gradient(
                repel(g, h, network.slices, hyper["penalty_weight"]),
                missing.to(g.dtype).expand_as(unfair).sum(-1),
                opponent.backward(adversary, guess, of_guess),
            )

    def _show_adversary(self, logits: Tensor, rows: Rows) -> Tensor:
        """`(K, B, T * inputs)`."""
        if rows.tasks:
            return self._show_several(logits, rows)
        if self.settings.goal != "odds":
            return logits.mT
        return torch.stack([logits, rows.labels.expand_as(logits)], 2).flatten(1, 2).mT

    def _show_several(self, logits: Tensor, rows: Rows) -> Tensor:
        """The same where tasks have several classes: the label as 0 or 1 of each class that has a score."""
        parts = []
        for place, (task, outputs) in enumerate(zip(rows.tasks, split_outputs(logits, rows.tasks), strict=True)):
            parts.append(functional.pad(outputs, (0, 0, 0, self._logits - task.outputs)))
            if self._labels:
                own = rows.labels[..., place, :]
                marks = torch.stack([own == label for label in task.scored], -2).to(logits.dtype)
                marks = functional.pad(marks, (0, 0, 0, self._labels - len(task.scored)))
                parts.append(marks.expand(len(logits), -1, -1))
        return torch.cat(parts, 1).mT


def mean_cross_entropy(scores: Tensor, groups: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """How badly scores `(K, T, G, B)` tell the groups `([K,] T, B)` of the rows of weight `seen` `([K,] T, B)`.

    A single score is that of the second of two groups, the other's being 0. Returns the mean over rows `(K, T)`,
    exactly 0 with zero gradient where fewer than two groups are present, and whether that was so, `([K,] T)`.
    """
    if scores.shape[2] == 1:
        scores = torch.cat([torch.zeros_like(scores), scores], 2)
    counts = torch.stack([(seen * (groups == group)).sum(-1) for group in range(scores.shape[2])], -1)
    missing = (counts > 0).sum(-1) < 2
    share = torch.where(missing[..., None], 0, seen / avoid_zero(counts.sum(-1, keepdim=True)))
    groups = groups.expand(len(scores), -1, -1)
    each = functional.cross_entropy(scores.flatten(0, 1), groups.flatten(0, 1), reduction="none", ignore_index=-1)
    return (each.view(groups.shape) * share).sum(-1), missing


def repel(g: Tensor, h: Tensor, slices: Mapping[str, slice], weight: Tensor) -> Tensor:
    """g less its projection on h and less `weight` `(K,)` times h, `(K, P)`, for the columns of each parameter."""
    parts, end = [], 0
    for columns in slices.values():
        of_g, of_h = g[:, columns], h[:, columns]
        unit = of_h / (of_h.square().sum(1, keepdim=True).sqrt() + 1e-8)
        parts += [g[:, end : columns.start], of_g - (of_g * unit).sum(1, keepdim=True) * unit - weight[:, None] * of_h]
        end = columns.stop
    return torch.cat([*parts, g[:, end:]], 1)


@dataclass(frozen=True)
class Adversaries:
    """`count` unconnected networks of one shape for each trial.

    Inputs are `(K, B, count * F)`, parameters `(K, count * P)` and logits `(K, count * T, B)`, network by network.
    """

    each: MultilayerPerceptron
    count: int = 1

    learning_rate: ClassVar[str] = ADVERSARY_LEARNING_RATE.name

    def initial(self, seeds: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Every network starts from other values, and from others than a network of the same seed."""
        rows = [
            int(np.random.Philox(key=[seed, _SEED], counter=[0, 0, 0, i]).random_raw())
            for seed in seeds
            for i in range(self.count)
        ]
        return self.each.initial(rows, dtype).view(len(seeds), -1)

    def forward(self, parameters: Tensor, inputs: Tensor) -> Outputs:
        apart = inputs.mT.reshape(len(parameters) * self.count, -1, inputs.shape[1]).mT
        out = self.each.forward(parameters.view(-1, self.each.size), apart, common=False)
        return Outputs(out.logits.view(len(parameters), self.count * self.each.tasks, -1), out)

    def backward(self, parameters: Tensor, out: Outputs, cotangent: Tensor) -> Tensor:
        """As the networks' own."""
        of_each: Outputs = out.saved
        apart = cotangent.reshape(of_each.logits.shape)
        return self.each.backward(parameters.view(-1, self.each.size), of_each, apart).view(parameters.shape)


# A compiled step can read what a network knows of its shapes, but not find it out: it takes the one made before.
@constant
def adversaries(inputs: int, hidden: tuple[int, ...], outputs: int, count: int = 1) -> Adversaries:
    """`count` networks with ReLU after each layer of the widths `hidden`."""
    return _adversaries(inputs, hidden, outputs, count)


@functools.cache
def _adversaries(inputs: int, hidden: tuple[int, ...], outputs: int, count: int) -> Adversaries:
    return Adversaries(MultilayerPerceptron(inputs, (), outputs, hidden, ()), count)
