"""A split data set as tensors on the device where packs are trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from paretofair.data.splits import Examples, Splits
from paretofair.tasks import TaskKind
from paretofair.tasks.known import all_binary, make_tasks
from paretofair.tasks.task import Task


@dataclass(frozen=True)
class DeviceSplit:
    """Rows of one split: `inputs` (n, F) with one-hot categories behind the numeric columns, `labels` (T, n) from 0 on
    or -1, `groups` (T, n) of the attribute that each task's loss acts on or -1, `cells` (n,), the finest cell of
    all attributes, and `origins` (n,), which of several joined data sets a row is from."""

    inputs: Tensor
    labels: Tensor
    groups: Tensor
    cells: Tensor
    origins: Tensor


@dataclass(frozen=True)
class DeviceData:
    """Everything that training and evaluation read.

    `cells[c]` tells the group of every attribute in cell c (-1 unknown), in the order of `attributes`; `counts` the
    rows of each split in each cell. `acts_on[t]` is the column of `cells` that the loss of task t acts on, `n_groups`
    the number of groups of each attribute. `positive_rate` (T,) is that of the labelled training rows, of meaning for
    binary tasks alone.
    """

    tasks: tuple[str, ...]
    kinds: tuple[TaskKind, ...]
    attributes: tuple[str, ...]
    numeric: int
    categories: tuple[int, ...]
    splits: dict[str, DeviceSplit]
    cells: np.ndarray
    counts: dict[str, np.ndarray]
    acts_on: tuple[int, ...]
    n_groups: tuple[int, ...]
    group_names: Mapping[str, tuple[str, ...]]
    origin_names: tuple[str, ...]
    positive_rate: Tensor

    @cached_property
    def predicted(self) -> tuple[Task, ...]:
        """What losses and evaluation ask of each task."""
        return make_tasks(self.kinds)

    @cached_property
    def several(self) -> tuple[Task, ...]:
        """The same, empty where every task is binary: as `Rows.tasks` says it."""
        return () if all_binary(self.predicted) else self.predicted

    @property
    def selection_split(self) -> str:
        """Where thresholds are found: validation, or test where there is none (`protocol: paper`)."""
        return "validation" if "validation" in self.splits else "test"


def to_device(splits: Splits, sensitive: Mapping[str, str], device: torch.device, dtype: torch.dtype) -> DeviceData:
    """Tensors of `splits` on `device`; `sensitive` names the attribute that each task's loss acts on."""
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    present = {name: part for name, part in parts.items() if part is not None}
    acts_on = tuple(splits.attributes.index(sensitive[task]) for task in splits.tasks)
    every = np.concatenate([part.groups for part in present.values()])
    cells, inverse = np.unique(every, axis=0, return_inverse=True)
    codes = np.split(inverse.reshape(-1), np.cumsum([len(part) for part in present.values()])[:-1])
    labels = splits.train.labels
    known = (labels >= 0).sum(0)
    return DeviceData(
        tasks=splits.tasks,
        kinds=splits.kinds,
        attributes=splits.attributes,
        numeric=splits.train.numeric.shape[1],
        categories=splits.category_sizes,
        splits={
            name: _split(part, code, splits.category_sizes, acts_on, device, dtype)
            for (name, part), code in zip(present.items(), codes, strict=True)
        },
        cells=cells,
        counts={name: np.bincount(code, minlength=len(cells)) for name, code in zip(present, codes, strict=True)},
        acts_on=acts_on,
        n_groups=tuple(len(splits.group_names[name]) for name in splits.attributes),
        group_names=splits.group_names,
        origin_names=splits.origin_names,
        positive_rate=torch.tensor((labels == 1).sum(0) / known, device=device),
    )


def _split(
    part: Examples,
    cells: np.ndarray,
    categories: tuple[int, ...],
    acts_on: tuple[int, ...],
    device: torch.device,
    dtype: torch.dtype,
) -> DeviceSplit:
    one_hot = [np.eye(size)[part.categories[:, i]] for i, size in enumerate(categories)]
    inputs = np.concatenate([part.numeric, *one_hot], 1)
    return DeviceSplit(
        inputs=torch.tensor(inputs, dtype=dtype, device=device),
        labels=torch.tensor(part.labels.T, dtype=dtype, device=device).contiguous(),
        groups=torch.tensor(part.groups[:, list(acts_on)].T, dtype=torch.int64, device=device).contiguous(),
        cells=torch.tensor(cells, dtype=torch.int64, device=device),
        origins=torch.tensor(part.origins, dtype=torch.int64, device=device),
    )
