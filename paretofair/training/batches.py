"""Batches on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from paretofair.methods import Rows
from paretofair.methods.row_plan import noise_stream
from paretofair.models import align_length
from paretofair.training.experiment import Experiment


class Batches:
    """Batches of the training rows for trials with the given seeds, as the method of the experiment plans them.

    Trials of one seed share their rows. Batches are filled up to one number of whole vectors with rows of weight 0, so
    that all steps have one shape. A network that takes no such rows gets its inputs as they are, the short last batch
    at its own shape; there labels and weights alone are filled up to whole vectors.
    """

    def __init__(self, experiment: Experiment, seeds: Sequence[int]) -> None:
        data, settings = experiment.data, experiment.settings
        self._data = train = data.splits["train"]
        self._n_groups = max(data.n_groups[attribute] for attribute in data.acts_on)
        self._tasks = data.several
        self._seeds = list(seeds)
        self._network = experiment.network
        self._plan = experiment.method.row_plan(experiment.training_rows, settings.batch_size, settings.holdout)
        self._in_loss = torch.from_numpy(self._plan.in_loss).to(train.inputs)[:, None]
        self._in_penalty = torch.from_numpy(self._plan.in_penalty).to(train.inputs)[:, None]
        weights = self._plan.weights
        self._weights = None if weights is None else torch.from_numpy(weights).to(train.inputs)

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on for these trials alone."""
        self._seeds = [self._seeds[row] for row in rows]

    def epoch(self, epoch: int) -> Iterator[Rows]:
        """The batches of one epoch, counted from 0."""
        known = {seed: self._index(seed, epoch) for seed in set(self._seeds)}
        common = len(known) == 1
        # Of trials of one seed `(steps, B)`, else `(steps, K, B)`; what is common is gathered once.
        index = known[self._seeds[0]] if common else torch.stack([known[seed] for seed in self._seeds], 1)
        inputs = self._data.inputs[index] if common else None
        labels = _of_tasks(self._data.labels, index) if common else None
        groups = _of_tasks(self._data.groups, index) if common else None
        uniform = self._uniform(epoch, index)
        for step, count in enumerate(self._plan.counts.tolist()):
            rows = self._plan.width if self._network.pads else count
            width = align_length(rows)
            own = index[step, ..., :width]
            of_step = (
                self._data.inputs[own[..., :rows]] if inputs is None else inputs[step, :rows],
                _of_tasks(self._data.labels, own) if labels is None else labels[step, :, :width],
                _of_tasks(self._data.groups, own) if groups is None else groups[step, :, :width],
            )
            yield self._rows(*of_step, own, None if uniform is None else uniform[step, ..., :width], epoch, step)

    def _index(self, seed: int, epoch: int) -> Tensor:
        """Row numbers `(steps, B)`; filled up with row 0."""
        rows = self._plan.rows(seed, epoch).clip(0)
        return torch.from_numpy(rows).to(self._data.inputs.device)

    def _rows(
        self,
        inputs: Tensor,
        labels: Tensor,
        groups: Tensor,
        index: Tensor,
        uniform: Tensor | None,
        epoch: int,
        step: int,
    ) -> Rows:
        width = labels.shape[-1]
        loss_weight = (labels >= 0) * self._in_loss[step, :, :width]
        if self._weights is not None:
            loss_weight = loss_weight * _of_tasks(self._weights, index)
        return Rows(
            inputs=inputs,
            labels=labels.contiguous(),
            loss_weight=loss_weight,
            penalty_weight=self._in_penalty[step, :, :width].expand_as(labels),
            groups=groups.contiguous(),
            n_groups=self._n_groups,
            cells=self._plan.cells,
            uniform=uniform,
            streams=None if self._network.pads else self._streams(epoch, step),
            tasks=self._tasks,
        )

    def _uniform(self, epoch: int, index: Tensor) -> Tensor | None:
        """`(steps, [K,] 1, B)`."""
        draw = self._plan.draw
        if draw is None:
            return None
        own = {
            seed: torch.from_numpy(draw(seed, epoch, len(self._data.inputs))).to(self._data.inputs)
            for seed in set(self._seeds)
        }
        if len(own) == 1:
            return own[self._seeds[0]][index][:, None]
        parts = [own[seed][index[:, k]] for k, seed in enumerate(self._seeds)]
        return torch.stack(parts, 1)[:, :, None]

    def _streams(self, epoch: int, step: int) -> tuple[int, ...]:
        if not self._network.stochastic:
            return (0,) * len(self._seeds)
        own = {seed: noise_stream(seed, epoch, step) for seed in set(self._seeds)}
        return tuple(own[seed] for seed in self._seeds)


def _of_tasks(values: Tensor, index: Tensor) -> Tensor:
    """Values `(T, n)` of the rows `(…, B)`, as `(…, T, B)`."""
    return values[:, index].movedim(0, -2).contiguous()
