"""What a method is: the parameters it reads and the losses of K trials at once.

Arrays put the examples last: logits are `(trials, tasks, examples)`, so that every sum over a batch runs along
contiguous memory and its order does not depend on the other trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from paretofair.models import Outputs, StackedNetwork


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter of a trial, as the space file and the trial table name it.

    A `per_task` parameter has one value for each task, `(trials, tasks)`; any other has one, `(trials,)`.
    `low` and `high` are inclusive bounds. A parameter without `default` must be given in the space file.
    `sums_to_one`: the values of the tasks are shares, equal ones where the space file gives none.
    """

    name: str
    per_task: bool = False
    low: float = -math.inf
    high: float = math.inf
    default: float | None = None
    integer: bool = False
    sums_to_one: bool = False


@dataclass(frozen=True)
class LossSettings:
    """What the `training` and `fairness` sections of a space file say about losses; the same for every trial.

    `distance` and `goal` name entries of `distances.DISTANCES` and `subsets.GOALS`; `hard` replaces scores by
    thresholded decisions (no gradient); `bandwidth` is the kernel width of `mmd`; `reduction` is `sum` or `mean`
    over the rows of a batch.
    """

    distance: str = "correlation"
    goal: str = "fpr"
    hard: bool = False
    bandwidth: float = 0.1
    reduction: str = "sum"


class Rows(NamedTuple):
    """One batch. A leading trials axis stands only where the trials' rows differ (they have different seeds).

    Everything special about a row is a weight: padding and unknown labels have `loss_weight` 0, rows that the
    fairness loss must not see have `penalty_weight` 0.
    """

    inputs: Tensor  # ([K,] B, F)
    labels: Tensor  # ([K,] T, B): 0, 1, or -1 where unknown
    loss_weight: Tensor  # ([K,] T, B)
    penalty_weight: Tensor  # ([K,] T, B)
    groups: Tensor  # ([K,] T, B) integers, -1 where unknown
    n_groups: int  # the largest number of groups of any task's attribute
    # Noise of this step, one number for each trial, equal for equal seeds; only for networks that draw any.
    streams: tuple[int, ...] | None = None


class Losses(NamedTuple):
    """What the trials minimise, `(K,)` each: `shared` by the shared layers, `heads` by the heads (None: the same).

    `undefined` counts, for each trial, the fairness distances of this batch that had no value (a subset without
    rows, or with rows of one group only) and were taken as 0; None where the method has none.
    """

    shared: Tensor
    heads: Tensor | None = None
    undefined: Tensor | None = None


class Gradient(NamedTuple):
    """What one step of K trials needs: `parameters` `(K, P)`, and `undefined` as in `Losses`.

    `forward` is what the network gave for the batch.
    """

    parameters: Tensor
    forward: Outputs
    undefined: Tensor | None = None


Hyper = Mapping[str, Tensor]


class Method:
    """A way to treat fairness in training. A new one is one file with one subclass, listed in `METHODS`.

    The life of a method: it is made once for a pack with the settings of the space file; in every step `losses` is
    called with the logits of K trials and differentiated with respect to them. A method that needs more than logits
    (features, gradients) has a `gradient` of its own instead. A method never sees data beyond the batch, and all that
    it computes for a trial must depend on that trial's parameters and hyperparameters alone.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    uses_fairness: ClassVar[bool] = True

    def __init__(self, settings: LossSettings) -> None:
        """Raises ValueError where the method has no meaning under these settings."""
        self.settings = settings

    def __eq__(self, other: object) -> bool:
        """Methods of one class and the same attributes are one: a compiled step is found again by it."""
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), *sorted(vars(self).items())))

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        """Losses of K trials: logits `(K, T, B)`, hyperparameters `(K,)` or `(K, T)`."""
        raise NotImplementedError

    def gradient(self, network: StackedNetwork, parameters: Tensor, rows: Rows, hyper: Hyper) -> Gradient:
        """The gradient of one batch.

        The losses are differentiated with respect to the logits only; the network turns that into its own gradients.
        """
        with torch.no_grad():
            out = network.forward(parameters, rows.inputs, rows.streams)
        logits = out.logits.detach().requires_grad_()
        with torch.enable_grad():
            losses = self.losses(logits, rows, hyper)
            two = losses.heads is not None
            (shared,) = torch.autograd.grad(losses.shared.sum(), logits, retain_graph=two)
            heads = torch.autograd.grad(losses.heads.sum(), logits)[0] if losses.heads is not None else None
        with torch.no_grad():
            return Gradient(network.backward(parameters, out, shared, heads), out, losses.undefined)

    def untrained(self, values: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """`(trials, tasks)`, true where a trial trains no head for a task; its metrics there are NaN."""
        return None


LEARNING_RATE = Parameter("learning_rate", low=1e-12)
EPOCHS = Parameter("epochs", low=1, integer=True)
TRAINING_PARAMETERS = (LEARNING_RATE, EPOCHS)

TASK_WEIGHT = Parameter("task_weight", per_task=True, low=0.0, high=1.0, sums_to_one=True)
FAIRNESS_WEIGHT = Parameter("fairness_weight", per_task=True, low=0.0)
HEAD_RATIO = Parameter("head_ratio", per_task=True, low=0.0, default=1.0)
