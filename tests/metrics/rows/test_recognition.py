"""Rank-1 matches and angles against whole n x n matrices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from paretofair.metrics.rows.recognition import match_nearest, measure_angles


def make_features(rows=150, identities=25, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(-1, identities, rows)
    centres = random.normal(size=(identities + 1, 6))
    features = centres[labels] + 0.8 * random.normal(size=(rows, 6))
    return torch.from_numpy(features), torch.from_numpy(labels)


def match_whole(features, labels):
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    distances = cdist(unit, unit)
    np.fill_diagonal(distances, np.inf)
    distances[:, labels < 0] = np.inf
    right = labels[distances.argmin(1)] == labels
    alone = np.array([(labels == label).sum() < 2 for label in labels])
    probe = (labels >= 0) & ~alone
    return probe, right & probe


@pytest.mark.parametrize("block", [1, 7, 150, 1024])
@pytest.mark.parametrize("seed", [0, 1])
def test_matches_are_those_of_the_whole_matrix(block, seed):
    features, labels = make_features(seed=seed)
    probe, right = match_whole(features.numpy(), labels.numpy())
    found = match_nearest(features, labels, block)
    assert np.array_equal(found.probe.numpy(), probe)
    assert np.array_equal(found.right.numpy(), right)
    assert 0 < right.sum() < probe.sum()


@pytest.mark.parametrize("block", [1, 13, 1024])
def test_angles_are_those_of_the_whole_matrix(block):
    features, labels = make_features()
    found = measure_angles(features, labels, block)
    unit = (features / features.norm(dim=1, keepdim=True)).numpy()
    every = labels.numpy()
    identities = np.unique(every[every >= 0])
    means = np.stack([unit[every == each].mean(0) for each in identities])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    pairs = zip(identities, means, strict=True)
    intra = [np.degrees(np.arccos(unit[every == each] @ mean)).mean() for each, mean in pairs]
    between = np.degrees(np.arccos((means @ means.T).clip(-1, 1)))
    np.fill_diagonal(between, np.inf)
    assert found.labels.tolist() == identities.tolist()
    np.testing.assert_allclose(found.intra, intra, atol=1e-6)
    np.testing.assert_allclose(found.inter, between.min(1), atol=1e-6)


def test_rows_in_another_order_have_the_same_bits():
    features, labels = make_features()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(3))
    one, other = measure_angles(features, labels), measure_angles(features[order], labels[order], 11)
    assert torch.equal(one.intra, other.intra)
    assert torch.equal(one.labels, other.labels)


def test_nothing_to_compare():
    features = torch.eye(3)
    nobody = torch.tensor([-1, -1, -1])
    assert not match_nearest(features, nobody).probe.any()
    assert len(measure_angles(features, nobody).labels) == 0
    alone = measure_angles(features, torch.tensor([4, -1, -1]))
    assert alone.intra.tolist() == [0]
    assert alone.inter.isnan().all()
    assert not match_nearest(features, torch.tensor([0, 1, 2])).probe.any()
