"""Optimisers over stacked parameters `(K, P)`, with constants of each trial's own."""

from __future__ import annotations

import torch
from torch import Tensor


class Adagrad:
    """Adagrad as in TensorFlow: squared gradients accumulate from `initial_accumulator`, no decay of the rate."""

    def __init__(self, parameters: Tensor, learning_rate: Tensor, initial_accumulator: float) -> None:
        """`learning_rate` `(K,)`."""
        self.parameters = parameters
        self._rate = -learning_rate[:, None]
        self._accumulator = torch.full_like(parameters, initial_accumulator)

    def step(self, gradients: Tensor) -> None:
        """Updates `parameters` in place from gradients `(K, P)`."""
        self._accumulator.addcmul_(gradients, gradients)
        self.parameters.addcmul_(self._rate, gradients.mul_(self._accumulator.rsqrt()))

    def keep(self, rows: Tensor) -> None:
        """Goes on with these trials alone."""
        self.parameters = self.parameters[rows]
        self._rate = self._rate[rows]
        self._accumulator = self._accumulator[rows]
