"""Successive halving in the core: who goes on, and that those who do are trained as without it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from paretofair.methods import METHODS, LossSettings
from paretofair.metrics.registry import METRICS
from paretofair.training import Experiment, Halving, TrainingSettings, Trials, WeightedMetric, train_pack

from .test_pack import make_trials, network

OBJECTIVES = (WeightedMetric(METRICS["error"], (0.5, 0.5)), WeightedMetric(METRICS["fpr_gap"], (1.0, 0.0)))


def train_once(data, trials, halving=None, width=64, method="mtaf", **settings):
    (stack,) = list(
        train_pack(
            Experiment(data, network(data), METHODS[method](LossSettings()), TrainingSettings(100, **settings)),
            trials,
            width=width if halving is not None else len(trials),
            halving=halving,
        )
    )
    order = np.argsort(stack.positions)
    return {
        "parameters": stack.parameters[order],
        "status": stack.status[order],
        "epochs_trained": stack.epochs_trained[order],
        "undefined_losses": stack.undefined_losses[order],
        **{name: value[order] for name, value in stack.evaluation.metrics.items()},
    }


def make_bracketed_trials(count: int, size: int, epochs=None) -> Trials:
    trials = make_trials(count, seeds=np.arange(count) % 3, epochs=[7] * count if epochs is None else epochs)
    return Trials(trials.seeds, trials.values, np.arange(count) // size)


def test_survivors_are_those_of_the_objectives():
    halving = Halving(
        3, (1,), (WeightedMetric(METRICS["error"], (0.0, 1.0)), WeightedMetric(METRICS["fpr_gap"], (0.5, 0.5)))
    )
    error = np.array([[np.nan, value] for value in (0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.6)])
    gap = np.array([[value, value] for value in (0.3, 0.2, 0.1, 0.4, 0.5, 0.5, 0.5, np.nan)])
    values = {"error": error, "fpr_gap": gap}
    kept = halving.survivors(lambda metric: values[metric.name], np.array([0, 0, 0, 0, 1, 1, 1, 1]))
    # Two of the frontier of three, its ends; of three equal ones the first two.
    assert kept.tolist() == [True, False, True, False, True, True, False, False]


def test_who_goes_on_and_that_it_is_trained_as_without(device_data, device):
    data = device_data(torch.float64, device=device)
    trials = make_bracketed_trials(18, 9)
    whole = train_once(data, trials)
    found = train_once(data, trials, Halving(3, (2, 4), OBJECTIVES))
    assert [int((found["epochs_trained"][own] == 2).sum()) for own in (slice(0, 9), slice(9, 18))] == [6, 6]
    assert found["epochs_trained"].tolist().count(4) == 4
    assert (found["status"] == np.where(found["epochs_trained"] == 7, "completed", "stopped")).all()
    full = found["status"] == "completed"
    assert full.sum() == 2
    for name, values in found.items():
        np.testing.assert_array_equal(values[full], whole[name][full], err_msg=name)
    # Who stops stands where it would after as many epochs, and that is what was compared.
    early = train_once(data, make_bracketed_trials(18, 9, [2] * 18))
    stopped = found["epochs_trained"] == 2
    np.testing.assert_array_equal(found["parameters"][stopped], early["parameters"][stopped])
    kept = Halving(3, (2,), OBJECTIVES).survivors(lambda metric: early[f"validation_{metric.name}"], trials.brackets)
    np.testing.assert_array_equal(kept, ~stopped)


@pytest.mark.parametrize(("method", "compiled"), [("mtaf", False), ("mtaf", True), ("adversarial", False)])
def test_neither_stacks_nor_other_brackets_matter(device_data, method, compiled):
    data = device_data(torch.float32)
    random = np.random.default_rng(0)
    trials = make_bracketed_trials(24, 6, random.choice([2, 3, 5], 24))
    if method == "adversarial":
        names = [parameter.name for parameter in METHODS[method].parameters]
        values = {name: random.uniform(0.1, 1, 24) for name in names} | trials.values
        trials = Trials(trials.seeds, values, trials.brackets)
    halving = Halving(2, (1, 2), OBJECTIVES)
    whole = train_once(data, trials, halving, method=method, compiled=compiled)
    assert {1, 2} < set(whole["epochs_trained"])
    narrow = train_once(data, trials, halving, width=8, method=method, compiled=compiled)
    alone = train_once(data, trials.take(np.arange(6, 12)), halving, method=method, compiled=compiled)
    for name, values in whole.items():
        np.testing.assert_array_equal(narrow[name], values, err_msg=name)
        np.testing.assert_array_equal(alone[name], values[6:12], err_msg=name)
    # A budget that ends at a rung is reached, not stopped.
    assert (whole["status"][trials.values["epochs"] == whole["epochs_trained"]] == "completed").all()


def test_a_diverged_trial_hurts_nobody(device_data):
    data = device_data(torch.float32)
    trials = make_bracketed_trials(6, 6)
    trials.values["learning_rate"][2] = 1e30
    found = train_once(data, trials, Halving(3, (3,), OBJECTIVES))
    assert found["status"][2] == "diverged"
    assert np.isnan(found["test_error"][2]).all()
    assert (found["status"] == "completed").sum() == 2
