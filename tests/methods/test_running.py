"""Differential fairness of running counts, against a plain loop over batches of one model."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from paretofair.methods import METHODS, LossSettings, Names, Rows
from paretofair.methods.losses.running import SCALE, begin_counts, compare_counts
from paretofair.methods.losses.subsets import exclusive_subsets, subsets
from paretofair.methods.row_plan import TrainingRows
from paretofair.training import Experiment, TrainingSettings, train_pack
from tests.training.test_checkpoints import assert_goes_on, assert_same, results, trials_of
from tests.training.test_pack import network

TASKS, TRAINING, BATCH, C, RATE = 2, 960, 64, 0.05, 0.1
PARTS = {"fpr": (0,), "tpr": (1,), "odds": (0, 1), "parity": (None,)}


def make_train(groups: int) -> TrainingRows:
    unknown = np.full((TASKS, TRAINING), -1)
    names = tuple(f"group_{number}" for number in range(groups))
    origins, tasks = np.zeros(TRAINING, dtype=int), ("one", "two")
    classes = (("0", "1"),) * TASKS
    own = unknown, unknown, origins, ("all",), tasks, ("a", "a"), (names,) * TASKS, classes
    return TrainingRows(*own, batch_size=BATCH)


def make_batches(groups: int, trials: int = 1):
    random = torch.Generator().manual_seed(groups)
    for step in range(6):
        labels = torch.randint(-1, 2, (TASKS, BATCH), generator=random).double()
        who = torch.randint(-1, groups, (TASKS, BATCH), generator=random)
        if step < 2:
            who[who == groups - 1] = 0  # the last group comes late
        weight = torch.ones(TASKS, BATCH, dtype=torch.float64)
        scores = torch.rand(trials, TASKS, BATCH, generator=random, dtype=torch.float64)
        yield scores, Rows(torch.zeros(BATCH, 1), labels, weight * (labels >= 0), weight, who, groups)


def plain_loop(batches, groups: int, goal: str, exclusive: bool = False):
    """ε of each task after every batch, summed over the rates of the goal, and its gradient by the scores: one model,
    one number at a time, as the published code counts."""
    scale = TRAINING / BATCH
    positives = np.full((TASKS, 2, groups), scale / groups)
    totals = np.full((TASKS, 2, groups), scale)
    seen = np.zeros((TASKS, 2, groups), dtype=bool)
    for scores, rows in batches:
        epsilons, gradient = np.zeros(TASKS), torch.zeros(TASKS, BATCH, dtype=torch.float64)
        for task in range(TASKS):
            for place, label in enumerate(PARTS[goal]):
                theta, complement = {}, {}
                leaf = scores[0, task].clone().requires_grad_()
                for group in range(groups):
                    members = []
                    for row in range(BATCH):
                        other = rows.labels[1 - task, row].item()
                        fits = label is None or rows.labels[task, row].item() == label
                        if exclusive:
                            fits = fits and other == 1 - label
                        if fits and rows.groups[task, row].item() == group:
                            members.append(row)
                    positive = (1 - RATE) * positives[task, place, group] + RATE * scale * leaf[members].sum()
                    total = (1 - RATE) * totals[task, place, group] + RATE * scale * len(members)
                    positives[task, place, group], totals[task, place, group] = positive.item(), total
                    seen[task, place, group] |= bool(members)
                    if seen[task, place, group]:
                        theta[group] = (positive + C) / (total + 2 * C)
                        complement[group] = (total - positive + C) / (total + 2 * C)
                ratios = [
                    (rates[one].log() - rates[other].log()).abs()
                    for rates in ((theta, complement) if goal == "parity" else (theta,))
                    for one in rates
                    for other in rates
                    if one < other
                ]
                if ratios:
                    epsilon = max(ratios)
                    epsilons[task] += epsilon.item()
                    gradient[task] += torch.autograd.grad(epsilon, leaf)[0]
        yield epsilons, gradient


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("goal", list(PARTS))
def test_counts_equal_a_plain_loop(goal, groups, exclusive):
    if exclusive and goal == "parity":
        return
    settings = LossSettings(distance="differential", goal=goal, reduction="mean", concentration=C, rate=RATE)
    state = begin_counts(settings, Names(), make_train(groups), ("counts",))
    hyper = {name: torch.from_numpy(value)[None] for name, value in state.items()}
    for (scores, rows), (epsilons, gradient) in zip(
        make_batches(groups), plain_loop(make_batches(groups), groups, goal, exclusive), strict=True
    ):
        leaf = scores.clone().requires_grad_()
        parts = (exclusive_subsets if exclusive else subsets)(goal, rows)
        found = compare_counts(leaf, parts, rows, settings, hyper, "counts")
        (slope,) = torch.autograd.grad(found.distances.sum(), leaf)
        np.testing.assert_allclose(found.distances[0].detach(), epsilons, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(slope[0], gradient, rtol=1e-9, atol=1e-12)
        hyper = {**hyper, "counts": found.counts}


def test_counts_begin_as_published():
    settings = LossSettings(distance="differential", goal="odds", concentration=C, rate=RATE)
    state = begin_counts(settings, Names(), make_train(3), ("counts",))
    assert state[SCALE] == TRAINING / BATCH == 15
    assert state["counts"].shape == (TASKS, 2, 3, 3)
    np.testing.assert_array_equal(state["counts"][0, 0, 0], [5, 15, 0])
    assert not begin_counts(LossSettings(distance="differential"), Names(), make_train(3), ("counts",))


def test_a_group_that_is_never_seen_is_not_compared():
    """The published counts would call its rate one half in the end."""
    settings = LossSettings(distance="differential", goal="parity", reduction="mean", concentration=C, rate=RATE)
    (scores, rows), *_ = make_batches(2)
    rows = rows._replace(groups=torch.where(rows.groups == 1, -1, rows.groups))
    state = begin_counts(settings, Names(), make_train(2), ("counts",))
    hyper = {name: torch.from_numpy(value)[None] for name, value in state.items()}
    for _ in range(3):
        found = compare_counts(scores.requires_grad_(), subsets("parity", rows), rows, settings, hyper, "counts")
        assert found.distances.tolist() == [[0, 0]]
        assert found.undefined.tolist() == [2]
        assert not torch.autograd.grad(found.distances.sum(), scores)[0].any()
        hyper = {**hyper, "counts": found.counts}


def test_the_distance_of_one_batch_has_the_concentration_that_is_given():
    settings = LossSettings(distance="differential", goal="parity", reduction="mean", concentration=0.5)
    logits = torch.tensor([[[2.0, -1.0, 0.5, 0.1]]], dtype=torch.float64, requires_grad=True)
    ones = torch.ones(1, 4, dtype=torch.float64)
    rows = Rows(torch.zeros(4, 1), ones, ones, ones, torch.tensor([[0, 0, 1, 1]]), 2)
    weights = {name: torch.ones(1, 1, dtype=torch.float64) for name in ("task_weight", "fairness_weight")}
    found = METHODS["per_task"](settings).losses(logits, rows, weights)
    p = torch.sigmoid(logits[0, 0])
    rates = [((p[own].sum() + 0.5) / (2 + 1)).item() for own in ([0, 1], [2, 3])]
    entropy = -p.log().mean().item()
    assert found.shared.item() == pytest.approx(entropy + abs(math.log(rates[0] / rates[1])), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "goal", "compiled"), [("transfer", "odds", False), ("mtaf", "odds", True), ("per_task", "parity", True)]
)
def test_trials_do_not_depend_on_their_neighbours_and_go_on(device_data, name, goal, compiled):
    """Bit for bit the same alone, in another stack, and cut short."""
    data, kind = device_data(torch.float32), METHODS[name]
    settings = LossSettings(distance="differential", goal=goal, concentration=C, rate=RATE)
    groups = tuple(data.group_names[data.attributes[attribute]] for attribute in data.acts_on)
    method = kind(settings, None, Names(data.tasks, groups))
    experiment = Experiment(data, network(data), method, TrainingSettings(100, compiled=compiled))
    trials = trials_of(name)
    whole = results(list(train_pack(experiment, trials, width=16)))
    for rows, width in ((np.random.default_rng(0).permutation(len(trials)), 16), (np.array([7]), 16)):
        found = results(list(train_pack(experiment, trials.take(rows), width=width)))
        assert_same(found, {key: values[rows] for key, values in whole.items()})
    assert_goes_on(experiment, trials, 2, width=16)
    other = kind(LossSettings(distance="differential", goal=goal), None, Names(data.tasks, groups))
    plain = Experiment(data, network(data), other, TrainingSettings(100, compiled=compiled))
    assert not np.array_equal(results(list(train_pack(plain, trials, width=16)))["parameters"], whole["parameters"])
