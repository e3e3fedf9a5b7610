"""Steps captured as CUDA graphs: a step of hundreds of small kernels is launched as one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from paretofair.errors import first_line
from paretofair.methods import Rows
from paretofair.training.state import Learner, Memory, Step

logger = logging.getLogger("paretofair")


def capture_step(step: Step) -> Step:
    """`step`, captured anew whenever it is called with other tensors of parameters or rows of another shape.

    Parameters and state are updated where they are; every batch is copied to where the graph reads it. A step that
    cannot be captured is called as it is, after one warning.
    """
    return _CapturedStep(step)


class _CapturedStep:
    def __init__(self, step: Step) -> None:
        self._step = step
        self._made_for: Any = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._rows: Rows
        self._undefined: Tensor | None

    def __call__(
        self, own: Learner, against: Learner | None, memory: Memory, rows: Rows, hyper: Mapping[str, Tensor]
    ) -> Tensor | None:
        shape = (own.parameters.data_ptr(), own.parameters.shape, rows.inputs.shape)
        if self._made_for != shape:
            self._made_for = shape
            self._graph = self._capture(own, against, memory, rows, hyper)
        if self._graph is None:
            return self._step(own, against, memory, rows, hyper)
        for here, there in zip(self._rows, rows, strict=True):
            if isinstance(here, Tensor) and isinstance(there, Tensor):
                here.copy_(there)
        self._graph.replay()
        return self._undefined

    def _capture(
        self, own: Learner, against: Learner | None, memory: Memory, rows: Rows, hyper: Mapping[str, Tensor]
    ) -> torch.cuda.CUDAGraph | None:
        self._rows = Rows._make(each.clone() if isinstance(each, Tensor) else each for each in rows)
        updated = [own.parameters, *own.optimizer, *memory.of_trials.values(), *memory.of_seeds.values()]
        if against is not None:
            updated += [against.parameters, *against.optimizer]
        before = [each.clone() for each in updated]
        try:
            # Libraries set themselves up in a first call, which must not be captured; its effect is undone.
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                for _ in range(2):
                    self._step(own, against, memory, self._rows, hyper)
            torch.cuda.current_stream().wait_stream(beside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._undefined = self._step(own, against, memory, self._rows, hyper)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            logger.warning("Training goes on without CUDA graphs: %s.", first_line(error))
            graph = None
        for here, there in zip(updated, before, strict=True):
            here.copy_(there)
        return graph
