"""Adversarial fair features against one ordinary predictor and its adversary in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from paretofair.methods import LossSettings, Names
from paretofair.methods.adversarial_features import AdversarialFeatures, FeatureOptions
from paretofair.methods.vanilla import Vanilla
from paretofair.models import ModuleNetwork
from tests.methods.test_adversarial import (
    GROUPS,
    NETWORK,
    OPTIMIZERS,
    TRIALS,
    accuracy_loss,
    check_gradient,
    check_neighbours,
    check_training,
    make_hyper,
    make_rows,
    make_trials,
    names,
    plain_adversary,
    plain_network,
    run,
)


def make_method(n_groups: int = 2, penalised: int = 1, target: int = 0) -> AdversarialFeatures:
    groups = GROUPS[n_groups]
    options = FeatureOptions(penalised_group=groups[penalised], target_group=groups[target] if n_groups > 2 else None)
    return AdversarialFeatures(LossSettings(), options, names(n_groups))


def plain_step(penalised: int, target: int, leaves, opponents, rows, w: Tensor, alpha: Tensor) -> None:
    """Sets the gradient of every leaf to what its player follows."""
    features, logits = plain_network(leaves, rows.inputs)
    scores, a = plain_adversary(opponents[0], features), rows.groups[0]
    seen, every = rows.in_penalty[0], list(leaves.values())
    chance = torch.softmax(scores[seen & (a == penalised)], 1)[:, target]
    penalty = torch.log(1 + (0.9 - chance).abs()).mean()
    loss = accuracy_loss(logits, rows, w) + alpha * penalty
    for leaf, gradient in zip(every, torch.autograd.grad(loss, every, retain_graph=True), strict=True):
        leaf.grad = gradient
    theirs = list(opponents[0].values())
    for leaf, gradient in zip(theirs, torch.autograd.grad(cross_entropy(scores[seen], a[seen]), theirs), strict=True):
        leaf.grad = gradient


@pytest.mark.parametrize(("n_groups", "penalised", "target"), [(2, 0, 1), (2, 1, 0), (3, 0, 2)])
@pytest.mark.parametrize("per_trial", [False, True])
def test_both_players_equal_a_plain_loop(n_groups, penalised, target, per_trial, device):
    method = make_method(n_groups, penalised, target)
    rows = make_rows(n_groups, device, per_trial=per_trial)
    check_gradient(method, rows, lambda *given: plain_step(penalised, target, *given), device)


@pytest.mark.parametrize(("optimizer", "plain"), OPTIMIZERS)
def test_training_equals_a_plain_loop(device_data, optimizer, plain):
    data = device_data(torch.float64, unknown=0.1)
    check_training(data, make_method(), lambda *given: plain_step(1, 0, *given), optimizer, plain)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("fresh_seeds", [False, True])
@pytest.mark.parametrize("sensitive", ["sex", "race"])
def test_a_trial_does_not_depend_on_its_neighbours(device_data, dtype, fresh_seeds, sensitive):
    data = device_data(dtype, sensitive=sensitive, unknown=0.1)
    check_neighbours(data, make_method(3 if sensitive == "race" else 2), fresh_seeds, compiled=False)


def test_a_compiled_trial_does_not_depend_on_its_neighbours(device_data):
    data = device_data(torch.float32, unknown=0.1)
    check_neighbours(data, make_method(), fresh_seeds=False, compiled=True, width=8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weight_zero_is_vanilla_bit_for_bit(device_data, dtype):
    data, trials = device_data(dtype, unknown=0.1), make_trials(5, range(5), 3)
    trials.values["penalty_weight"][:] = 0
    found, _ = run(data, make_method(), trials)
    np.testing.assert_array_equal(found, run(data, Vanilla(LossSettings(reduction="mean")), trials)[0])
    trials.values["penalty_weight"][:] = 1
    assert not np.array_equal(run(data, make_method(), trials)[0], found)


def test_nobody_to_penalise_is_vanilla():
    """Without penalised rows, or with these alone, the predictor's gradient is that of the mean loss bit for bit."""
    rows, method = make_rows(3), make_method(3, penalised=1, target=2)
    hyper, parameters = make_hyper(), NETWORK.initial(range(TRIALS), torch.float64)
    against = method.adversary(NETWORK).initial(range(TRIALS), torch.float64)
    vanilla = Vanilla(LossSettings(reduction="mean")).gradient(NETWORK, parameters, rows, hyper)
    others = torch.where(rows.groups == 1, 0, rows.groups)
    alone = torch.where(rows.groups == 1, 1, -1)
    for groups, rests in ((others, False), (alone, True), (torch.full_like(alone, -1), True)):
        found = method.gradient(NETWORK, parameters, rows._replace(groups=groups), hyper, against)
        assert torch.equal(found.parameters, vanilla.parameters)
        assert found.undefined.tolist() == [1] * TRIALS
        assert found.adversary.any() != rests
    assert method.gradient(NETWORK, parameters, rows, hyper, against).undefined.tolist() == [0] * TRIALS


@pytest.mark.parametrize(
    ("given", "groups", "words"),
    [
        ({"penalised_group": "male"}, GROUPS[2], "penalised_group: got 'male', expected one of Female, Male"),
        ({"penalised_group": "White"}, GROUPS[3], "target_group: got None, expected one of White, Black, Other"),
        ({"penalised_group": "Male", "target_group": "Male"}, GROUPS[2], "expected two groups"),
    ],
)
def test_groups_that_do_not_fit_are_told(given, groups, words):
    options = FeatureOptions(**given)
    AdversarialFeatures(LossSettings(), options)
    with pytest.raises(ValueError, match=words):
        AdversarialFeatures(LossSettings(), options, Names(("task",), (groups,)))


def test_what_has_no_features_or_groups_is_told():
    module = ModuleNetwork(nn.Linear, 3, 1)
    with pytest.raises(ValueError, match="a module tells them where its forward takes"):
        make_method().adversary(module)
    with pytest.raises(ValueError, match="without the names of groups"):
        AdversarialFeatures(LossSettings(), FeatureOptions(penalised_group="Male")).adversary(NETWORK)
    parameters = module.initial([0], torch.float64)
    out = module.forward(parameters, torch.ones(32, 3).double(), (0,))
    cotangent = torch.ones(1, 1, 32).double()
    assert out.features is None
    with pytest.raises(ValueError, match="does not tell which of its activations are features"):
        module.backward(parameters, out, cotangent, features=cotangent)
