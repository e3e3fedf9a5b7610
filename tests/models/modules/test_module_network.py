"""Any module in stacks against the same module alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from paretofair.models import ModuleNetwork, MultilayerPerceptron, align_length

INPUTS, TASKS, TRIALS = 6, 2, 5


def dense(inputs, tasks, hidden=8):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, tasks))


def make_normalised(inputs, tasks):
    return nn.Sequential(nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, tasks))


def make_dropping(inputs, tasks):
    return nn.Sequential(nn.Linear(inputs, 8), nn.Dropout(0.4), nn.ReLU(), nn.Linear(8, tasks))


class Convolution(nn.Module):
    """With a frozen parameter, a tied one, and layer norm."""

    def __init__(self, inputs, tasks):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(inputs), requires_grad=False)
        self.convolve = nn.Conv1d(1, 3, 3, padding=1)
        self.norm = nn.LayerNorm(inputs)
        self.first = nn.Linear(3 * inputs, 3 * inputs)
        self.second = nn.Linear(3 * inputs, 3 * inputs)
        self.second.weight = self.first.weight
        self.out = nn.Linear(3 * inputs, tasks)

    def forward(self, x):
        x = self.convolve(self.norm(x * self.scale)[:, None]).flatten(1)
        return self.out(torch.relu(self.second(torch.relu(self.first(x)))))


class Headed(nn.Module):
    """The shape of the multilayer perceptron, as an ordinary module."""

    def __init__(self, inputs, tasks):
        super().__init__()
        self.shared = nn.Linear(inputs, 7)
        self.heads = nn.ModuleList(nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 1)) for _ in range(tasks))

    def forward(self, x):
        x = torch.relu(self.shared(x))
        return torch.cat([head(x) for head in self.heads], -1)


def stream_of(seed):
    return 1000 + seed


@pytest.mark.parametrize("common", [True, False])
@pytest.mark.parametrize("factory", [dense, make_normalised, make_dropping, Convolution, Headed])
def test_stacked_is_the_module_alone(factory, common):
    """Logits, gradients and buffers of a training pass, then logits of an evaluation, of no whole vector of rows."""
    network = ModuleNetwork(factory, INPUTS, TASKS)
    seeds = [0] * TRIALS if common else [0, 1, 1, 2, 0]
    rows = 21
    torch.manual_seed(0)
    inputs = torch.randn(*(() if common else (TRIALS,)), rows, INPUTS, dtype=torch.float64)
    cotangent = torch.randn(TRIALS, TASKS, align_length(rows), dtype=torch.float64)
    parameters = network.initial(seeds, torch.float64)
    parameters[:, : network.trainable] *= 1 + 0.1 * torch.arange(TRIALS)[:, None]
    alone = [network.module(row) for row in parameters]
    before = parameters.clone()
    out = network.forward(parameters, inputs, [stream_of(seed) for seed in seeds], common=common)
    gradient = network.backward(parameters, out, cotangent)
    assert torch.equal(parameters[:, : network.trainable], before[:, : network.trainable])
    assert out.logits.shape == (TRIALS, TASKS, align_length(rows))
    for k, module in enumerate(alone):
        module.train()
        torch.manual_seed(stream_of(seeds[k]))
        logits = module(inputs if common else inputs[k])
        logits.backward(cotangent[k, :, :rows].T)
        torch.testing.assert_close(out.logits[k, :, :rows], logits.T, rtol=1e-12, atol=1e-12)
        expected = torch.cat([p.grad.flatten() for p in module.parameters() if p.requires_grad])
        torch.testing.assert_close(gradient[k, : len(expected)], expected, rtol=1e-9, atol=1e-12)
        assert not gradient[k, len(expected) :].any()
        for name, value in network.module(parameters[k]).named_buffers():
            torch.testing.assert_close(value, dict(module.named_buffers())[name], rtol=1e-12, atol=1e-12)
        with torch.no_grad():
            evaluated = network.forward(parameters, inputs, common=common).logits[k, :, :rows]
            torch.testing.assert_close(evaluated, module.eval()(inputs if common else inputs[k]).T)


def test_initial_values_are_the_modules_own():
    network = ModuleNetwork(dense, INPUTS, TASKS, (("hidden", 4),))
    row = network.initial([3, 7], torch.float32)[1]
    torch.manual_seed(7)
    expected = dense(INPUTS, TASKS, hidden=4)
    for found, value in zip(network.module(row).parameters(), expected.parameters(), strict=True):
        assert torch.equal(found, value)


def test_random_numbers_elsewhere_are_untouched():
    network = ModuleNetwork(make_dropping, INPUTS, TASKS)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert network.stochastic
    parameters = network.initial([0, 1], torch.float32)
    network.forward(parameters, torch.zeros(4, INPUTS), [1, 2])
    assert torch.equal(torch.rand(3), expected)
    assert not ModuleNetwork(dense, INPUTS, TASKS).stochastic


@pytest.mark.parametrize(
    ("factory", "mixes"),
    [(dense, False), (Convolution, False), (make_normalised, True), (make_dropping, True)],
)
def test_whether_rows_see_each_other_is_found_out(factory, mixes):
    assert ModuleNetwork(factory, INPUTS, TASKS).mixes_rows is mixes


def test_heads_get_their_own_cotangent():
    """Equal to the multilayer perceptron of the same parameters."""
    network = ModuleNetwork(Headed, INPUTS, TASKS)
    twin = MultilayerPerceptron(INPUTS, (), TASKS, (7,), (5,))
    parameters = network.initial([0, 1, 2], torch.float64)
    inputs = torch.randn(32, INPUTS, dtype=torch.float64)
    shared, heads = torch.randn(2, 3, TASKS, 32, dtype=torch.float64)

    def as_twin(rows):
        """Rows of the module's order as rows of the perceptron's."""
        named, start = {}, 0
        for name, value in Headed(INPUTS, TASKS).named_parameters():
            named[name] = rows[:, start : start + value.numel()]
            start += value.numel()
        parts = [named["shared.weight"], named["shared.bias"]]
        for layer in (0, 2):
            for kind in ("weight", "bias"):
                parts += [named[f"heads.{task}.{layer}.{kind}"] for task in range(TASKS)]
        flat = torch.cat(parts, 1)
        return torch.nn.functional.pad(flat, (0, twin.size - flat.shape[1]))

    out = network.forward(parameters, inputs, [0] * 3)
    expected_out = twin.forward(as_twin(parameters), inputs)
    torch.testing.assert_close(out.logits, expected_out.logits, rtol=1e-9, atol=1e-12)
    found = network.backward(parameters, out, shared, heads)
    expected = twin.backward(as_twin(parameters), expected_out, shared, heads)
    torch.testing.assert_close(as_twin(found), expected, rtol=1e-9, atol=1e-12)


def test_two_cotangents_need_heads():
    network = ModuleNetwork(dense, INPUTS, TASKS)
    parameters = network.initial([0], torch.float64)
    out = network.forward(parameters, torch.zeros(4, INPUTS, dtype=torch.float64), [0])
    cotangent = torch.ones(1, TASKS, 32, dtype=torch.float64)
    with pytest.raises(ValueError, match="no parameters under `heads`"):
        network.backward(parameters, out, cotangent, cotangent)


def test_a_wrong_shape_is_told():
    network = ModuleNetwork(lambda inputs, tasks: nn.Linear(inputs, tasks + 1), INPUTS, TASKS)
    with pytest.raises(ValueError, match=r"gives \(4, 3\) for 4 rows; expected \(4, 2\)"):
        network.forward(network.initial([0], torch.float32), torch.zeros(4, INPUTS))
