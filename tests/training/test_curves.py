"""What is measured while trials train: the same as a training that ends there, and training is left alone."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from paretofair.methods import METHODS, LossSettings
from paretofair.training import CurveSettings, Experiment, TrainingSettings, train_pack
from paretofair.training.measuring.contribution import disparities

from .test_pack import make_trials, network


def train_stacks(data, trials, width=64, curves=None):
    method = METHODS["per_task"](LossSettings())
    settings = TrainingSettings(batch_size=100)
    experiment = Experiment(data, network(data), method, settings)
    return list(train_pack(experiment, trials, width=width, curves=curves))


def test_a_curve_is_what_shorter_trainings_would_give(device_data, device):
    data = device_data(torch.float64, device=device)
    epochs = [5, 2, 4, 5]
    plain = train_stacks(data, make_trials(4, epochs=epochs))[0]
    (stack,) = train_stacks(data, make_trials(4, epochs=epochs), curves=CurveSettings(every=2))
    np.testing.assert_array_equal(stack.parameters, plain.parameters)
    curve = stack.curve
    place = stack.positions[curve.positions]
    assert sorted(zip(place.tolist(), curve.epochs.tolist(), strict=True)) == [
        *((0, 2), (0, 4), (0, 5)),
        (1, 2),
        *((2, 2), (2, 4)),
        *((3, 2), (3, 4), (3, 5)),
    ]
    for epoch in (2, 4, 5):
        shorter = train_stacks(data, make_trials(4, epochs=[min(each, epoch) for each in epochs]))[0]
        row = {place: row for row, place in enumerate(shorter.positions)}
        for k in np.flatnonzero(curve.epochs == epoch):
            for name, values in curve.metrics.items():
                np.testing.assert_array_equal(values[k], shorter.evaluation.metrics[name][row[place[k]]], err_msg=name)


def test_disparities_by_autograd_of_one_model(device_data):
    data = device_data(torch.float64)
    net, train = network(data), data.splits["train"]
    parameters = net.initial([3, 4], torch.float64)
    found = disparities(net, parameters, data)
    for k in range(2):
        for task in range(2):
            sums = {}
            for label in (0, 1):
                for group in (0, 1):
                    rows = (train.groups[task] == group) & (train.labels[task] == label)
                    own = parameters[k : k + 1].clone().requires_grad_()
                    # One matrix per row, where the stacked network takes all rows at once.
                    logits = torch.cat([net_of_row(net, own, row) for row in train.inputs.take(rows)], -1)[0, task]
                    target = torch.full_like(logits, label)
                    loss = functional.binary_cross_entropy_with_logits(logits, target, reduction="sum")
                    sums[group, label] = torch.autograd.grad(loss, own)[0][0].abs()
                for name, columns in {"all": slice(0, None), **net.slices}.items():
                    first, second = sums[0, label][columns], sums[1, label][columns]
                    known = (first != 0) | (second != 0)
                    ratio = first[known] / second[known]
                    expected = {
                        "median": ratio.quantile(0.5),
                        "ratio_of_sums": first.sum() / second.sum(),
                    }
                    if torch.isfinite(ratio).all():
                        expected["mean"] = ratio.mean()
                    for statistic, value in expected.items():
                        got = found[f"{statistic}_{label}_{name}"][k, task]
                        np.testing.assert_allclose(got, value.item(), rtol=1e-7, err_msg=f"{statistic} {name}")
    assert set(found["excluded_0_all"].ravel() >= 0) == {True}


def net_of_row(net, parameters, row):
    """Logits `(1, T, 1)` of one row, by the names of the parameters and nothing of the stacked forward pass."""
    named = {name: value[0] for name, value in net.named(parameters).items()}
    parts, start = [row[: net.numeric]], net.numeric
    for i, size in enumerate(net.categories):
        parts.append(row[start : start + size] @ named[f"embedding_{i}"])
        start += size
    hidden = torch.cat(parts)
    for layer in range(len(net.shared)):
        hidden = torch.relu(named[f"weight_{layer}"] @ hidden + named[f"bias_{layer}"])
    logits = []
    for task in range(net.tasks):
        own = hidden
        for layer in range(len(net.shared), len(net.shared) + len(net.head) + 1):
            own = named[f"weight_{layer}"][task] @ own + named[f"bias_{layer}"][task]
            if layer < len(net.shared) + len(net.head):
                own = torch.relu(own)
        logits.append(own)
    return torch.stack(logits)[None]


def test_contributions_are_in_the_curve(device_data):
    data = device_data(torch.float32)
    (stack,) = train_stacks(data, make_trials(2, epochs=[2, 1]), curves=CurveSettings(contribution=True))
    final = disparities(network(data), torch.from_numpy(stack.parameters), data)
    last = [
        np.flatnonzero((stack.curve.positions == k) & (stack.curve.epochs == stack.epochs_trained[k]))[0]
        for k in (0, 1)
    ]
    for name, values in final.items():
        np.testing.assert_array_equal(stack.curve.metrics[f"contribution_{name}"][last], values, err_msg=name)
