"""Adversarial training for fair features ("Technical Challenges", section 5 and appendix A)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from paretofair.methods.adversarial import ADVERSARY_LEARNING_RATE, Adversaries, adversaries, mean_cross_entropy
from paretofair.methods.method import (
    NO_NAMES,
    TASK_WEIGHT,
    Gradient,
    Hyper,
    LossSettings,
    MethodOptions,
    Names,
    Rows,
    avoid_zero,
    differentiate,
    run_forward,
)
from paretofair.methods.penalties import PENALTY_WEIGHT
from paretofair.methods.vanilla import Vanilla
from paretofair.models import StackedNetwork


class FeatureOptions(MethodOptions):
    """`penalised_group` is to look like `target_group`, of two groups the other one."""

    penalised_group: str
    target_group: str | None = None


class AdversarialFeatures(Vanilla):
    """Σ_t w_t L_t + α log(1 + |0.9 - P(target | φ)|), averaged over the rows of the penalised group.

    φ are the features that all heads read, and P the softmax output of an adversary that is trained by mean
    cross-entropy to tell the group from φ: three linear layers with ReLU between, as wide as φ. The penalty reaches
    the shared layers alone.

    The paper projects frozen features of a face recognition system by four linear layers with ReLU. On tables the
    frozen features are the inputs and φ is what the shared layers make of them: four widths under `network.shared`
    give the paper's projection.

    The groups are those of the attribute that the first task's loss acts on, the rows those of its penalty. The penalty
    is exactly 0 with zero gradient, and counted, where no row of the penalised group or no other group is present; with
    fewer than two groups the adversary rests. All losses are means, whatever the settings say.
    """

    parameters = (TASK_WEIGHT, PENALTY_WEIGHT, ADVERSARY_LEARNING_RATE)
    Options = FeatureOptions
    reads = ("loss",)
    needs = frozenset()

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        """Raises ValueError for groups that `names` does not have; nothing is checked, or can be trained, without."""
        super().__init__(settings, options, names)
        self.n_groups, self.penalised, self.target = 0, 0, 0
        if names.groups:
            groups = names.groups[0]
            self.n_groups = len(groups)
            self.penalised = _position("penalised_group", self.options.penalised_group, groups)
            target = self.options.target_group
            if target is None and len(groups) == 2:
                target = groups[1 - self.penalised]
            self.target = _position("target_group", target, groups)
            if self.target == self.penalised:
                raise ValueError(f"got {target!r} both as penalised_group and as target_group, expected two groups")

    def adversary(self, network: StackedNetwork) -> Adversaries:
        width = network.feature_width
        if width is None:
            raise ValueError(
                "adversarial_features needs to know the features; a module tells them where its forward takes "
                "with_features=True"
            )
        if not self.n_groups:
            raise ValueError("adversarial_features cannot be trained without the names of groups")
        return adversaries(width, (width, width), self.n_groups)

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
        assert out.features is not None
        features = out.features.detach().requires_grad_()
        groups = rows.groups[..., :1, :]
        seen = rows.penalty_weight[..., :1, :] * (groups >= 0)
        with torch.enable_grad():
            own, _ = differentiate(self.losses(logits, rows, hyper), logits)
            guess = opponent.forward(adversary, features.mT)
            wrong, alone = mean_cross_entropy(guess.logits[:, None], groups, seen)
            (of_guess,) = torch.autograd.grad(wrong.sum(), guess.logits, retain_graph=True)
            penalty, missing = self._penalty(guess.logits, seen * (groups == self.penalised), alone)
            (of_features,) = torch.autograd.grad((hyper["penalty_weight"] * penalty).sum(), features)
        with torch.no_grad():
            return Gradient(
                network.backward(parameters, out, own, features=of_features),
                missing.to(penalty.dtype).expand_as(penalty),
                opponent.backward(adversary, guess, of_guess),
            )

    def _penalty(self, scores: Tensor, penalised: Tensor, alone: Tensor) -> tuple[Tensor, Tensor]:
        """Of scores `(K, G, B)` over the rows of weight `penalised` `([K,] 1, B)`, 0 where a group stands `alone`
        `([K,] 1)`: `(K,)`, and where it is undefined, `([K,])`."""
        count = penalised.sum(-1, keepdim=True)
        missing = alone[..., None] | (count == 0)
        share = torch.where(missing, 0, penalised / avoid_zero(count))[..., 0, :]
        each = (0.9 - scores.softmax(1)[:, self.target]).abs().log1p()
        return (each * share).sum(-1), missing[..., 0, 0]


def _position(option: str, name: str | None, groups: tuple[str, ...]) -> int:
    if name not in groups:
        raise ValueError(f"{option}: got {name!r}, expected one of {', '.join(groups)}")
    return groups.index(name)
