"""Gradients of cells, and the pass backward through them, against autograd on an ordinary network."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits

from paretofair.models import MultilayerPerceptron
from paretofair.models.cell_gradients import Cells, backward_through_cells, cell_gradients, has_closed_form, name_cells
from paretofair.tasks.binary import Binary

BINARY = Binary()

SHAPES = [((7,), ()), ((6, 5), ()), ((5,), (4,)), ((5, 4), (3, 2))]
TRIALS, SIZES = 3, (9, 1, 6, 0, 12)  # rows of each cell; four rows are in none
ROWS = sum(SIZES) + 4


def bounds() -> tuple[tuple[int, int], ...]:
    starts = [sum(SIZES[:c]) for c in range(len(SIZES))]
    return tuple((start, start + size) for start, size in zip(starts, SIZES, strict=True))


def cells_of_rows(*, ordered: bool, per_trial: bool) -> tuple[Cells, torch.Tensor]:
    """Cells, and the cell of each row `(K, B)`, -1 for none."""
    cell = torch.cat([torch.full((size,), c) for c, size in enumerate(SIZES)] + [torch.full((4,), -1)])
    cell = torch.stack([cell if ordered else cell[torch.randperm(ROWS)] for _ in range(TRIALS)])
    if not per_trial:
        cell = cell[:1].expand(TRIALS, -1)
    member = torch.stack([cell == c for c in range(len(SIZES))], 1).double()
    share = member / member.sum(-1, keepdim=True).clamp_min(1)
    return Cells(share if per_trial else share[0], bounds() if ordered else ()), cell


def plain_logits(net: MultilayerPerceptron, p: dict[str, torch.Tensor], x: torch.Tensor, task: int) -> torch.Tensor:
    """One ordinary network from its parameters by name, those of heads `(tasks, …)`: the logits `(B,)` of a task."""
    layers = len(net.shared) + len(net.head)
    for layer in range(layers + 1):
        weight, bias = p[f"weight_{layer}"], p[f"bias_{layer}"]
        if layer >= len(net.shared):
            weight, bias = weight[task], bias[task]
        x = torch.nn.functional.linear(x, weight, bias)
        x = torch.relu(x) if layer < layers else x
    return x[:, 0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("per_trial", [True, False])
@pytest.mark.parametrize("tasks", [1, 2])
def test_equals_autograd(shape, ordered, per_trial, tasks):
    torch.manual_seed(0)
    net = MultilayerPerceptron(4, (3,), tasks, *shape)
    parameters = net.initial(range(TRIALS), torch.float64)
    parameters = parameters + 0.1 * torch.randn_like(parameters)
    lead = (TRIALS,) if per_trial else ()
    inputs = torch.randn(*lead, ROWS, 7, dtype=torch.float64)
    labels = torch.randint(0, 2, (*lead, tasks, ROWS)).double()
    cells, cell = zip(*(cells_of_rows(ordered=ordered, per_trial=per_trial) for _ in range(tasks)), strict=True)
    cotangent = torch.randn(TRIALS, tasks, ROWS, dtype=torch.float64)

    out = net.forward(parameters, inputs, common=not per_trial)
    found = [cell_gradients(net, parameters, out, t, labels[..., t, :], cells[t], BINARY) for t in range(tasks)]
    directions = [torch.randn_like(of_task.gradients) for of_task in found]
    through = net.named(backward_through_cells(net, found, directions, cotangent))

    named = [name_cells(net, of_task.gradients) for of_task in found]
    along = [name_cells(net, of_task) for of_task in directions]
    for k in range(TRIALS):
        p = {name: value[k].clone().requires_grad_() for name, value in net.named(parameters).items()}
        x, y = (inputs[k], labels[k]) if per_trial else (inputs, labels)
        total = torch.zeros((), dtype=torch.float64)
        for t in range(tasks):
            z = plain_logits(net, p, x, t)
            total = total + (z * cotangent[k, t]).sum()
            for c, size in enumerate(SIZES):
                gradients = {name: value[k, c] for name, value in named[t].items()}
                if not size:
                    assert not any(value.any() for value in gradients.values())
                    continue
                rows = cell[t][k] == c
                loss = binary_cross_entropy_with_logits(z[rows], y[t, rows])
                expected = dict(zip(p, torch.autograd.grad(loss, list(p.values()), create_graph=True), strict=True))
                for name, value in gradients.items():
                    torch.testing.assert_close(value, expected[name].detach(), rtol=1e-11, atol=1e-12)
                    total = total + (expected[name] * along[t][name][k, c]).sum()
        for name, value in zip(p, torch.autograd.grad(total, list(p.values())), strict=True):
            torch.testing.assert_close(through[name][k], value, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("per_trial", [True, False])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize(
    ("tasks", "shape", "rows"), [(1, ((200,), ()), 52), (1, ((8,), ()), 13), (2, ((32, 9), (5,)), 8)]
)
def test_a_trial_does_not_depend_on_its_neighbours(dtype, per_trial, ordered, tasks, shape, rows):
    """The same bits alone, among 7 and among 64, with cells of any size."""
    torch.manual_seed(0)
    net = MultilayerPerceptron(11, (), tasks, *shape)
    width = -(-4 * rows // 32) * 32
    lead = (64,) if per_trial else ()
    parameters = net.initial(range(64), dtype)
    inputs, labels = torch.randn(*lead, width, 11, dtype=dtype), torch.randint(0, 2, (*lead, tasks, width)).to(dtype)
    share = torch.zeros(4, width, dtype=dtype)
    for c in range(4):
        share[c, c * rows : (c + 1) * rows] = 1 / rows
    of_cells = tuple((c * rows, (c + 1) * rows) for c in range(4)) if ordered else ()
    cotangent = torch.randn(64, tasks, width, dtype=dtype)

    def run(pick: torch.Tensor) -> list[torch.Tensor]:
        own = parameters[pick]
        out = net.forward(own, inputs[pick] if per_trial else inputs, common=not per_trial)
        y = labels[pick] if per_trial else labels
        found = [cell_gradients(net, own, out, t, y[..., t, :], Cells(share, of_cells), BINARY) for t in range(tasks)]
        directions = [task.gradients.sgn() for task in found]
        return [
            backward_through_cells(net, found, directions, cotangent[pick]),
            *(task.gradients for task in found),
        ]

    whole = run(torch.arange(64))
    for pick in (torch.tensor([0]), torch.tensor([63]), torch.tensor([5, 60, 1, 2, 3, 17, 9])):
        for value, expected in zip(run(pick), whole, strict=True):
            assert torch.equal(value, expected[pick])


@settings(max_examples=25)
@given(
    starts=st.lists(st.integers(0, 32), min_size=4, max_size=4).map(sorted), seed=st.integers(0, 1000), tasks=st.just(1)
)
def test_bounds_change_nothing(starts, seed, tasks):
    """Rows ordered by cell give the same gradients with and without bounds, whatever the sizes of the cells."""
    torch.manual_seed(seed)
    net = MultilayerPerceptron(3, (), tasks, (5, 4), ())
    parameters = net.initial(range(2), torch.float64)
    inputs, labels = torch.randn(32, 3, dtype=torch.float64), torch.randint(0, 2, (32,)).double()
    of_cells = tuple(zip([0, *starts], [*starts, 32], strict=True))
    share = torch.zeros(5, 32, dtype=torch.float64)
    for c, (start, stop) in enumerate(of_cells):
        share[c, start:stop] = 1 / max(stop - start, 1)
    out = net.forward(parameters, inputs)
    results = []
    for cells in (Cells(share, of_cells), Cells(share)):
        found = cell_gradients(net, parameters, out, 0, labels, cells, BINARY)
        cotangent = torch.zeros_like(out.logits)
        results.append(backward_through_cells(net, [found], [found.gradients], cotangent))
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-13)


def test_other_networks_are_refused():
    embedded = MultilayerPerceptron(2, (3,), 1, (4,), (), 2)
    assert not has_closed_form(embedded)
    assert has_closed_form(MultilayerPerceptron(2, (3,), 1, (4,), ()))
    parameters = embedded.initial([0], torch.float64)
    out = embedded.forward(parameters, torch.zeros(1, 5, dtype=torch.float64))
    cells = Cells(torch.ones(1, 1, dtype=torch.float64))
    with pytest.raises(ValueError, match="embedding of width 2"):
        cell_gradients(embedded, parameters, out, 0, torch.zeros(1, dtype=torch.float64), cells, BINARY)
    with pytest.raises(ValueError, match="got a object, expected a MultilayerPerceptron"):
        cell_gradients(object(), parameters, out, 0, torch.zeros(1, dtype=torch.float64), cells, BINARY)
