"""What is cut short goes on with the bits that it would have had."""

from __future__ import annotations

import dataclasses
import logging
import time

import numpy as np
import pytest
import safetensors.torch
import torch

from paretofair.methods import METHODS, Losses, LossSettings, Names
from paretofair.methods.vanilla import Vanilla
from paretofair.metrics.registry import METRICS
from paretofair.training import (
    CurveSettings,
    Experiment,
    Halving,
    Pause,
    TrainingSettings,
    Trials,
    WeightedMetric,
    train_pack,
)
from paretofair.training.optimizers import OPTIMIZERS
from paretofair.training.stack import Stack
from paretofair.training.state import TrainState
from tests.golden.cases import OPTIONS, Dropped
from tests.training import test_modules
from tests.training.test_pack import make_trials, network


class Kept:
    """Keeps what is saved in memory, through bytes; and stops after so many savings."""

    every, deadline = 0.0, None

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after, self.saved = stop_after, {}
        self.epochs: list[int] = []

    def load(self):
        for positions, content, facts in list(self.saved.values()):
            yield positions, safetensors.torch.load(content), facts

    def save(self, positions, tensors, facts):
        self.saved[int(positions[0])] = positions, safetensors.torch.save(dict(tensors)), facts
        self.epochs.append(facts["epoch"])
        if len(self.epochs) == self.stop_after:
            raise KeyboardInterrupt


class Remembering(Vanilla):
    """Remembers how many batches each trial has seen, and the labels that its seed has; the loss depends on both."""

    def trial_state(self, train):
        return {"steps": np.array(0.0, dtype=np.float32)}

    def seed_state(self, train, seed):
        return {"seen": np.full(len(train.tasks), seed % 7, dtype=np.float32)}

    def losses(self, logits, rows, hyper):
        steps = hyper["steps"] + 1
        seen = 0.9 * hyper["seen"] + 0.1 * rows.labels.clamp_min(0).mean(-1)
        plain = super().losses(logits, rows, hyper)
        penalty = (torch.sigmoid(logits).mean(-1) - seen).square().sum(-1)
        return Losses(plain.shared + penalty * steps.log1p(), state={"steps": steps, "seen": seen})


def trials_of(method: str, count: int = 12) -> Trials:
    trials = make_trials(count, seeds=np.arange(count) % 3)
    random = np.random.default_rng(3)
    for parameter in METHODS[method].parameters if method in METHODS else ():
        if parameter.name not in trials.values:
            shape = (count, 2) if parameter.per_task else count
            trials.values[parameter.name] = random.uniform(0.01, 0.5, shape)
    return trials


def results(stacks):
    order = np.argsort(np.concatenate([stack.positions for stack in stacks]))
    found = {
        name: np.concatenate([getattr(stack, name) for stack in stacks])[order]
        for name in ("parameters", "status", "epochs_trained", "undefined_losses")
    }
    metrics = stacks[0].evaluation.metrics
    found |= {name: np.concatenate([stack.evaluation.metrics[name] for stack in stacks])[order] for name in metrics}
    return found


def cut_and_resumed(experiment, trials, stop_after, **how):
    """The results of a pack that is cut short after so many savings, again and again until it ends; and how often."""
    kept, finished, cuts = Kept(stop_after), [], 0
    position = np.arange(len(trials))
    while len(position):
        try:
            for stack in train_pack(experiment, trials.take(position), checkpoints=kept, **how):
                finished.append(dataclasses.replace(stack, positions=position[stack.positions]))
                kept.saved.pop(int(stack.positions[0]), None)
            break
        except KeyboardInterrupt:
            cuts += 1
            done = np.concatenate([stack.positions for stack in finished]) if finished else np.arange(0)
            left = np.setdiff1d(position, done)
            # Positions are those in the pack of what is left.
            moved = [
                (np.searchsorted(left, position[positions]), content, facts)
                for positions, content, facts in kept.saved.values()
            ]
            kept.saved = {int(each[0][0]): each for each in moved}
            position, kept.epochs = left, []
    return finished, cuts


CASES = [
    ("mtaf", "adagrad", False),
    ("mtaf", "adagrad", True),
    ("adversarial", "adam", False),
    ("gcm", "adamw", False),
    ("label_flip", "sgd", False),
    ("oversample", "adam", False),
]


def assert_same(found, expected):
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def assert_goes_on(experiment, trials, stop_after, at_least=2, **how):
    """Cut short again and again, a pack gives the results of one that is not."""
    whole = results(list(train_pack(experiment, trials, **how)))
    stacks, cuts = cut_and_resumed(experiment, trials, stop_after, **how)
    assert cuts >= at_least
    assert_same(results(stacks), whole)


@pytest.mark.parametrize(("name", "optimizer", "compiled"), CASES)
def test_rows_are_those_of_an_undisturbed_pack(device_data, name, optimizer, compiled):
    data, kind = device_data(torch.float32), METHODS[name]
    groups = tuple(data.group_names[data.attributes[attribute]] for attribute in data.acts_on)
    method = kind(LossSettings(), kind.Options(**OPTIONS.get(name, {})), Names(data.tasks, groups))
    settings = TrainingSettings(100, OPTIMIZERS[optimizer](), compiled=compiled)
    assert_goes_on(Experiment(data, network(data), method, settings), trials_of(name), 2, width=8)


def test_modules_with_dropout_go_on_too(device_data):
    data = device_data(torch.float32)
    own = test_modules.network(data, Dropped), METHODS["mtaf"](LossSettings()), TrainingSettings(100)
    assert_goes_on(Experiment(data, *own), test_modules.make_trials(6, [0, 0, 3, 3, 5, 5]), 1, width=8)


@pytest.mark.parametrize("stop_after", [1, 2])
def test_halving_goes_on_at_its_rungs(device_data, stop_after):
    data = device_data(torch.float32)
    halving = Halving(2, (1, 2), (WeightedMetric(METRICS["error"], (0.5, 0.5)),))
    trials = make_trials(12, seeds=np.arange(12) % 3, epochs=[7] * 12)
    trials = Trials(trials.seeds, trials.values, np.arange(12) // 4)
    experiment = Experiment(data, network(data), METHODS["mtaf"](LossSettings()), TrainingSettings(100))
    assert_goes_on(experiment, trials, stop_after, at_least=1, width=8, halving=halving)


def test_a_kept_stack_that_does_not_fit_begins_anew(device_data, monkeypatch, caplog):
    """As after a move to a device with less memory."""
    data = device_data(torch.float32)
    experiment = Experiment(data, network(data), METHODS["mtaf"](LossSettings()), TrainingSettings(100))
    trials, kept = trials_of("mtaf"), Kept(1)
    whole = results(list(train_pack(experiment, trials, width=8)))
    with pytest.raises(KeyboardInterrupt):
        list(train_pack(experiment, trials, width=8, checkpoints=kept))
    assert kept.saved
    kept.stop_after = None

    def resume(*_):
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(Stack, "resume", resume)
    with caplog.at_level(logging.WARNING, "paretofair"):
        assert_same(results(list(train_pack(experiment, trials, width=8, checkpoints=kept))), whole)
    assert "8 trials that were kept begin anew" in caplog.text


def test_curves_are_whole(device_data):
    data = device_data(torch.float32)
    experiment = Experiment(data, network(data), METHODS["mtaf"](LossSettings()), TrainingSettings(100))
    trials = make_trials(5)
    (whole,) = train_pack(experiment, trials, width=8, curves=CurveSettings(every=2))
    stacks, cuts = cut_and_resumed(experiment, trials, 1, width=8, curves=CurveSettings(every=2))
    assert cuts >= 2
    (stack,) = stacks
    np.testing.assert_array_equal(stack.curve.epochs, whole.curve.epochs)
    for name, values in whole.curve.metrics.items():
        np.testing.assert_array_equal(stack.curve.metrics[name], values, err_msg=name)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_method_remembers_by_trial_and_by_seed(device_data, compiled):
    """Bit for bit the same alone, in another stack, and cut short."""
    data = device_data(torch.float32)
    settings = TrainingSettings(100, compiled=compiled)
    experiment = Experiment(data, network(data), Remembering(LossSettings()), settings)
    trials = trials_of("vanilla")
    whole = results(list(train_pack(experiment, trials, width=16)))
    shuffled = np.random.default_rng(0).permutation(len(trials))
    for rows, width in ((shuffled, 16), (np.arange(12), 5), (np.array([7]), 16)):
        found = results(list(train_pack(experiment, trials.take(rows), width=width)))
        assert_same(found, {key: values[rows] for key, values in whole.items()})
    assert_goes_on(experiment, trials, 2, width=16)
    plain = Experiment(data, network(data), METHODS["vanilla"](LossSettings()), settings)
    assert not np.array_equal(results(list(train_pack(plain, trials, width=16)))["parameters"], whole["parameters"])


def test_a_state_is_taken_and_joined(device_data):
    data = device_data(torch.float32)
    experiment = Experiment(data, network(data), Remembering(LossSettings()), TrainingSettings(100))
    seeds = [4, 2, 2, 9, 4]
    state = TrainState.begin(experiment, seeds)
    state.of_seeds["seen"][1] = 5.0  # of seed 4
    parts = [state.take(np.array(rows)) for rows in ([0, 3], [1, 2, 4])]
    assert [len(part.of_seeds["seen"]) for part in parts] == [2, 2]
    joined = TrainState.join(parts)
    assert joined.seeds.tolist() == [4, 9, 2, 2, 4]
    assert joined.memory.read()["seen"][:, 0].tolist() == [5, 2, 2, 2, 5]
    again = TrainState.from_tensors(joined.tensors(), 0, torch.device("cpu"))
    assert again.seeds.tolist() == joined.seeds.tolist()
    for one, other in zip(again.tensors().values(), joined.tensors().values(), strict=True):
        assert torch.equal(one, other)


def test_a_short_stack_is_never_kept_and_a_long_one_stops_in_time(device_data):
    data = device_data(torch.float32)
    experiment = Experiment(data, network(data), METHODS["vanilla"](LossSettings()), TrainingSettings(100))
    short = Kept()
    short.every, short.deadline = 600.0, time.time() - 1
    assert len(list(train_pack(experiment, make_trials(4), width=8, checkpoints=short))) == 1
    assert not short.epochs
    late = Kept()
    late.deadline = time.time() - 1
    with pytest.raises(Pause):
        list(train_pack(experiment, make_trials(4), width=8, checkpoints=late))
    assert late.epochs == [1]
