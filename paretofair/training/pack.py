"""The training core: trains a pack of trials on one device."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from paretofair.methods import Method
from paretofair.models import StackedNetwork
from paretofair.training.evaluation import Evaluation, Threshold, evaluate
from paretofair.training.stack import Stack, TrainingSettings, Trials
from paretofair.training.step import path
from paretofair.training.tensors import DeviceData

logger = logging.getLogger("paretofair")


@dataclass(frozen=True)
class FinishedStack:
    """Results of the trials at `positions` of the pack, each array with one row per trial.

    `status` is `completed` or `diverged` (a loss that is not finite; metrics NaN). `undefined_losses` counts fairness
    distances without a value over the whole training. `seconds` is the time of the stack divided by its trials.
    `path` is that of `step.path`, `width` how many trials a stack could hold at most.
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


def train_pack(
    data: DeviceData,
    network: StackedNetwork,
    method: Method,
    trials: Trials,
    *,
    settings: TrainingSettings,
    threshold: Threshold,
    width: int,
) -> Iterator[FinishedStack]:
    """Trains `trials` in stacks of at most `width`, shortest first, and yields each stack as it finishes.

    Where the memory does not suffice the width is halved, with a warning.

    The device and type are those of `data`. A trial's result is a function of its seed, its hyperparameters and the
    other arguments; on a CPU bit for bit, whatever stack it stands in.
    """
    left = np.argsort(trials.values["epochs"], kind="stable")
    while len(left):
        positions = left[:width]
        stack = _trained(data, network, method, trials, positions, settings, threshold, width)
        if stack is None:
            width = len(positions) // 2
            logger.warning("Out of memory; going on with stacks of %d trials.", width)
            continue
        left = left[len(positions) :]
        yield stack


def _trained(
    data: DeviceData,
    network: StackedNetwork,
    method: Method,
    pack: Trials,
    positions: np.ndarray,
    settings: TrainingSettings,
    threshold: Threshold,
    width: int,
) -> FinishedStack | None:
    """The stack of the trials at `positions`; None where the memory did not suffice and fewer trials might do."""
    trials = pack.take(positions)
    started = time.perf_counter()
    try:
        stack = Stack(data, network, method, trials, settings, width)
        stack.train()
        evaluation = evaluate(network, stack.final, data, threshold, method, trials.values)
    except (RuntimeError, MemoryError) as error:
        if len(trials) == 1 or not _out_of_memory(error):
            raise
        return None
    # The last step can blow up too, which only the scores show.
    stack.status[~evaluation.finite] = "diverged"
    _leave_out(evaluation, stack.status == "diverged", method.untrained(stack.trials.values))
    return FinishedStack(
        positions=positions,
        status=stack.status,
        epochs_trained=stack.epochs_trained,
        undefined_losses=stack.undefined_losses,
        seconds=(time.perf_counter() - started) / len(trials),
        path=path(network, settings.compiled),
        width=width,
        evaluation=evaluation,
        parameters=stack.final.cpu().numpy(),
    )


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
