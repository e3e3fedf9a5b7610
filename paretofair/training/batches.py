"""The order in which a trial sees its rows: a function of its seed and the epoch, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from paretofair.methods import Rows
from paretofair.models import StackedNetwork, aligned
from paretofair.training.tensors import DeviceSplit

# These separate the uses of a seed.
_ORDER = 0x6F72646572
_NOISE = 0x6E6F697365


def epoch_order(seed: int, epoch: int, rows: int) -> np.ndarray:
    """A permutation of `rows` for one epoch, `(rows,)`; the same whatever was drawn before."""
    return np.random.Generator(np.random.Philox(key=[seed, _ORDER], counter=[0, 0, 0, epoch])).permutation(rows)


def noise_stream(seed: int, epoch: int, step: int) -> int:
    """What the random numbers of one training pass come from."""
    return int(np.random.Philox(key=[seed, _NOISE], counter=[0, 0, step, epoch]).random_raw())


class Batches:
    """Shuffled batches of a training split for trials with the given seeds.

    Trials of one seed share their rows. Batches are filled up to one number of whole vectors with rows of weight 0, so
    that all steps have one shape. A network that takes no such rows gets its inputs as they are, the short last batch
    at its own shape; there labels and weights alone are filled up to whole vectors.
    """

    def __init__(
        self, data: DeviceSplit, n_groups: int, batch_size: int, seeds: Sequence[int], network: StackedNetwork
    ) -> None:
        self._data = data
        self._n_groups = n_groups
        self._seeds = list(seeds)
        self._network = network
        rows = len(data.inputs)
        batch_size = min(batch_size, rows)
        self._steps = -(-rows // batch_size)
        width = aligned(batch_size)
        slots = np.full((self._steps, width), rows)
        slots[:, :batch_size].flat[:rows] = np.arange(rows)
        self._slots = slots
        self._rows_of_step = [width] * self._steps if network.pads else (slots < rows).sum(1).tolist()
        real = torch.tensor(slots < rows, dtype=data.inputs.dtype, device=data.inputs.device)
        self._real = real[:, None, :]

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on for these trials alone."""
        self._seeds = [self._seeds[row] for row in rows]

    def epoch(self, epoch: int) -> Iterator[Rows]:
        """The batches of one epoch, counted from 0."""
        orders = {seed: self._index(seed, epoch) for seed in set(self._seeds)}
        if len(orders) == 1:
            # Gathered once; a batch is a view.
            index = orders[self._seeds[0]]
            inputs = self._data.inputs[index]
            labels = self._data.labels[:, index].transpose(0, 1).contiguous()
            groups = self._data.groups[:, index].transpose(0, 1).contiguous()
            for step, rows in enumerate(self._rows_of_step):
                width = aligned(rows)
                yield self._rows(inputs[step, :rows], labels[step, :, :width], groups[step, :, :width], epoch, step)
        else:
            index = torch.stack([orders[seed] for seed in self._seeds], 1)
            for step, rows in enumerate(self._rows_of_step):
                own = index[step, :, : aligned(rows)]
                labels = self._data.labels[:, own].transpose(0, 1).contiguous()
                groups = self._data.groups[:, own].transpose(0, 1).contiguous()
                yield self._rows(self._data.inputs[own[:, :rows]], labels, groups, epoch, step)

    def _index(self, seed: int, epoch: int) -> Tensor:
        """Row numbers `(steps, B)`; padding points at row 0."""
        order = epoch_order(seed, epoch, len(self._data.inputs))
        return torch.from_numpy(np.append(order, 0)[self._slots]).to(self._data.inputs.device)

    def _rows(self, inputs: Tensor, labels: Tensor, groups: Tensor, epoch: int, step: int) -> Rows:
        real = self._real[step, :, : labels.shape[-1]]
        return Rows(
            inputs=inputs,
            labels=labels.contiguous(),
            loss_weight=(labels >= 0) * real,
            penalty_weight=real.expand_as(labels),
            groups=groups.contiguous(),
            n_groups=self._n_groups,
            streams=None if self._network.pads else self._streams(epoch, step),
        )

    def _streams(self, epoch: int, step: int) -> tuple[int, ...]:
        if not self._network.stochastic:
            return (0,) * len(self._seeds)
        own = {seed: noise_stream(seed, epoch, step) for seed in set(self._seeds)}
        return tuple(own[seed] for seed in self._seeds)
