"""Group contribution matching (GCM): all groups pull equally hard at every parameter (Li et al. 2023)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from torch import Tensor
from torch.nn import functional

from paretofair.methods.balance import BalanceOptions, balance_cells
from paretofair.methods.losses.terms import row_losses
from paretofair.methods.method import (
    FAIRNESS_WEIGHT,
    NO_NAMES,
    TASK_WEIGHT,
    Gradient,
    Hyper,
    LossSettings,
    Names,
    Parameter,
    Rows,
    avoid_zero,
    differentiate,
    run_forward,
)
from paretofair.methods.row_plan import RowPlan, TrainingRows
from paretofair.methods.vanilla import Vanilla
from paretofair.models import ALIGNMENT, ModuleNetwork, StackedNetwork
from paretofair.models.cell_gradients import Cells, backward_through_cells, cell_gradients, has_closed_form, name_cells
from paretofair.tasks.binary import Binary
from paretofair.tasks.known import split_outputs
from paretofair.tasks.task import CURVATURE, Task

# Passes over the cells of one step draw other noise each.
_OTHER_NOISE = 0x9E3779B97F4A7C15

TEMPERATURE = Parameter("temperature", low=0.0, default=0.0, search=[0, 1, 2])


class GCMOptions(BalanceOptions):
    """`matching`: how the gradients of groups are compared; `power`: 2 for squares, 1 for the absolute values that the
    paper prints; `layers`: names such as `weight_0`, None for all."""

    matching: Literal["contribution", "direct", "iga"] = "contribution"
    power: Literal[1, 2] = 2
    layers: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None

    @model_validator(mode="after")
    def _power_of_this_matching(self) -> GCMOptions:
        if self.matching == "iga" and self.power != 2:
            raise ValueError("matching iga is a sum of squares: power belongs to contribution and direct")
        return self

    @model_serializer(mode="wrap")
    def _with_power(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The power is always written: runs that do not say it were trained with absolute values."""
        return written(self) | ({} if self.matching == "iga" else {"power": self.power})


class GCM(Vanilla):
    """Σ_t w_t L_t + mean_t λ_t R_t, where R_t compares the gradients of the mean losses of the cells of task t.

    A cell (a, y) is the rows of group a with label y, and g_w(a, y) its gradient for the parameter w. `matching` says
    how they are compared:

    - `contribution`: Σ_w Σ_y abs(W(0,y) abs(g_w(0,y))ᵖ - W(1,y) abs(g_w(1,y))ᵖ), which is eq. 13 with the outer
      absolute value that it lacks in print. W(a,y) is c(a,y) to the power of `temperature`, c the mean confidence in
      the true label (eq. 12); no gradient passes through it. Temperature 0 is eq. 10.
    - `direct`: Σ_w Σ_y abs(g_w(0,y) - g_w(1,y))ᵖ, eq. 17, likewise.
    - `iga`: Σ_w Σ_a (g_w(a) - mean of g_w over groups)², the trace of eq. 15; its cells are whole groups.

    p is the option `power`. The paper argues for squares (before its eq. 6) and prints absolute values; its numbers are
    those of squares. With more groups the first two are averaged over all pairs. Cells without rows are left out; what
    then has fewer than two groups to compare, a label or for `iga` a task, adds exactly 0 and is counted in
    `undefined`.

    The option `layers` limits Σ_w to the parameters of these names (eq. 14). All losses are means over rows,
    whatever `training.reduction` says.
    """

    parameters = (TASK_WEIGHT, FAIRNESS_WEIGHT, TEMPERATURE)
    Options = GCMOptions
    reads = ()
    needs = frozenset({CURVATURE})

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        super().__init__(settings, options, names)
        self.balance_task = names.task("balance_task", self.options.balance_task)

    def row_plan(self, train: TrainingRows, batch_size: int, holdout: bool) -> RowPlan:
        return balance_cells(train, self.balance_task, batch_size, holdout)

    def gradient(
        self,
        network: StackedNetwork,
        parameters: Tensor,
        rows: Rows,
        hyper: Hyper,
        adversary: Tensor | None = None,
    ) -> Gradient:
        """In closed form where the network has one, fastest where rows are ordered by cell; others are differentiated
        twice, modules with one pass for each cell.

        Raises ValueError where a name in `options.layers` is none of the network's.
        """
        if isinstance(network, ModuleNetwork):
            return self._differentiate_module(network, parameters, rows, hyper)
        if not has_closed_form(network):
            return self._differentiate_twice(network, parameters, rows, hyper)
        out, logits = run_forward(network, parameters, rows)
        with torch.no_grad():
            compared = self._gather_cells(out.logits, rows, hyper)
            tasks = [
                cell_gradients(network, parameters, out, t, rows.labels[..., t, :], of_task.cells, task)
                for t, (task, of_task) in enumerate(zip(_tasks(rows), compared, strict=True))
            ]
        directions: list[Tensor] = []
        with torch.enable_grad():
            cotangent, _ = differentiate(self.losses(logits, rows, hyper), logits)
            for task, of_task in zip(tasks, compared, strict=True):
                gradients = task.gradients.detach().requires_grad_()
                mismatch = self._mismatch(network, gradients, of_task)
                directions += torch.autograd.grad(mismatch.sum(), gradients)
        with torch.no_grad():
            gradient = backward_through_cells(network, tasks, directions, cotangent)
        return Gradient(gradient, _count_undefined(compared, parameters))

    def _differentiate_twice(self, network: StackedNetwork, parameters: Tensor, rows: Rows, hyper: Hyper) -> Gradient:
        """By autograd through `network.forward`, whatever the network is, where that leaves a graph behind."""
        with torch.enable_grad():
            leaf = parameters.detach().clone().requires_grad_()
            out = network.forward(leaf, rows.inputs, rows.streams, common=rows.common)
            if not out.logits.requires_grad:
                raise ValueError(f"gcm differentiates twice, which {type(network).__name__}.forward does not allow")
            compared = self._gather_cells(out.logits.detach(), rows, hyper)
            loss = self.losses(out.logits, rows, hyper).shared
            each = row_losses(out.logits, rows)
            for t, of_task in enumerate(compared):
                means = (each[:, t, None] * of_task.cells.weights).sum(-1)
                found = [torch.autograd.grad(mean.sum(), leaf, create_graph=True)[0] for mean in means.unbind(1)]
                loss = loss + self._mismatch(network, torch.stack(found, 1), of_task)
            (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        return Gradient(gradient, _count_undefined(compared, parameters))

    def _differentiate_module(self, network: ModuleNetwork, parameters: Tensor, rows: Rows, hyper: Hyper) -> Gradient:
        """The rows of each cell pass the module on their own, so that the gradient of a cell costs a pass back over its
        rows alone. A batch norm then sees the rows of one cell at a time.

        Rows are ordered by the cells of one task. Those of another are gathered and pass once more where that changes
        nothing: trial by trial, through layers for which a row is one row; else each of its cells costs a pass back
        over the whole batch."""
        assert rows.streams is not None
        count, width = rows.inputs.shape[0 if rows.common else 1], rows.labels.shape[-1]
        edges = sorted({0, count, *(edge for bounds in rows.cells for edge in bounds)})
        pieces = list(itertools.pairwise(edges))
        gathers = network.runs_apart(parameters.device, 2) and not network.mixes_rows
        with torch.enable_grad():
            row = parameters[:, : network.trainable].clone().requires_grad_()
            passed = [
                _pass_rows(network, parameters, row, rows, slice(*piece), number) for number, piece in enumerate(pieces)
            ]
            logits = functional.pad(torch.cat([outputs for outputs, _ in passed], -1), (0, width - count))
            compared = self._gather_cells(logits.detach(), rows, hyper)
            loss = self.losses(logits, rows, hyper).shared
            for t, of_task in enumerate(compared):
                found = []
                shares = of_task.cells.weights[..., :count].unbind(-2)
                bounds = of_task.cells.bounds or ((0, count),) * len(shares)
                for share, (start, stop) in zip(shares, bounds, strict=True):
                    if gathers and not of_task.cells.bounds:
                        own = share.view(-1, count).any(0).nonzero()[:, 0]
                        if not len(own):
                            found.append(torch.zeros_like(row))
                            continue
                        each, share = _pass_rows(network, parameters, row, rows, own)[1][:, t], share[..., own]
                    else:
                        inside = [start <= first and last <= stop for first, last in pieces]
                        parts = [losses[:, t] for (_, losses), within in zip(passed, inside, strict=True) if within]
                        each, share = torch.cat(parts, -1), share[..., start:stop]
                    found.append(torch.autograd.grad((each * share).sum(), row, create_graph=True)[0])
                loss = loss + self._mismatch(network, torch.stack(found, 1), of_task)
            (gradient,) = torch.autograd.grad(loss.sum(), row)
        gradient = functional.pad(gradient, (0, network.size - network.trainable))
        return Gradient(gradient, _count_undefined(compared, parameters))

    def _gather_cells(self, logits: Tensor, rows: Rows, hyper: Hyper) -> list[_ComparedCells]:
        """The cells of every task, from logits `(K, O, B)`."""
        tasks = _tasks(rows)
        compared = []
        for t, (task, outputs) in enumerate(zip(tasks, split_outputs(logits, tasks), strict=True)):
            bounds = rows.cells if t == self.balance_task else ()
            labels, groups = rows.labels[..., t, :], rows.groups[..., t, :]
            n_groups = len(bounds) // task.classes or rows.n_groups
            of_label = [labels == label for label in range(task.classes)]
            if self.options.matching == "iga":
                of_label = [labels >= 0]
                firsts, lasts = bounds[:: task.classes], bounds[task.classes - 1 :: task.classes]
                bounds = tuple((start, stop) for (start, _), (_, stop) in zip(firsts, lasts, strict=True))
            member = torch.stack([(groups == a) & chosen for a in range(n_groups) for chosen in of_label], -2)
            member = member * rows.penalty_weight[..., t, None, :]
            size = member.sum(-1)
            present = (size > 0).to(logits.dtype)
            share = member / avoid_zero(size)[..., None]
            certain = task.confidence(outputs, labels)
            confidence = (share * certain[:, None]).sum(-1)
            by_group = (n_groups, len(of_label))
            compared.append(
                _ComparedCells(
                    cells=Cells(share, bounds),
                    present=present.unflatten(-1, by_group),
                    weights=_power(confidence, hyper["temperature"]).unflatten(-1, by_group),
                    scale=hyper["fairness_weight"][:, t] / len(tasks),
                )
            )
        return compared

    def _mismatch(self, network: StackedNetwork, gradients: Tensor, compared: _ComparedCells) -> Tensor:
        """λ_t R_t / T of one task, `(K,)`, from the gradients of its cells `(K, C, P)`."""
        if self.options.layers is not None:
            named = name_cells(network, gradients)
            unknown = set(self.options.layers) - set(named)
            if unknown:
                raise ValueError(f"got layers {sorted(unknown)}, expected some of {', '.join(named)}")
            gradients = torch.cat([named[name].flatten(2) for name in self.options.layers], 2)
        by_group = gradients.unflatten(1, compared.weights.shape[1:])
        return compared.scale * MATCHINGS[self.options.matching](by_group, compared, self.options.power)


def _pass_rows(
    network: ModuleNetwork, parameters: Tensor, row: Tensor, rows: Rows, own: slice | Tensor, number: int = 0
) -> tuple[Tensor, Tensor]:
    """Outputs `(K, O, b)` and losses `(K, T, b)` of some of the rows, with noise of a `number` of its own."""
    assert rows.streams is not None
    streams = [(stream + number * _OTHER_NOISE) % 2**64 for stream in rows.streams]
    inputs = rows.inputs[own] if rows.common else rows.inputs[:, own]
    outputs = network.record(parameters, row, inputs, streams, common=rows.common).mT
    return outputs, row_losses(outputs, rows._replace(labels=rows.labels[..., own]))


class _ComparedCells(NamedTuple):
    """The cells of one task, by group and then label: A groups, Y labels (1 where labels do not matter)."""

    cells: Cells
    present: Tensor  # ([K,] A, Y), 1 where a cell has rows
    weights: Tensor  # (K, A, Y), W(a, y)
    scale: Tensor  # (K,), λ_t / T


def _contribution(gradients: Tensor, compared: _ComparedCells, power: int) -> Tensor:
    pulls = gradients.abs() if power == 1 else gradients.square()
    return _average_over_pairs(compared.weights[..., None] * pulls, compared.present, torch.abs)


def _direct(gradients: Tensor, compared: _ComparedCells, power: int) -> Tensor:
    return _average_over_pairs(gradients, compared.present, torch.abs if power == 1 else torch.square)


def _iga(gradients: Tensor, compared: _ComparedCells, _: int) -> Tensor:
    present = compared.present[..., None]
    mean = (gradients * present).sum(1, keepdim=True) / present.sum(-3, keepdim=True).clamp_min(1)
    return ((gradients - mean).square() * present).sum((1, 2, 3))


# From gradients `(K, A, Y, n)` of n weights, and a power, to what a trial minimises, `(K,)`.
MATCHINGS: dict[str, Callable[[Tensor, _ComparedCells, int], Tensor]] = {
    "contribution": _contribution,
    "direct": _direct,
    "iga": _iga,
}


def _average_over_pairs(values: Tensor, present: Tensor, size: Callable[[Tensor], Tensor]) -> Tensor:
    """Σ_w Σ_y of the size of differences, `(K, A, Y, n)` to `(K,)`: the mean over the pairs of groups that are
    present."""
    total = torch.zeros_like(values[:, 0, :, 0])
    pairs = torch.zeros_like(present[..., 0, :])
    for one, other in itertools.combinations(range(values.shape[1]), 2):
        both = present[..., one, :] * present[..., other, :]
        total = total + both * size(values[:, one] - values[:, other]).sum(-1)
        pairs = pairs + both
    return (total / pairs.clamp_min(1)).sum(-1)


def _tasks(rows: Rows) -> tuple[Task, ...]:
    return rows.tasks or (Binary(),) * rows.labels.shape[-2]


def _power(values: Tensor, exponent: Tensor) -> Tensor:
    """values `(K, C)` to the powers `(K,)`; in whole vectors, so that its bits do not depend on K."""
    return torch.pow(values[..., None].expand(-1, -1, ALIGNMENT), exponent[:, None, None])[..., 0]


def _count_undefined(compared: Sequence[_ComparedCells], parameters: Tensor) -> Tensor:
    """How many comparisons had fewer than two groups, `(K,)`."""
    missing = [(of_task.present.sum(-2) < 2).to(parameters.dtype).sum(-1) for of_task in compared]
    return torch.stack(missing).sum(0).expand(len(parameters))
