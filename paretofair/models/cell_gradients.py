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
from typing import NamedTuple

import torch
from torch import Tensor

from paretofair.models.multilayer_perceptron import MultilayerPerceptron
from paretofair.models.network import ALIGNMENT, Outputs, StackedNetwork, align_length
from paretofair.models.products import outer, product, where_active


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
    but the first, and how the error of a logit changes with the logit, `(K, 1, rows)`.
    """

    gradients: Tensor
    task: int
    layers: list[_Layer]
    slices: list[slice]
    errors: list[dict[int, Tensor]]
    curvature: list[Tensor]


class _Move(NamedTuple):
    """What a direction `(K, out, in)` of each weight does to the rows of its cell: how far it moves what enters every
    layer but the first, `(K, in, rows)`, and the logits, `(K, 1, rows)`.
    """

    weights: list[Tensor]
    below: dict[int, Tensor]
    logits: Tensor


def has_closed_form(network: StackedNetwork) -> bool:
    """Whether `cell_gradients` knows this network: a multilayer perceptron whose inputs go through no embedding."""
    return isinstance(network, MultilayerPerceptron) and not network.embedding


def cell_gradients(
    network: StackedNetwork, parameters: Tensor, out: Outputs, task: int, labels: Tensor, cells: Cells
) -> CellGradients:
    """The gradient of the mean binary cross-entropy of every cell of a task.

    Args:
        parameters: `(K, P)`, and `out` the forward pass with them.
        labels: `([K,] B)` of the task, 0 or 1; any number where all weights are 0.

    Raises:
        ValueError: the network is no multilayer perceptron, or has an embedding.
    """
    network = _check_network(network)
    layers = _layers(network, parameters, out, task)
    probabilities = torch.sigmoid(out.logits[:, task])
    gradients: list[Tensor] = []
    errors: list[dict[int, Tensor]] = []
    curvature = []
    for cell, rows in enumerate(cells.slices):
        share, p = cells.weights[..., cell, rows], probabilities[:, rows]
        error = (share * (p - labels[..., rows]))[:, None]
        curvature.append((share * p * (1 - p))[:, None])
        errors.append({})
        of_cell = {}
        for layer in reversed(layers):
            below = layer.below[..., rows]
            of_cell[f"weight_{layer.depth}"] = [outer(error, below)]
            of_cell[f"bias_{layer.depth}"] = [error.sum(-1)]
            if layer.depth:
                errors[cell][layer.depth] = error
                error = where_active(layer.weight.mT @ error, below)
        gradients.append(_row(network, of_cell, [task]))
    return CellGradients(torch.stack(gradients, 1), task, layers, cells.slices, errors, curvature)


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
        cotangent: `(K, T, B)`: the gradient of an ordinary loss shares the backward pass.
    """
    network = _check_network(network)
    bottom = len(network.shared)
    moves = [_forward(network, task, of_task) for task, of_task in zip(tasks, directions, strict=True)]
    gradients: dict[str, list[Tensor]] = {}
    into_shared: list[Tensor] = []
    for t, (task, move) in enumerate(zip(tasks, moves, strict=True)):
        above = cotangent[:, t, None].clone()
        for cell, rows in enumerate(task.slices):
            above[..., rows] += task.curvature[cell] * move[cell].logits
        for layer in reversed(task.layers[bottom:]):
            above = _backward(layer, above, [task], [move], gradients)
        into_shared.append(above)
    above = sum(into_shared[1:], into_shared[0])
    for layer in reversed(tasks[0].layers[:bottom]):
        above = _backward(layer, above, tasks, moves, gradients)
    return _row(network, gradients, [task.task for task in tasks])


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
    for name, shape in network.shapes.items():
        of_name = list(values[name])
        if int(name.partition("_")[2]) >= len(network.shared):
            of_task = dict(zip(tasks, of_name, strict=True))
            of_name = [of_task.get(t, torch.zeros_like(of_name[0])) for t in range(shape[0])]
        parts += [value.flatten(1) for value in of_name]
    padding = network.size - sum(part.shape[1] for part in parts)
    return torch.cat([*parts, parts[0].new_zeros(len(parts[0]), padding)], 1)


def _forward(network: MultilayerPerceptron, task: CellGradients, directions: Tensor) -> list[_Move]:
    moves = []
    for cell, rows in enumerate(task.slices):
        # Views of the direction of one cell, which are as far apart for all trials as those of the parameters.
        named = network.named(directions[:, cell])
        own = [_of_task(network, named, layer.depth, task.task) for layer in task.layers]
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
    return (weight[:, task], bias[:, task]) if depth >= len(network.shared) else (weight, bias)
