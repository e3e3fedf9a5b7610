"""Training without a fairness loss: one task alone, or several with weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from torch import Tensor

from paretofair.methods.losses.terms import cross_entropy, weighted
from paretofair.methods.method import TASK_WEIGHT, Hyper, Losses, Method, Parameter, Rows


class Vanilla(Method):
    """Σ_t w_t L_t (Wang et al. 2021, eq. 2)."""

    parameters: ClassVar[tuple[Parameter, ...]] = (TASK_WEIGHT,)
    reads: ClassVar[tuple[str, ...]] = ("reduction", "loss")
    needs: ClassVar[frozenset[str]] = frozenset()

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        return Losses(weighted(hyper["task_weight"], cross_entropy(logits, rows, self.settings)))


class SingleTask(Vanilla):
    """L_t of one task, the one with weight 1: the denominators of ARE and ARFG (eq. 5).

    A head whose task has weight 0 gets no gradient and gives none to the shared layers, so this is the same network
    with the other heads removed, bit for bit; their metrics are left out.
    """

    def untrained(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        return values["task_weight"] == 0
