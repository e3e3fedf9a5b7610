"""One stack: trials that train side by side."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from paretofair.methods import Method
from paretofair.models import StackedNetwork
from paretofair.training.batches import Batches
from paretofair.training.optimizers import Adagrad, Optimizer
from paretofair.training.step import ladder_width, make_step, path
from paretofair.training.tensors import DeviceData


@dataclass(frozen=True)
class Trials:
    """Trials of one pack: `seeds` `(n,)` give initial weights and batch order; `values` are hyperparameters by name,
    `(n,)` or `(n, tasks)`: those of the method, `learning_rate` and `epochs`. `brackets` `(n,)`: those of one number
    compete in successive halving."""

    seeds: np.ndarray
    values: Mapping[str, np.ndarray]
    brackets: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.seeds)

    def take(self, rows: np.ndarray) -> Trials:
        """The trials at positions `rows`."""
        return Trials(
            self.seeds[rows],
            {name: value[rows] for name, value in self.values.items()},
            None if self.brackets is None else self.brackets[rows],
        )


class Unfinished(NamedTuple):
    """Trials in the middle of training, one row each: `parameters` `(n, P)`, the `state` of the optimiser."""

    parameters: torch.Tensor
    state: tuple[torch.Tensor, ...]

    def take(self, rows: np.ndarray) -> Unfinished:
        """The trials at positions `rows`."""
        index = torch.from_numpy(rows).to(self.parameters.device)
        return Unfinished(self.parameters[index], tuple(each[index] for each in self.state))

    @staticmethod
    def joined(parts: Sequence[Unfinished]) -> Unfinished:
        """One after the other."""
        state = zip(*(part.state for part in parts), strict=True)
        return Unfinished(torch.cat([part.parameters for part in parts]), tuple(torch.cat(each) for each in state))


_ADAGRAD = Adagrad()


@dataclass(frozen=True)
class TrainingSettings:
    """What the `training` section says about optimisation, whether a tenth of the rows is held out of the loss for the
    penalty, and whether steps are compiled; the same for every trial."""

    batch_size: int = 512
    optimizer: Optimizer = _ADAGRAD
    holdout: bool = False
    compiled: bool = False


class Stack:
    """One stack in training.

    A row of the stack trains the trial at `_place[row]`. Rows beyond the trials left, where the width is that of a
    compiled step, repeat the last of them and are ballast. When trials reach their budget, or diverge, they are
    copied out, and the stack is cut to the next width that holds what is left.
    """

    def __init__(
        self,
        data: DeviceData,
        network: StackedNetwork,
        method: Method,
        trials: Trials,
        settings: TrainingSettings,
        width: int,
        *,
        epoch: int = 0,
        unfinished: Unfinished | None = None,
    ) -> None:
        """A stack that begins, or one that goes on with trials that have been trained for `epoch` epochs."""
        train = data.splits["train"]
        optimizer = settings.optimizer
        self.trials = trials
        self._step = make_step(network, method, optimizer, compiled=settings.compiled, device=train.inputs.device)
        compiled = path(network, settings.compiled) == "compiled"
        self._width = functools.partial(ladder_width, width=width, compiled=compiled)
        self._place = _filled(np.arange(len(trials)), self._width(len(trials)))
        self._active = np.arange(len(self._place)) < len(trials)
        self._hyper = {
            name: torch.tensor(value[self._place], dtype=train.inputs.dtype, device=train.inputs.device)
            for name, value in trials.values.items()
        }
        seeds = trials.seeds[self._place].tolist()
        if unfinished is not None:
            self._parameters, self._state = unfinished.take(self._place)
        else:
            self._parameters = network.initial(seeds, train.inputs.dtype).to(train.inputs.device)
            self._state = optimizer.state(self._parameters[:, : network.trainable])
            adversary = method.adversary(network)
            if adversary is not None:
                against = adversary.initial(seeds, train.inputs.dtype).to(train.inputs.device)
                self._state = (*self._state, against, *optimizer.state(against))
        self._epoch = epoch
        self._batches = Batches(data, settings.batch_size, seeds, network, method, holdout=settings.holdout)
        self.final = torch.empty_like(self._parameters[: len(trials)])
        self.status = np.full(len(trials), "completed", dtype=object)
        self.epochs_trained = np.zeros(len(trials), dtype=np.int64)
        self.undefined_losses = np.zeros(len(trials), dtype=np.int64)

    def rehearse(self) -> None:
        """One step on the first and one on the last batch."""
        batches = list(self._batches.epoch(0))
        for rows in (batches[0], batches[-1]):
            self._step(self._parameters, self._state, rows, self._hyper)

    def seconds_per_step(self, steps: int) -> float:
        """The median of `steps` steps that are really taken, after one to warm up."""
        times = []
        rows = next(self._batches.epoch(0))
        for _ in range(steps + 1):
            started = time.perf_counter()
            self._step(self._parameters, self._state, rows, self._hyper)
            if self._parameters.is_cuda:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - started)
        return float(np.median(times[1:]))

    def train(self, until: int | None = None) -> None:
        """Trains every trial to its budget, or for no more than `until` epochs in all."""
        while self._active.any() and (until is None or self._epoch < until):
            undefined = torch.zeros_like(self._parameters[:, 0])
            for rows in self._batches.epoch(self._epoch):
                counts = self._step(self._parameters, self._state, rows, self._hyper)
                if counts is not None:
                    undefined += counts
            self._epoch += 1
            # The one synchronisation of an epoch. A loss that is not finite makes the parameters so, for good.
            finite = torch.isfinite(self._parameters).all(1).cpu().numpy()
            counted = undefined.cpu().numpy().astype(np.int64)
            self.undefined_losses[self._place[self._active]] += counted[self._active]
            due = self.trials.values["epochs"][self._place] == self._epoch
            self._finish(np.flatnonzero(self._active & (due | ~finite)), finite)

    def unfinished(self) -> tuple[np.ndarray, Unfinished]:
        """The positions of the trials that have not reached their budget, and what they are at."""
        rows = np.flatnonzero(self._active)
        return self._place[rows], Unfinished(self._parameters, self._state).take(rows)

    def _finish(self, rows: np.ndarray, finite: np.ndarray) -> None:
        places = self._place[rows]
        self.final[places] = self._parameters[rows]
        self.epochs_trained[places] = self._epoch
        self.status[places[~finite[rows]]] = "diverged"
        self._active[rows] = False
        left = np.flatnonzero(self._active)
        if len(left) and self._width(len(left)) < len(self._place):
            kept = _filled(left, self._width(len(left)))
            self._place = self._place[kept]
            self._active = np.arange(len(kept)) < len(left)
            self._batches.keep(kept.tolist())
            index = torch.from_numpy(kept).to(self.final.device)
            self._parameters, self._state = Unfinished(self._parameters, self._state).take(kept)
            self._hyper = {name: value[index] for name, value in self._hyper.items()}


def _filled(rows: np.ndarray, width: int) -> np.ndarray:
    """`rows`, the last one repeated up to `width`."""
    return rows[np.minimum(np.arange(width), len(rows) - 1)]
