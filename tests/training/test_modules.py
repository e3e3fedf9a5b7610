"""Packs of ordinary modules: exactness of a trial, the short batch, streams of dropout, and what cannot be stacked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from paretofair.methods import METHODS, LossSettings
from paretofair.methods.row_plan import epoch_order, noise_stream
from paretofair.models import ModuleNetwork
from paretofair.training import Experiment, TrainingSettings, Trials, rehearse, train_pack


class Net(nn.Module):
    """Batch norm, dropout, and heads."""

    def __init__(self, inputs, tasks, drop=0.2):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(inputs, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(drop))
        self.heads = nn.ModuleList(nn.Linear(12, 1) for _ in range(tasks))

    def forward(self, x):
        x = self.shared(x)
        return torch.cat([head(x) for head in self.heads], -1)


def without_dropout(inputs, tasks):
    return Net(inputs, tasks, drop=0)


class Sizes(nn.Module):
    """A convolution over the inputs."""

    def __init__(self, inputs, tasks):
        super().__init__()
        self.convolve = nn.Conv1d(1, 4, 3)
        self.out = nn.Linear(4 * (inputs - 2), tasks)

    def forward(self, x):
        return self.out(torch.relu(self.convolve(x[:, None])).flatten(1))


def network(data, factory) -> ModuleNetwork:
    return ModuleNetwork(factory, data.shape[0], len(data.tasks))


def make_trials(count: int, seeds, epochs=None) -> Trials:
    random = np.random.default_rng(1)
    return Trials(
        np.asarray(seeds),
        {
            "task_weight": random.dirichlet(np.ones(2), count),
            "fairness_weight": random.uniform(0, 5, (count, 2)),
            "head_ratio": random.uniform(0.1, 3, (count, 2)),
            "learning_rate": random.uniform(0.01, 0.3, count),
            "epochs": random.choice([1, 2, 4], count) if epochs is None else np.full(count, epochs),
        },
    )


def run(data, factory, trials, method="mtaf", width=64, batch_size=90):
    stacks = list(
        train_pack(
            Experiment(
                data,
                network(data, factory),
                METHODS[method](LossSettings()),
                TrainingSettings(batch_size=batch_size, compiled=True),
            ),
            trials,
            width=width,
        )
    )
    assert {stack.path for stack in stacks} == {"apart" if factory is Sizes else "vmap"}
    order = np.argsort(np.concatenate([stack.positions for stack in stacks]))
    results = {
        "parameters": np.concatenate([stack.parameters for stack in stacks])[order],
        "status": np.concatenate([stack.status for stack in stacks])[order],
    }
    for name in stacks[0].evaluation.metrics:
        results[name] = np.concatenate([stack.evaluation.metrics[name] for stack in stacks])[order]
    return results


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("several_seeds", [False, True])
@pytest.mark.parametrize(("factory", "method"), [(Net, "mtaf"), (Sizes, "per_task")])
def test_a_trial_does_not_depend_on_its_neighbours(device_data, dtype, several_seeds, factory, method):
    """Bit for bit the same alone, in a stack of 7 and of 64, in any position, over a whole training."""
    data = device_data(dtype)
    trials = make_trials(64, np.arange(64) // 20 if several_seeds else np.zeros(64, int))
    whole = run(data, factory, trials, method)
    assert (whole["status"] == "completed").all()
    shuffled = np.random.default_rng(0).permutation(64)
    for rows, width in ((shuffled, 64), (np.arange(20), 7), (np.array([0]), 64), (np.array([63]), 64)):
        found = run(data, factory, trials.take(rows), method, width)
        for name, values in found.items():
            np.testing.assert_array_equal(values, whole[name][rows], err_msg=name)


def test_results_equal_a_plain_loop_of_one_module(device_data, device):
    """Ordinary PyTorch for over 100 steps, the last batch of an epoch a short one; parameters and buffers to 1e-9."""
    data = device_data(torch.float64)
    train = data.splits["train"]
    trials = make_trials(3, [0, 1, 1], epochs=26)
    trials.values["learning_rate"] /= 10
    factory = Net if device == "cpu" else without_dropout  # a GPU draws other numbers
    found = run(device_data(torch.float64, device=device), factory, trials, "vanilla")["parameters"]
    net = network(data, factory)
    for k, seed in enumerate([0, 1, 1]):
        module = net.module(net.initial([seed], torch.float64)[0]).train()
        rate = trials.values["learning_rate"][k]
        optimizer = torch.optim.Adagrad(module.parameters(), lr=rate, initial_accumulator_value=0.1, eps=0)
        steps = 0
        for epoch in range(26):
            batches = torch.from_numpy(epoch_order(seed, epoch, len(train))).split(90)
            assert len(batches[-1]) < 90
            for step, rows in enumerate(batches):
                torch.manual_seed(noise_stream(seed, epoch, step))
                logits = module(train.inputs.take(rows))
                losses = [
                    weight * binary_cross_entropy_with_logits(logits[:, t], train.labels[t, rows], reduction="sum")
                    for t, weight in enumerate(trials.values["task_weight"][k])
                ]
                optimizer.zero_grad()
                sum(losses).backward()
                optimizer.step()
                steps += 1
        assert steps > 100
        expected = torch.cat([value.flatten() for value in module.parameters()]).detach().numpy()
        np.testing.assert_allclose(found[k, : len(expected)], expected, rtol=1e-9, atol=1e-9)
        buffers = dict(net.module(torch.from_numpy(found[k])).named_buffers())
        for name, value in module.named_buffers():
            torch.testing.assert_close(buffers[name], value, rtol=1e-9, atol=1e-9)


class Branching(nn.Linear):
    def forward(self, x):
        y = super().forward(x)
        return y if y.sum() > 0 else -y


@pytest.mark.parametrize(
    ("factory", "method", "batch_size", "words"),
    [
        (Branching, "vanilla", 100, "data-dependent"),
        (Sizes, "mtaf", 100, "no parameters under `heads`"),
        (Net, "vanilla", 299, "more than 1 value per channel"),
        (lambda inputs, tasks: nn.Linear(inputs + 1, tasks), "vanilla", 100, "shape"),
        (lambda inputs, tasks: 3, "vanilla", 100, "int"),
    ],
)
def test_what_cannot_be_stacked_is_told_before_training(device_data, factory, method, batch_size, words):
    data = device_data(torch.float32)
    assert len(data.splits["train"]) == 300
    own = network(data, factory), METHODS[method](LossSettings()), TrainingSettings(batch_size=batch_size)
    with pytest.raises(Exception, match=words):
        rehearse(Experiment(data, *own), make_trials(2, [0, 1]))
