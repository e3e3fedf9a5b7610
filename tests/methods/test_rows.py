"""Methods that act through their rows: flipped labels, balanced batches, weighted rows, hidden groups."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from paretofair.methods import METHODS, LossSettings, Names, Rows
from paretofair.methods.row_plan import uniform_numbers
from paretofair.models import MultilayerPerceptron
from paretofair.training import Experiment, TrainingSettings
from paretofair.training.batches import Batches

NAMES = Names(("task_0", "task_1"), (("Female", "Male"), ("Female", "Male")))
MEANS = LossSettings(reduction="mean")
WEIGHTS = torch.tensor([[0.3, 0.7], [0.5, 0.5]], dtype=torch.float64)


def network(data) -> MultilayerPerceptron:
    return MultilayerPerceptron(data.numeric, data.categories, 2, (6,), (4,), 2)


def make(name: str, **options):
    kind = METHODS[name]
    return kind(LossSettings(distance="fpr_gap", reduction="mean"), kind.Options(**options), NAMES)


def batches(data, method, seed=0, epoch=0, **settings):
    experiment = Experiment(data, network(data), method, TrainingSettings(120, **settings))
    return list(Batches(experiment, [seed, seed]).epoch(epoch))


def gradient(data, method, rows, **hyper):
    hyper = {name: torch.as_tensor(value, dtype=torch.float64) for name, value in hyper.items()}
    net = network(data)
    parameters = net.initial([0, 1], torch.float64)
    return method.gradient(net, parameters, rows, {"task_weight": WEIGHTS, **hyper}).parameters


@pytest.mark.parametrize("mode", ["fresh", "fixed"])
def test_labels_of_one_group_are_flipped_together(device_data, mode):
    """Equal to vanilla on labels that are flipped by hand."""
    data = device_data(torch.float64, unknown=0.1)
    train, method = data.splits["train"], make("label_flip", group="Male", mode=mode)
    rows = batches(data, method, epoch=3)[0]
    drawn = uniform_numbers(0, 3 if mode == "fresh" else None, len(train))
    vanilla = METHODS["vanilla"](MEANS)
    plain = batches(data, vanilla, epoch=3)[0]
    torch.testing.assert_close(plain.inputs, rows.inputs)
    place = [int((train.examples() == row).all(1).nonzero()[0]) for row in rows.inputs]
    flip = torch.tensor(drawn[place] < 0.4) & (rows.groups == 1) & (rows.labels >= 0)
    assert 0.2 < flip.sum() / (rows.groups == 1).sum() < 0.6
    flipped = plain._replace(labels=torch.where(flip, 1 - plain.labels, plain.labels))
    found = gradient(data, method, rows, flip=[0.4, 0.0])
    torch.testing.assert_close(found[0], gradient(data, vanilla, flipped)[0], rtol=1e-12, atol=1e-14)
    assert torch.equal(found[1], gradient(data, vanilla, plain)[1])


def test_rows_of_unknown_group_keep_their_labels():
    """Also those of a task whose attribute has no group of that name."""
    names = Names(("first", "second"), (("Female", "Male"), ("White", "Black")))
    method = METHODS["label_flip"](MEANS, METHODS["label_flip"].Options(group="Male"), names)
    rows = Rows(
        inputs=torch.zeros(6, 1),
        labels=torch.tensor([[0, 1, 0, 1, 0, 1]] * 2, dtype=torch.float64),
        loss_weight=torch.ones(2, 6, dtype=torch.float64),
        penalty_weight=torch.ones(2, 6, dtype=torch.float64),
        groups=torch.tensor([[-1, -1, 0, 0, 1, 1]] * 2),
        n_groups=2,
        uniform=torch.zeros(1, 6, dtype=torch.float64),
    )
    flipped = rows._replace(labels=torch.tensor([[0, 1, 0, 1, 1, 0], [0, 1, 0, 1, 0, 1]], dtype=torch.float64))
    logits = torch.randn(2, 2, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = method.losses(logits, rows, {"task_weight": WEIGHTS, "flip": torch.ones(2)}).shared
    vanilla = METHODS["vanilla"](MEANS)
    assert torch.equal(found, vanilla.losses(logits, flipped, {"task_weight": WEIGHTS}).shared)
    assert not torch.equal(found, vanilla.losses(logits, rows, {"task_weight": WEIGHTS}).shared)


def test_unknown_groups_and_tasks_are_told():
    with pytest.raises(ValueError, match="group: found male; expected a group: Female, Male"):
        make("label_flip", group="male")
    with pytest.raises(ValueError, match="balance_task: found None; expected a task: task_0, task_1"):
        make("oversample")
    with pytest.raises(ValueError, match="balance_task: found income"):
        make("oversample", balance_task="income")


def test_oversampling_is_vanilla_on_balanced_batches(device_data):
    data = device_data(torch.float64, unknown=0.1)
    method = make("oversample", balance_task="task_1")
    found = batches(data, method)
    for rows in found:
        assert rows.cells == ((0, 30), (30, 60), (60, 90), (90, 120))
        for cell, (start, stop) in enumerate(rows.cells):
            assert (rows.groups[1, start:stop] == cell // 2).all()
            assert (rows.labels[1, start:stop] == cell % 2).all()
    vanilla = METHODS["vanilla"](MEANS)
    assert len(found) == len(batches(data, vanilla))
    assert torch.equal(gradient(data, method, found[0]), gradient(data, vanilla, found[0]))


def test_rows_are_reweighed_to_independence(device_data):
    """By the printed formula, row by row; weighted, group and label are independent."""
    data = device_data(torch.float64, unknown=0.1)
    train = data.splits["train"]
    method = make("reweigh")
    rows = batches(data, method)
    plain = batches(data, METHODS["vanilla"](MEANS))
    seen = torch.zeros(2, 2, 2, dtype=torch.float64)
    for mine, theirs in zip(rows, plain, strict=True):
        for t in range(2):
            y, a = train.labels[t], train.groups[t]
            known = (y >= 0) & (a >= 0)
            for i in range(mine.labels.shape[-1]):
                label, group = theirs.labels[t, i], theirs.groups[t, i]
                expected = theirs.loss_weight[t, i].clone()
                if expected and group >= 0:
                    share = [(known & (a == group)).sum(), (known & (y == label)).sum(), known.sum()]
                    cell = (known & (a == group) & (y == label)).sum()
                    expected = share[0].double() * share[1] / share[2] / cell
                    seen[t, int(group), int(label)] += expected
                torch.testing.assert_close(mine.loss_weight[t, i], expected.double(), rtol=1e-12, atol=0)
    rate = seen[..., 1] / seen.sum(-1)
    torch.testing.assert_close(rate[:, 0], rate[:, 1], rtol=1e-9, atol=0)


def test_transfer_hides_groups_of_the_chosen_share(device_data):
    data = device_data(torch.float64)
    transfer, per_task, vanilla = make("transfer"), make("per_task"), METHODS["vanilla"](MEANS)
    rows = batches(data, transfer)[0]
    fairness = {"fairness_weight": [[2.0, 3.0], [1.0, 4.0]]}
    every = gradient(data, transfer, rows, known_share=np.ones((2, 2)), **fairness)
    assert torch.equal(every, gradient(data, per_task, rows, **fairness))
    none = gradient(data, transfer, rows, known_share=np.zeros((2, 2)), **fairness)
    assert torch.equal(none, gradient(data, vanilla, rows))
    hidden = rows._replace(groups=torch.where(rows.uniform < 0.5, rows.groups, -1))
    half = gradient(data, transfer, rows, known_share=np.full((2, 2), 0.5), **fairness)
    torch.testing.assert_close(half, gradient(data, per_task, hidden, **fairness), rtol=1e-12, atol=1e-14)


def test_a_held_out_penalty_sees_other_rows_than_the_loss(device_data):
    data = device_data(torch.float64)
    method = METHODS["eor"](LossSettings(), None, NAMES)
    rows = batches(data, method, holdout=True)[0]
    assert rows.loss_weight.sum() == 2 * 120
    assert rows.penalty_weight.sum() == 2 * (300 // 10)
    assert not (rows.loss_weight * rows.penalty_weight).any()
    weight = {"fairness_weight": [[2.0, 2.0], [0.0, 0.0]]}
    found = gradient(data, method, rows, **weight)
    vanilla = gradient(data, METHODS["vanilla"](MEANS), rows)
    assert torch.equal(found[1], vanilla[1])
    held_out = rows._replace(loss_weight=rows.penalty_weight)
    both = gradient(data, method, held_out, **weight) - gradient(data, METHODS["vanilla"](MEANS), held_out)
    torch.testing.assert_close(found - vanilla, both, rtol=1e-9, atol=1e-12)
