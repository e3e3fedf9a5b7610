"""Functions that a compiled step does not look into: their results are constants of it.

`torch.compiler.assume_constant_result` says that of a function, but imports the compiler, which takes as long as
PyTorch itself. Here such functions are only listed; who compiles tells the compiler of them (`mark_constants`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

_Function = TypeVar("_Function", bound=Callable[..., Any])
_CONSTANT: list[Callable[..., Any]] = []


def constant(function: _Function) -> _Function:
    """Decorates a function whose result a compiled step takes as it is when the step is compiled."""
    _CONSTANT.append(function)
    return function


def mark_constants() -> None:
    """Tells the compiler; to be called before anything is compiled."""
    for function in _CONSTANT:
        torch.compiler.assume_constant_result(function)
