"""The training core: trains a pack of trials on one device."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from paretofair.training.checkpoints import Checkpoint, Checkpoints, Saver, read_checkpoints
from paretofair.training.experiment import Experiment
from paretofair.training.halving import Halving
from paretofair.training.measuring.contribution import disparities
from paretofair.training.measuring.curves import Curve, CurveSettings
from paretofair.training.measuring.evaluation import Evaluation, evaluate
from paretofair.training.stack import Stack, Trials
from paretofair.training.state import TrainState
from paretofair.training.step import path

logger = logging.getLogger("paretofair")

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class FinishedStack:
    """Results of the trials at `positions` of the pack, each array with one row per trial.

    `status` is `completed`, `stopped` (by successive halving) or `diverged` (a loss that is not finite; metrics NaN).
    `kept_epochs` says at the end of which epoch a trial was as it is measured. `undefined_losses` counts fairness
    distances without a value over the whole training. `seconds` is the time of the
    stack divided by its trials. `path` is that of `step.path`, `width` how many trials a stack could hold at most.
    `curve` is what was measured on the way.
    """

    positions: np.ndarray
    status: np.ndarray
    epochs_trained: np.ndarray
    kept_epochs: np.ndarray
    undefined_losses: np.ndarray
    seconds: float
    path: str
    width: int
    evaluation: Evaluation
    parameters: np.ndarray
    curve: Curve | None = None


def train_pack(
    experiment: Experiment,
    trials: Trials,
    *,
    width: int,
    halving: Halving | None = None,
    curves: CurveSettings | None = None,
    checkpoints: Checkpoints | None = None,
) -> Iterator[FinishedStack]:
    """Trains `trials` in stacks of at most `width`, shortest first, and yields each stack as it finishes.

    With `halving` trials of a bracket compete at its rungs and all come at once, as one stack. With `curves` (not both)
    metrics are measured on the way. With `checkpoints` what was cut short goes on first, in the stacks that it stood
    in, and long stacks are kept now and then: at the end of an epoch, under `halving` at a rung. Where the memory does
    not suffice the width is halved, with a warning.

    A trial's result is a function of its seed, its hyperparameters and the experiment (under `halving` also of its
    bracket's trials); on a CPU bit for bit, whatever stack it stands in and however often it was cut short. Raises
    Pause where the time of `checkpoints` is used up.
    """
    pack = _Pack(experiment, trials, width, checkpoints)
    kept = iter(()) if checkpoints is None else read_checkpoints(checkpoints, experiment.device)
    if halving is not None:
        yield pack.halve(halving, next(kept, None))
        return
    order = np.argsort(trials.values["epochs"], kind="stable")
    for checkpoint in kept:
        resumed = pack.resume(checkpoint, curves)
        if resumed is not None:
            yield resumed
            order = order[~np.isin(order, checkpoint.positions)]
    for _, stack in pack.run_in_stacks(order, functools.partial(pack.finish, curves=curves)):
        yield stack


@dataclass
class _Pack:
    """What the stacks of a pack have in common; `width` shrinks where the memory does not suffice."""

    experiment: Experiment
    trials: Trials
    width: int
    checkpoints: Checkpoints | None

    def run_in_stacks(
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

    def finish(
        self, positions: np.ndarray, curves: CurveSettings | None, checkpoint: Checkpoint | None = None
    ) -> FinishedStack:
        """One stack, trained to the end, from where it was kept on."""
        saver, trials = Saver(self.checkpoints), self.trials.take(positions)
        before = 0.0 if checkpoint is None else checkpoint.seconds
        if checkpoint is None:
            stack = Stack(self.experiment, trials, self.width)
        else:
            stack = Stack.resume(self.experiment, trials, self.width, checkpoint)
        parts = [checkpoint.curve] if checkpoint is not None and checkpoint.curve is not None else []

        def save() -> None:
            curve = Curve.join(parts) if parts else None
            saver.at_epoch(lambda: stack.checkpoint(positions, before + saver.seconds, curve))

        if curves is None:
            stack.train(at_epoch=save)
        else:
            self._measure(stack, curves, parts, save)
        evaluation = self._evaluate(np.arange(len(trials)), stack.final, trials)
        seconds = (before + saver.seconds) / len(trials)
        results = stack.status, stack.epochs_trained, stack.kept_epochs, stack.undefined_losses
        curve = Curve.join(parts) if parts else None
        return self._result(positions, *results, seconds, evaluation, stack.final, curve)

    def resume(self, checkpoint: Checkpoint, curves: CurveSettings | None) -> FinishedStack | None:
        """The stack that was kept, trained to the end. None where the memory does not suffice, as it may after a move
        to a smaller device: its trials then begin anew, in stacks that fit."""
        try:
            return self.finish(checkpoint.positions, curves, checkpoint)
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
        logger.warning("Out of memory; %d trials that were kept begin anew.", len(checkpoint.positions))
        return None

    def halve(self, halving: Halving, checkpoint: Checkpoint | None = None) -> FinishedStack:
        """The whole pack, rung by rung: in between, trials wait outside of stacks."""
        saver, trials, n = Saver(self.checkpoints), self.trials, len(self.trials)
        assert trials.brackets is not None
        everyone = np.arange(n)
        status = np.full(n, "completed", dtype=object)
        epochs_trained, kept_epochs, undefined = (np.zeros(n, dtype=np.int64) for _ in range(3))
        shared = self.experiment
        final = torch.empty(n, shared.network.size, device=shared.device, dtype=shared.dtype)
        running = np.argsort(trials.values["epochs"], kind="stable")
        waiting: TrainState | None = None
        before = 0.0
        if checkpoint is not None:
            status, epochs_trained = checkpoint.status.copy(), checkpoint.epochs_trained.copy()
            kept_epochs, undefined = checkpoint.kept_epochs.copy(), checkpoint.undefined_losses.copy()
            final = checkpoint.final.clone()
            running, waiting, before = checkpoint.left, checkpoint.state, checkpoint.seconds
        begun = 0 if waiting is None else waiting.epoch
        for until in (*(rung for rung in halving.rungs if rung > begun), None):
            places, parts = [], []
            advance = functools.partial(self._advance, running=running, waiting=waiting, until=until)
            for rows, stack in self.run_in_stacks(np.arange(len(running)), advance):
                left, unfinished = stack.take_unfinished()
                ended = np.setdiff1d(np.arange(len(rows)), left)
                of_pack = running[rows]
                undefined[of_pack] += stack.undefined_losses
                final[of_pack[ended]] = stack.final[ended]
                status[of_pack[ended]] = stack.status[ended]
                epochs_trained[of_pack[ended]] = stack.epochs_trained[ended]
                kept_epochs[of_pack[ended]] = stack.kept_epochs[ended]
                # In the order of the budgets, which rows of a stack keep.
                places.append(of_pack[left])
                if len(left):
                    parts.append(unfinished)
            running = np.concatenate(places)
            if until is None or not len(running):
                break
            waiting = TrainState.join(parts)
            split = self.experiment.data.selection_split
            evaluation = self._evaluate_in_stacks(running, waiting.kept, (split,))
            values = functools.partial(evaluation.values_of, split=split, data=self.experiment.data)
            kept = halving.survivors(values, trials.brackets[running])
            stopped = np.flatnonzero(~kept)
            final[running[stopped]] = waiting.kept[torch.from_numpy(stopped).to(final.device)]
            status[running[stopped]], epochs_trained[running[stopped]] = "stopped", until
            kept_epochs[running[stopped]] = waiting.kept_epochs(until)[stopped]
            running, waiting = running[kept], waiting.take(np.flatnonzero(kept))
            seconds = before + saver.seconds
            own = everyone, running, waiting, final, status, epochs_trained, undefined, kept_epochs, seconds
            saver.at_epoch(functools.partial(Checkpoint, *own))
        evaluation = self._evaluate_in_stacks(everyone, final)
        seconds = (before + saver.seconds) / n
        own_results = status, epochs_trained, kept_epochs, undefined
        return self._result(everyone, *own_results, seconds, evaluation, final, None)

    def _advance(self, rows: np.ndarray, running: np.ndarray, waiting: TrainState | None, until: int | None) -> Stack:
        """The trials at `running[rows]`, trained until an epoch."""
        state = None if waiting is None else waiting.take(rows)
        stack = Stack(self.experiment, self.trials.take(running[rows]), self.width, state=state)
        stack.train(until)
        return stack

    def _measure(self, stack: Stack, curves: CurveSettings, parts: list[Curve], save: Callable[[], None]) -> None:
        """Trains a stack to the end, adds what is measured on the way to `parts`, and saves after every measurement."""
        (left, state), experiment = stack.take_unfinished(), self.experiment
        epoch = state.epoch
        while len(left):
            epoch += curves.every
            stack.train(epoch)
            running, unfinished = stack.take_unfinished()
            ended = np.setdiff1d(left, running)
            left = running
            for rows, parameters, epochs in (
                (running, unfinished.network.parameters, np.full(len(running), epoch)),
                (ended, stack.final[torch.from_numpy(ended)], stack.epochs_trained[ended]),
            ):
                if len(rows):
                    metrics = self._measure_splits(rows, parameters, stack.trials, curves.splits)
                    if curves.contribution:
                        found = disparities(experiment.network, parameters, experiment.data)
                        metrics |= {f"contribution_{name}": values for name, values in found.items()}
                    parts.append(Curve(rows, epochs, metrics))
            if len(left):
                save()

    def _measure_splits(
        self, rows: np.ndarray, parameters: torch.Tensor, trials: Trials, splits: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """The metrics on these splits alone, or on all; thresholds need the one that chooses in any case."""
        data = self.experiment.data
        wanted = [name for name in data.splits if not splits or name in splits]
        found = self._evaluate(rows, parameters, trials, [*wanted, data.selection_split]).metrics
        return {name: values for name, values in found.items() if name.startswith(tuple(f"{each}_" for each in wanted))}

    def _evaluate_in_stacks(
        self, positions: np.ndarray, parameters: torch.Tensor, splits: Sequence[str] | None = None
    ) -> Evaluation:
        """The evaluation of trials at positions of the pack, with parameters `(n, P)`."""

        def of_stack(rows: np.ndarray) -> Evaluation:
            own = parameters[torch.from_numpy(rows).to(parameters.device)]
            return self._evaluate(positions[rows], own, self.trials, splits)

        return Evaluation.joined([part for _, part in self.run_in_stacks(np.arange(len(positions)), of_stack)])

    def _evaluate(
        self, rows: np.ndarray, parameters: torch.Tensor, trials: Trials, splits: Sequence[str] | None = None
    ) -> Evaluation:
        """The evaluation of the trials at `rows` of `trials`."""
        own, values = self.experiment, trials.take(rows).values
        how = own.network, parameters, own.data, own.threshold, own.method, values
        return evaluate(*how, splits=splits, own_metrics=own.own_metrics)

    def _result(
        self,
        positions: np.ndarray,
        status: np.ndarray,
        epochs_trained: np.ndarray,
        kept_epochs: np.ndarray,
        undefined: np.ndarray,
        seconds: float,
        evaluation: Evaluation,
        parameters: torch.Tensor,
        curve: Curve | None,
    ) -> FinishedStack:
        # The last step can blow up too, which only the scores show.
        status[~evaluation.finite] = "diverged"
        own_values = self.trials.take(positions).values
        _leave_out(evaluation, status == "diverged", self.experiment.method.untrained(own_values))
        how = path(self.experiment.network, self.experiment.settings.compiled, self.experiment.device)
        own = positions, status, epochs_trained, kept_epochs, undefined, seconds, how, self.width
        return FinishedStack(*own, evaluation, parameters.cpu().numpy(), curve)


def _out_of_memory(error: Exception) -> bool:
    words = "can't allocate memory"  # of PyTorch on a CPU, which has no type of error for it
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or words in str(error)


def _leave_out(evaluation: Evaluation, diverged: np.ndarray, untrained: np.ndarray | None) -> None:
    """Makes NaN what has no meaning: metrics of diverged trials, and of heads that were not trained."""
    for values in evaluation.metrics.values():
        values[diverged] = np.nan
        if untrained is not None:
            values[untrained] = np.nan
    for of_tasks in (*evaluation.confusion.values(), *evaluation.unweighted.values()):
        for task, counts in enumerate(of_tasks):
            counts[diverged] = np.nan
            if untrained is not None:
                counts[untrained[:, task]] = np.nan
