"""What a method is: the parameters it reads and the losses of K trials at once.

Arrays put the examples last: logits are `(trials, tasks, examples)`, so that every sum over a batch runs along
contiguous memory and its order does not depend on the other trials.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from paretofair.methods.corpus.sample_source import SampleSource
from paretofair.methods.row_plan import RowPlan, TrainingRows, shuffle_rows
from paretofair.models import Outputs, StackedNetwork
from paretofair.tasks.task import EVERYTHING, Task


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter of a trial, as the space file and the trial table name it.

    A `per_task` parameter has one value for each task, `(trials, tasks)`; any other has one, `(trials,)`.
    `low` and `high` are inclusive bounds. Where the space file gives it nothing, its value is `default`; without one it
    is drawn from `search`, a range as a space file writes it; without both it must be given. `search` of a parameter
    with a default is what `paretofair.compare` draws it from.
    `sums_to_one`: the values of the tasks are shares, equal ones where the space file gives none. An `optional` one is
    left out of trials where the space file does not give it. One `per_group` stands for `<name>_<group>` of every group
    that the space file gives one, each a parameter of its own, `(trials,)`.
    """

    name: str
    per_task: bool = False
    low: float = -math.inf
    high: float = math.inf
    default: float | None = None
    integer: bool = False
    sums_to_one: bool = False
    optional: bool = False
    search: Any = field(default=None, hash=False)
    per_group: bool = False

    def of_group(self, group: str) -> str:
        """What the one of a group is called.

        >>> Parameter("margin", per_group=True).of_group("women")
        'margin_women'
        """
        return f"{self.name}_{group}"


@dataclass(frozen=True)
class LossSettings:
    """What the `training` and `fairness` sections of a space file say about losses; the same for every trial.

    `distance` and `goal` name entries of `distances.DISTANCES` and `subsets.GOALS`; `hard` replaces scores by
    thresholded decisions (no gradient); `bandwidth` is the kernel width of `mmd`; `concentration` smooths the rates of
    `differential`, whose counts are those of one batch (`rate` 1) or, below, an exponential mean over batches;
    `reduction` is `sum` or `mean` over the rows of a batch; `loss` is what the cross-entropy of every row
    becomes (`losses.terms.shape_losses`), or that of their mean (`focal_of_mean`).
    """

    distance: str = "correlation"
    goal: str = "fpr"
    hard: bool = False
    bandwidth: float = 0.1
    concentration: float = 1.0
    rate: float = 1.0
    reduction: str = "sum"
    loss: str = "cross_entropy"


# Those of the `fairness` section.
FAIRNESS: tuple[str, ...] = ("distance", "goal", "hard", "bandwidth", "concentration", "rate")


class Rows(NamedTuple):
    """One batch. A leading trials axis stands only where rows are not `common`, since trials have different seeds.

    Everything special about a row is a weight: padding and unknown labels have `loss_weight` 0, rows that the
    fairness loss must not see have `penalty_weight` 0. Both hold the weights of the data set, which need not be 0 or 1:
    where a sum of weights is divided by, guard it with `avoid_zero`.
    """

    inputs: Tensor  # ([K,] B, *shape)
    labels: Tensor  # ([K,] T, B): 0, 1 (of several classes 2, 3, …), or -1 where unknown
    loss_weight: Tensor  # ([K,] T, B)
    penalty_weight: Tensor  # ([K,] T, B)
    groups: Tensor  # ([K,] T, B) integers, -1 where unknown
    n_groups: int  # the largest number of groups of any task's attribute
    # Where the penalty's rows of each (group x label) cell of one task stand, from and to, in the order (0, 0), (0, 1),
    # (1, 0), …; only in balanced batches, whose rows are ordered by cell.
    cells: tuple[tuple[int, int], ...] = ()
    # ([K,] 1, B) the numbers of the rows that the plan of the method draws.
    uniform: Tensor | None = None
    # Noise of this step, one number for each trial, equal for equal seeds; only for networks that draw any.
    streams: tuple[int, ...] | None = None
    # Whether the rows are shared by all trials, so that nothing above has a trials axis.
    common: bool = True
    # What is predicted; empty where every task is binary: then outputs `(K, O, B)` are logits `(K, T, B)`.
    tasks: tuple[Task, ...] = ()
    # The place of the first made example behind the rows, and the place behind the last one: they have no labels, no
    # groups and the weights 0. See `Method.sample_source`.
    samples: tuple[int, int] = (0, 0)

    def of_trial(self, trial: int) -> Rows:
        """The rows of the trial at this place alone, which are common to it."""
        streams = None if self.streams is None else self.streams[trial : trial + 1]
        if self.common:
            return self._replace(streams=streams)
        return self._replace(
            inputs=self.inputs[trial],
            labels=self.labels[trial],
            loss_weight=self.loss_weight[trial],
            penalty_weight=self.penalty_weight[trial],
            groups=self.groups[trial],
            uniform=None if self.uniform is None else self.uniform[trial],
            streams=streams,
            common=True,
        )


class Losses(NamedTuple):
    """What the trials minimise, `(K,)` each: `shared` by the shared layers, `heads` by the heads (None: the same).

    `undefined` counts, for each trial, the fairness distances of this batch that had no value (a subset without
    rows, or with rows of one group only) and were taken as 0; None where the method has none. `state`: new values of
    what the method remembers from step to step (`Method.trial_state`, `Method.seed_state`), by name, `(K, ...)`.
    """

    shared: Tensor
    heads: Tensor | None = None
    undefined: Tensor | None = None
    state: Mapping[str, Tensor] = MappingProxyType({})


class Gradient(NamedTuple):
    """What one step of K trials needs: `parameters` `(K, P)`, `undefined` and `state` as in `Losses`, and for a method
    with an adversary the gradient of its loss by its own parameters, `(K, Q)`."""

    parameters: Tensor
    undefined: Tensor | None = None
    adversary: Tensor | None = None
    state: Mapping[str, Tensor] = MappingProxyType({})


# Hyperparameters of K trials by name, and beside them what the method remembers of them.
Hyper = Mapping[str, Tensor]


class MethodOptions(BaseModel):
    """What one method can be told beside hyperparameters: keys of its own in its section of the space file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Names(NamedTuple):
    """Of the data set: its tasks, for each task the groups of the attribute that its loss acts on, what it predicts
    (empty where all are binary), and that attribute."""

    tasks: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    predicted: tuple[Task, ...] = ()
    attributes: tuple[str, ...] = ()

    def task(self, option: str, name: str | None) -> int:
        """Index of the task that an option names, the only one by default.

        Raises ValueError with the tasks for none of them.
        """
        if name is None and len(self.tasks) < 2:
            return 0
        if name not in (self.tasks or (name,)):
            raise ValueError(f"{option}: found {name}; expected a task: {', '.join(self.tasks)}")
        return self.tasks.index(name) if self.tasks and name is not None else 0

    def indices(self, option: str, group: str) -> tuple[int, ...]:
        """For each task the index of the group that an option names, -1 where the task's attribute has no such group.

        Raises ValueError with the groups where no attribute has it.
        """
        found = tuple(groups.index(group) if group in groups else -1 for groups in self.groups)
        if max(found) < 0:
            known = dict.fromkeys(name for groups in self.groups for name in groups)
            raise ValueError(f"{option}: found {group}; expected a group: {', '.join(known)}")
        return found


NO_NAMES = Names()


class Adversary(Protocol):
    """What is trained against the networks of K trials, as far as training knows it. Its optimiser is the network's."""

    @property
    def learning_rate(self) -> str:
        """The hyperparameter that is its learning rate."""

    def initial(self, seeds: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Initial parameters `(K, Q)` on the CPU: row k is a function of `seeds[k]` alone."""


class Method:
    """A way to treat fairness in training. A new one is one file with one subclass, listed in `METHODS`.

    The life of a method: it is made once for a pack with the settings of the space file; it plans batches from the
    training rows (`row_plan`); in every step `losses` is called with the logits of K trials (the outputs of all tasks)
    and differentiated with respect to them. A method that needs more than logits (features, gradients) has a `gradient`
    of its own instead, and one that remembers something from step to step says where it begins (`trial_state`,
    `seed_state`), finds it in `hyper` and gives its new values in `Losses.state`. A method never sees data beyond the
    batch, and all that it computes for a trial must depend on that trial's parameters and hyperparameters alone.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    Options: ClassVar[type[MethodOptions]] = MethodOptions
    # The settings of losses that change its results. Without `reduction` all losses are means over rows, whatever
    # `training.reduction` says.
    reads: ClassVar[tuple[str, ...]] = (*FAIRNESS, "reduction", "loss")
    # Whether the penalty can be computed on rows held out of the loss.
    holdout: ClassVar[bool] = True
    # Raised where the same settings give other results than before, so that no earlier run is extended.
    version: ClassVar[int] = 1
    # What every task must give (`tasks.task`): nothing beyond the losses of rows, or all that a binary task has.
    needs: ClassVar[frozenset[str]] = EVERYTHING

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        """Raises ValueError where the method has no meaning under these settings, options and names."""
        read: dict[str, Any] = {name: getattr(settings, name) for name in self.reads}
        self.settings = LossSettings(**{"reduction": "mean"} | read)
        self.options: Any = self.Options() if options is None else options
        self.names = names

    @property
    def unread(self) -> Mapping[str, str]:
        """Those of the parameters that it does not read under these options, and what to do about it, in words that
        are read behind its name."""
        return {}

    def adversary(self, network: StackedNetwork) -> Adversary | None:
        """What is trained against `network`, for methods with an adversary."""
        return None

    def row_plan(self, train: TrainingRows, batch_size: int, holdout: bool) -> RowPlan:
        """What batches are made of: every row once an epoch, in random order. With `holdout` a tenth of the rows serves
        the penalty alone. Raises DataError for rows that are missing."""
        return shuffle_rows(len(train), batch_size, holdout=holdout, together=train.together)

    def trial_state(self, train: TrainingRows) -> Mapping[str, np.ndarray]:
        """What the method remembers of each trial from step to step, by name: where it begins, the same for all."""
        return {}

    def seed_state(self, train: TrainingRows, seed: int) -> Mapping[str, np.ndarray]:
        """What the method remembers of all trials of a seed together, by name: where it begins. Its new values must
        follow from the batches and draws of the seed alone."""
        return {}

    def sample_source(self, train: TrainingRows, examples: Callable[[], Tensor]) -> SampleSource | None:
        """Made examples that every batch has behind its rows (`Rows.samples`), for methods that want any. `examples`
        gives the encoded training rows, `(n, *shape)`."""
        return None

    def decide(
        self, margins: Tensor, training: Tensor, weights: Tensor | None, hyper: Mapping[str, np.ndarray]
    ) -> Tensor | None:
        """Decisions of all binary tasks and rows of a split together, booleans `(K, T, n)`, from how far logits are
        above their thresholds `(K, T, n)`, the training labels `(T, m)`, -1 where unknown, and where rows have any
        their weights `(m,)`. None: every logit at or above its threshold is a 1."""
        return None

    def __eq__(self, other: object) -> bool:
        """Methods of one class and the same attributes are one: a compiled step is found again by it."""
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), *sorted(vars(self).items())))

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        """Losses of K trials: logits `(K, O, B)`, hyperparameters `(K,)` or `(K, T)`."""
        raise NotImplementedError

    def gradient(
        self,
        network: StackedNetwork,
        parameters: Tensor,
        rows: Rows,
        hyper: Hyper,
        adversary: Tensor | None = None,
    ) -> Gradient:
        """The gradient of one batch; `adversary` `(K, Q)` are the parameters of the adversary, where there is one.

        The losses are differentiated with respect to the logits only; the network turns that into its own gradients.
        """
        out, logits = run_forward(network, parameters, rows)
        with torch.enable_grad():
            losses = self.losses(logits, rows, hyper)
            shared, heads = differentiate(losses, logits)
        with torch.no_grad():
            return Gradient(network.backward(parameters, out, shared, heads), losses.undefined, state=losses.state)

    def thresholds(
        self,
        logits: Tensor,
        labels: Tensor,
        groups: Tensor,
        n_groups: int,
        hyper: Mapping[str, np.ndarray],
        common: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> Tensor | None:
        """Thresholds on logits for each group, `(K, T, groups)`, from the split on which choices are made: logits
        `(K, T, n)`, labels and groups `(T, n)`, of the binary tasks, and where rows have any `weights` `(n,)`, float64
        multiples of a power of two. `common` `(K, T)` are the thresholds of the space file's rule, which says how many
        decisions are positive; None where it leaves that open. None: those of the space file for every group."""
        return None

    def untrained(self, values: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """`(trials, tasks)`, true where a trial trains no head for a task; its metrics there are NaN."""
        return None


def run_forward(network: StackedNetwork, parameters: Tensor, rows: Rows) -> tuple[Outputs, Tensor]:
    """A forward pass that records nothing, and its logits as what losses are differentiated by: every gradient begins
    so."""
    with torch.no_grad():
        out = network.forward(parameters, rows.inputs, rows.streams, common=rows.common)
    return out, out.logits.detach().requires_grad_()


def avoid_zero(weight: Tensor) -> Tensor:
    """Sums of weights with 1 in place of 0, as denominators; what is divided is then 0 as well."""
    return torch.where(weight > 0, weight, 1)


def differentiate(losses: Losses, logits: Tensor) -> tuple[Tensor, Tensor | None]:
    """Cotangents of the logits for the shared layers, and for the heads where these minimise something else."""
    two = losses.heads is not None
    (shared,) = torch.autograd.grad(losses.shared.sum(), logits, retain_graph=two)
    heads = torch.autograd.grad(losses.heads.sum(), logits)[0] if losses.heads is not None else None
    return shared, heads


LEARNING_RATE = Parameter("learning_rate", low=1e-12)
EPOCHS = Parameter("epochs", low=1, integer=True, search=[10, 20, 40])
TRAINING_PARAMETERS = (LEARNING_RATE, EPOCHS)

TASK_WEIGHT = Parameter("task_weight", per_task=True, low=0.0, high=1.0, sums_to_one=True, search="simplex")
FAIRNESS_WEIGHT = Parameter("fairness_weight", per_task=True, low=0.0, search={"log_uniform": [0.01, 30]})
HEAD_RATIO = Parameter("head_ratio", per_task=True, low=0.0, default=1.0, search={"log_uniform": [0.1, 3]})
