"""What is tried before a training: whether a network can be stacked, and how wide stacks should be."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from paretofair.training.experiment import Experiment
from paretofair.training.measuring.evaluation import Threshold, evaluate
from paretofair.training.stack import Stack, Trials

# On a CPU the activations of about 32 trials of the papers' networks fit the cache of one core.
WIDTHS = {
    "cpu": (8, 16, 32, 64, 128),
    "cuda": (128, 256, 512, 1024, 2048, 4096, 8192, 16384),
}
# The width where nothing is measured.
UNMEASURED = {"cpu": 32, "cuda": 1024}
_STEPS = 15
_FEW_STEPS = 5
_SHORT = 0.05  # seconds of a step
# Of the best throughput. A narrow stack wastes less where trials end early, measurements scatter by a few percent, and
# compiled steps, which are not measured, are best at 8 to 32 trials of the papers' networks.
_ENOUGH = 0.9
_MEMORY = 0.8  # of what is free


def rehearse(experiment: Experiment, trials: Trials) -> None:
    """Takes one gradient on the first and on the last batch, and raises whatever these raise.

    A network of the user's own may be unable to do what stacks ask of it: this tells before any work starts.
    """
    Stack(_switch_off_compilation(experiment), trials, len(trials)).rehearse()


def measure_width(experiment: Experiment, trials: Trials) -> int:
    """The smallest width with about the best throughput of a training step, measured uncompiled in a second or two.

    On a GPU never one whose training and evaluation would take more than four fifths of the free memory. Stacks
    repeat `trials`, so that the width does not depend on how many there are.
    """
    experiment, device = _switch_off_compilation(experiment), experiment.device
    most = _fit_memory(experiment, trials) if device.type == "cuda" else max(WIDTHS["cpu"])
    throughput: dict[int, float] = {}
    for width in WIDTHS[device.type]:
        if throughput and (width > most or max(throughput.values()) > 1.1 * list(throughput.values())[-1]):
            break
        stack = Stack(experiment, trials.take(np.arange(width) % len(trials)), width)
        throughput[width] = width / stack.seconds_per_step(_STEPS)
    best = max(throughput.values())
    return next(width for width, found in throughput.items() if found >= _ENOUGH * best)


def measure_epoch(experiment: Experiment, trials: Trials) -> float:
    """Seconds that an epoch takes of one trial in a stack of the usual width, by a few steps that are really taken,
    uncompiled. Steps that take long are timed in a stack of these `trials` alone."""
    experiment = _switch_off_compilation(experiment)
    stack = Stack(experiment, trials, len(trials))
    seconds, width = stack.seconds_per_step(1), len(trials)
    if seconds < _SHORT:
        width = UNMEASURED[experiment.device.type]
        stack = Stack(experiment, trials.take(np.arange(width) % len(trials)), width)
        seconds = stack.seconds_per_step(_FEW_STEPS)
    return seconds * stack.steps / width


def _switch_off_compilation(experiment: Experiment) -> Experiment:
    return dataclasses.replace(experiment, settings=dataclasses.replace(experiment.settings, compiled=False))


def _fit_memory(experiment: Experiment, trials: Trials) -> int:
    """How many trials the free memory of the GPU holds, from what a few take in training and evaluation."""
    few = WIDTHS["cuda"][0]
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    stack = Stack(experiment, trials.take(np.arange(few) % len(trials)), few)
    stack.seconds_per_step(1)
    evaluate(experiment.network, stack.final.zero_(), experiment.data, Threshold())
    per_trial = (torch.cuda.max_memory_allocated() - before) / few
    free, _ = torch.cuda.mem_get_info()
    return int(_MEMORY * free / per_trial)
