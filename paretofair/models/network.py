"""What the training core asks of a network whose every parameter has a leading trials axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn


class Outputs(NamedTuple):
    """`logits` `(K, O, B)`, the outputs of all tasks one behind the other (one each where all are binary), what
    `backward` needs of the forward pass, and the `features` `(K, H, B)` that all heads read, where the network knows
    them."""

    logits: Tensor
    saved: Any
    features: Tensor | None = None


class StackedNetwork(Protocol):
    """K networks of one shape, trained side by side.

    Parameters are one tensor `(K, P)`, a row per trial, so that an optimiser is one pass and a trial one row. `P`
    is a multiple of `ALIGNMENT`.
    """

    def __hash__(self) -> int:
        """Networks of one shape are one network: a compiled step is found again by it."""

    @property
    def tasks(self) -> int:
        """T."""

    @property
    def size(self) -> int:
        """P."""

    @property
    def slices(self) -> dict[str, slice]:
        """Columns of every trained parameter by name; between and behind them are zeros and buffers."""

    @property
    def trainable(self) -> int:
        """How many of the first columns an optimiser updates; behind them are buffers, which `forward` moves on."""

    @property
    def compilable(self) -> bool:
        """Whether a step with this network can be compiled whole."""

    @property
    def pads(self) -> bool:
        """Whether rows of weight 0 may stand in a batch: not where the rows of a batch see each other."""

    @property
    def stochastic(self) -> bool:
        """Whether a training pass draws random numbers."""

    @property
    def feature_width(self) -> int | None:
        """H, the width of the features that all heads read; None where the network does not tell them."""

    @property
    def values_per_example(self) -> int:
        """How many numbers an evaluation holds for one example at a time."""

    def runs_apart(self, device: torch.device, trials: int) -> bool:
        """Whether so many trials run one after another on a device, each with the bits that it has alone."""

    def initial(self, seeds: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Initial parameters `(K, P)` on the CPU: row k is a function of `seeds[k]` alone."""

    def module(self, row: Tensor) -> nn.Module:
        """The ordinary module of one trial's row `(P,)`, inputs `(B, *shape)` to outputs `(B, O)`, as evaluated."""

    def forward(
        self, parameters: Tensor, inputs: Tensor, streams: Sequence[int] | None = None, *, common: bool = True
    ) -> Outputs:
        """Logits of inputs `(B, *shape)`, which are `common` to the trials, or `(K, B, *shape)`.

        `streams`, one number for each trial, seed whatever the network draws in training; None: evaluation.
        """

    def backward(
        self,
        parameters: Tensor,
        out: Outputs,
        shared: Tensor,
        heads: Tensor | None = None,
        features: Tensor | None = None,
    ) -> Tensor:
        """Gradient `(K, P)` from cotangents of the logits `(K, O, B)`; as often as wanted for one `out`.

        `shared` flows into the shared layers, `heads` (`shared` where None) into the heads. `features`, a cotangent
        of `out.features`, is added to what flows into the shared layers.
        """


# Vectorised CPU kernels treat the last few elements of a run differently from the rest. Runs of whole vectors, for
# parameters and for examples, keep a trial's bits independent of its position in the stack.
ALIGNMENT = 32


def align_length(length: int) -> int:
    """`length` rounded up to a whole number of vectors."""
    return -(-length // ALIGNMENT) * ALIGNMENT
