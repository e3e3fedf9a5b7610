"""Gradients of the mean cross-entropy of cells of rows, in closed form, for the stacked multilayer perceptron.

A cell is a set of rows of one task. Its gradient with respect to a weight is a product of activations and
back-propagated errors, so the gradients of all cells cost one pass over the rows: `cell_gradients`. A function of these
gradients is differentiated in turn without a second graph: its derivatives with respect to them are directions in
which the parameters move, another direction for each cell, and what is wanted is the derivative of the cell's ordinary
gradient along it (Pearlmutter's R-operator): `backward_through_cells`. Nothing has to pass below the first layer, so
that the widest layer takes four products where an ordinary step takes two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from paretofair.models.multilayer_perceptron import MultilayerPerceptron
from paretofair.models.network import ALIGNMENT, Outputs, StackedNetwork, align_length
from paretofair.models.products import outer, product, where_active


class CurvedTask(Protocol):
    """What a task tells of its losses (`paretofair.tasks.task.Task`)."""

    def scores(self, outputs: Tensor) -> Tensor: ...
    def residual(self, scores: Tensor, labels: Tensor, share: Tensor) -> Tensor: ...
    def curve(self, scores: Tensor, share: Tensor, move: Tensor) -> Tensor: ...


class Cells(NamedTuple):
    """C disjoint sets of the rows of one task.

    `weights` `([K,] C, B)`: the share of a row in the mean of a cell. They sum to 1 over a cell; an empty one has 0.
    `bounds`: where rows are ordered by cell, the first row of each and the one after its last; all weights outside
    must be 0. Without bounds every cell is computed over all rows; results are the same.
    """

    weights: Tensor
    bounds: tuple[tuple[int, int], ...] = ()

    @property
    def slices(self) -> list[slice]:
        """Where the rows of each cell stand, in whole vectors; the neighbours' rows among them have weight 0."""
        rows = self.weights.shape[-1]
        whole = ((0, rows),) * self.weights.shape[-2]
        return [
            slice(start // ALIGNMENT * ALIGNMENT, min(align_length(stop), rows)) for start, stop in self.bounds or whole
        ]


class _Layer(NamedTuple):
    """A layer as one task sees it: `weight` `(K, out, in)`, and what enters it, `(K, in, B)` or `(in, B)` for all."""

    depth: int
    weight: Tensor
    below: Tensor


class CellGradients(NamedTuple):
    """`gradients` `(K, C, P)`: of each cell of one task a row like that of the parameters; zeros for an empty cell.

    The other fields are what `backward_through_cells` needs: of each cell the errors `(K, out, rows)` of every layer
    but the first, the shares of its rows `([K,] rows)`, and the task's scores `(K, S, B)`.
    """

    gradients: Tensor
    place: int
    task: CurvedTask
    layers: list[_Layer]
    slices: list[slice]
    errors: list[dict[int, Tensor]]
    shares: list[Tensor]
    scores: Tensor


class _Move(NamedTuple):
    """What a direction `(K, out, in)` of each weight does to the rows of its cell: how far it moves what enters every
    layer but the first, `(K, in, rows)`, and the task's outputs, `(K, O, rows)`.
    """

    weights: list[Tensor]
    below: dict[int, Tensor]
    outputs: Tensor


def has_closed_form(network: StackedNetwork) -> bool:
    """Whether `cell_gradients` knows this network: a multilayer perceptron whose inputs go through no embedding."""
    return isinstance(network, MultilayerPerceptron) and not network.embedding


def cell_gradients(
    network: StackedNetwork,
    parameters: Tensor,
    out: Outputs,
    place: int,
    labels: Tensor,
    cells: Cells,
    task: CurvedTask,
) -> CellGradients:
    """The gradient of the mean loss of every cell of a task.

    Args:
        parameters: `(K, P)`, and `out` the forward pass with them.
        place: which of the network's tasks it is.
        labels: `([K,] B)` of the task; any number where all weights are 0.
        task: what the outputs mean.

    Raises:
        ValueError: the network is no multilayer perceptron, or has an embedding.
    """
    network = _check_network(network)
    layers = _layers(network, parameters, out, place)
    scores = task.scores(out.logits[:, network.outputs_at(place)])
    gradients: list[Tensor] = []
    errors: list[dict[int, Tensor]] = []
    shares = []
    for cell, rows in enumerate(cells.slices):
        shares.append(cells.weights[..., cell, rows])
        error = task.residual(scores[..., rows], labels[..., rows], shares[-1])
        errors.append({})
        of_cell = {}
        for layer in reversed(layers):
            below = layer.below[..., rows]
            of_cell[f"weight_{layer.depth}"] = [outer(error, below)]
            of_cell[f"bias_{layer.depth}"] = [error.sum(-1)]
            if layer.depth:
                errors[cell][layer.depth] = error
                error = where_active(layer.weight.mT @ error, below)
        gradients.append(_row(network, of_cell, [place]))
    return CellGradients(torch.stack(gradients, 1), place, task, layers, cells.slices, errors, shares, scores)


def backward_through_cells(
    network: StackedNetwork,
    tasks: Sequence[CellGradients],
    directions: Sequence[Tensor],
    cotangent: Tensor,
) -> Tensor:
    """The gradient `(K, P)` of Σ_t Σ_c <D_tc, g_tc> + <cotangent, logits>, g the gradients of the cells.

    Args:
        tasks: `cell_gradients` of every task t.
        directions: for every task the constants D, `(K, C, P)`.
        cotangent: `(K, O, B)`: the gradient of an ordinary loss shares the backward pass.
    """
    network = _check_network(network)
    bottom = len(network.shared)
    moves = [_forward(network, task, of_task) for task, of_task in zip(tasks, directions, strict=True)]
    gradients: dict[str, list[Tensor]] = {}
    into_shared: list[Tensor] = []
    for of_task, move in zip(tasks, moves, strict=True):
        above = cotangent[:, network.outputs_at(of_task.place)].clone()
        for cell, rows in enumerate(of_task.slices):
            above[..., rows] += of_task.task.curve(of_task.scores[..., rows], of_task.shares[cell], move[cell].outputs)
        for layer in reversed(of_task.layers[bottom:]):
            above = _backward(layer, above, [of_task], [move], gradients)
        into_shared.append(above)
    above = sum(into_shared[1:], into_shared[0])
    for layer in reversed(tasks[0].layers[:bottom]):
        above = _backward(layer, above, tasks, moves, gradients)
    return _row(network, gradients, [of_task.place for of_task in tasks])


def name_cells(network: StackedNetwork, gradients: Tensor) -> dict[str, Tensor]:
    """Views of `(K, C, P)` by parameter name, each `(K, C, *shape)`.

    Raises ValueError where the network has no names for its parameters.
    """
    if not isinstance(network, MultilayerPerceptron):
        raise ValueError(f"the parameters of a {type(network).__name__} have no names")
    cells = gradients.shape[:2]
    return {name: value.unflatten(0, cells) for name, value in network.named(gradients.flatten(0, 1)).items()}


def _row(network: MultilayerPerceptron, values: Mapping[str, Sequence[Tensor]], tasks: Sequence[int]) -> Tensor:
    """`(K, P)` from values of every parameter: one of a shared layer, for each of `tasks` one of its head."""
    parts = []
    for name in network.shapes:
        of_name = list(values[name])
        if int(name.partition("_")[2]) >= len(network.shared):
            of_task = dict(zip(tasks, of_name, strict=True))
            of_name = [
                of_task[t] if t in of_task else _zeros(network, name, of_name[0], t) for t in range(network.tasks)
            ]
        parts += [value.flatten(1) for value in of_name]
    padding = network.size - sum(part.shape[1] for part in parts)
    return torch.cat([*parts, parts[0].new_zeros(len(parts[0]), padding)], 1)


def _zeros(network: MultilayerPerceptron, name: str, like: Tensor, task: int) -> Tensor:
    """Of the head of a task, as large as `like` is of another's."""
    if len(network.runs) == 1 or not name.endswith(f"_{network.last}"):
        return torch.zeros_like(like)
    return like.new_zeros(len(like), network.outputs_of_tasks[task], *like.shape[2:])


def _forward(network: MultilayerPerceptron, task: CellGradients, directions: Tensor) -> list[_Move]:
    moves = []
    for cell, rows in enumerate(task.slices):
        # Views of the direction of one cell, which are as far apart for all trials as those of the parameters.
        named = network.named(directions[:, cell])
        own = [_of_task(network, named, layer.depth, task.place) for layer in task.layers]
        added = [
            product(weight, layer.below[..., rows]) + bias[..., None]
            for layer, (weight, bias) in zip(task.layers, own, strict=True)
        ]
        moved = added[0]
        below = {}
        for layer in task.layers[1:]:
            below[layer.depth] = where_active(moved, layer.below[..., rows])
            moved = added[layer.depth] + layer.weight @ below[layer.depth]
        moves.append(_Move([weight for weight, _ in own], below, moved))
    return moves


def _backward(
    layer: _Layer,
    above: Tensor,
    tasks: Sequence[CellGradients],
    moves: Sequence[Sequence[_Move]],
    gradients: dict[str, list[Tensor]],
) -> Tensor:
    """Takes the cotangent of what leaves a layer, `(K, out, B)`, to that of what enters it, `(K, in, B)`.

    Besides, the errors of the cells meet what the directions add to the layer's weight and to what enters it. Appends
    to the layer's `gradients`. The inputs of the first layer need no cotangent.
    """
    weight = outer(above, layer.below)
    gradients.setdefault(f"bias_{layer.depth}", []).append(above.sum(-1))
    if layer.depth:
        below = layer.weight.mT @ above
        for task, of_cells in zip(tasks, moves, strict=True):
            for cell, (rows, move) in enumerate(zip(task.slices, of_cells, strict=True)):
                error = task.errors[cell][layer.depth]
                weight += error @ move.below[layer.depth].mT
                below[..., rows] += move.weights[layer.depth].mT @ error
        above = where_active(below, layer.below)
    gradients.setdefault(f"weight_{layer.depth}", []).append(weight)
    return above


def _check_network(network: StackedNetwork) -> MultilayerPerceptron:
    if not isinstance(network, MultilayerPerceptron):
        raise ValueError(f"got a {type(network).__name__}, expected a MultilayerPerceptron")
    if network.embedding:
        raise ValueError(f"got an embedding of width {network.embedding}, expected none (embedding 0)")
    return network


def _layers(network: MultilayerPerceptron, parameters: Tensor, out: Outputs, task: int) -> list[_Layer]:
    named, bottom = network.named(parameters), len(network.shared)
    layers = []
    for depth in range(bottom + len(network.head) + 1):
        below = out.saved.activations[depth - 1] if depth else out.saved.inputs.mT
        if depth > bottom:
            below = below.view(len(parameters), network.tasks, -1, below.shape[-1])[:, task]
        layers.append(_Layer(depth, _of_task(network, named, depth, task)[0], below))
    return layers


def _of_task(
    network: MultilayerPerceptron, named: Mapping[str, Tensor], depth: int, task: int
) -> tuple[Tensor, Tensor]:
    """Weight `(K, out, in)` and bias `(K, out)` of a layer as one task sees it."""
    weight, bias = named[f"weight_{depth}"], named[f"bias_{depth}"]
    if depth < len(network.shared):
        return weight, bias
    if depth == network.last and len(network.runs) > 1:
        own = network.outputs_at(task)
        return weight[:, own], bias[:, own]
    return weight[:, task], bias[:, task]
