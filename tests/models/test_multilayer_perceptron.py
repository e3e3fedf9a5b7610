"""The stacked network: its forward pass, its backward pass, and what its initial values depend on."""

from __future__ import annotations

import pytest
import torch

from paretofair.models import ALIGNMENT, MultilayerPerceptron

SHAPES = [((32,), (16,), 10), ((8, 5), (6, 4), 3), ((7,), (), 0), ((5, 4), (3,), 0), ((6, 5), (), 2)]


def network(shape: tuple) -> MultilayerPerceptron:
    shared, head, embedding = shape
    return MultilayerPerceptron(3, (2, 4), 3, shared, head, embedding)


def plain(net: MultilayerPerceptron, parameters: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """The textbook network, one layer at a time, embeddings looked up first; (K, T, B)."""
    p = net.named(parameters)
    x = inputs if inputs.dim() == 3 else inputs.expand(len(parameters), -1, -1)
    if net.embedding:
        x = torch.cat([x[..., :3], x[..., 3:5] @ p["embedding_0"], x[..., 5:] @ p["embedding_1"]], -1)
    shared, layers = len(net.shared), len(net.shared) + len(net.head)
    for layer in range(shared):
        x = torch.relu(x @ p[f"weight_{layer}"].mT + p[f"bias_{layer}"][:, None])
    logits = []
    for task in range(net.tasks):
        z = x
        for layer in range(shared, layers + 1):
            z = z @ p[f"weight_{layer}"][:, task].mT + p[f"bias_{layer}"][:, task][:, None]
            z = torch.relu(z) if layer < layers else z
        logits.append(z[..., 0])
    return torch.stack(logits, 1)


def inputs(trials: int, common: bool) -> torch.Tensor:
    lead = () if common else (trials,)
    kinds = [torch.eye(size)[torch.randint(0, size, (*lead, 11))] for size in (2, 4)]
    return torch.cat([torch.randn(*lead, 11, 3), *kinds], -1).double()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("common", [True, False])
@pytest.mark.parametrize("cotangents", [1, 2])
def test_backward_equals_autograd(shape, common, cotangents):
    torch.manual_seed(0)
    net = network(shape)
    parameters = net.initial([1, 2, 1], torch.float64)
    parameters += 0.1 * torch.randn_like(parameters)
    x = inputs(3, common)
    leaf = parameters.clone().requires_grad_()
    logits = plain(net, leaf, x)
    out = net.forward(parameters, x, common=common)
    torch.testing.assert_close(out.logits, logits.detach(), rtol=1e-12, atol=1e-12)
    shared, heads = torch.randn_like(logits), torch.randn_like(logits)
    (into_shared,) = torch.autograd.grad((logits * shared).sum(), leaf, retain_graph=True)
    (into_heads,) = torch.autograd.grad((logits * (heads if cotangents == 2 else shared)).sum(), leaf)
    found = net.backward(parameters, out, shared, heads if cotangents == 2 else None)
    assert not found[:, sum(value[0].numel() for value in net.named(found).values()) :].any()
    for name, value in net.named(found).items():
        kind, _, layer = name.partition("_")
        of_head = kind != "embedding" and int(layer) >= len(net.shared)
        expected = net.named(into_heads if of_head else into_shared)[name]
        torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_initial_rows_depend_on_their_seed_alone(shape):
    net = network(shape)
    assert net.size % ALIGNMENT == 0
    rows = net.initial([5, 7, 5], torch.float32)
    assert torch.equal(rows[0], rows[2])
    assert not torch.equal(rows[0], rows[1])
    assert torch.equal(net.initial([7], torch.float32)[0], rows[1])
    assert torch.equal(net.initial([5, 7, 5], torch.float64).float(), rows)


def test_initial_distributions():
    """Glorot uniform, zero biases, truncated normal embeddings, as TensorFlow starts."""
    net = MultilayerPerceptron(100, (50,), 2, (400,), (300,), 16)
    p = net.named(net.initial([0], torch.float64))
    for name, fans in (("weight_0", 116 + 400), ("weight_1", 400 + 300), ("weight_2", 300 + 1)):
        limit = (6 / fans) ** 0.5
        assert p[name].abs().max() <= limit
        assert p[name].std().item() == pytest.approx(limit / 3**0.5, rel=0.05)
    assert not any(p[f"bias_{layer}"].any() for layer in range(3))
    assert p["embedding_0"].abs().max() <= 2 / 16**0.5
    # A normal cut at two deviations keeps .8796 of its deviation.
    assert p["embedding_0"].std().item() == pytest.approx(0.8796 / 16**0.5, rel=0.1)


def test_initial_distributions_of_pytorch():
    """Those of `torch.nn.Linear` and `torch.nn.Embedding`, by their quantiles."""
    net = MultilayerPerceptron(100, (500,), 2, (400,), (300,), 16, initial_values="pytorch")
    own = net.named(net.initial([0], torch.float32))
    torch.manual_seed(0)
    known = {"embedding_0": torch.nn.Embedding(500, 16).weight}
    for layer, (inputs_, outputs) in enumerate(((116, 400), (400, 600), (300, 2))):
        linear = torch.nn.Linear(inputs_, outputs)
        known |= {f"weight_{layer}": linear.weight, f"bias_{layer}": linear.bias}
    for name, values in known.items():
        if name == "bias_2":
            assert own[name].abs().max() <= 1 / 300**0.5
            continue
        places = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]) if name.startswith("weight") else torch.tensor([0.25, 0.75])
        found, expected = (each.detach().flatten().quantile(places) for each in (own[name], values))
        torch.testing.assert_close(found, expected, atol=0.12 * values.std().item(), rtol=0.05)
    rows = net.initial([5, 7, 5], torch.float32)
    assert torch.equal(rows[0], rows[2])
    assert not torch.equal(rows[0], rows[1])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cotangents", [1, 2])
def test_a_cotangent_of_features_reaches_the_shared_layers(shape, cotangents):
    """Beside those of logits, and as often as wanted."""
    torch.manual_seed(0)
    net = network(shape)
    parameters = net.initial([1, 2, 1], torch.float64) + 0.05
    x = inputs(3, False)
    leaf = parameters.clone().requires_grad_()
    out = net.forward(leaf, x, common=False)
    assert out.features.shape == (3, net.shared[-1], 11)
    shared, heads, features = (torch.randn_like(each) for each in (out.logits, out.logits, out.features))
    heads = heads if cotangents == 2 else None
    (expected,) = torch.autograd.grad((out.features * features).sum(), leaf)
    out = net.forward(parameters, x, common=False)
    plain = net.backward(parameters, out, shared, heads)
    found = net.backward(parameters, out, shared, heads, features)
    torch.testing.assert_close(found - plain, expected, rtol=1e-12, atol=1e-12)
    zero = net.backward(parameters, out, shared, heads, torch.zeros_like(features))
    assert torch.equal(zero, plain)


@pytest.mark.parametrize("shape", SHAPES)
def test_slices_are_the_columns_of_parameters(shape):
    net = network(shape)
    parameters = net.initial([1, 2], torch.float64)
    assert list(net.slices) == list(net.shapes)
    for name, value in net.named(parameters).items():
        assert torch.equal(parameters[:, net.slices[name]], value.flatten(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("units", [4, 7, 9, 10, 33])
def test_bits_do_not_depend_on_the_place_whatever_the_width(units, dtype):
    """Rows common to the trials, a first layer that is no whole number of blocks: alone, among 7 and among 64."""
    net = MultilayerPerceptron(17, (), 2, (units,), (5,))
    torch.manual_seed(0)
    rows = torch.randn(96, 17, dtype=dtype)
    parameters = net.initial(range(64), dtype)
    cotangent = torch.randn(64, 2, 96, dtype=dtype)

    def run(trials: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        own = parameters[trials]
        out = net.forward(own, rows)
        return out.logits, net.backward(own, out, cotangent[trials])

    whole = run(list(range(64)))
    for trials in ([0], [63], list(range(7)), list(range(30, 37))):
        for found, expected in zip(run(trials), whole, strict=True):
            assert torch.equal(found, expected[trials])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_module_of_one_trial_gives_its_logits(shape):
    torch.manual_seed(0)
    net = network(shape)
    parameters = net.initial([1, 2], torch.float64)
    parameters += 0.1 * torch.randn_like(parameters)
    x = inputs(2, common=True)
    expected = plain(net, parameters, x)
    for k in range(2):
        module = net.module(parameters[k])
        torch.testing.assert_close(module(x).T, expected[k], rtol=1e-12, atol=1e-12)
        assert sum(value.numel() for value in module.parameters()) == sum(
            value[0].numel() for value in net.named(parameters).values()
        )


@pytest.mark.parametrize("outputs", [(3, 3), (1, 4, 1), (2, 1, 3)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cotangents", [1, 2])
def test_heads_of_any_numbers_of_outputs(shape, outputs, cotangents):
    """Forward and backward as those of the ordinary module, and each trial's bits its own."""
    torch.manual_seed(0)
    shared_widths, head, embedding = shape
    net = MultilayerPerceptron(3, (2, 4), len(outputs), shared_widths, head, embedding, outputs)
    parameters = net.initial([1, 2, 1], torch.float64)
    assert torch.equal(parameters[0], parameters[2])
    x = inputs(3, False)
    out = net.forward(parameters, x, common=False)
    assert out.logits.shape == (3, sum(outputs), 11)
    shared, heads = torch.randn_like(out.logits), torch.randn_like(out.logits)
    found = net.backward(parameters, out, shared, heads if cotangents == 2 else None)
    for k in range(3):
        module = net.module(parameters[k])
        logits = module(x[k])
        torch.testing.assert_close(out.logits[k], logits.T.detach(), rtol=1e-12, atol=1e-12)
        into_shared = torch.autograd.grad((logits.T * shared[k]).sum(), module.parameters(), retain_graph=True)
        last = heads[k] if cotangents == 2 else shared[k]
        into_heads = torch.autograd.grad((logits.T * last).sum(), module.parameters())
        expected = MultilayerPerceptron(3, (2, 4), len(outputs), shared_widths, head, embedding, outputs).module(
            found[k]
        )
        names = [name for name, _ in module.named_parameters()]
        for name, one, other in zip(names, into_shared, into_heads, strict=True):
            value = dict(expected.named_parameters())[name].detach()
            torch.testing.assert_close(value, other if name.startswith("heads") else one, rtol=1e-11, atol=1e-11)
    alone = net.forward(parameters[1:2], x[1:2], common=False)
    assert torch.equal(alone.logits[0], net.forward(parameters[1:], x[1:], common=False).logits[0])


def test_equal_outputs_start_where_one_output_starts():
    """The parameters of a head of one output do not depend on how its width is said."""
    one = MultilayerPerceptron(3, (), 2, (8,), (4,))
    said = MultilayerPerceptron(3, (), 2, (8,), (4,), outputs=(1, 1))
    assert torch.equal(one.initial([3], torch.float64), said.initial([3], torch.float64))
    assert one.shapes == said.shapes


@pytest.mark.parametrize("common", [True, False])
def test_examples_of_several_axes_are_read_as_one_row(common):
    net = MultilayerPerceptron(12, (), 1, (8,), ())
    parameters = net.initial([1, 2], torch.float64)
    pictures = torch.randn(*(() if common else (2,)), 32, 3, 2, 2, dtype=torch.float64)
    rows = pictures.flatten(-3)
    found, expected = net.forward(parameters, pictures, common=common), net.forward(parameters, rows, common=common)
    assert torch.equal(found.logits, expected.logits)
    cotangent = torch.randn_like(found.logits)
    assert torch.equal(net.backward(parameters, found, cotangent), net.backward(parameters, expected, cotangent))
