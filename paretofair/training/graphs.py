"""Steps captured as CUDA graphs: a step of hundreds of small kernels is launched as one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from paretofair.methods import Rows

if TYPE_CHECKING:
    from paretofair.training.step import Step

logger = logging.getLogger("paretofair")


def captured(step: Step) -> Step:
    """`step`, captured anew whenever it is called with other tensors of parameters or rows of another shape.

    Parameters and state are updated where they are; every batch is copied to where the graph reads it. A step that
    cannot be captured is called as it is, after one warning.
    """
    return _Captured(step)


class _Captured:
    def __init__(self, step: Step) -> None:
        self._step = step
        self._made_for: Any = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._rows: Rows
        self._undefined: Tensor | None

    def __call__(
        self, parameters: Tensor, state: tuple[Tensor, ...], rows: Rows, hyper: Mapping[str, Tensor]
    ) -> Tensor | None:
        shape = (parameters.data_ptr(), parameters.shape, rows.inputs.shape)
        if self._made_for != shape:
            self._made_for = shape
            self._graph = self._captured(parameters, state, rows, hyper)
        if self._graph is None:
            return self._step(parameters, state, rows, hyper)
        for here, there in zip(self._rows, rows, strict=True):
            if isinstance(here, Tensor) and isinstance(there, Tensor):
                here.copy_(there)
        self._graph.replay()
        return self._undefined

    def _captured(
        self, parameters: Tensor, state: tuple[Tensor, ...], rows: Rows, hyper: Mapping[str, Tensor]
    ) -> torch.cuda.CUDAGraph | None:
        self._rows = Rows._make(each.clone() if isinstance(each, Tensor) else each for each in rows)
        before = [each.clone() for each in (parameters, *state)]
        try:
            # Libraries set themselves up in a first call, which must not be captured; its effect is undone.
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                for _ in range(2):
                    self._step(parameters, state, self._rows, hyper)
            torch.cuda.current_stream().wait_stream(beside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._undefined = self._step(parameters, state, self._rows, hyper)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            logger.warning("Training goes on without CUDA graphs. %s", str(error).splitlines()[0])
            graph = None
        for here, there in zip((parameters, *state), before, strict=True):
            here.copy_(there)
        return graph
