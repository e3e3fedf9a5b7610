"""Optimisers over stacked parameters `(K, P)`, with constants of each trial's own.

A constant is the trial's own where `hyper` has one of its name, `(K,)`, and else the field of the optimiser; both give
the same bits. Formulas and defaults are those of `torch.optim` but for Adagrad's. What is computed for each trial is
correctly rounded (no powers), and the rest runs over rows of whole vectors: bits do not depend on the place in a stack.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from paretofair.methods import Parameter

MOMENTUM = Parameter("momentum", low=0.0, high=1.0, optional=True)
BETA1 = Parameter("beta1", low=0.0, high=1.0, optional=True)
BETA2 = Parameter("beta2", low=0.0, high=1.0, optional=True)
EPSILON = Parameter("epsilon", low=0.0, optional=True)
WEIGHT_DECAY = Parameter("weight_decay", low=0.0, optional=True)

State = tuple[Tensor, ...]
Hyper = Mapping[str, Tensor]


class Optimizer(Protocol):
    """Hashable, so that a compiled step can be found again; what it remembers of a stack is in `state`."""

    # The constants that a trial can have of its own.
    parameters: ClassVar[tuple[Parameter, ...]]
    # Between which learning rates are drawn where nobody says it; None: somebody must.
    learning_rates: ClassVar[tuple[float, float] | None]

    def __hash__(self) -> int: ...

    def state(self, parameters: Tensor) -> State:
        """Tensors `(K, …)` to start from."""

    def update(self, parameters: Tensor, gradients: Tensor, state: State, hyper: Hyper) -> None:
        """Updates `parameters` and `state` in place; `hyper` has the rates and constants of each trial, `(K,)`."""


@dataclass(frozen=True)
class Adagrad:
    """Adagrad as in TensorFlow: squared gradients accumulate from `initial_accumulator`, the rate does not decay.

    There is no ε, which the initial accumulator makes needless. `weight_decay` is L2, added to the gradient.
    """

    initial_accumulator: float = 0.1
    weight_decay: float = 0.0

    parameters: ClassVar[tuple[Parameter, ...]] = (WEIGHT_DECAY,)
    learning_rates: ClassVar[tuple[float, float] | None] = (0.01, 0.3)

    def state(self, parameters: Tensor) -> State:
        return (torch.full_like(parameters, self.initial_accumulator),)

    def update(self, parameters: Tensor, gradients: Tensor, state: State, hyper: Hyper) -> None:
        (accumulator,) = state
        gradients = _with_decay(self, parameters, gradients, hyper)
        accumulator.addcmul_(gradients, gradients)
        parameters.addcmul_(-hyper["learning_rate"][:, None], gradients * accumulator.rsqrt())


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015); `weight_decay` is L2, added to the gradient."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    parameters: ClassVar[tuple[Parameter, ...]] = (BETA1, BETA2, EPSILON, WEIGHT_DECAY)
    learning_rates: ClassVar[tuple[float, float] | None] = (0.001, 0.03)

    def state(self, parameters: Tensor) -> State:
        """The two moments, `(K, P)`, and what their weights add up to, `(K, 1)`.

        After n steps that is 1 - βⁿ, by which the moments are divided. Added up it needs no power, whose bits would
        depend on the place in the stack.
        """
        none = torch.zeros_like(parameters[:, :1])
        return torch.zeros_like(parameters), torch.zeros_like(parameters), none, none.clone()

    def update(self, parameters: Tensor, gradients: Tensor, state: State, hyper: Hyper) -> None:
        self._step(parameters, _with_decay(self, parameters, gradients, hyper), state, hyper)

    def _step(self, parameters: Tensor, gradients: Tensor, state: State, hyper: Hyper) -> None:
        first, second, first_weight, second_weight = state
        share = 1 - _constant(self, "beta1", hyper, parameters)
        first.lerp_(gradients, share)
        first_weight.add_(share * (1 - first_weight))
        share = 1 - _constant(self, "beta2", hyper, parameters)
        second.lerp_(gradients * gradients, share)
        second_weight.add_(share * (1 - second_weight))
        # The corrected moments are first / first_weight and second / second_weight; ε is added to the latter's root.
        scale = second_weight.sqrt()
        rate = hyper["learning_rate"][:, None] * scale / first_weight
        root = second.sqrt().add_(_constant(self, "epsilon", hyper, parameters) * scale)
        parameters.addcdiv_(-rate * first, root)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam whose `weight_decay`, times the rate, shrinks the parameters themselves (Loshchilov and Hutter 2019)."""

    weight_decay: float = 0.01

    def update(self, parameters: Tensor, gradients: Tensor, state: State, hyper: Hyper) -> None:
        decay = _constant(self, "weight_decay", hyper, parameters)
        parameters.mul_(1 - hyper["learning_rate"][:, None] * decay)
        self._step(parameters, gradients, state, hyper)


@dataclass(frozen=True)
class SGD:
    """Gradient descent with `momentum` (no dampening, not Nesterov's); `weight_decay` is L2, added to the gradient."""

    momentum: float = 0.0
    weight_decay: float = 0.0

    parameters: ClassVar[tuple[Parameter, ...]] = (MOMENTUM, WEIGHT_DECAY)
    # Which ones are of use depends on whether losses are sums or means over a batch.
    learning_rates: ClassVar[tuple[float, float] | None] = None

    def state(self, parameters: Tensor) -> State:
        return (torch.zeros_like(parameters),)

    def update(self, parameters: Tensor, gradients: Tensor, state: State, hyper: Hyper) -> None:
        (velocity,) = state
        velocity.mul_(_constant(self, "momentum", hyper, parameters))
        velocity.add_(_with_decay(self, parameters, gradients, hyper))
        parameters.addcmul_(-hyper["learning_rate"][:, None], velocity)


def clip_gradients(gradients: Tensor, most: float) -> Tensor:
    """Gradients `(K, P)`, shortened to the Euclidean length `most` where they are longer. One that is not finite makes
    its trial diverge."""
    length = gradients.square().sum(1, keepdim=True).sqrt()
    return gradients * (most / length).clamp_max(1)


@dataclass(frozen=True)
class Schedule:
    """What the learning rate is multiplied by in an epoch, the product of three things: `factor` for each of the
    `milestones` that have passed (epochs from 1 on; the factor holds in the epochs after one), `decay` for each epoch
    that has passed, and over the first `warm_up` epochs equal steps up to 1.

    The same for every trial, whatever its number of epochs.

    >>> Schedule(milestones=(2, 3), factor=0.1).multiplier(3)
    0.010000000000000002
    >>> [Schedule(warm_up=2).multiplier(epoch) for epoch in range(4)]
    [0.3333333333333333, 0.6666666666666666, 1.0, 1.0]
    """

    milestones: tuple[int, ...] = ()
    factor: float = 0.1
    decay: float = 1.0
    warm_up: int = 0

    def multiplier(self, epoch: int) -> float:
        """Of the epoch with this number, from 0 on."""
        passed = bisect_right(self.milestones, epoch)
        warm = min(1.0, (epoch + 1) / (self.warm_up + 1))
        return float(self.factor**passed * self.decay**epoch * warm)


OPTIMIZERS: dict[str, type[Optimizer]] = {"adagrad": Adagrad, "adam": Adam, "adamw": AdamW, "sgd": SGD}


def _constant(optimizer: Optimizer, name: str, hyper: Hyper, parameters: Tensor) -> Tensor:
    """`(K, 1)`, or `(1, 1)` where the trials have no values of their own."""
    own = hyper.get(name)
    return parameters.new_full((1, 1), getattr(optimizer, name)) if own is None else own[:, None]


def _with_decay(optimizer: Adagrad | Adam | SGD, parameters: Tensor, gradients: Tensor, hyper: Hyper) -> Tensor:
    """Gradients plus the weight decay times the parameters; the gradients themselves where nothing decays."""
    if optimizer.weight_decay == 0 and "weight_decay" not in hyper:
        return gradients
    return torch.addcmul(gradients, _constant(optimizer, "weight_decay", hyper, parameters), parameters)
