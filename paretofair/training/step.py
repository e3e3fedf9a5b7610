"""One optimisation step of K trials, as it stands or fused by the compiler."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch._dynamo.exc import BackendCompilerFailed

from paretofair.methods import Method, Rows
from paretofair.models import StackedNetwork
from paretofair.training.graphs import captured
from paretofair.training.optimizers import Optimizer

logger = logging.getLogger("paretofair")

# One training step of one stack: updates parameters and state in place, returns counts of undefined distances.
Step = Callable[[Tensor, tuple[Tensor, ...], Rows, Mapping[str, Tensor]], Tensor | None]

SMALLEST_COMPILED = 8


def make_step(
    network: StackedNetwork, method: Method, optimizer: Optimizer, *, compiled: bool, device: torch.device
) -> Step:
    """The step of this network, method and optimiser; compiled once per process, and per shape of its arguments.

    Where there is no working compiler the step is eager, after one warning. On a GPU it is captured as a graph.
    """
    if path(network, compiled) == "compiled":
        step = _compiled(network, method, optimizer)
    else:
        step = _step(network, method, optimizer)
    return captured(step) if device.type == "cuda" and network.compilable else step


def path(network: StackedNetwork, compiled: bool) -> str:
    """How steps are run, a column of the trial table: `compiled`; `eager` where that is not wanted or there is no
    working compiler; `vmap` for networks that are not compiled. (On a GPU the first two are captured as graphs.)"""
    if not network.compilable:
        return "vmap"
    return "compiled" if compiled and _compiler_works() else "eager"


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


def _step(network: StackedNetwork, method: Method, optimizer: Optimizer) -> Step:
    adversary = method.adversary(network)

    def step(parameters: Tensor, state: tuple[Tensor, ...], rows: Rows, hyper: Mapping[str, Tensor]) -> Tensor | None:
        trained = network.trainable
        if adversary is None:
            gradient = method.gradient(network, parameters, rows, hyper)
            with torch.no_grad():
                optimizer.update(parameters[:, :trained], gradient.parameters[:, :trained], state, hyper)
            return gradient.undefined
        # What the optimiser remembers of the network, the adversary, and what it remembers of that.
        own, (against, *of_adversary) = state[: len(state) // 2], state[len(state) // 2 :]
        gradient = method.gradient(network, parameters, rows, hyper, against)
        assert gradient.adversary is not None
        with torch.no_grad():
            optimizer.update(parameters[:, :trained], gradient.parameters[:, :trained], own, hyper)
            rates = {**hyper, "learning_rate": hyper["adversary_learning_rate"]}
            optimizer.update(against, gradient.adversary, tuple(of_adversary), rates)
        return gradient.undefined

    return step


@functools.cache
def _compiled(network: StackedNetwork, method: Method, optimizer: Optimizer) -> Step:
    import torch._dynamo.config as dynamo
    import torch._inductor.config as inductor

    # A pack is the work of one core. Compiled for several, reductions to an index read beyond their rows (seen as an
    # abort with PyTorch 2.13, two threads, the correlation distance).
    inductor.cpp.threads = 1
    # A width too many must fail loudly, not fall back to eager; and autograd.grad is part of the step.
    dynamo.recompile_limit = 32
    dynamo.fail_on_recompile_limit_hit = True
    dynamo.trace_autograd_ops = True
    return torch.compile(_step(network, method, optimizer), dynamic=False, fullgraph=True)


@functools.cache
def _compiler_works() -> bool:
    try:
        torch.compile(torch.neg)(torch.ones(32))
    except BackendCompilerFailed as error:
        logger.warning("Training goes on uncompiled, up to half as fast. %s", str(error).splitlines()[0])
        return False
    return True
