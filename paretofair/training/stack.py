"""One stack: trials that train side by side."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from paretofair.methods import Rows
from paretofair.training.batches import Batches
from paretofair.training.checkpoints import Checkpoint
from paretofair.training.experiment import Experiment
from paretofair.training.measuring.curves import Curve
from paretofair.training.measuring.evaluation import evaluate
from paretofair.training.state import Memory, TrainState
from paretofair.training.step import ladder_width, make_step, path


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


class Stack:
    """One stack in training.

    A row of the stack trains the trial at `_place[row]`. Rows beyond the trials left, where the width is that of a
    compiled step, repeat the last of them and are ballast. When trials reach their budget, or diverge, they are
    copied out, and the stack is cut to the next width that holds what is left.
    """

    def __init__(
        self,
        experiment: Experiment,
        trials: Trials,
        width: int,
        *,
        state: TrainState | None = None,
        left: np.ndarray | None = None,
    ) -> None:
        """A stack that begins; or one that goes on with the trials at the positions `left` (all by default), whose
        `state` is given."""
        self.trials = trials
        network, method, settings = experiment.network, experiment.method, experiment.settings
        self._step = make_step(
            *(network, method, settings.optimizer),
            compiled=settings.compiled,
            device=experiment.device,
            clip=settings.clip,
        )
        compiled = path(network, settings.compiled, experiment.device) == "compiled"
        self._width = functools.partial(ladder_width, width=width, compiled=compiled)
        running = np.arange(len(trials)) if left is None else left
        self._place = _fill(running, self._width(len(running)))
        self._active = np.arange(len(self._place)) < len(running)
        self._hyper = {
            name: torch.tensor(value[self._place], dtype=experiment.dtype, device=experiment.device)
            for name, value in trials.values.items()
        }
        opponent = method.adversary(network)
        rates = ("learning_rate",) if opponent is None else ("learning_rate", opponent.learning_rate)
        # Those of the epoch, in tensors that stay the same ones: a captured step reads them where they are.
        self._rates = {name: self._hyper[name].clone() for name in rates if settings.schedule is not None}
        seeds = trials.seeds[self._place].tolist()
        if state is None:
            self._state = TrainState.begin(experiment, seeds)
        else:
            self._state = state.take(_fill(np.arange(len(running)), len(self._place)))
        self._epoch = self._state.epoch
        self._experiment = experiment
        self._batches = Batches(experiment, seeds)
        self.final = torch.empty_like(self._state.network.parameters[:1]).repeat(len(trials), 1)
        self.status = np.full(len(trials), "completed", dtype=object)
        self.epochs_trained = np.zeros(len(trials), dtype=np.int64)
        self.undefined_losses = np.zeros(len(trials), dtype=np.int64)
        self.kept_epochs = np.zeros(len(trials), dtype=np.int64)

    @classmethod
    def resume(cls, experiment: Experiment, trials: Trials, width: int, checkpoint: Checkpoint) -> Stack:
        """The stack of these trials as it was kept."""
        stack = cls(experiment, trials, width, state=checkpoint.state, left=checkpoint.left)
        stack.final = checkpoint.final.clone()
        stack.status = checkpoint.status.copy()
        stack.epochs_trained = checkpoint.epochs_trained.copy()
        stack.undefined_losses = checkpoint.undefined_losses.copy()
        stack.kept_epochs = checkpoint.kept_epochs.copy()
        return stack

    def rehearse(self) -> None:
        """One step on the first and one on the last batch."""
        batches = list(self._batches.epoch(0, self._state.of_samples))
        for rows in (batches[0], batches[-1]):
            self._take_step(rows, self._state.memory)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self._batches.steps

    def seconds_per_step(self, steps: int) -> float:
        """The median of `steps` steps that are really taken, after one to warm up."""
        times, memory = [], self._state.memory
        rows = next(self._batches.epoch(0, self._state.of_samples))
        for _ in range(steps + 1):
            started = time.perf_counter()
            self._take_step(rows, memory)
            if self.final.is_cuda:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - started)
        return float(np.median(times[1:]))

    def train(self, until: int | None = None, at_epoch: Callable[[], None] | None = None) -> None:
        """Trains every trial to its budget, or for no more than `until` epochs in all. `at_epoch` is called after every
        epoch at which trials are left."""
        while self._active.any() and (until is None or self._epoch < until):
            undefined = torch.zeros_like(self._state.network.parameters[:, 0])
            memory = self._state.memory
            self._set_rates()
            for rows in self._batches.epoch(self._epoch, self._state.of_samples):
                counts = self._take_step(rows, memory)
                if counts is not None:
                    undefined += counts
            self._epoch += 1
            # The one synchronisation of an epoch. A loss that is not finite makes the parameters so, for good.
            finite = torch.isfinite(self._state.network.parameters).all(1).cpu().numpy()
            counted = undefined.cpu().numpy().astype(np.int64)
            self.undefined_losses[self._place[self._active]] += counted[self._active]
            self._keep_best()
            due = self.trials.values["epochs"][self._place] == self._epoch
            self._finish(np.flatnonzero(self._active & (due | ~finite)), finite)
            if at_epoch is not None and self._active.any():
                at_epoch()

    def take_unfinished(self) -> tuple[np.ndarray, TrainState]:
        """The positions of the trials that have not reached their budget, and what they are at."""
        rows = np.flatnonzero(self._active)
        return self._place[rows], replace(self._state.take(rows), epoch=self._epoch)

    def checkpoint(self, positions: np.ndarray, seconds: float, curve: Curve | None = None) -> Checkpoint:
        """The stack as it is now; the arguments are those of a checkpoint."""
        left, state = self.take_unfinished()
        own = self.final, self.status, self.epochs_trained, self.undefined_losses, self.kept_epochs
        return Checkpoint(positions, left, state, *own, seconds, curve)

    def _take_step(self, rows: Rows, memory: Memory) -> Tensor | None:
        hyper = {**self._hyper, **self._rates}
        return self._step(self._state.network, self._state.adversary, memory, rows, hyper)

    def _set_rates(self) -> None:
        """The learning rates of the epoch that begins."""
        schedule = self._experiment.settings.schedule
        for name, values in self._rates.items():
            assert schedule is not None
            values.copy_(self._hyper[name] * schedule.multiplier(self._epoch))

    def _keep_best(self) -> None:
        """Measures the epoch that has ended on the split that chooses, where the best one is kept."""
        own, best, parameters = self._experiment, self._state.best, self._state.network.parameters
        keep = own.settings.keep_epoch
        if keep is None or best is None:
            return
        losses = np.full(len(parameters), np.inf)
        if self._epoch >= keep.since:
            split, values = own.data.selection_split, self.trials.take(self._place).values
            measured = evaluate(
                *(own.network, parameters, own.data, own.threshold, own.method, values),
                splits=(split,),
                own_metrics=[each for each in own.own_metrics if each.name == keep.metric.name],
            )
            losses = keep.losses(measured.values_of(keep.metric, split, own.data), values)
        self._state = replace(self._state, best=best.update(losses, self._epoch, parameters))

    def _finish(self, rows: np.ndarray, finite: np.ndarray) -> None:
        places = self._place[rows]
        self.final[places] = self._state.kept[rows]
        self.epochs_trained[places] = self._epoch
        self.kept_epochs[places] = self._state.kept_epochs(self._epoch)[rows]
        self.status[places[~finite[rows]]] = "diverged"
        self._active[rows] = False
        left = np.flatnonzero(self._active)
        if len(left) and self._width(len(left)) < len(self._place):
            kept = _fill(left, self._width(len(left)))
            self._place = self._place[kept]
            self._active = np.arange(len(kept)) < len(left)
            self._batches.keep(kept.tolist())
            index = torch.from_numpy(kept).to(self.final.device)
            self._state = self._state.take(kept)
            self._hyper = {name: value[index] for name, value in self._hyper.items()}
            self._rates = {name: value[index] for name, value in self._rates.items()}


def _fill(rows: np.ndarray, width: int) -> np.ndarray:
    """`rows`, the last one repeated up to `width`."""
    return rows[np.minimum(np.arange(width), len(rows) - 1)]
