"""The order in which a trial sees its rows: a function of its seed and the epoch, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from paretofair.methods import Rows
from paretofair.models import aligned
from paretofair.training.tensors import DeviceSplit

_ORDER = 0x6F72646572  # separates this use of a seed from others


def epoch_order(seed: int, epoch: int, rows: int) -> np.ndarray:
    """A permutation of `rows` for one epoch, `(rows,)`; the same whatever was drawn before."""
    return np.random.Generator(np.random.Philox(key=[seed, _ORDER], counter=[0, 0, 0, epoch])).permutation(rows)


class Batches:
    """Shuffled batches of a training split for trials with the given seeds.

    Trials of one seed share their rows. The last batch is filled up with rows of weight 0, and every batch to a whole
    number of vectors, so that all steps have one shape.
    """

    def __init__(self, data: DeviceSplit, n_groups: int, batch_size: int, seeds: Sequence[int]) -> None:
        self._data = data
        self._n_groups = n_groups
        self._seeds = list(seeds)
        rows = len(data.inputs)
        batch_size = min(batch_size, rows)
        self._steps = -(-rows // batch_size)
        width = aligned(batch_size)
        slots = np.full((self._steps, width), rows)
        slots[:, :batch_size].flat[:rows] = np.arange(rows)
        self._slots = slots
        real = torch.tensor(slots < rows, dtype=data.inputs.dtype, device=data.inputs.device)
        self._real = real[:, None, :]

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on for these trials alone."""
        self._seeds = [self._seeds[row] for row in rows]

    def epoch(self, epoch: int) -> Iterator[Rows]:
        """The batches of one epoch, counted from 0."""
        if len(set(self._seeds)) == 1:
            # Gathered once; a batch is a view.
            index = self._index(self._seeds[0], epoch)
            inputs = self._data.inputs[index]
            labels = self._data.labels[:, index].transpose(0, 1).contiguous()
            groups = self._data.groups[:, index].transpose(0, 1).contiguous()
            for step in zip(inputs, labels, groups, self._real, strict=True):
                yield self._rows(*step)
        else:
            orders = {seed: self._index(seed, epoch) for seed in set(self._seeds)}
            index = torch.stack([orders[seed] for seed in self._seeds], 1)
            for step, real in zip(index, self._real, strict=True):
                labels = self._data.labels[:, step].transpose(0, 1).contiguous()
                groups = self._data.groups[:, step].transpose(0, 1).contiguous()
                yield self._rows(self._data.inputs[step], labels, groups, real)

    def _index(self, seed: int, epoch: int) -> Tensor:
        """Row numbers `(steps, B)`; padding points at row 0."""
        order = epoch_order(seed, epoch, len(self._data.inputs))
        return torch.from_numpy(np.append(order, 0)[self._slots]).to(self._data.inputs.device)

    def _rows(self, inputs: Tensor, labels: Tensor, groups: Tensor, real: Tensor) -> Rows:
        return Rows(
            inputs=inputs,
            labels=labels,
            loss_weight=(labels >= 0) * real,
            penalty_weight=real.expand_as(labels),
            groups=groups,
            n_groups=self._n_groups,
        )
