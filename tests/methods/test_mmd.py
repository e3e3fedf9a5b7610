"""The squared MMD against its definition over all pairs of rows, value and gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from paretofair.methods import LossSettings
from paretofair.methods.losses.distances import DISTANCES
from paretofair.methods.losses.mmd import squared_mmd
from paretofair.training.compiler import compile_step


def pairwise(scores: Tensor, weights: Tensor, bandwidth: float) -> Tensor:
    """vᵀKv term by term, quadratic in the rows: `(..., B)` to `(...)`."""
    distances = (scores[..., :, None] - scores[..., None, :]) / bandwidth
    # The weights sum to 0, so the kernel minus 1 gives the same value, and exactly 0 for equal scores.
    kernel = torch.expm1(-(distances * distances))
    return ((kernel * weights[..., None, :]).sum(-1) * weights).sum(-1)


def contrast(member: np.ndarray, subset: np.ndarray) -> np.ndarray:
    """The weights v of one group against the rest, 0 outside the subset."""
    inside, outside = member & subset, ~member & subset
    return inside / inside.sum() - outside / outside.sum()


def both(scores: np.ndarray, member: np.ndarray, subset: np.ndarray, bandwidth: float, dtype: torch.dtype):
    """Value and gradient of `DISTANCES["mmd"]` at scores `(B,)` of this type, and of `pairwise` in float64."""
    mine = torch.tensor(scores, dtype=dtype, requires_grad=True)
    weights = [torch.tensor(rows[None], dtype=dtype) for rows in (subset, member)]
    value = DISTANCES["mmd"](mine[None, None], *weights, LossSettings(distance="mmd", bandwidth=bandwidth))
    assert value.dtype == dtype
    theirs = mine.detach().double().requires_grad_()
    expected = pairwise(theirs, torch.from_numpy(contrast(member, subset)), bandwidth)
    (gradient,) = torch.autograd.grad(value[0, 0], mine)
    (expected_gradient,) = torch.autograd.grad(expected, theirs)
    return value.item(), gradient.double().numpy(), expected.item(), expected_gradient.numpy()


@st.composite
def batches(draw):
    """Scores in clusters of any place and width, one group of one row up to all but one, rows outside the subset."""
    n = draw(st.integers(2, 300))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    places = np.array(draw(st.lists(st.floats(0, 1) | st.sampled_from([0.0, 1.0]), min_size=1, max_size=3)))
    widths = np.array(draw(st.lists(st.sampled_from([0, 1e-9, 1e-6, 1e-4, 0.01, 0.1, 1]), min_size=3, max_size=3)))
    cluster = random.integers(0, len(places), n)
    scores = np.clip(places[cluster] + widths[cluster] * random.uniform(-1, 1, n), 0, 1)
    member = np.arange(n) < draw(st.integers(1, n - 1))
    outside = draw(st.integers(0, 20))
    order = random.permutation(n + outside)
    scores = np.append(scores, random.uniform(0, 1, outside))[order]
    member = np.append(member, random.integers(0, 2, outside) > 0)[order]
    return scores, member, (np.arange(n + outside) < n)[order]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@settings(max_examples=300)
@given(batch=batches(), bandwidth=st.floats(-2, 1).map(lambda power: 10**power))
def test_value_and_gradient_equal_the_definition(batch, bandwidth, dtype):
    """To the rounding of the result, and of float64 in between: the kernel's slope is about 1/bandwidth."""
    value, gradient, expected, expected_gradient = both(*batch, bandwidth, dtype)
    rounding = 1e-6 if dtype == torch.float32 else 1e-12
    assert value >= 0
    assert value == pytest.approx(expected, rel=rounding, abs=1e-13)
    slack = 1e-12 * np.abs(contrast(*batch[1:])) / bandwidth
    assert (np.abs(gradient - expected_gradient) <= rounding * np.abs(expected_gradient) + slack).all()


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bandwidth", [0.02, 0.1, 1.0])
@pytest.mark.parametrize("members", [1, 150])
@pytest.mark.parametrize(
    "scores",
    [
        pytest.param(lambda u, side: u, id="uniform"),
        pytest.param(lambda u, side: 0.3 + 1e-4 * u, id="spread 1e-4"),
        pytest.param(lambda u, side: 0.9 + 1e-6 * u, id="spread 1e-6"),
        pytest.param(lambda u, side: 0.2 + 0.6 * side + 1e-4 * u, id="two spikes of 1e-4"),
        pytest.param(lambda u, side: 0.2 + 0.6 * side + 1e-6 * u, id="two spikes of 1e-6"),
        pytest.param(lambda u, side: sigmoid(60 * u - 30), id="saturated"),
        pytest.param(lambda u, side: sigmoid((2 * side - 1) * (12 + 3 * u)), id="saturated at both ends only"),
    ],
)
def test_relative_error_of_the_gradient(scores, members, bandwidth, dtype):
    """Of the whole gradient and of every entry that is not tiny beside the others, without any absolute slack."""
    random = np.random.default_rng(0)
    scores = scores(random.uniform(0, 1, 400), random.integers(0, 2, 400))
    rows = np.arange(400)
    value, gradient, expected, expected_gradient = both(scores, rows < members, rows >= 0, bandwidth, dtype)
    error, size = np.abs(gradient - expected_gradient), np.abs(expected_gradient)
    assert value == pytest.approx(expected, rel=1e-5)
    assert np.linalg.norm(error) <= 1e-6 * np.linalg.norm(size)
    assert (error <= 1e-4 * size)[size > 1e-3 * size.max()].all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bandwidth", [0.02, 0.1, 1.0])
@pytest.mark.parametrize("score", [0.0, 0.1, 0.7, 1.0])
def test_equal_scores_give_exactly_zero(score, bandwidth, dtype):
    scores, rows = np.full(100, score), np.arange(100)
    scores[90:] = 0.4  # outside the subset
    value, gradient, _, _ = both(scores, rows % 3 == 0, rows < 90, bandwidth, dtype)
    assert value == 0
    assert (gradient == 0).all()


def test_linear_in_the_rows():
    """The value does not change when every row stands there 1,000 times; all pairs would take 720 gigabytes."""
    scores, weights = torch.rand(1, 1, 300, dtype=torch.float64), torch.randn(1, 1, 300, dtype=torch.float64)
    weights -= weights.mean()
    once, often = (squared_mmd(scores.repeat(1, 1, n), weights.repeat(1, 1, n) / n, 0.1).item() for n in (1, 1000))
    assert often == pytest.approx(once, rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_trial_does_not_depend_on_the_stack(dtype):
    """Bit for bit, value and gradient."""
    scores = torch.rand(64, 2, 128, dtype=dtype)
    subset, member = (torch.rand(2, 64, 2, 128) < 0.6).to(dtype)

    def evaluate(trials: slice) -> tuple[Tensor, Tensor]:
        mine = scores[trials].clone().requires_grad_()
        value = DISTANCES["mmd"](mine, subset[trials], member[trials], LossSettings())
        return value.detach(), torch.autograd.grad(value.sum(), mine)[0]

    whole = evaluate(slice(0, 64))
    for trials in (slice(0, 1), slice(63, 64), slice(5, 12), slice(20, 53)):
        for found, expected in zip(evaluate(trials), whole, strict=True):
            assert torch.equal(found, expected[trials])


def test_without_gradient():
    scores, weights = torch.rand(2, 3, 40), torch.cat([torch.full((3, 10), 0.1), torch.full((3, 30), -1 / 30)], 1)
    value = squared_mmd(scores, weights, 0.1)
    assert not value.requires_grad
    assert torch.equal(value, squared_mmd(scores.requires_grad_(), weights, 0.1))


@pytest.mark.parametrize("bandwidth", [0.02, 0.1])
def test_the_compiler_traces_it_whole(bandwidth):
    """A step with the gradient inside it, as in training; a graph break would be an error."""
    scores, subset, member = torch.rand(2, 2, 64), torch.ones(2, 64), (torch.arange(64) % 3 == 0).float().expand(2, 64)

    def step(scores: Tensor) -> Tensor:
        mine = scores.detach().requires_grad_()
        value = DISTANCES["mmd"](mine, subset, member, LossSettings(bandwidth=bandwidth))
        return torch.autograd.grad(value.sum(), mine)[0]

    compiled = compile_step(step, backend="aot_eager")(scores)
    torch.testing.assert_close(compiled, step(scores), rtol=1e-6, atol=0)
