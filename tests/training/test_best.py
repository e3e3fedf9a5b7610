"""The epoch that is kept is the best one, whatever stack a trial stands in and however often it is cut short."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from paretofair.methods import METHODS, LossSettings
from paretofair.metrics.registry import ASKED_FOR, METRICS
from paretofair.training import Experiment, Halving, TrainingSettings, Trials, WeightedMetric, stack, train_pack
from paretofair.training.measuring.best import Best, EpochChoice
from tests.training.test_checkpoints import assert_goes_on, assert_same, results
from tests.training.test_pack import make_trials, network

EPOCHS = 6
KEEP = EpochChoice(METRICS["equalized_odds_sum"], since=2)


def make_experiment(data, keep=KEEP, compiled=False):
    settings = TrainingSettings(100, compiled=compiled, steps=3, keep_epoch=keep)
    return Experiment(data, network(data), METHODS["mtaf"](LossSettings()), settings)


@pytest.mark.parametrize("keep", [KEEP, EpochChoice(METRICS["auc"], 1), EpochChoice(METRICS["error"], since=9)])
@pytest.mark.parametrize("compiled", [False, True])
def test_it_is_the_best_of_all_that_are_trained_apart(device_data, keep, compiled):
    """Against packs that end after each of the epochs. Before `since` no epoch counts: then the last one is kept."""
    data = device_data(torch.float32)
    trials = make_trials(9, seeds=np.arange(9) % 3, epochs=[EPOCHS] * 9)
    apart, losses = [], []
    for epochs in range(1, EPOCHS + 1):
        shorter = Trials(trials.seeds, {**trials.values, "epochs": np.full(9, epochs)})
        (stack,) = train_pack(make_experiment(data, None, compiled), shorter, width=16)
        values = stack.evaluation.values_of(keep.metric, data.selection_split, data)
        losses.append(keep.metric.loss(values[:, keep.task] if keep.task is not None else values.mean(1)))
        apart.append(stack)
    counted = np.array(losses)[keep.since - 1 :]
    best = counted.argmin(0) + keep.since - 1 if len(counted) else np.full(9, EPOCHS - 1)
    (found,) = train_pack(make_experiment(data, keep, compiled), trials, width=16)
    np.testing.assert_array_equal(found.kept_epochs, best + 1)
    np.testing.assert_array_equal(found.epochs_trained, EPOCHS)
    for row, place in enumerate(best):
        np.testing.assert_array_equal(found.parameters[row], apart[place].parameters[row])
        for name, values in found.evaluation.metrics.items():
            np.testing.assert_array_equal(values[row], apart[place].evaluation.metrics[name][row], err_msg=name)


def test_only_epochs_that_count_are_measured_and_of_own_metrics_the_one_that_is_compared(device_data, monkeypatch):
    data, calls = device_data(torch.float32), []
    measured = stack.evaluate

    def count(*how, **named):
        calls.append([each.name for each in named["own_metrics"]])
        return measured(*how, **named)

    monkeypatch.setattr(stack, "evaluate", count)
    asked = tuple(ASKED_FOR[name] for name in ("brier", "abroca"))
    experiment = replace(make_experiment(data, EpochChoice(asked[0], since=4)), own_metrics=asked)
    list(train_pack(experiment, make_trials(3, epochs=[EPOCHS] * 3), width=4))
    assert calls == [["brier"]] * (EPOCHS - 3)


def test_neighbours_do_not_matter(device_data):
    data, trials = device_data(torch.float32), make_trials(9, seeds=np.arange(9) % 3)
    whole = results(list(train_pack(make_experiment(data), trials, width=16)))
    for rows in ([4], [8, 0, 3]):
        alone = results(list(train_pack(make_experiment(data), trials.take(np.array(rows)), width=16)))
        assert_same(alone, {name: values[rows] for name, values in whole.items()})


def test_what_is_cut_short_goes_on(device_data):
    assert_goes_on(make_experiment(device_data(torch.float32)), make_trials(9, seeds=np.arange(9) % 3), 1, width=4)


def test_trials_that_are_stopped_early_keep_their_best_epoch_too(device_data):
    data = device_data(torch.float32)
    halving = Halving(2, (2, 4), (WeightedMetric(METRICS["error"], (0.5, 0.5)),))
    trials = make_trials(8, seeds=np.arange(8) % 2, epochs=[EPOCHS] * 8)
    trials = Trials(trials.seeds, trials.values, np.zeros(8, dtype=np.int64))
    (halved,) = train_pack(make_experiment(data), trials, width=8, halving=halving)
    assert set(halved.epochs_trained) == {2, 4, EPOCHS}
    for row, epochs in enumerate(halved.epochs_trained):
        own = trials.take(np.array([row]))
        own.values["epochs"][:] = epochs
        (alone,) = train_pack(make_experiment(data), own, width=8)
        np.testing.assert_array_equal(halved.parameters[row], alone.parameters[0])
        assert halved.kept_epochs[row] == alone.kept_epochs[0]


def test_only_tasks_that_a_trial_trains_are_compared():
    values = np.array([[0.2, 0.4], [0.2, 0.4], [0.2, 0.4]])
    hyper = {"task_weight": np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])}
    np.testing.assert_allclose(EpochChoice(METRICS["error"]).losses(values, hyper), [0.3, 0.2, 0.4])
    np.testing.assert_allclose(EpochChoice(METRICS["error"], 0).losses(values, hyper), [0.2, 0.2, 0.4])
    np.testing.assert_allclose(EpochChoice(METRICS["auc"], 1).losses(values, {}), [-0.4, -0.4, -0.4])


def test_an_epoch_without_a_value_is_never_the_best():
    parameters = torch.zeros(2, 3)
    best = Best.begin(parameters)
    for epoch, losses in enumerate(([np.nan, 0.5], [0.3, 0.5], [np.nan, 0.4]), start=1):
        best = best.update(np.array(losses), epoch, parameters + epoch)
    assert best.epoch.tolist() == [2, 3]
    assert best.parameters[:, 0].tolist() == [2, 3]
