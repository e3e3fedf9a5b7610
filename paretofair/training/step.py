"""One optimisation step of K trials, as it stands or fused by the compiler."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import torch
from torch import Tensor

from paretofair.methods import Hyper, Method, Rows
from paretofair.models import StackedNetwork
from paretofair.training.compiler import compile_step, compiler_works
from paretofair.training.graphs import capture_step
from paretofair.training.optimizers import Optimizer, clip_gradients
from paretofair.training.state import Learner, Memory, Step

SMALLEST_COMPILED = 8


def make_step(
    network: StackedNetwork,
    method: Method,
    optimizer: Optimizer,
    *,
    compiled: bool,
    device: torch.device,
    clip: float | None = None,
) -> Step:
    """The step of this network, method and optimiser; compiled once per process, and per shape of its arguments.

    Where there is no working compiler the step is eager, after one warning. On a GPU it is captured as a graph. `clip`
    is that of `TrainingSettings`.
    """
    how = path(network, compiled, device)
    make = _make_compiled_step if how == "compiled" else _step
    step = make(network, method, optimizer, clip)
    if how == "apart":
        return _step_apart(step)
    return capture_step(step) if device.type == "cuda" and network.compilable else step


def path(network: StackedNetwork, compiled: bool, device: torch.device) -> str:
    """How steps are run, a column of the trial table: `compiled`; `eager` where that is not wanted or there is no
    working compiler; of networks that are not compiled `apart` where trials run one after another, else `vmap`. (On a
    GPU the first two are captured as graphs.)"""
    if not network.compilable:
        return "apart" if network.runs_apart(device, 2) else "vmap"
    return "compiled" if compiled and compiler_works() else "eager"


def ladder_width(trials: int, *, width: int, compiled: bool) -> int:
    """How wide a stack of `trials` is trained: as it is, or compiled the next of width, width/2, width/4, …

    A compiled step is made for one width, so widths are few; the places that are left over are trained in vain.
    """
    if not compiled:
        return trials
    rung = max(width, trials)
    while rung // 2 >= max(trials, SMALLEST_COMPILED):
        rung //= 2
    return rung


def _step(network: StackedNetwork, method: Method, optimizer: Optimizer, clip: float | None) -> Step:
    opponent = method.adversary(network)

    def step(own: Learner, against: Learner | None, memory: Memory, rows: Rows, hyper: Hyper) -> Tensor | None:
        trained = network.trainable
        known = {**hyper, **memory.read()}
        # The compiler must meet the opponent here: of what `gradient` makes of it, it knows no origin.
        rate = None if opponent is None else opponent.learning_rate
        theirs = None if against is None else against.parameters
        gradient = method.gradient(network, own.parameters, rows, known, theirs)
        with torch.no_grad():
            of_network = gradient.parameters[:, :trained]
            if clip is not None:
                of_network = clip_gradients(of_network, clip)
            optimizer.update(own.parameters[:, :trained], of_network, own.optimizer, hyper)
            if against is not None:
                assert rate is not None
                assert gradient.adversary is not None
                rates = {**hyper, "learning_rate": hyper[rate]}
                optimizer.update(against.parameters, gradient.adversary, against.optimizer, rates)
            memory.write(gradient.state)
        return gradient.undefined

    return step


def _step_apart(step: Step) -> Step:
    """`step` for one trial after another, each with what it would be given alone: results and memory are those of one
    trial, whatever stands beside it."""

    def apart(own: Learner, against: Learner | None, memory: Memory, rows: Rows, hyper: Hyper) -> Tensor | None:
        # All trials read what their seed remembers as it was before the step.
        before = memory.read()
        states: list[Mapping[str, Tensor]] = []
        undefined = []
        for k in range(len(own.parameters)):
            of_trial = Memory({name: value[k : k + 1].clone() for name, value in before.items()}, {})
            theirs = None if against is None else against.view(k)
            counts = step(own.view(k), theirs, of_trial, rows.of_trial(k), {n: v[k : k + 1] for n, v in hyper.items()})
            states.append(of_trial.of_trials)
            if counts is not None:
                undefined.append(counts)
        if before:
            memory.write({name: torch.cat([state[name] for state in states]) for name in before})
        return torch.cat(undefined) if undefined else None

    return apart


@functools.cache
def _make_compiled_step(network: StackedNetwork, method: Method, optimizer: Optimizer, clip: float | None) -> Step:
    return compile_step(_step(network, method, optimizer, clip))
