"""The cosine head against autograd, alone and in stacks, on every kind of body."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from paretofair.models import CosineNetwork, ModuleNetwork, MultilayerPerceptron
from paretofair.models.network import align_length

WIDTH, IDENTITIES, INPUTS = 12, 7, 5


class Normed(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, outputs))

    def forward(self, rows):
        return self.layers(rows)


def make_network(body):
    bodies = {
        "perceptron": MultilayerPerceptron(INPUTS, (), 1, (9,), (), outputs=(WIDTH,)),
        "deep": MultilayerPerceptron(INPUTS, (), 1, (9, 8), (6,), outputs=(WIDTH,)),
        "module": ModuleNetwork(Normed, INPUTS, 1, (), (WIDTH,)),
    }
    return CosineNetwork(bodies[body], WIDTH, IDENTITIES)


@pytest.mark.parametrize("body", ["perceptron", "deep", "module"])
def test_outputs_and_gradients_are_those_of_autograd(body):
    network = make_network(body)
    parameters = network.initial([0, 1, 2], torch.float64)
    assert parameters.shape == (3, network.size)
    inputs = torch.randn(32, INPUTS, dtype=torch.float64)
    cotangent, of_features = torch.randn(3, IDENTITIES, 32).double(), torch.randn(3, WIDTH, 32).double()
    out = network.forward(parameters.clone(), inputs, None if network.compilable else (0, 0, 0))
    found = network.backward(parameters, out, cotangent, features=of_features)
    for k in range(3):
        module = network.module(parameters[k])
        if body == "module":
            module.train()
        module.zero_grad()
        features = module.features(inputs)
        cosines = nn.functional.cosine_similarity(features[:, None], module.directions[None], dim=-1)
        torch.testing.assert_close(out.logits[k], cosines.T.detach())
        torch.testing.assert_close(out.features[k], features.T.detach())
        ((cosines.T * cotangent[k]).sum() + (features.T * of_features[k]).sum()).backward()
        expected = module.directions.grad.flatten()
        torch.testing.assert_close(found[k, network.slices["directions"]], expected, rtol=1e-8, atol=1e-10)
        if body == "module":
            for name, value in module.body.named_parameters():
                torch.testing.assert_close(found[k, network.slices[name]], value.grad.flatten(), rtol=1e-6, atol=1e-8)


def test_two_cotangents_move_directions_and_body_apart():
    network = make_network("deep")
    parameters = network.initial([3], torch.float64)
    inputs = torch.randn(32, INPUTS, dtype=torch.float64)
    out = network.forward(parameters, inputs)
    one, other = torch.randn(2, 1, IDENTITIES, 32).double()
    both = network.backward(parameters, out, one, other)
    head = network.slices["directions"]
    torch.testing.assert_close(both[:, head], network.backward(parameters, out, other)[:, head])
    body = slice(network.slices["weight_0"].start, None)
    torch.testing.assert_close(both[:, body], network.backward(parameters, out, one)[:, body])


@pytest.mark.parametrize("body", ["perceptron", "deep", "module"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_trial_does_not_depend_on_its_neighbours(body, dtype):
    network = make_network(body)
    parameters = network.initial(range(5), dtype)
    torch.manual_seed(0)
    inputs, cotangent = torch.randn(64, INPUTS, dtype=dtype), torch.randn(5, IDENTITIES, 64, dtype=dtype)

    def run(pick):
        own = parameters[pick].clone()
        streams = None if network.compilable else (0,) * len(pick)
        out = network.forward(own, inputs, streams)
        return out.logits, out.features, network.backward(own, out, cotangent[pick])

    whole = run(list(range(5)))
    for pick in ([2], [4, 0, 3]):
        for found, expected in zip(run(pick), whole, strict=True):
            assert torch.equal(found, expected[pick])


def test_rows_of_nothing_and_directions_of_nothing_are_finite():
    network = make_network("perceptron")
    parameters = torch.zeros(1, network.size)
    inputs = torch.zeros(align_length(3), INPUTS)
    out = network.forward(parameters, inputs)
    assert torch.isfinite(out.logits).all()
    assert (network.backward(parameters, out, torch.zeros_like(out.logits)) == 0).all()


def test_initial_values_follow_from_the_seed():
    network = make_network("perceptron")
    one, other = network.initial([7, 1], torch.float32), network.initial([1, 7], torch.float32)
    assert torch.equal(one[0], other[1])
    assert not torch.equal(one[0], one[1])
    assert network.trainable == network.size
