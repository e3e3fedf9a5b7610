"""Batches on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from paretofair.methods import Method, Rows
from paretofair.methods.row_plan import RowPlan, balanced, noise_stream, shuffled, uniform_numbers
from paretofair.models import StackedNetwork, aligned
from paretofair.training.tensors import DeviceData, DeviceSplit


class Batches:
    """Batches of the training rows for trials with the given seeds, as `method` wants them.

    Trials of one seed share their rows. Batches are filled up to one number of whole vectors with rows of weight 0, so
    that all steps have one shape. A network that takes no such rows gets its inputs as they are, the short last batch
    at its own shape; there labels and weights alone are filled up to whole vectors.

    With `holdout` a tenth of the rows is held out of the loss and serves the penalty alone.
    """

    def __init__(
        self,
        data: DeviceData,
        batch_size: int,
        seeds: Sequence[int],
        network: StackedNetwork,
        method: Method,
        *,
        holdout: bool = False,
    ) -> None:
        train = data.splits["train"]
        self._data = train
        self._n_groups = max(data.n_groups[attribute] for attribute in data.acts_on)
        self._seeds = list(seeds)
        self._network, self._method = network, method
        self._plan = _plan(data, method, batch_size, holdout)
        self._in_loss = torch.from_numpy(self._plan.in_loss).to(train.inputs)[:, None]
        self._in_penalty = torch.from_numpy(self._plan.in_penalty).to(train.inputs)[:, None]
        self._weights = _reweighed(train, self._n_groups) if method.reweighs else None

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
            width = aligned(rows)
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
        )

    def _uniform(self, epoch: int, index: Tensor) -> Tensor | None:
        """`(steps, [K,] 1, B)`."""
        if self._method.noise is None:
            return None
        drawn = epoch if self._method.noise == "fresh" else None
        own = {
            seed: torch.from_numpy(uniform_numbers(seed, drawn, len(self._data.inputs))).to(self._data.inputs)
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


def _plan(data: DeviceData, method: Method, batch_size: int, holdout: bool) -> RowPlan:
    train = data.splits["train"]
    if method.batches == "cells":
        task = method.balance_task
        labels, groups = train.labels[task].long(), train.groups[task]
        cell = torch.where((labels >= 0) & (groups >= 0), 2 * groups + labels, -1).cpu().numpy()
        attribute = data.attributes[data.acts_on[task]]
        names = [
            f"{data.tasks[task]} = {label} and {attribute} = {group}"
            for group in data.group_names[attribute]
            for label in (0, 1)
        ]
        return balanced(cell, names, batch_size, holdout=holdout, ordered=True)
    if method.batches == "origins" and len(data.origin_names) > 1:
        names = [f"origin = {name}" for name in data.origin_names]
        return balanced(train.origins.cpu().numpy(), names, batch_size, holdout=holdout)
    return shuffled(len(train.inputs), batch_size, holdout=holdout)


def _of_tasks(values: Tensor, index: Tensor) -> Tensor:
    """Values `(T, n)` of the rows `(…, B)`, as `(…, T, B)`."""
    return values[:, index].movedim(0, -2).contiguous()


def _reweighed(data: DeviceSplit, n_groups: int) -> Tensor:
    """P(group) P(label) / P(group, label) of every row and task, `(T, n)`, among rows where both are known; else 1."""
    weights = torch.ones_like(data.labels, dtype=torch.float64)
    for task, (labels, groups) in enumerate(zip(data.labels, data.groups, strict=True)):
        known = (labels >= 0) & (groups >= 0)
        for group in range(n_groups):
            for label in (0, 1):
                of_group, of_label = known & (groups == group), known & (labels == label)
                cell = of_group & of_label
                expected = of_group.sum().double() * of_label.sum() / known.sum()
                weights[task] = torch.where(cell, expected / cell.sum().clamp_min(1), weights[task])
    return weights.to(data.inputs.dtype)
