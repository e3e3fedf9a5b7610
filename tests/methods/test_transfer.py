"""Schedules of λ against a plain loop, and groups that a classifier tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from paretofair.methods import METHODS, LossSettings, Names
from paretofair.methods.row_plan import uniform_numbers
from paretofair.models import MultilayerPerceptron
from paretofair.testing import MethodContract
from paretofair.training import Experiment, TrainingSettings, Trials, train_pack
from paretofair.training.batches import Batches
from paretofair.training.stack import Stack
from tests.drawn_images import make_pictures
from tests.training.test_checkpoints import assert_goes_on, assert_same, results, trials_of
from tests.training.test_pack import network


def make_experiment(data, name="transfer", batch_size=100, **options):
    kind = METHODS[name]
    settings = LossSettings(distance="fpr_gap", goal="parity")
    attributes = tuple(data.attributes[attribute] for attribute in data.acts_on)
    names = Names(data.tasks, tuple(data.group_names[name] for name in attributes), data.several, attributes)
    return Experiment(data, network(data), kind(settings, kind.Options(**options), names), TrainingSettings(batch_size))


def make_trials(epochs, **values) -> Trials:
    count = len(epochs)
    both = {name: np.ones((count, 2)) for name in ("task_weight", "fairness_weight", "known_share")}
    rates = {"learning_rate": np.full(count, 0.01), "adversary_learning_rate": np.full(count, 0.05)}
    own = {name: np.asarray(value, dtype=float) for name, value in values.items()}
    return Trials(np.zeros(count, dtype=int), {**both, **rates, "epochs": np.array(epochs), **own})


def plain_factor(schedule: str, end: float | None, place: int, all_steps: int) -> float:
    """λ's factor in a step, counted from 0, of so many."""
    share = place / all_steps
    if schedule == "step":
        return float(share >= (0.5 if end is None else end))
    end = 1.0 if end is None else end
    return 1.0 if share >= end else share / end


@pytest.mark.parametrize("end", [None, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("schedule", ["linear", "step"])
def test_schedules_are_those_of_a_plain_loop(device_data, schedule, end):
    data = device_data(torch.float64)
    experiment = make_experiment(data, schedule=schedule)
    method, steps = experiment.method, -(-len(data.splits["train"]) // 100)
    state = {name: torch.tensor(value)[None] for name, value in method.trial_state(experiment.training_rows).items()}
    epochs = 3
    hyper = {"epochs": torch.tensor([float(epochs)], dtype=torch.float64)}
    hyper |= {} if end is None else {"warm_up": torch.tensor([end], dtype=torch.float64)}
    for place in range(steps * epochs):
        factor = method._factor({**hyper, **state, "steps": torch.tensor([float(place)], dtype=torch.float64)})
        assert factor.item() == pytest.approx(plain_factor(schedule, end, place, steps * epochs), abs=1e-12), place


def test_a_training_follows_its_schedule(device_data):
    """A step at the end is no treatment, one at the beginning a fixed λ; and each trial has its own."""
    data = device_data(torch.float32)
    trials = make_trials([3, 3, 5, 3], warm_up=[0.0, 1.0, 0.5, 0.5])
    found = results(list(train_pack(make_experiment(data, schedule="step"), trials, width=8)))["parameters"]
    fixed = make_trials([3, 3, 5, 3])
    always = results(list(train_pack(make_experiment(data), fixed, width=8)))["parameters"]
    never = make_trials([3, 3, 5, 3], fairness_weight=np.zeros((4, 2)))
    without = results(list(train_pack(make_experiment(data), never, width=8)))["parameters"]
    assert np.array_equal(found[0], always[0])
    assert np.array_equal(found[1], without[1])
    for trial in (2, 3):
        assert not np.array_equal(found[trial], always[trial])
        assert not np.array_equal(found[trial], without[trial])


@pytest.mark.parametrize(("name", "schedule"), [("transfer", "linear"), ("pseudo_groups", "step")])
def test_trials_do_not_depend_on_their_neighbours_and_go_on(device_data, name, schedule):
    data = device_data(torch.float32)
    experiment, trials = make_experiment(data, name, schedule=schedule), trials_of(name)
    whole = results(list(train_pack(experiment, trials, width=16)))
    rows = np.random.default_rng(0).permutation(len(trials))
    found = results(list(train_pack(experiment, trials.take(rows), width=5)))
    assert_same(found, {key: values[rows] for key, values in whole.items()})
    assert_goes_on(experiment, trials, 2, width=16)


def test_known_groups_are_not_guessed(device_data):
    """Where every group is shown, the rival is `transfer`, bit for bit."""
    data, trials = device_data(torch.float32), make_trials([3, 4])
    one, other = (
        results(list(train_pack(make_experiment(data, name, schedule="fixed"), trials, width=8)))["parameters"]
        for name in ("transfer", "pseudo_groups")
    )
    assert np.array_equal(one, other)


def test_the_classifier_learns_from_one_task_what_it_tells_another():
    data = MethodContract()._data(dtype=torch.float32)
    experiment = make_experiment(data, "pseudo_groups", schedule="fixed")
    trials = make_trials([200], known_share=[[0.6, 0.0]])
    stack = Stack(experiment, trials, 8)
    stack.train(100)
    _, state = stack.take_unfinished()
    train = data.splits["train"]
    classifier = experiment.method.adversary(experiment.network)
    guess = classifier.forward(state.adversary.parameters, train.examples()[None]).logits.argmax(1)[0]
    hidden = torch.tensor(uniform_numbers(0, None, len(train)) >= 0.6)
    right = (guess == train.groups[1])[hidden].float().mean().item()
    # The group moves four numbers by .7 deviations each: nobody tells more than 76 %.
    assert 0.66 < right < 0.86
    fair = results(list(train_pack(make_experiment(data, "transfer"), trials, width=8)))["parameters"]
    assert not np.array_equal(fair, results(list(train_pack(experiment, trials, width=8)))["parameters"])


def test_a_perceptron_and_its_classifier_read_a_picture_as_one_row():
    data = make_pictures()
    perceptron = MultilayerPerceptron(data.numeric, (), len(data.tasks), (8,), ())
    experiment = replace(make_experiment(data, "pseudo_groups"), network=perceptron)
    parameters = perceptron.initial([0, 1], torch.float32)
    adversary = experiment.method.adversary(perceptron).initial([0, 1], torch.float32)
    values = {"task_weight": 0.5, "fairness_weight": 2.0, "known_share": 0.5}
    hyper = {name: torch.full((2, 2), value) for name, value in values.items()}
    hyper |= {"epochs": torch.ones(2), "steps": torch.ones(2), "steps_of_epoch": torch.ones(2)}
    for seeds in ([0, 0], [0, 1]):
        rows = next(Batches(experiment, seeds).epoch(0))
        flat = rows._replace(inputs=rows.inputs.flatten(-3))
        found, expected = (
            experiment.method.gradient(perceptron, parameters, each, hyper, adversary) for each in (rows, flat)
        )
        assert torch.equal(found.parameters, expected.parameters)
        assert torch.equal(found.adversary, expected.adversary)
        assert found.adversary.any()
