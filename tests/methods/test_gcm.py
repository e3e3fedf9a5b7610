"""Group contribution matching against one ordinary PyTorch model, differentiated twice in float64."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from paretofair.methods import METHODS, LossSettings, Names, Rows
from paretofair.methods.gcm import GCM, GCMOptions
from paretofair.models import MultilayerPerceptron, Outputs
from paretofair.models.cell_gradients import cell_gradients
from paretofair.tasks.binary import Binary
from paretofair.training.compiler import compile_step, forget_compiled

TRIALS, ROWS, INPUTS = 3, 96, 6
HYPER = {
    "task_weight": torch.rand(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
    "fairness_weight": 3 * torch.rand(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2)),
    "temperature": 2 * torch.rand(64, dtype=torch.float64, generator=torch.Generator().manual_seed(3)),
}


# Forms of the penalty: how gradients are matched, and the power of their sizes.
FORMS = (("contribution", 1), ("contribution", 2), ("direct", 1), ("direct", 2), ("iga", 2))


def gcm(form: tuple[str, int] = FORMS[1], parameters: tuple[str, ...] | None = None) -> GCM:
    matching, power = form
    return GCM(LossSettings(reduction="sum"), GCMOptions(matching=matching, power=power, layers=parameters))


def make_rows(tasks: int, n_groups: int, *, per_trial: bool = False, hidden: bool = False, seed: int = 0) -> Rows:
    """Shuffled rows with padding; where `hidden`, with unknown labels and groups, and rows that no penalty sees."""
    torch.manual_seed(seed)
    lead = (TRIALS,) if per_trial else ()
    low = -1 if hidden else 0
    labels = torch.randint(low, 2, (*lead, tasks, ROWS)).double()
    real = (torch.arange(ROWS) < ROWS - 5).double().expand(*lead, tasks, ROWS)
    return Rows(
        inputs=torch.randn(*lead, ROWS, INPUTS, dtype=torch.float64),
        labels=labels,
        loss_weight=(labels >= 0) * real,
        penalty_weight=real * (torch.rand(*lead, tasks, ROWS) < 0.8) if hidden else real,
        groups=torch.randint(low, n_groups, (*lead, tasks, ROWS)),
        n_groups=n_groups,
        common=not per_trial,
    )


def in_order(rows: Rows) -> Rows:
    """Rows of one task, common to the trials, put in the order of their cells; those of none last."""
    cell = torch.where(
        (rows.penalty_weight > 0) & (rows.groups >= 0) & (rows.labels >= 0),
        2 * rows.groups + rows.labels.long(),
        2 * rows.n_groups,
    )[0]
    order = torch.argsort(cell, stable=True)
    edges = [0, *torch.bincount(cell, minlength=2 * rows.n_groups).cumsum(0).tolist()]
    return rows._replace(
        inputs=rows.inputs[order],
        **{name: getattr(rows, name)[:, order] for name in ("labels", "loss_weight", "penalty_weight", "groups")},
        cells=tuple(itertools.pairwise(edges[: 2 * rows.n_groups + 1])),
    )


class Plain(nn.Module):
    """One ordinary network: shared layers, then a head for each task; logits `(T, B)`."""

    def __init__(self, shared: tuple[int, ...], head: tuple[int, ...], tasks: int) -> None:
        super().__init__()
        self.shared = self._layers((INPUTS, *shared), last=True)
        self.heads = nn.ModuleList(self._layers((shared[-1], *head, 1), last=False) for _ in range(tasks))
        self.double()

    def _layers(self, widths: tuple[int, ...], last: bool) -> nn.Sequential:
        layers: list[nn.Module] = []
        for below, above in itertools.pairwise(widths):
            layers += [nn.Linear(below, above), nn.ReLU()]
        return nn.Sequential(*layers if last else layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(x)
        return torch.stack([head(x)[:, 0] for head in self.heads])

    def named(self) -> dict[str, list[Tensor]]:
        """Parameters under the names of the stacked network: one of a shared layer, one of each head."""
        found: dict[str, list[Tensor]] = {}
        linear = [layer for layer in self.shared if isinstance(layer, nn.Linear)]
        for i, layer in enumerate(linear):
            found |= {f"weight_{i}": [layer.weight], f"bias_{i}": [layer.bias]}
        for head in self.heads:
            for i, layer in enumerate([layer for layer in head if isinstance(layer, nn.Linear)], len(linear)):
                found.setdefault(f"weight_{i}", []).append(layer.weight)
                found.setdefault(f"bias_{i}", []).append(layer.bias)
        return found


def plain_penalty(
    model: Plain, form: tuple[str, int], names: tuple[str, ...] | None, rows: dict[str, Any], tau: Tensor, t: int
):
    """R_t by the formulas, one parameter tensor and one pair of cells at a time."""
    matching, power = form
    matched = [each for name, tensors in model.named().items() if names is None or name in names for each in tensors]
    logits = model(rows["inputs"])[t]
    labels, groups, seen = rows["labels"][t], rows["groups"][t], rows["penalty_weight"][t] > 0
    n_groups = rows["n_groups"]

    def gradients(cell: Tensor) -> list[Tensor]:
        loss = binary_cross_entropy_with_logits(logits[cell], labels[cell])
        found = torch.autograd.grad(loss, matched, create_graph=True, allow_unused=True)
        return [torch.zeros_like(w) if g is None else g for g, w in zip(found, matched, strict=True)]

    def confidence(cell: Tensor, label: int) -> Tensor | float:
        if tau is None:
            return 1.0
        p = torch.sigmoid(logits[cell]).mean().detach()
        return (p if label else 1 - p) ** tau

    if matching == "iga":
        cells = [seen & (groups == a) & (labels >= 0) for a in range(n_groups)]
        found = [gradients(cell) for cell in cells if cell.any()]
        if len(found) < 2:
            return torch.zeros((), dtype=torch.float64)
        means = [torch.stack(of_one).mean(0) for of_one in zip(*found, strict=True)]
        return sum(((g - m) ** 2).sum() for of_one in found for g, m in zip(of_one, means, strict=True))
    total = torch.zeros((), dtype=torch.float64)
    for label in (0, 1):
        cells = [seen & (groups == a) & (labels == label) for a in range(n_groups)]
        pairs = [pair for pair in itertools.combinations(cells, 2) if pair[0].any() and pair[1].any()]
        for one, other in pairs:
            for g, h in zip(gradients(one), gradients(other), strict=True):
                if matching == "contribution":
                    g, h = confidence(one, label) * g.abs() ** power, confidence(other, label) * h.abs() ** power
                size = (g - h).abs() ** (power if matching == "direct" else 1)
                total = total + size.sum() / len(pairs)
    return total


def check(
    network: MultilayerPerceptron,
    rows: Any,
    form: tuple[str, int],
    names: tuple[str, ...] | None = None,
    *,
    weighted: bool = True,
) -> None:
    """The penalty of every trial and the gradient of its loss are those of one plain model to 1e-9.

    Without `weighted` the temperature is 0, and the plain model knows no weights of cells.
    """
    parameters = network.initial(range(TRIALS), torch.float64) + 0.05
    hyper = {name: value[:TRIALS] for name, value in HYPER.items()}
    hyper |= {name: hyper[name][:, : network.tasks] for name in ("task_weight", "fairness_weight")}
    hyper["temperature"] = hyper["temperature"] * weighted
    method = gcm(form, names)
    found = method.gradient(network, parameters.clone(), rows, hyper)
    out = network.forward(parameters, rows.inputs, common=rows.common)
    values = []
    for t, of_task in enumerate(method._gather_cells(out.logits, rows, hyper)):
        cells = cell_gradients(network, parameters, out, t, rows.labels[..., t, :], of_task.cells, Binary())
        values.append(method._mismatch(network, cells.gradients, of_task))
    per_trial = rows.inputs.dim() == 3
    for k in range(TRIALS):
        model = Plain(network.shared, network.head, network.tasks)
        for name, tensors in model.named().items():
            value = network.named(parameters)[name][k]
            for t, tensor in enumerate(tensors):
                tensor.data.copy_(value if int(name[-1]) < len(network.shared) else value[t])
        own = {name: v[k] if per_trial and isinstance(v, Tensor) else v for name, v in rows._asdict().items()}
        logits = model(own["inputs"])
        total = torch.zeros((), dtype=torch.float64)
        for t in range(network.tasks):
            known = own["loss_weight"][t] > 0
            loss = binary_cross_entropy_with_logits(logits[t, known], own["labels"][t, known])
            penalty = plain_penalty(model, form, names, own, hyper["temperature"][k] if weighted else None, t)
            penalty = hyper["fairness_weight"][k, t] * penalty / network.tasks
            torch.testing.assert_close(values[t][k], penalty.detach(), rtol=1e-9, atol=1e-12)
            total = total + hyper["task_weight"][k, t] * loss + penalty
        leaves = [tensor for tensors in model.named().values() for tensor in tensors]
        expected = torch.cat([each.flatten() for each in torch.autograd.grad(total, leaves)])
        flat = []
        for name, tensors in model.named().items():
            value = network.named(found.parameters)[name][k]
            flat += [value.flatten()] if len(tensors) == 1 else [value[t].flatten() for t in range(len(tensors))]
        torch.testing.assert_close(torch.cat(flat), expected, rtol=1e-9, atol=1e-9 * expected.abs().max().item())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n_groups", [2, 3])
@pytest.mark.parametrize("tasks", [1, 2])
@pytest.mark.parametrize(("per_trial", "hidden"), [(False, False), (False, True), (True, True)])
@pytest.mark.parametrize(("shared", "head"), [((8,), ()), ((4, 5), (3,))])
def test_equals_double_backward_of_one_model(form, n_groups, tasks, per_trial, hidden, shared, head):
    network = MultilayerPerceptron(INPUTS, (), tasks, shared, head)
    check(network, make_rows(tasks, n_groups, per_trial=per_trial, hidden=hidden), form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n_groups", [2, 3])
def test_rows_ordered_by_cell(form, n_groups):
    check(MultilayerPerceptron(INPUTS, (), 1, (8,), ()), in_order(make_rows(1, n_groups, hidden=True)), form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("names", [("weight_0",), ("bias_0",), ("bias_1", "weight_1"), ("weight_0", "weight_2")])
def test_limited_to_some_parameters(form, names):
    check(MultilayerPerceptron(INPUTS, (), 2, (8,), (4,)), make_rows(2, 2), form, names)


@pytest.mark.parametrize("form", FORMS[:2])
def test_temperature_zero_is_the_unweighted_loss(form):
    """Eq. 10."""
    check(MultilayerPerceptron(INPUTS, (), 2, (8,), (4,)), make_rows(2, 3, hidden=True), form, weighted=False)


@pytest.mark.parametrize("form", FORMS)
def test_networks_without_a_closed_form_are_differentiated_twice(form):
    """One with an embedding of one column, which is a factor, against the network in which it is multiplied out."""
    rows = make_rows(2, 2, hidden=True)
    inputs = torch.cat([rows.inputs[:, : INPUTS - 2], torch.eye(2).double()[torch.randint(0, 2, (ROWS,))]], 1)
    rows = rows._replace(inputs=inputs)
    hyper = {name: value[:TRIALS] for name, value in HYPER.items()}
    names = ("bias_0", "weight_1", "bias_1")  # parameters that both networks have
    embedded = MultilayerPerceptron(INPUTS - 2, (2,), 2, (8,), (), 1)
    plain = MultilayerPerceptron(INPUTS, (), 2, (8,), ())
    parameters = embedded.initial(range(TRIALS), torch.float64)
    p = embedded.named(parameters)
    same = torch.zeros(TRIALS, plain.size, dtype=torch.float64)
    columns = p["weight_0"][..., -1:] * p["embedding_0"].mT
    plain.named(same)["weight_0"].copy_(torch.cat([p["weight_0"][..., :-1], columns], -1))
    for name in names:
        plain.named(same)[name].copy_(p[name])
    method = gcm(form, names)
    found, expected = method.gradient(embedded, parameters, rows, hyper), method.gradient(plain, same, rows, hyper)
    assert torch.equal(found.undefined, expected.undefined)
    assert not found.parameters.requires_grad
    assert not parameters.requires_grad
    for name in names:
        value = plain.named(expected.parameters)[name]
        torch.testing.assert_close(embedded.named(found.parameters)[name], value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("tasks", [1, 2])
def test_fairness_weight_zero_is_vanilla(tasks):
    """With mean reduction, whatever the settings say; exactly with one task."""
    network, rows = MultilayerPerceptron(INPUTS, (), tasks, (8,), (4,)), make_rows(tasks, 2, hidden=True)
    parameters = network.initial(range(TRIALS), torch.float64)
    hyper = {name: value[:TRIALS] if value.dim() == 1 else value[:TRIALS, :tasks] for name, value in HYPER.items()}
    hyper["fairness_weight"] = torch.zeros(TRIALS, tasks, dtype=torch.float64)
    expected = METHODS["vanilla"](LossSettings(reduction="mean")).gradient(network, parameters, rows, hyper)
    for form in FORMS:
        found = gcm(form).gradient(network, parameters, rows, hyper)
        if tasks == 1:
            assert torch.equal(found.parameters, expected.parameters)
        torch.testing.assert_close(found.parameters, expected.parameters, rtol=1e-12, atol=1e-15)


def test_cells_without_rows_add_nothing_and_are_counted():
    network = MultilayerPerceptron(INPUTS, (), 2, (8,), ())
    parameters = network.initial(range(TRIALS), torch.float64)
    hyper = {name: value[:TRIALS] for name, value in HYPER.items()}
    rows = make_rows(2, 2)
    # The first task has one group; the second lacks group 1 with label 0.
    groups = torch.stack([torch.zeros_like(rows.groups[0]), torch.where(rows.labels[1] == 0, 0, rows.groups[1])])
    rows = rows._replace(groups=groups)
    vanilla = METHODS["vanilla"](LossSettings(reduction="mean")).gradient(network, parameters, rows, hyper).parameters
    for form, undefined in zip(FORMS, (3, 3, 3, 3, 1), strict=True):
        found = gcm(form).gradient(network, parameters, rows, hyper)
        assert found.undefined.tolist() == [undefined] * TRIALS
        assert torch.isfinite(found.parameters).all()
        # The head of the first task sees its loss alone.
        for name in ("weight_1", "bias_1"):
            own, plain = network.named(found.parameters)[name][:, 0], network.named(vanilla)[name][:, 0]
            torch.testing.assert_close(own, plain, rtol=1e-12, atol=1e-15)
    nobody = rows._replace(penalty_weight=torch.zeros_like(rows.penalty_weight))
    found = gcm().gradient(network, parameters, nobody, hyper)
    assert found.undefined.tolist() == [4] * TRIALS
    torch.testing.assert_close(found.parameters, vanilla, rtol=1e-12, atol=1e-15)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(3)), form=st.sampled_from(FORMS))
def test_names_of_groups_and_labels_do_not_matter(seed, order, form):
    """Groups may be exchanged; and labels, where the output layer changes its sign."""
    network = MultilayerPerceptron(INPUTS, (), 1, (8,), ())
    rows = make_rows(1, 3, hidden=True, seed=seed)
    parameters = network.initial(range(TRIALS), torch.float64)
    hyper = {name: value[:TRIALS] if value.dim() == 1 else value[:TRIALS, :1] for name, value in HYPER.items()}
    method = gcm(form)
    expected = method.gradient(network, parameters, rows, hyper)
    renamed = torch.where(rows.groups >= 0, torch.tensor(order)[rows.groups], -1)
    found = method.gradient(network, parameters, rows._replace(groups=renamed), hyper)
    torch.testing.assert_close(found.parameters, expected.parameters, rtol=1e-9, atol=1e-12)

    sign = torch.ones_like(parameters)
    for name in ("weight_1", "bias_1"):
        network.named(sign)[name].fill_(-1)
    flipped = rows._replace(labels=torch.where(rows.labels >= 0, 1 - rows.labels, -1))
    found = method.gradient(network, parameters * sign, flipped, hyper)
    torch.testing.assert_close(found.parameters * sign, expected.parameters, rtol=1e-9, atol=1e-12)


def make_balanced_rows(per_cell: int, dtype: torch.dtype, *, ordered: bool) -> Rows:
    """Cells of one size in order, filled up to whole vectors."""
    torch.manual_seed(0)
    width = -(-4 * per_cell // 32) * 32
    place = torch.arange(width)
    real = (place < 4 * per_cell).to(dtype)[None]
    cell = (place // per_cell).clamp_max(3)
    edges = tuple((c * per_cell, (c + 1) * per_cell) for c in range(4))
    fields = (torch.randn(width, INPUTS, dtype=dtype), (cell % 2).to(dtype)[None], real, real, cell[None] // 2, 2)
    return Rows(*fields, edges if ordered else ())


def gradients_of(call: Any, network: MultilayerPerceptron, dtype: torch.dtype, rows: Any, pick: list[int]) -> Tensor:
    hyper = {name: (value if value.dim() == 1 else value[:, :1])[pick].to(dtype) for name, value in HYPER.items()}
    return call(network, network.initial(pick, dtype), rows, hyper).parameters


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("per_cell", [8, 13, 100])
def test_a_trial_does_not_depend_on_its_neighbours(dtype, form, ordered, per_cell):
    """Bit for bit the same alone, among 7 and among 64."""
    network, rows = (
        MultilayerPerceptron(INPUTS, (), 1, (32,), (5,)),
        make_balanced_rows(per_cell, dtype, ordered=ordered),
    )
    call = gcm(form).gradient
    whole = gradients_of(call, network, dtype, rows, list(range(64)))
    for pick in ([0], [17], [63], [5, 60, 1, 2, 3, 17, 9]):
        assert torch.equal(gradients_of(call, network, dtype, rows, pick), whole[pick])


@pytest.mark.parametrize(
    ("dtype", "tolerance", "form"), [(torch.float32, 1e-5, FORMS[1]), (torch.float64, 1e-9, FORMS[-1])]
)
def test_a_compiled_trial_does_not_depend_on_its_neighbours(dtype, tolerance, form):
    """As above, compiled whole; and compiled it agrees with eager."""
    forget_compiled()
    network, rows = MultilayerPerceptron(INPUTS, (), 1, (32,), ()), make_balanced_rows(13, dtype, ordered=True)
    method = gcm(form)
    call = compile_step(method.gradient)
    some = [5, 60, 1, 2, 3, 17, 9]
    whole = gradients_of(call, network, dtype, rows, list(range(64)))
    assert torch.equal(gradients_of(call, network, dtype, rows, some), whole[some])
    eager = gradients_of(method.gradient, network, dtype, rows, list(range(64)))
    torch.testing.assert_close(whole, eager, rtol=tolerance, atol=tolerance * eager.abs().max().item())


def test_a_network_that_cannot_be_differentiated_twice_is_refused():
    class Cut:
        def forward(self, parameters: Tensor, inputs: Tensor, streams: object, *, common: bool) -> Outputs:
            return Outputs(torch.zeros(1, 1, len(inputs), dtype=torch.float64), None)

    hyper = {name: value[:1] if value.dim() == 1 else value[:1, :1] for name, value in HYPER.items()}
    with pytest.raises(ValueError, match=r"gcm differentiates twice, which Cut\.forward does not allow"):
        gcm().gradient(Cut(), torch.zeros(1, 32, dtype=torch.float64), make_rows(1, 2), hyper)


def test_rows_ordered_by_the_cells_of_one_of_several_tasks():
    """Only the task that is balanced has bounds, and its attribute may have fewer groups than another task's."""
    rows = make_rows(2, 3, hidden=True)
    groups = torch.where(rows.groups[1] == 2, -1, rows.groups[1])
    one = Rows(*(each[1:] if each.shape[0] == 2 else each for each in rows[:4]), groups[None], 2)
    ordered = in_order(one)
    order = torch.tensor([(rows.inputs == row).all(1).nonzero().item() for row in ordered.inputs])
    whole = Rows(
        ordered.inputs,
        *(each[:, order] for each in rows[1:4]),
        torch.stack([rows.groups[0], groups])[:, order],
        3,
    )
    network = MultilayerPerceptron(INPUTS, (), 2, (8,), ())
    parameters = network.initial(range(TRIALS), torch.float64)
    hyper = {name: value[:TRIALS] for name, value in HYPER.items()}
    names = Names(("first", "second"), (("a", "b", "c"), ("u", "v")))
    method = GCM(LossSettings(), GCMOptions(balance_task="second"), names)
    found = method.gradient(network, parameters, whole._replace(cells=ordered.cells), hyper)
    expected = gcm().gradient(network, parameters, whole, hyper)
    torch.testing.assert_close(found.parameters, expected.parameters, rtol=1e-12, atol=1e-14)
    assert torch.equal(found.undefined, expected.undefined)


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="Input should be 'contribution', 'direct' or 'iga'"):
        GCMOptions(matching="magnitude")
    with pytest.raises(ValueError, match="matching iga is a sum of squares"):
        GCMOptions(matching="iga", power=1)
    for wrong in ([], "weight_0"):
        with pytest.raises(ValueError, match="layers"):
            GCMOptions(layers=wrong)
    assert GCMOptions(layers=["weight_0"]).layers == ("weight_0",)
    network, rows = MultilayerPerceptron(INPUTS, (), 1, (4,), ()), make_rows(1, 2)
    parameters = network.initial([0], torch.float64)
    hyper = {name: value[:1] if value.dim() == 1 else value[:1, :1] for name, value in HYPER.items()}
    with pytest.raises(ValueError, match=r"got layers \['weight_7'\], expected some of weight_0, bias_0"):
        gcm(("direct", 2), ("bias_0", "weight_7")).gradient(network, parameters, rows, hyper)
