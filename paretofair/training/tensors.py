"""A split data set as tensors on the device where packs are trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from paretofair.data.inputs import DeviceInputs, find_strata
from paretofair.data.splits import Examples, Splits
from paretofair.data.stratify import number_by_training
from paretofair.tasks import TaskKind
from paretofair.tasks.known import all_binary, make_tasks, slice_outputs
from paretofair.tasks.task import Task


@dataclass(frozen=True)
class DeviceSplit:
    """Rows of one split: `inputs`, of which batches are taken, `labels` (T, n) from 0 on or -1, `groups` (T, n) of the
    attribute that each task's loss acts on or -1, `cells` (n,), the finest cell of all attributes, `origins` (n,), the
    joined data set of each, and `units` (n,), int64, how many times `unit`, a power of two, each row counts; None where
    all rows count alike. `strata` number the values of columns that metrics are given, (n,) by name."""

    inputs: DeviceInputs
    labels: Tensor
    groups: Tensor
    cells: Tensor
    origins: Tensor
    units: Tensor | None = None
    unit: float = 1.0
    strata: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def weights(self) -> Tensor | None:
        """How much each row counts, (n,) float64: sums of these are exact in any order."""
        return None if self.units is None else self.units * torch.tensor(self.unit, dtype=torch.float64)

    def examples(self) -> Tensor:
        """All inputs, encoded, `(n, *shape)`."""
        return self.inputs.take(torch.arange(len(self), device=self.cells.device))


@dataclass(frozen=True)
class DeviceData:
    """Everything that training and evaluation read, on `device`; parameters and inputs are of type `dtype`.

    An example has the `shape` and the `categories` of `FittedInputs`. `cells[c]` tells the group of every attribute in
    cell c (-1 unknown), in the order of `attributes`; `counts` the rows of each split in each cell, and `independent`,
    where rows have weights or stay together, how many independent rows of equal weight they are worth. `acts_on[t]` is
    the column of `cells` that the loss of task t acts on, `n_groups` the number of groups of each attribute.
    Of a task of identities the `kinds` name those of training; labels of others have the numbers behind them.
    `positive_rate` (T,) is that of the labelled training rows by their weights, of meaning for binary tasks alone.
    `together` (n,) are the clusters of the training rows, None where every row stands alone.
    """

    device: torch.device
    dtype: torch.dtype
    tasks: tuple[str, ...]
    kinds: tuple[TaskKind, ...]
    attributes: tuple[str, ...]
    shape: tuple[int, ...]
    categories: tuple[int, ...]
    splits: dict[str, DeviceSplit]
    cells: np.ndarray
    counts: dict[str, np.ndarray]
    independent: dict[str, np.ndarray] | None
    acts_on: tuple[int, ...]
    n_groups: tuple[int, ...]
    group_names: Mapping[str, tuple[str, ...]]
    origin_names: tuple[str, ...]
    positive_rate: Tensor
    together: np.ndarray | None = None

    @property
    def numeric(self) -> int:
        """How many numbers stand before the one-hot blocks of an example that is read as one row."""
        return math.prod(self.shape) - sum(self.categories)

    @cached_property
    def predicted(self) -> tuple[Task, ...]:
        """What losses and evaluation ask of each task."""
        return make_tasks(self.kinds)

    @property
    def alone(self) -> Task | None:
        """The task where there is one, None where there are several."""
        return self.predicted[0] if len(self.predicted) == 1 else None

    @cached_property
    def binary(self) -> BinaryTasks:
        """The binary tasks among all."""
        return BinaryTasks(self.kinds, self.predicted)

    @cached_property
    def several(self) -> tuple[Task, ...]:
        """The same, empty where every task is binary: as `Rows.tasks` says it."""
        return () if all_binary(self.predicted) else self.predicted

    @property
    def selection_split(self) -> str:
        """Where thresholds are found: validation, or test where there is none (`protocol: paper`)."""
        return "validation" if "validation" in self.splits else "test"


class BinaryTasks:
    """Which of the tasks have one logit and a threshold: these are measured together."""

    def __init__(self, kinds: Sequence[TaskKind], tasks: Sequence[Task]) -> None:
        self.places = [place for place, kind in enumerate(kinds) if kind.is_binary]
        self._outputs = [own.start for own in slice_outputs(tasks)]
        self._all = len(self.places) == len(kinds)

    def logits(self, outputs: Tensor) -> Tensor:
        """`(K, T, n)` of outputs `(K, O, n)`."""
        return outputs if self._all else outputs[:, [self._outputs[place] for place in self.places]]

    def of_tasks(self, values: Tensor) -> Tensor:
        """Their rows of values by task, `(T, ...)`."""
        return values if self._all else values[self.places]


def to_device(
    splits: Splits,
    sensitive: Mapping[str, str],
    device: torch.device,
    dtype: torch.dtype,
    given: Sequence[str] = (),
) -> DeviceData:
    """Tensors of `splits` on `device`; `sensitive` names the attribute that each task's loss acts on, `given` the
    columns that metrics are given. Raises DataError where one is no column of the inputs."""
    data, (kinds, parts) = splits.dataset, _number_identities(splits)
    acts_on = tuple(data.attributes.index(sensitive[task]) for task in data.tasks)
    every = np.concatenate([part.groups for part in parts.values()])
    cells, inverse = np.unique(every, axis=0, return_inverse=True)
    codes = np.split(inverse.reshape(-1), np.cumsum([len(part) for part in parts.values()])[:-1])
    cell_of = dict(zip(parts, codes, strict=True))
    train = parts["train"]
    weights = np.ones(len(train)) if train.weights is None else train.weights.values
    known, positive = ((weights[:, None] * mask).sum(0) for mask in (train.labels >= 0, train.labels == 1))
    return DeviceData(
        device=device,
        dtype=dtype,
        tasks=data.tasks,
        kinds=kinds,
        attributes=data.attributes,
        shape=splits.inputs.shape,
        categories=splits.inputs.categories,
        splits={
            name: _split(splits, part, cell_of[name], acts_on, device, dtype, given) for name, part in parts.items()
        },
        cells=cells,
        counts={name: np.bincount(code, minlength=len(cells)) for name, code in cell_of.items()},
        independent=_count_independent_rows(parts, cell_of, len(cells)),
        acts_on=acts_on,
        n_groups=tuple(len(data.group_names[name]) for name in data.attributes),
        group_names=data.group_names,
        origin_names=data.origin_names,
        positive_rate=torch.tensor(positive / known, device=device),
        together=train.together,
    )


def _number_identities(splits: Splits) -> tuple[tuple[TaskKind, ...], dict[str, Examples]]:
    """The kinds of the tasks and the parts of a split, where identities are those of training in the first place."""
    kinds, parts = list(splits.dataset.kinds), splits.parts
    for place, kind in enumerate(kinds):
        if kind.is_identity:
            own = {name: part.labels[:, place] for name, part in parts.items()}
            kinds[place], numbered = number_by_training(own, kind)
            for name, labels in numbered.items():
                columns = parts[name].labels.astype(np.int64)
                columns[:, place] = labels
                parts[name] = replace(parts[name], labels=columns)
    return tuple(kinds), parts


def _split(
    splits: Splits,
    part: Examples,
    cells: np.ndarray,
    acts_on: tuple[int, ...],
    device: torch.device,
    dtype: torch.dtype,
    given: Sequence[str],
) -> DeviceSplit:
    return DeviceSplit(
        inputs=splits.inputs.on(part.rows, device, dtype),
        labels=torch.tensor(part.labels.T, dtype=dtype, device=device).contiguous(),
        groups=torch.tensor(part.groups[:, list(acts_on)].T, dtype=torch.int64, device=device).contiguous(),
        cells=torch.tensor(cells, dtype=torch.int64, device=device),
        origins=torch.tensor(part.origins, dtype=torch.int64, device=device),
        units=None if part.weights is None else torch.tensor(part.weights.units, device=device),
        unit=1.0 if part.weights is None else part.weights.unit,
        strata={name: find_strata(splits.dataset.inputs, name)[part.rows] for name in given},
    )


def _count_independent_rows(
    parts: Mapping[str, Examples], cell_of: Mapping[str, np.ndarray], cells: int
) -> dict[str, np.ndarray] | None:
    """Kish's effective number of rows in each cell, (Σ W)² / Σ W² over clusters of weights W, by part.

    Rows that stay together are taken to be decided alike, so that a cluster is worth one row: no number is larger than
    the real one for any trial, and intervals are rather too wide than too narrow.
    """
    train = parts["train"]
    if train.weights is None and train.together is None:
        return None
    found = {}
    for name, part in parts.items():
        weights = np.ones(len(part)) if part.weights is None else part.weights.values
        together = np.arange(len(part)) if part.together is None else part.together
        (cell, _), cluster = np.unique(np.stack([cell_of[name], together]), axis=1, return_inverse=True)
        of_cluster = np.bincount(cluster.reshape(-1), weights, len(cell))
        total, squares = (np.bincount(cell, values, cells) for values in (of_cluster, of_cluster**2))
        found[name] = np.divide(total**2, squares, out=np.zeros(cells), where=squares > 0)
    return found
