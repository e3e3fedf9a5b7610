"""What a method asks for that wants made examples beside the rows of every batch."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class SampleSource(Protocol):
    """Made examples, for every seed its own. All trials of a seed see the same ones."""

    @property
    def count(self) -> int:
        """How many a batch has."""

    def describe(self, examples: Tensor) -> list[dict[str, float | str]]:
        """How far samples are like these examples `(n, *shape)`, those that their model was learned from: rows of a
        table `what, place, examples, samples`."""

    def begin(self, seed: int) -> dict[str, Tensor]:
        """What is remembered of a seed from batch to batch, by name: where it begins. It is part of the state of a
        training, so that an interrupted one goes on exactly."""

    def draw(self, state: dict[str, Tensor], seed: int, epoch: int, step: int) -> Tensor:
        """Encoded examples `(count, *shape)`, a function of the arguments; what is remembered is changed in place."""
