"""Batches on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from paretofair.methods import Rows
from paretofair.methods.corpus.sample_source import SampleSource
from paretofair.methods.row_plan import augmentation_stream, noise_stream
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
        self._device, self._dtype = data.device, data.dtype
        self._data = data.splits["train"]
        self._n_groups = max(data.n_groups[attribute] for attribute in data.acts_on)
        self._tasks = data.several
        self._seeds = list(seeds)
        self._network = experiment.network
        self._samples = experiment.samples
        plan = experiment.method.row_plan(experiment.training_rows, settings.batch_size, settings.holdout)
        self._plan = plan if settings.steps is None else plan.with_steps(settings.steps)
        self._in_loss = self._to_device(self._plan.in_loss)[:, None]
        self._in_penalty = self._to_device(self._plan.in_penalty)[:, None]
        # In the penalty a row counts by its own weight alone; in the loss also as the plan says.
        own = self._data.weights
        self._in_penalties = None if own is None else own.to(self._dtype)[None]
        self._in_losses = self._in_penalties
        if self._plan.weights is not None:
            of_plan = torch.from_numpy(self._plan.weights).to(self._device)
            self._in_losses = (of_plan if own is None else of_plan * own).to(self._dtype)

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return self._plan.steps

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on for these trials alone."""
        self._seeds = [self._seeds[row] for row in rows]

    def epoch(self, epoch: int, of_samples: Mapping[str, Tensor] | None = None) -> Iterator[Rows]:
        """The batches of one epoch, counted from 0. What `of_samples` remembers of every seed `(S, ...)` is changed in
        place."""
        known = {seed: self._index(seed, epoch) for seed in set(self._seeds)}
        common = len(known) == 1
        # Of trials of one seed `(steps, B)`, else `(steps, K, B)`; of what is common all but the inputs, which may be
        # large, is gathered once.
        index = known[self._seeds[0]] if common else torch.stack([known[seed] for seed in self._seeds], 1)
        labels = _of_tasks(self._data.labels, index) if common else None
        groups = _of_tasks(self._data.groups, index) if common else None
        uniform = self._uniform(epoch, index)
        for step, count in enumerate(self._plan.counts.tolist()):
            rows = self._plan.width if self._network.pads else count
            width = align_length(rows)
            own = index[step, ..., :width]
            streams = self._streams(augmentation_stream, epoch, step) if self._data.inputs.augmented else None
            of_step = (
                self._data.inputs.take(own[..., :rows], streams[:1] if common and streams else streams),
                _of_tasks(self._data.labels, own) if labels is None else labels[step, :, :width],
                _of_tasks(self._data.groups, own) if groups is None else groups[step, :, :width],
            )
            drawn = None if uniform is None else uniform[step, ..., :width]
            batch = self._rows(*of_step, own, drawn, epoch, step, common)
            yield (
                batch
                if self._samples is None
                else self._add_samples(batch, self._samples, of_samples or {}, epoch, step)
            )

    def _to_device(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self._device, self._dtype)

    def _index(self, seed: int, epoch: int) -> Tensor:
        """Row numbers `(steps, B)`; filled up with row 0."""
        rows = self._plan.rows(seed, epoch).clip(0)
        return torch.from_numpy(rows).to(self._device)

    def _rows(
        self,
        inputs: Tensor,
        labels: Tensor,
        groups: Tensor,
        index: Tensor,
        uniform: Tensor | None,
        epoch: int,
        step: int,
        common: bool,
    ) -> Rows:
        width = labels.shape[-1]
        loss_weight = (labels >= 0) * self._in_loss[step, :, :width]
        penalty_weight = self._in_penalty[step, :, :width]
        if self._in_losses is not None:
            loss_weight = loss_weight * _of_tasks(self._in_losses, index)
        if self._in_penalties is not None:
            penalty_weight = penalty_weight * _of_tasks(self._in_penalties, index)
        return Rows(
            inputs=inputs,
            labels=labels.contiguous(),
            loss_weight=loss_weight,
            penalty_weight=penalty_weight.expand_as(labels),
            groups=groups.contiguous(),
            n_groups=self._n_groups,
            cells=self._plan.cells,
            uniform=uniform,
            streams=None if self._network.pads else self._noise(epoch, step),
            common=common,
            tasks=self._tasks,
        )

    def _add_samples(
        self, rows: Rows, source: SampleSource, of_samples: Mapping[str, Tensor], epoch: int, step: int
    ) -> Rows:
        """The batch with made examples behind its rows: the same ones for all trials of a seed."""
        before, drawn = rows.inputs.shape[0 if rows.common else 1], {}
        # Where rows of a batch see each other, nothing but rows and samples stands in it.
        room = align_length(source.count) if self._network.pads else source.count
        width = align_length(before + room)
        for place, seed in enumerate(np.unique(self._seeds).tolist()):
            own = source.draw({name: each[place] for name, each in of_samples.items()}, seed, epoch, step)
            filling = own.new_zeros(room - len(own), *own.shape[1:])
            drawn[seed] = torch.cat([own, filling]).to(rows.inputs)
        one = drawn[self._seeds[0]] if rows.common else torch.stack([drawn[seed] for seed in self._seeds])

        def fill(values: Tensor, value: int) -> Tensor:
            return functional.pad(values, (0, width - values.shape[-1]), value=value)

        return rows._replace(
            inputs=torch.cat([rows.inputs, one], 0 if rows.common else 1),
            labels=fill(rows.labels, -1),
            loss_weight=fill(rows.loss_weight, 0),
            penalty_weight=fill(rows.penalty_weight, 0),
            groups=fill(rows.groups, -1),
            uniform=None if rows.uniform is None else fill(rows.uniform, 0),
            samples=(before, before + source.count),
        )

    def _uniform(self, epoch: int, index: Tensor) -> Tensor | None:
        """`(steps, [K,] 1, B)`."""
        draw = self._plan.draw
        if draw is None:
            return None
        own = {seed: self._to_device(draw(seed, epoch, len(self._data))) for seed in set(self._seeds)}
        if len(own) == 1:
            return own[self._seeds[0]][index][:, None]
        parts = [own[seed][index[:, k]] for k, seed in enumerate(self._seeds)]
        return torch.stack(parts, 1)[:, :, None]

    def _noise(self, epoch: int, step: int) -> tuple[int, ...]:
        return self._streams(noise_stream, epoch, step) if self._network.stochastic else (0,) * len(self._seeds)

    def _streams(self, stream: Callable[[int, int, int], int], epoch: int, step: int) -> tuple[int, ...]:
        """One number for each trial, equal for equal seeds."""
        own = {seed: stream(seed, epoch, step) for seed in set(self._seeds)}
        return tuple(own[seed] for seed in self._seeds)


def _of_tasks(values: Tensor, index: Tensor) -> Tensor:
    """Values `(T, n)` of the rows `(…, B)`, as `(…, T, B)`."""
    return values[:, index].movedim(0, -2).contiguous()
