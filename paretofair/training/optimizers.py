"""Optimisers over stacked parameters `(K, P)`, with constants of each trial's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Optimizer(Protocol):
    """Hashable, so that a compiled step can be found again; what it remembers of a stack is in `state`."""

    def __hash__(self) -> int: ...

    def state(self, parameters: Tensor) -> tuple[Tensor, ...]:
        """Tensors `(K, …)` to start from."""

    def update(
        self, parameters: Tensor, gradients: Tensor, state: tuple[Tensor, ...], hyper: Mapping[str, Tensor]
    ) -> None:
        """Updates `parameters` and `state` in place; `hyper` has the rates and constants of each trial, `(K,)`."""


@dataclass(frozen=True)
class Adagrad:
    """Adagrad as in TensorFlow: squared gradients accumulate from `initial_accumulator`, the rate does not decay."""

    initial_accumulator: float = 0.1

    def state(self, parameters: Tensor) -> tuple[Tensor, ...]:
        return (torch.full_like(parameters, self.initial_accumulator),)

    def update(
        self, parameters: Tensor, gradients: Tensor, state: tuple[Tensor, ...], hyper: Mapping[str, Tensor]
    ) -> None:
        (accumulator,) = state
        accumulator.addcmul_(gradients, gradients)
        parameters.addcmul_(-hyper["learning_rate"][:, None], gradients * accumulator.rsqrt())
