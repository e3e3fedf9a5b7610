"""The training core: trains a pack of trials on one device."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from paretofair.methods import Method
from paretofair.models import StackedNetwork
from paretofair.training.contribution import disparities
from paretofair.training.curves import Curve, Curves
from paretofair.training.evaluation import Evaluation, Threshold, evaluate
from paretofair.training.halving import Halving
from paretofair.training.stack import Stack, TrainingSettings, Trials, Unfinished
from paretofair.training.step import path
from paretofair.training.tensors import DeviceData

logger = logging.getLogger("paretofair")

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class FinishedStack:
    """Results of the trials at `positions` of the pack, each array with one row per trial.

    `status` is `completed`, `stopped` (by successive halving) or `diverged` (a loss that is not finite; metrics NaN).
    `undefined_losses` counts fairness distances without a value over the whole training. `seconds` is the time of the
    stack divided by its trials. `path` is that of `step.path`, `width` how many trials a stack could hold at most.
    `curve` is what was measured on the way.
    """

    positions: np.ndarray
    status: np.ndarray
    epochs_trained: np.ndarray
    undefined_losses: np.ndarray
    seconds: float
    path: str
    width: int
    evaluation: Evaluation
    parameters: np.ndarray
    curve: Curve | None = None


def train_pack(
    data: DeviceData,
    network: StackedNetwork,
    method: Method,
    trials: Trials,
    *,
    settings: TrainingSettings,
    threshold: Threshold,
    width: int,
    halving: Halving | None = None,
    curves: Curves | None = None,
) -> Iterator[FinishedStack]:
    """Trains `trials` in stacks of at most `width`, shortest first, and yields each stack as it finishes.

    With `halving` trials of a bracket compete at its rungs and all come at once, as one stack. With `curves` (not both)
    metrics are measured on the way. Where the memory does not suffice the width is halved, with a warning.

    The device and type are those of `data`. A trial's result is a function of its seed, its hyperparameters and the
    other arguments (under `halving` also of its bracket's trials); on a CPU bit for bit, whatever stack it stands in.
    """
    pack = _Pack(data, network, method, trials, settings, threshold, width)
    if halving is not None:
        yield pack.halved(halving)
        return
    order = np.argsort(trials.values["epochs"], kind="stable")
    for _, stack in pack.in_stacks(order, functools.partial(pack.finished, curves=curves)):
        yield stack


@dataclass
class _Pack:
    """What the stacks of a pack have in common; `width` shrinks where the memory does not suffice."""

    data: DeviceData
    network: StackedNetwork
    method: Method
    trials: Trials
    settings: TrainingSettings
    threshold: Threshold
    width: int

    def in_stacks(
        self, rows: np.ndarray, work: Callable[[np.ndarray], _Result]
    ) -> Iterator[tuple[np.ndarray, _Result]]:
        """The results of `work` on as many of `rows` at a time as a stack holds, fewer where the memory does not
        suffice."""
        while len(rows):
            own = rows[: self.width]
            try:
                result = work(own)
            except (RuntimeError, MemoryError) as error:
                if len(own) == 1 or not _out_of_memory(error):
                    raise
                result = None
            # Behind the handler, whose traceback holds on to what was allocated.
            if result is None:
                self.width = len(own) // 2
                logger.warning("Out of memory; going on with stacks of %d trials.", self.width)
                continue
            yield own, result
            rows = rows[len(own) :]

    def finished(self, positions: np.ndarray, curves: Curves | None) -> FinishedStack:
        """One stack, trained to the end."""
        started = time.perf_counter()
        trials = self.trials.take(positions)
        stack = self._stack(trials)
        curve = None if curves is None else self._measured(stack, curves)
        stack.train()
        evaluation = self._evaluated(np.arange(len(trials)), stack.final, trials)
        seconds = (time.perf_counter() - started) / len(trials)
        results = stack.status, stack.epochs_trained, stack.undefined_losses
        return self._result(positions, *results, seconds, evaluation, stack.final, curve)

    def halved(self, halving: Halving) -> FinishedStack:
        """The whole pack, rung by rung: in between, trials wait outside of stacks."""
        started = time.perf_counter()
        trials, n = self.trials, len(self.trials)
        assert trials.brackets is not None
        status = np.full(n, "completed", dtype=object)
        epochs_trained, undefined = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        final = self.data.splits["train"].inputs.new_empty(n, self.network.size)
        running = np.argsort(trials.values["epochs"], kind="stable")
        waiting: Unfinished | None = None
        epoch = 0
        for until in (*halving.rungs, None):
            places, parts = [], []
            advance = functools.partial(self._advanced, running=running, waiting=waiting, epoch=epoch, until=until)
            for rows, stack in self.in_stacks(np.arange(len(running)), advance):
                left, unfinished = stack.unfinished()
                ended = np.setdiff1d(np.arange(len(rows)), left)
                of_pack = running[rows]
                undefined[of_pack] += stack.undefined_losses
                final[of_pack[ended]] = stack.final[ended]
                status[of_pack[ended]] = stack.status[ended]
                epochs_trained[of_pack[ended]] = stack.epochs_trained[ended]
                # In the order of the budgets, which rows of a stack keep.
                places.append(of_pack[left])
                parts.append(unfinished)
            running = np.concatenate(places)
            if until is None or not len(running):
                break
            waiting, epoch = Unfinished.joined(parts), until
            split = self.data.selection_split
            evaluation = self._all_evaluated(running, waiting.parameters, (split,))
            metrics = {name.removeprefix(f"{split}_"): value for name, value in evaluation.metrics.items()}
            kept = halving.survivors(metrics, trials.brackets[running])
            stopped = np.flatnonzero(~kept)
            final[running[stopped]] = waiting.take(stopped).parameters
            status[running[stopped]], epochs_trained[running[stopped]] = "stopped", until
            running, waiting = running[kept], waiting.take(np.flatnonzero(kept))
        evaluation = self._all_evaluated(np.arange(n), final)
        seconds = (time.perf_counter() - started) / n
        return self._result(np.arange(n), status, epochs_trained, undefined, seconds, evaluation, final, None)

    def _stack(self, trials: Trials, epoch: int = 0, unfinished: Unfinished | None = None) -> Stack:
        own = self.data, self.network, self.method, trials, self.settings, self.width
        return Stack(*own, epoch=epoch, unfinished=unfinished)

    def _advanced(
        self, rows: np.ndarray, running: np.ndarray, waiting: Unfinished | None, epoch: int, until: int | None
    ) -> Stack:
        """The trials at `running[rows]`, trained until an epoch."""
        unfinished = None if waiting is None else waiting.take(rows)
        stack = self._stack(self.trials.take(running[rows]), epoch, unfinished)
        stack.train(until)
        return stack

    def _measured(self, stack: Stack, curves: Curves) -> Curve:
        """Trains a stack to the end and measures it on the way."""
        left, epoch = np.arange(len(stack.trials)), 0
        parts: list[Curve] = []
        while len(left):
            epoch += curves.every
            stack.train(epoch)
            running, unfinished = stack.unfinished()
            ended = np.setdiff1d(left, running)
            left = running
            for rows, parameters, epochs in (
                (running, unfinished.parameters, np.full(len(running), epoch)),
                (ended, stack.final[torch.from_numpy(ended)], stack.epochs_trained[ended]),
            ):
                if len(rows):
                    metrics = self._evaluated(rows, parameters, stack.trials).metrics
                    if curves.contribution:
                        found = disparities(self.network, parameters, self.data)
                        metrics |= {f"contribution_{name}": values for name, values in found.items()}
                    parts.append(Curve(rows, epochs, metrics))
        return Curve.joined(parts)

    def _all_evaluated(
        self, positions: np.ndarray, parameters: torch.Tensor, splits: Sequence[str] | None = None
    ) -> Evaluation:
        """The evaluation of trials at positions of the pack, with parameters `(n, P)`."""

        def of_stack(rows: np.ndarray) -> Evaluation:
            own = parameters[torch.from_numpy(rows).to(parameters.device)]
            return self._evaluated(positions[rows], own, self.trials, splits)

        return Evaluation.joined([part for _, part in self.in_stacks(np.arange(len(positions)), of_stack)])

    def _evaluated(
        self, rows: np.ndarray, parameters: torch.Tensor, trials: Trials, splits: Sequence[str] | None = None
    ) -> Evaluation:
        """The evaluation of the trials at `rows` of `trials`."""
        values = trials.take(rows).values
        return evaluate(self.network, parameters, self.data, self.threshold, self.method, values, splits=splits)

    def _result(
        self,
        positions: np.ndarray,
        status: np.ndarray,
        epochs_trained: np.ndarray,
        undefined: np.ndarray,
        seconds: float,
        evaluation: Evaluation,
        parameters: torch.Tensor,
        curve: Curve | None,
    ) -> FinishedStack:
        # The last step can blow up too, which only the scores show.
        status[~evaluation.finite] = "diverged"
        _leave_out(evaluation, status == "diverged", self.method.untrained(self.trials.take(positions).values))
        how = path(self.network, self.settings.compiled)
        own = positions, status, epochs_trained, undefined, seconds, how, self.width
        return FinishedStack(*own, evaluation, parameters.cpu().numpy(), curve)


def _out_of_memory(error: Exception) -> bool:
    words = "can't allocate memory"  # of PyTorch on a CPU, which has no type of error for it
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or words in str(error)


def _leave_out(evaluation: Evaluation, diverged: np.ndarray, untrained: np.ndarray | None) -> None:
    """Makes NaN what has no meaning: metrics of diverged trials, and of heads that were not trained."""
    for table in (evaluation.metrics, evaluation.confusion):
        for values in table.values():
            values[diverged] = np.nan
            if untrained is not None:
                values[untrained] = np.nan
