"""PyTorch's compiler: the one file that reaches into parts of it that have no public name.

What breaks when they move: `torch._inductor.config.cpp.threads` (steps compiled for several threads read beyond their
rows, seen with PyTorch 2.13), `torch._dynamo.config` (`recompile_limit`, `fail_on_recompile_limit_hit`,
`trace_autograd_ops`: a width too many would fall back to eager, losses could not be differentiated inside a step),
`torch._dynamo.exc.BackendCompilerFailed` (a machine without a C++ compiler), `torch._dynamo.utils.counters` (tests
count compilations). `tests/training/test_compiler.py` fails on a version of PyTorch where one of them did.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from paretofair.errors import first_line
from paretofair.models.constants import mark_constants

logger = logging.getLogger("paretofair")

_Function = TypeVar("_Function", bound=Callable[..., object])


def compile_step(step: _Function, backend: str = "inductor") -> _Function:
    """`step` compiled whole, for one thread, anew for every shape of its arguments.

    With the backends `eager` and `aot_eager` of PyTorch it is traced alone, which takes less time."""
    import torch._dynamo.config as dynamo
    import torch._inductor.config as inductor

    mark_constants()
    # A pack is the work of one core.
    inductor.cpp.threads = 1
    # A width too many must fail loudly, not fall back to eager; and autograd.grad is part of the step.
    dynamo.recompile_limit = 32
    dynamo.fail_on_recompile_limit_hit = True
    dynamo.trace_autograd_ops = True
    compiled: _Function = torch.compile(step, dynamic=False, fullgraph=True, backend=backend)  # type: ignore[assignment]
    return compiled


@functools.cache
def compiler_works() -> bool:
    """Whether this machine has a working compiler; tells once where not."""
    from torch._dynamo.exc import BackendCompilerFailed

    try:
        torch.compile(torch.neg)(torch.ones(32))
    except BackendCompilerFailed as error:
        logger.warning("Training goes on uncompiled, up to half as fast: %s.", first_line(error))
        return False
    return True


def count_compilations() -> int:
    """How many graphs were compiled in this process."""
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])


def forget_compiled() -> None:
    """Steps are compiled anew from here on, and counted from 0."""
    from torch._dynamo.utils import counters

    torch._dynamo.reset()
    counters.clear()
