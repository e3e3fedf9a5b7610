"""Fairness carried from tasks whose groups are known to tasks whose groups are not, and a rival that guesses groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from paretofair.methods.adversarial import ADVERSARY_LEARNING_RATE, HIDDEN, Adversaries, adversaries, mean_cross_entropy
from paretofair.methods.method import (
    FAIRNESS,
    NO_NAMES,
    Gradient,
    Hyper,
    Losses,
    LossSettings,
    MethodOptions,
    Names,
    Parameter,
    Rows,
    differentiate,
    run_forward,
)
from paretofair.methods.mtaf import PerTask
from paretofair.methods.row_plan import RowPlan, TrainingRows, balance_rows, draw_once
from paretofair.models import MultilayerPerceptron, StackedNetwork

KNOWN_SHARE = Parameter("known_share", per_task=True, low=0.0, high=1.0, default=1.0)
WARM_UP = Parameter("warm_up", low=0.0, high=1.0, optional=True)

_STEPS, _ALL_STEPS = "steps", "steps_of_epoch"


class TransferOptions(MethodOptions):
    """`schedule` of λ over a training: `fixed`; `linear`, from 0 up to λ at the share `warm_up` of the training (by
    default at its end); `step`, 0 before this share (by default one half) and λ from there on."""

    schedule: Literal["fixed", "linear", "step"] = "fixed"


class Transfer(PerTask):
    """Σ_t w_t (L_t + λ_t F_t), F_t on the rows whose group is known in training; shared layers carry it to the others.

    A row of task t shows its group with probability `known_share`, decided once for a training and nested over shares;
    evaluation knows every group. Batches draw equally from the joined data sets. Means, whatever `training.reduction`
    says. λ may rise over a training (`TransferOptions`).
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (*PerTask.parameters, KNOWN_SHARE, WARM_UP)
    Options: ClassVar[type[MethodOptions]] = TransferOptions
    reads = (*FAIRNESS, "loss")

    @property
    def unread(self) -> Mapping[str, str]:
        own = "is read by schedule: linear and step; give one of these, or remove this"
        return {WARM_UP.name: own} if self.options.schedule == "fixed" else {}

    def row_plan(self, train: TrainingRows, batch_size: int, holdout: bool) -> RowPlan:
        plan = super().row_plan(train, batch_size, holdout)
        if len(train.origin_names) > 1:
            names = [f"origin = {name}" for name in train.origin_names]
            plan = balance_rows(train.origins, names, batch_size, train.weights, train.together, holdout=holdout)
        return replace(plan, draw=draw_once)

    def trial_state(self, train: TrainingRows) -> Mapping[str, np.ndarray]:
        counts = super().trial_state(train)
        if self.options.schedule == "fixed":
            return counts
        steps = train.steps or self.row_plan(train, train.batch_size, train.holdout).steps
        return {**counts, _STEPS: np.array(0.0), _ALL_STEPS: np.array(float(steps))}

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        return self._losses_of_groups(logits, rows, show_groups(rows, hyper), hyper)

    def _losses_of_groups(self, logits: Tensor, rows: Rows, groups: Tensor, hyper: Hyper) -> Losses:
        """The losses with these groups `(K, T, B)`, λ as it is now."""
        seen = rows._replace(groups=groups)
        if self.options.schedule == "fixed":
            return super().losses(logits, seen, hyper)
        weight = hyper["fairness_weight"] * self._factor(hyper)[:, None]
        found = super().losses(logits, seen, {**hyper, "fairness_weight": weight})
        kept = {_STEPS: hyper[_STEPS] + 1, _ALL_STEPS: hyper[_ALL_STEPS]}
        return found._replace(state={**found.state, **kept})

    def _factor(self, hyper: Hyper) -> Tensor:
        """What λ is multiplied by in this step, `(K,)`."""
        epochs = hyper["epochs"]
        progress = (hyper[_STEPS] / hyper[_ALL_STEPS]).to(epochs.dtype) / epochs
        end = hyper.get(WARM_UP.name)
        if self.options.schedule == "step":
            return (progress >= (0.5 if end is None else end)).to(epochs.dtype)
        if end is None:
            return progress
        return torch.where(progress >= end, 1, progress / torch.where(end > 0, end, 1))


def show_groups(rows: Rows, hyper: Hyper) -> Tensor:
    """The groups `(K, T, B)` that training knows: those of the rows that a task's `known_share` shows, -1 elsewhere."""
    assert rows.uniform is not None
    known = rows.uniform < hyper["known_share"][..., None]
    return torch.where(known, rows.groups, -1)


class PseudoOptions(TransferOptions):
    """As for `transfer`; by default λ acts once the classifier has learned for half of the training."""

    schedule: Literal["fixed", "linear", "step"] = "step"


class PseudoGroups(Transfer):
    """`transfer`, where a row whose group a task does not know has the group that a classifier tells from its inputs.

    The classifier of an attribute has one hidden layer of 32 with ReLU and learns, beside the network, from the rows
    that show the attribute to any task; tasks whose losses act on one attribute share it. A row shows its likeliest
    group, whatever task it belongs to. By default λ is 0 for the first half of the training, while the classifier
    learns. Its loss is the mean cross-entropy of each attribute, its learning rate `adversary_learning_rate`.

    With a module as the network, inputs of any shape, it tells groups from the features that the heads read, which it
    does not shape.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (*Transfer.parameters, ADVERSARY_LEARNING_RATE)
    Options: ClassVar[type[MethodOptions]] = PseudoOptions

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        super().__init__(settings, options, names)
        # Tasks of one attribute have the same groups; without the names of attributes those with the same are one.
        attributes = names.attributes or tuple(map(str, names.groups))
        self.tasks_of = tuple(
            tuple(task for task, own in enumerate(attributes) if own == attribute)
            for attribute in dict.fromkeys(attributes)
        )
        self.sizes = tuple(len(names.groups[tasks[0]]) for tasks in self.tasks_of)

    def adversary(self, network: StackedNetwork) -> Adversaries:
        if not self.sizes:
            raise ValueError("pseudo_groups cannot be trained without the names of groups")
        if isinstance(network, MultilayerPerceptron):
            width: int | None = network.numeric + sum(network.categories)
        else:
            width = network.feature_width
        if width is None:
            raise ValueError(
                "pseudo_groups tells groups from features, where inputs are no rows of numbers; a module tells them "
                "where its forward takes with_features=True"
            )
        return adversaries(width, (HIDDEN,), sum(self.sizes))

    def gradient(
        self,
        network: StackedNetwork,
        parameters: Tensor,
        rows: Rows,
        hyper: Hyper,
        adversary: Tensor | None = None,
    ) -> Gradient:
        assert adversary is not None
        classifier = self.adversary(network)
        out, logits = run_forward(network, parameters, rows)
        shown = show_groups(rows, hyper)
        groups = list(shown.unbind(-2))
        if isinstance(network, MultilayerPerceptron):
            # As the network reads them: an example of several axes is one row.
            inputs = rows.inputs.flatten(1 if rows.common else 2)
            inputs = inputs.expand(len(parameters), *inputs.shape[-2:])
        else:
            assert out.features is not None
            inputs = out.features.detach().mT
        guess = classifier.forward(adversary, inputs)
        of_groups = guess.logits.detach().requires_grad_()
        with torch.enable_grad():
            wrong: list[Tensor] = []
            for scores, tasks in zip(of_groups.split(self.sizes, 1), self.tasks_of, strict=True):
                known = shown[:, list(tasks)].amax(1, keepdim=True)
                seen = rows.penalty_weight[..., :1, :] * (known >= 0)
                wrong.append(mean_cross_entropy(scores[:, None], known, seen)[0].sum())
                told = scores.detach().argmax(1)
                for task in tasks:
                    groups[task] = torch.where(groups[task] >= 0, groups[task], told)
            (of_guess,) = torch.autograd.grad(torch.stack(wrong).sum(), of_groups)
            losses = self._losses_of_groups(logits, rows, torch.stack(groups, -2), hyper)
            shared, _ = differentiate(losses, logits)
        with torch.no_grad():
            own = network.backward(parameters, out, shared)
            of_classifier = classifier.backward(adversary, guess, of_guess)
            return Gradient(own, losses.undefined, of_classifier, losses.state)
