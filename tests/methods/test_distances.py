"""Distances between groups: published numbers, plain definitions, and undefined cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paretofair.methods import LossSettings
from paretofair.methods.losses.distances import DISTANCES, between_groups

NAMES = [*DISTANCES, "differential"]
ALTERNATING = [1, 0, 1, 0, 1]


def distance(name: str, scores: list[float], groups: list[int], subset: list[int] | None = None, **options) -> float:
    """The distance of one task of one trial."""
    return evaluate(name, torch.tensor(scores, dtype=torch.float64), groups, subset, **options)[0].item()


def evaluate(name, scores, groups, subset=None, n_groups=2, **options):
    """As `distance`, on a tensor that may need a gradient; also whether it was undefined."""
    n = len(groups)
    weights = torch.ones(1, n, dtype=torch.float64) if subset is None else torch.tensor([subset], dtype=torch.float64)
    value, undefined = between_groups(
        scores.view(1, 1, n), weights, torch.tensor([groups]), n_groups, LossSettings(distance=name, **options)
    )
    return value[0, 0], bool(undefined[0])


def sigmoid(values: list[float]) -> list[float]:
    return (1 / (1 + np.exp(-np.array(values)))).tolist()


@pytest.mark.parametrize(
    ("name", "scores", "expected"),
    [
        ("mmd", sigmoid([0.3, 0.1, 0.86, 0.06, 0.75]), 1.083264),
        ("mmd", sigmoid([0.12, 0.7, 0.2, 0.86, 0.32]), 1.464054),
        ("correlation", [0.3, 0.1, 0.86, 0.06, 0.75], 0.823205),
        ("correlation", [0.12, 0.7, 0.2, 0.86, 0.32], 0.959664),
        ("correlation", sigmoid([0.3, 0.1, 0.86, 0.06, 0.75]), 0.831172),
        ("correlation", sigmoid([0.12, 0.7, 0.2, 0.86, 0.32]), 0.959156),
    ],
)
def test_known_values(name, scores, expected):
    assert distance(name, scores, ALTERNATING) == pytest.approx(expected, abs=1e-6)


def plain(name: str, scores: np.ndarray, member: np.ndarray) -> float:
    """The printed formula for one group against the rest."""
    inside, outside = scores[member], scores[~member]
    if name == "fpr_gap":
        return abs(inside.mean() - outside.mean())
    if name == "correlation":
        a = member.astype(float)
        covariance = ((scores - scores.mean()) * (a - a.mean())).mean()
        return abs(covariance) / (scores.std() * a.std() + 1e-6)

    def kernel(x, y):
        return np.exp(-((x[:, None] - y[None, :]) ** 2) / 0.1**2).mean()

    return kernel(inside, inside) + kernel(outside, outside) - 2 * kernel(inside, outside)


rows = st.lists(st.tuples(st.floats(0, 1), st.integers(-1, 2), st.booleans()), min_size=1, max_size=25)


@pytest.mark.parametrize("name", DISTANCES)
@settings(max_examples=100)
@given(rows)
def test_mean_over_present_groups_of_the_plain_formula(name, rows):
    scores = np.array([score for score, _, _ in rows])
    groups = np.array([group for _, group, _ in rows])
    subset = np.array([inside and group >= 0 for _, group, inside in rows])
    value, undefined = evaluate(name, torch.tensor(scores), groups.tolist(), subset.astype(float).tolist(), n_groups=3)
    present = [group for group in range(3) if (groups[subset] == group).any()]
    assert undefined == (len(present) < 2)
    if len(present) < 2:
        assert value == 0
    else:
        expected = np.mean([plain(name, scores[subset], groups[subset] == group) for group in present])
        assert value.item() == pytest.approx(expected, abs=1e-5 if name == "correlation" else 1e-9)


@settings(max_examples=100)
@given(rows)
def test_differential_is_the_largest_log_ratio_of_two_groups(rows):
    scores = torch.tensor([score for score, _, _ in rows], dtype=torch.float64, requires_grad=True)
    groups = np.array([group for _, group, _ in rows])
    subset = np.array([inside and group >= 0 for _, group, inside in rows])
    value, undefined = evaluate("differential", scores, groups.tolist(), subset.astype(float).tolist(), n_groups=3)
    own = [scores[torch.from_numpy(subset & (groups == group))] for group in range(3)]
    smoothed = [(p.sum() + 1) / (len(p) + 2) for p in own if len(p)]
    assert undefined == (len(smoothed) < 2)
    if undefined:
        assert value == 0
        return
    ratios = [(above / below).log() for above in smoothed for below in smoothed]
    assert value.item() == pytest.approx(max(ratios).item(), abs=1e-12)
    if max(ratios) > 1e-9:
        (found,) = torch.autograd.grad(value, scores)
        (expected,) = torch.autograd.grad(max(ratios), scores)
        if len({round(each.item(), 9) for each in smoothed}) == len(smoothed):
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_differential_of_a_constant_score():
    """Exactly 0 between groups of one size, or at one half; else the smoothing shows, as in the formula."""
    for score, sizes, expected in ((0.1, (7, 7), 0), (0.5, (3, 9), 0), (0.1, (3, 9), math.log(1.3 / 5 * 11 / 1.9))):
        scores = torch.full((sum(sizes),), score, dtype=torch.float64, requires_grad=True)
        value, undefined = evaluate("differential", scores, [0] * sizes[0] + [1] * sizes[1])
        assert not undefined
        if expected:
            assert value.item() == pytest.approx(expected, abs=1e-12)
        else:
            assert value.item() == 0
        if sizes[0] == sizes[1]:
            value.backward()
            assert not scores.grad.any()


@pytest.mark.parametrize("name", NAMES)
def test_two_groups_equal_the_general_case(name):
    """A two-group attribute beside a three-group one is measured by the general formula; both must agree."""
    scores, groups = torch.rand(40, dtype=torch.float64), [i % 2 for i in range(40)]
    assert evaluate(name, scores, groups, n_groups=2)[0] == pytest.approx(
        evaluate(name, scores, groups, n_groups=3)[0].item(), abs=1e-12
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("scores", "groups", "subset"),
    [
        ([0.2, 0.9, 0.4], [0, 1, 0], [0, 0, 0]),  # no rows
        ([0.2, 0.9, 0.4], [1, 1, 1], [1, 1, 1]),  # one group
        ([0.2, 0.9, 0.4], [0, 1, 0], [1, 0, 1]),  # the other group outside the subset
        ([0.1] * 7, [0, 1, 0, 1, 1, 1, 0], [1] * 7),  # a constant score
        ([0.1] * 14, [0] * 3 + [1] * 7 + [0] * 4, [1] * 14),  # and in groups of one size
        ([0.0, 0.0, 1.0], [0, 1, 0], [1, 1, 0]),  # constant where it counts
    ],
)
def test_undefined_is_zero_with_zero_gradient(name, scores, groups, subset, dtype):
    if name == "differential" and len(groups) == 7:
        return  # smoothed: see above
    tensor = torch.tensor(scores, dtype=dtype, requires_grad=True)
    value, _ = between_groups(
        tensor.view(1, 1, -1),
        torch.tensor([subset], dtype=dtype),
        torch.tensor([groups]),
        2,
        LossSettings(distance=name),
    )
    value.sum().backward()
    assert value.item() == 0
    assert torch.equal(tensor.grad, torch.zeros_like(tensor))


def test_hard_gap_is_the_rate_difference_without_gradient():
    scores = torch.tensor([0.4, 0.6, 0.7, 0.2], dtype=torch.float64, requires_grad=True)
    value, _ = evaluate("fpr_gap", scores, [0, 0, 1, 1], hard=True)
    assert value.item() == 0
    value, _ = evaluate("fpr_gap", torch.tensor([0.4, 0.6, 0.7, 0.8]).double(), [0, 0, 1, 1], hard=True)
    assert value.item() == 0.5
    assert not value.requires_grad
