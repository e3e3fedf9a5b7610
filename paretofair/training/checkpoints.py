"""Stacks that were cut short: what is kept of them, and when.

How often is `resources.checkpoint` of the space file. A trial goes on from the end of an epoch with the bits that it
would have had (on a CPU), because all that is random in it is a function of its seed, the epoch and the step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from paretofair.training.measuring.curves import Curve
from paretofair.training.state import TrainState

_COUNTED = ("epochs_trained", "undefined_losses", "kept_epochs")  # of every trial


@dataclass(frozen=True)
class Checkpoint:
    """A stack at the end of an epoch, in the middle of its training.

    `positions` `(n,)` are its trials in the pack. `left` are the places among them that are still in training, whose
    `state` this is; of the others `final` `(n, P)`, `status`, `epochs_trained` and `kept_epochs` are final.
    `undefined_losses` `(n,)` count so far, `seconds` have been spent, `curve` is what was measured on the way.
    """

    positions: np.ndarray
    left: np.ndarray
    state: TrainState
    final: Tensor
    status: np.ndarray
    epochs_trained: np.ndarray
    undefined_losses: np.ndarray
    kept_epochs: np.ndarray
    seconds: float
    curve: Curve | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Everything but `facts`, as `from_tensors` takes it."""
        arrays = {name: getattr(self, name) for name in ("left", *_COUNTED)}
        if self.curve is not None:
            arrays |= {"curve.positions": self.curve.positions, "curve.epochs": self.curve.epochs}
            arrays |= {f"curve.metrics.{name}": values for name, values in self.curve.metrics.items()}
        found = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in arrays.items()}
        state = {f"state.{name}": each for name, each in self.state.tensors().items()}
        return {**found, **state, "final": self.final.detach().cpu().contiguous()}

    def facts(self) -> dict[str, Any]:
        """What is no tensor, as plain JSON data."""
        return {"epoch": self.state.epoch, "status": self.status.tolist(), "seconds": self.seconds}

    @staticmethod
    def from_tensors(
        tensors: Mapping[str, Tensor], facts: Mapping[str, Any], positions: np.ndarray, device: torch.device
    ) -> Checkpoint:
        """What was kept, of the trials that are now at these positions of the pack. Raises KeyError where a part of it
        is missing."""
        state = {name.removeprefix("state."): each for name, each in tensors.items() if name.startswith("state.")}
        curve = None
        if "curve.epochs" in tensors:
            start = "curve.metrics."
            metrics = {
                name.removeprefix(start): each.numpy() for name, each in tensors.items() if name.startswith(start)
            }
            curve = Curve(tensors["curve.positions"].numpy(), tensors["curve.epochs"].numpy(), metrics)
        return Checkpoint(
            positions=positions,
            left=tensors["left"].numpy(),
            state=TrainState.from_tensors(state, int(facts["epoch"]), device),
            final=tensors["final"].to(device),
            status=np.array(facts["status"], dtype=object),
            **{name: tensors[name].numpy() for name in _COUNTED},
            seconds=float(facts["seconds"]),
            curve=curve,
        )


class Pause(Exception):
    """The time is used up: the rest of the pack goes on from its checkpoint, in a later run."""


class Checkpoints(Protocol):
    """Where the checkpoints of a pack are kept, and how often one is due."""

    @property
    def every(self) -> float:
        """Seconds of training after which a stack is kept, and again: what is shorter never is."""

    @property
    def deadline(self) -> float | None:
        """When (`time.time()`) a stack that is long enough to be kept stops at the end of its epoch."""

    def load(self) -> Iterable[tuple[np.ndarray, Mapping[str, Tensor], Mapping[str, Any]]]:
        """What is kept of stacks of this pack: the positions of their trials, tensors and facts."""

    def save(self, positions: np.ndarray, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Keeps a stack, in place of what was kept of it before."""


def read_checkpoints(checkpoints: Checkpoints, device: torch.device) -> Iterator[Checkpoint]:
    """What is kept of a pack, stack by stack."""
    for positions, tensors, facts in checkpoints.load():
        yield Checkpoint.from_tensors(tensors, facts, positions, device)


class Saver:
    """Keeps one stack now and then while it trains."""

    def __init__(self, checkpoints: Checkpoints | None) -> None:
        self._checkpoints = checkpoints
        self._begun = self._saved = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the stack began, or went on."""
        return time.monotonic() - self._begun

    def at_epoch(self, make: Callable[[], Checkpoint]) -> None:
        """Keeps what `make` gives, where it is time. Raises Pause where the time is used up."""
        kept = self._checkpoints
        if kept is None or self.seconds < kept.every:
            return
        late = kept.deadline is not None and time.time() > kept.deadline
        if late or time.monotonic() - self._saved >= kept.every:
            checkpoint = make()
            kept.save(checkpoint.positions, checkpoint.tensors(), checkpoint.facts())
            self._saved = time.monotonic()
        if late:
            raise Pause
