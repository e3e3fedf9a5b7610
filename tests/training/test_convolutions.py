"""Trials with convolutions, one after another on a CPU: exactness, every method, and ordinary PyTorch as the oracle."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from paretofair.methods import METHODS, LossSettings, Names
from paretofair.methods.row_plan import augmentation_stream, epoch_order, noise_stream
from paretofair.models import ModuleNetwork, build_named
from paretofair.tasks.task import MARGINS
from paretofair.training import Experiment, TrainingSettings, train_pack
from paretofair.training.optimizers import SGD
from tests.drawn_images import make_pictures
from tests.golden.cases import OPTIONS
from tests.training.test_checkpoints import cut_and_resumed, results, trials_of

# Options of the methods that align predictions with one of the tasks.
OF_TASKS = {
    "bias_alignment": {
        **{"group_task": "task_1", "samples": 20, "bank": 20, "filters": 4, "chains": 8},
        **{"filter_updates": 1, "weight_updates": 2},
    },
    "corpus_constraint": {"group_task": "task_1", "iterations": 5},
}


class Lively(nn.Module):
    """What cannot be run side by side: layers in place, a branch on a value; and batch norm and dropout."""

    def __init__(self, shape, tasks):
        super().__init__()
        self.shared = nn.Sequential(
            *(nn.Conv2d(shape[0], 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Dropout(0.3)),
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        )
        self.heads = nn.ModuleList(nn.Linear(24, 1) for _ in range(tasks))

    def forward(self, images):
        features = self.shared(images)
        if features.mean().item() > 1e9:
            features += 1
        return torch.cat([head(features) for head in self.heads], -1)


def make_experiment(data, network, method="mtaf", optimizer=None, options=None, batch_size=40):
    kind = METHODS[method]
    groups = tuple(data.group_names[data.attributes[attribute]] for attribute in data.acts_on)
    own = kind(LossSettings(), kind.Options(**(OPTIONS.get(method, {}) | (options or {}))), Names(data.tasks, groups))
    return Experiment(data, network, own, TrainingSettings(batch_size, optimizer or SGD()))


def network_of(name, data):
    if name == "lively":
        return ModuleNetwork(Lively, data.shape, len(data.tasks))
    width = {"cnn": 0.2, "resnet18": 0.05}[name]
    return build_named(name, data.shape, len(data.tasks), head=(4,), width=width)


def make_trials(method, count=5):
    trials = trials_of(method, count)
    trials.values["epochs"] = np.array([1, 2, 3, 3, 2])[:count]
    trials.values["learning_rate"] /= 20
    trials.values["momentum"] = np.linspace(0, 0.9, count)
    return trials


@pytest.mark.parametrize(("name", "flips"), [("lively", False), ("cnn", True), ("resnet18", True)])
def test_a_trial_does_not_depend_on_its_neighbours(name, flips):
    """Bit for bit the same alone, in twos, shuffled, and after a kill in every epoch."""
    data = make_pictures(flips=flips, shape=(3, 32, 32) if name == "resnet18" else (3, 8, 8), rows=60)
    experiment, trials = make_experiment(data, network_of(name, data), batch_size=20), make_trials("mtaf")
    whole = list(train_pack(experiment, trials, width=5))
    assert {stack.path for stack in whole} == {"apart"}
    expected = results(whole)
    assert (expected["status"] == "completed").all()
    shuffled = np.array([3, 0, 4, 2, 1])
    for rows, width in ((shuffled, 2), (shuffled, 5), (np.array([0]), 1), (np.array([4]), 8)):
        found = results(list(train_pack(experiment, trials.take(rows), width=width)))
        for key, values in found.items():
            np.testing.assert_array_equal(values, expected[key][rows], err_msg=key)
    cut, cuts = cut_and_resumed(experiment, trials, 1, width=3)
    assert cuts > 1
    for key, values in results(cut).items():
        np.testing.assert_array_equal(values, expected[key], err_msg=key)


def test_a_trial_in_bfloat16_is_near_that_in_float32_and_the_same_alone():
    """Layers in bfloat16 have 8 bits of mantissa; parameters and updates have all. Rates so small that training is
    not chaotic, and no penalty, which divides by the small spread of untrained scores."""
    data = make_pictures(flips=True, rows=60)
    trials = make_trials("vanilla")
    trials.values["learning_rate"] /= 100
    found = {}
    for half in (False, True):
        network = build_named("cnn", data.shape, len(data.tasks), head=(4,), width=0.2, half=half)
        experiment = make_experiment(data, network, "vanilla", batch_size=20)
        found[half] = results(list(train_pack(experiment, trials, width=5)))
    assert found[True]["parameters"].dtype == np.float32
    begun = network.initial(trials.seeds.tolist(), torch.float32).numpy()
    moved = np.linalg.norm(found[False]["parameters"] - begun, axis=1)
    apart = np.linalg.norm(found[True]["parameters"] - found[False]["parameters"], axis=1)
    assert (apart > 0).all()
    assert (apart < 0.1 * moved).all()
    shuffled = np.array([3, 0, 4, 2, 1])
    for rows, width in ((shuffled, 2), (np.array([4]), 8)):
        own = results(list(train_pack(experiment, trials.take(rows), width=width)))
        for key, values in own.items():
            np.testing.assert_array_equal(values, found[True][key][rows], err_msg=key)


@pytest.mark.parametrize("method", [name for name, kind in METHODS.items() if MARGINS not in kind.needs])
def test_every_method_trains_it(method):
    """And a trial is the same alone. Margins are of identities: `tests/methods/test_angular_margin.py`."""
    data = make_pictures()
    experiment = make_experiment(data, network_of("cnn", data), method, options=OF_TASKS.get(method))
    trials = trials_of(method, 3)
    trials.values["learning_rate"] /= 50
    trials.values["epochs"] = np.array([1, 2, 2])
    if method == "single_task":
        trials.values["task_weight"] = np.eye(2)[[0, 1, 1]]
    expected = results(list(train_pack(experiment, trials, width=3)))
    assert (expected["status"] == "completed").all()
    assert np.isfinite(expected["parameters"]).all()
    begun = experiment.network.initial(trials.seeds.tolist(), torch.float32).numpy()
    assert (np.abs(expected["parameters"] - begun).max(1) > 1e-6).all()
    alone = results(list(train_pack(experiment, trials.take(np.array([2])), width=3)))
    np.testing.assert_array_equal(alone["parameters"][0], expected["parameters"][2])


@pytest.mark.parametrize("name", ["resnet18", "lively"])
def test_results_equal_a_plain_loop_of_one_module(name):
    """torch.optim over the ordinary module, in double precision, with augmentation; parameters and buffers."""
    shape = (3, 32, 32) if name == "resnet18" else (3, 8, 8)
    data = make_pictures(torch.float64, shape=shape, rows=90, flips=True)
    network, trials = network_of(name, data), make_trials("vanilla", 3)
    trials.values["weight_decay"] = np.full(3, 0.01)
    (stack,) = train_pack(make_experiment(data, network, "vanilla", SGD()), trials, width=4)
    train = data.splits["train"]
    for k, seed in enumerate(trials.seeds.tolist()):
        module = network.module(network.initial([seed], torch.float64)[0]).train()
        values = {key: each[k] for key, each in trials.values.items()}
        optimizer = torch.optim.SGD(
            module.parameters(), values["learning_rate"], values["momentum"], weight_decay=values["weight_decay"]
        )
        for epoch in range(int(values["epochs"])):
            batches = torch.from_numpy(epoch_order(seed, epoch, len(train))).split(40)
            for step, rows in enumerate(batches):
                images = train.inputs.take(rows, [augmentation_stream(seed, epoch, step)])
                # What dropout draws is laid out as the images are.
                images = images.contiguous(memory_format=torch.channels_last)
                torch.manual_seed(noise_stream(seed, epoch, step) if network.stochastic else 0)
                logits = module(images)
                losses = [
                    weight * binary_cross_entropy_with_logits(logits[:, t], train.labels[t, rows], reduction="sum")
                    for t, weight in enumerate(values["task_weight"])
                ]
                optimizer.zero_grad()
                sum(losses).backward()
                optimizer.step()
        expected = torch.cat([value.flatten() for value in module.parameters()]).detach().numpy()
        place = np.flatnonzero(stack.positions == k)[0]
        np.testing.assert_allclose(stack.parameters[place, : len(expected)], expected, rtol=1e-8, atol=1e-9)
        own = dict(network.module(torch.from_numpy(stack.parameters[place])).named_buffers())
        for key, value in module.named_buffers():
            torch.testing.assert_close(own[key], value, rtol=1e-8, atol=1e-9)
