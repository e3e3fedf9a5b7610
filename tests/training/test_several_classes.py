"""Whole trainings of tasks with several classes beside binary ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, f1_score, log_loss, roc_auc_score

from paretofair.methods import METHODS, LossSettings, Names
from paretofair.metrics import registry
from paretofair.metrics.counts import class_counts
from paretofair.metrics.objectives import measure_counts
from paretofair.models import MultilayerPerceptron
from paretofair.training import Experiment, Threshold, TrainingSettings, Trials, train_pack
from paretofair.training.measuring.evaluation import compute_outputs, evaluate, merge_by_task

CLASSES = 4
METHODS_HERE = {
    "vanilla": {},
    "per_task": {},
    "gcm": {"balance_task": "task_1"},
    "adversarial": {},
    "label_flip": {"group": "Male"},
    "oversample": {"balance_task": "task_1"},
}


@pytest.fixture(scope="module")
def data(device_data):
    return device_data(torch.float32, tasks=1, classes=CLASSES, unknown=0.05)


def make_network(data):
    outputs = tuple(task.outputs for task in data.several)
    return MultilayerPerceptron(data.numeric, data.categories, len(data.tasks), (16,), (8,), 0, outputs)


def make_experiment(data, name, compiled=False):
    kind = METHODS[name]
    names = Names(data.tasks, (("Female", "Male"),) * 2, data.several)
    method = kind(LossSettings(goal="odds"), kind.Options(**METHODS_HERE[name]), names)
    return Experiment(data, make_network(data), method, TrainingSettings(64, compiled=compiled), Threshold())


def make_trials(n, epochs=3):
    random = np.random.default_rng(0)
    weight = random.random((n, 1))
    return Trials(
        np.arange(n) % 3,
        {
            "task_weight": np.concatenate([weight, 1 - weight], 1),
            "fairness_weight": random.random((n, 2)),
            "penalty_weight": random.random(n),
            "temperature": random.random(n),
            "flip": random.random(n),
            "adversary_learning_rate": np.full(n, 0.05),
            "learning_rate": np.full(n, 0.1),
            "epochs": np.arange(n) % epochs + 1,
        },
    )


def run(experiment, trials, width):
    stacks = list(train_pack(experiment, trials, width=width))
    order = np.argsort(np.concatenate([stack.positions for stack in stacks]))
    found = {"parameters": np.concatenate([stack.parameters for stack in stacks])[order]}
    for name in stacks[0].evaluation.metrics:
        found[name] = np.concatenate([stack.evaluation.metrics[name] for stack in stacks])[order]
    for task in range(2):
        found[f"counts_{task}"] = np.concatenate([s.evaluation.confusion["test"][task] for s in stacks])[order]
    return found


@pytest.mark.parametrize("name", METHODS_HERE)
def test_a_trial_does_not_depend_on_its_neighbours(data, name):
    """Bit for bit the same alone, in a stack of 5 and of 12, in any place."""
    experiment, trials = make_experiment(data, name), make_trials(12)
    whole = run(experiment, trials, 12)
    assert whole["counts_1"].shape[2:] == (2, CLASSES, CLASSES)
    order = np.random.default_rng(1).permutation(12)
    for rows, width in ((order, 5), (np.array([7]), 1)):
        found = run(experiment, trials.take(rows), width)
        for key, values in found.items():
            np.testing.assert_array_equal(values, whole[key][rows], err_msg=key)


def test_compiled_steps_take_the_same_course(data):
    """Across paths to rounding after a step or two; bit for bit whatever the neighbours."""
    trials = make_trials(8, epochs=1)
    eager = run(make_experiment(data, "per_task"), trials, 8)
    compiled = make_experiment(data, "per_task", compiled=True)
    found = run(compiled, trials, 8)
    np.testing.assert_allclose(found["parameters"], eager["parameters"], rtol=1e-3, atol=1e-4)
    again = run(compiled, trials.take(np.array([5, 2])), 8)
    np.testing.assert_array_equal(again["parameters"], found["parameters"][[5, 2]])


def test_metrics_are_scikit_learns(data):
    network = make_network(data)
    parameters = network.initial([0, 1], torch.float32) * 3
    found = evaluate(network, parameters, data, Threshold())
    split = data.splits["test"]
    labels, known = split.labels[1].long().numpy(), split.labels[1].numpy() >= 0
    outputs = compute_outputs(network, parameters, split)[:, 1:]
    for k in range(2):
        # Not divided by their sums, which would part what is tied.
        scores = outputs[k].softmax(0).T.double().numpy()[known]
        decisions, own = outputs[k].argmax(0).numpy()[known], labels[known]
        assert found.metrics["test_error"][k, 1] == pytest.approx((decisions != own).mean())
        expected = np.mean([roc_auc_score(own == c, scores[:, c]) for c in range(CLASSES)])
        assert found.metrics["test_auc"][k, 1] == pytest.approx(expected, abs=1e-6)
        expected = average_precision_score(np.eye(CLASSES)[own], scores, average="macro")
        assert found.metrics["test_average_precision"][k, 1] == pytest.approx(expected, abs=1e-6)
        whole = found.confusion["test"][1][k].sum(0)
        assert class_counts.macro_f1(whole) == pytest.approx(f1_score(own, decisions, average="macro", zero_division=0))
        group = split.groups[1].numpy()[known]
        rates = [[np.mean(decisions[(group == g) & (own != c)] == c) for g in (0, 1)] for c in range(CLASSES)]
        expected = max(abs(one - other) for one, other in rates)
        assert found.metrics["test_fpr_gap"][k, 1] == pytest.approx(expected)
    assert np.isnan(found.metrics["test_realised_positive_rate"][:, 1]).all()
    assert not np.isnan(found.metrics["test_realised_positive_rate"][:, 0]).any()


def test_training_learns(data):
    """Well below the log loss and error of guessing the shares."""
    trials = make_trials(1).take(np.array([0]))
    trials.values["epochs"][:] = 60
    trials.values["task_weight"][:] = 0.5
    (stack,) = train_pack(make_experiment(data, "vanilla"), trials, width=1)
    network, split = make_network(data), data.splits["train"]
    outputs = compute_outputs(network, torch.from_numpy(stack.parameters), split)[0, 1:]
    labels = split.labels[1].numpy()
    known = labels >= 0
    shares = np.bincount(labels[known].astype(int)) / known.sum()
    scores = outputs.softmax(0).T.double().numpy()[known]
    assert log_loss(labels[known], scores / scores.sum(1, keepdims=True)) < 0.7 * -(shares * np.log(shares)).sum()
    assert stack.evaluation.metrics["train_error"][0, 1] < 0.6 * (1 - shares.max())


def test_counts_say_what_columns_say(data):
    """Of every metric that follows from others or from counts: one value under one name."""
    network = make_network(data)
    found = evaluate(network, network.initial([0, 1], torch.float32) * 3, data, Threshold())
    counts = merge_by_task(found.confusion["test"], data)[1]
    for metric in registry.METRICS.values():
        if metric.source in ("metrics", "counts") and metric.of_groups is not None and not metric.pair:
            columns = found.values_of(metric, "test", data)[:, 1]
            np.testing.assert_allclose(measure_counts(metric, counts), columns, atol=1e-6, err_msg=metric.name)
