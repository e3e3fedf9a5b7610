"""CosFace against a plain loop, and what is measured on identities."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from paretofair.tasks.identity import MARGIN, SCALE, Identity
from paretofair.tasks.task import LabelledRows

C, B, K = 9, 40, 3


def make_rows(dtype=torch.float64):
    torch.manual_seed(0)
    cosines = torch.rand(K, C, B, dtype=dtype) * 2 - 1
    labels = torch.randint(0, C, (B,)).to(dtype)
    return cosines, labels


def lose(cosines, label, margin):
    """CosFace of one row, number by number."""
    logits = [SCALE * (cosine - (margin if place == label else 0)) for place, cosine in enumerate(cosines)]
    largest = max(logits)
    total = sum(math.exp(logit - largest) for logit in logits)
    return -(logits[label] - largest - math.log(total))


@pytest.mark.parametrize("margins", [None, (0.35, 0.75)])
def test_losses_are_those_of_a_plain_loop(margins):
    cosines, labels = make_rows()
    groups = torch.arange(B) % 2
    own = torch.full((K, B), MARGIN, dtype=torch.float64)
    if margins is not None:
        own = torch.tensor(margins, dtype=torch.float64)[groups].expand(K, B)
    found = Identity(C).row_losses(cosines, labels, MARGIN if margins is None else own)
    for k in range(K):
        for row in range(B):
            expected = lose(cosines[k, :, row].tolist(), int(labels[row]), float(own[k, row]))
            assert found[k, row].item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_labels_of_each_trial_and_gradients():
    cosines, labels = make_rows()
    task = Identity(C)
    assert torch.equal(task.row_losses(cosines, labels), task.row_losses(cosines, labels.expand(K, B)))
    alone = torch.cat([task.row_losses(cosines[k : k + 1], labels) for k in range(K)])
    assert torch.equal(alone, task.row_losses(cosines, labels))
    leaf = cosines.requires_grad_()
    assert torch.autograd.gradcheck(lambda values: task.row_losses(values, labels), leaf)
    assert torch.isfinite(task.row_losses(cosines, torch.full((B,), -1.0))).all()


def make_kept(rows=60, identities=8, seed=0):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(identities), rows // identities + 1)[:rows]
    features = random.normal(size=(identities, 5))[labels] + 0.5 * random.normal(size=(rows, 5))
    decided = np.where(random.random(rows) < 0.7, labels, (labels + 1) % identities)
    kept = torch.from_numpy(np.concatenate([features, decided[:, None]], 1).T[None])
    return kept.float(), torch.from_numpy(labels).float()


def make_labelled(labels, *, in_training):
    cells = labels.long() % 3
    group_of_cell = np.array([0, 1, -1])
    groups = torch.from_numpy(group_of_cell)[cells]
    return LabelledRows(labels, groups, cells, group_of_cell, 2, in_training=in_training)


def test_training_rows_are_judged_by_the_head_and_others_by_their_neighbours():
    kept, labels = make_kept()
    task = Identity(8)
    head = task.measure(kept, kept[:, :0], make_labelled(labels, in_training=True))
    wrong = (kept[0, -1] != labels).float().mean().item()
    assert head.metrics["error"] == pytest.approx(wrong)
    rank = task.measure(kept, kept[:, :0], make_labelled(labels, in_training=False))
    unit = torch.nn.functional.normalize(kept[0, :-1].T, dim=1)
    distances = torch.cdist(unit, unit).fill_diagonal_(torch.inf)
    right = labels[distances.argmin(1)] == labels
    assert rank.metrics["error"] == pytest.approx(1 - right.float().mean().item())
    counts = rank.counts[0]
    for cell in range(3):
        own = labels % 3 == cell
        assert counts[cell, 0] == right[own].sum()
        assert counts[cell, 3] == (~right)[own].sum()
    assert not counts[:, [1, 2, 4, 5]].any()


def test_angles_of_groups_are_those_of_their_identities():
    kept, labels = make_kept()
    found = Identity(8).measure(kept, kept[:, :0], make_labelled(labels, in_training=False))
    unit = torch.nn.functional.normalize(kept[0, :-1].T.double(), dim=1)
    means = torch.stack([torch.nn.functional.normalize(unit[labels == each].mean(0), dim=0) for each in range(8)])
    intra = [torch.rad2deg((unit[labels == each] @ means[each]).arccos()).mean().item() for each in range(8)]
    assert found.metrics["intra_angle"] == pytest.approx(np.mean(intra), abs=1e-5)
    assert found.of_groups["intra_angle"][0] == pytest.approx([np.mean(intra[0::3]), np.mean(intra[1::3])], abs=1e-5)
    assert (found.of_groups["inter_angle"] > 0).all()


def test_weights_of_rows_count():
    kept, labels = make_kept()
    rows = make_labelled(labels, in_training=True)
    weights = torch.where(kept[0, -1] == labels, 0.5, 1.0).double()
    found = Identity(8).measure(kept, kept[:, :0], rows._replace(weights=weights))
    right = (kept[0, -1] == labels).sum().item()
    assert found.counts[0, :, 0].sum() == right / 2
    assert found.unweighted[0, :, 0].sum() == right
