"""Group contribution disparity: closed forms, and a plain loop over parameters as the oracle."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from paretofair.metrics.contribution import contribution_disparity


def plain(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, float, float, float]:
    """Mean, median, ratio of sums and excluded, one parameter at a time."""
    ratios, excluded = [], 0
    for a, b in zip(np.abs(numerator), np.abs(denominator), strict=True):
        if a == 0 and b == 0:
            excluded += 1
        else:
            ratios.append(a / b if b else math.inf)
    above, below = np.abs(numerator).sum(), np.abs(denominator).sum()
    of_sums = above / below if below else math.inf if above else math.nan
    return (
        sum(ratios) / len(ratios) if ratios else math.nan,
        statistics.median(ratios) if ratios else math.nan,
        of_sums,
        excluded,
    )


# Many zeros and ties, of either sign.
SMALL = st.integers(-3, 3).map(float)


@given(
    weight=arrays.arrays(float, (2, 6, 2, 3), elements=SMALL),
    bias=arrays.arrays(float, (2, 6, 2), elements=SMALL),
    groups=st.permutations(range(3)),
)
def test_equals_a_plain_loop(weight, bias, groups):
    group, reference, _ = groups
    before = weight.copy(), bias.copy()
    found = contribution_disparity({"weight_0": weight, "bias_0": bias}, group=group, reference=reference)
    assert list(found) == ["all", "weight_0", "bias_0"]
    for trial in range(2):
        for label in (0, 1):
            one, other = 2 * group + label, 2 * reference + label
            parts = {name: value.reshape(2, 6, -1) for name, value in (("weight_0", weight), ("bias_0", bias))}
            parts["all"] = np.concatenate(list(parts.values()), -1)
            for name, value in parts.items():
                mine = [field[trial, label] for field in found[name]]
                np.testing.assert_allclose(mine, plain(value[trial, one], value[trial, other]), rtol=1e-12)
    assert np.array_equal(weight, before[0])
    assert np.array_equal(bias, before[1])


def test_equal_contributions_have_ratio_one_whatever_their_signs():
    gradients = np.array([[[1.0, -2.0, 0.0], [3.0, 1.0, 1.0], [-1.0, 2.0, 0.0], [3.0, -1.0, 1.0]]])
    found = contribution_disparity({"bias_0": gradients})["all"]
    for field in (found.mean, found.median, found.ratio_of_sums):
        assert field.tolist() == [[1, 1]]
    assert found.excluded.tolist() == [[1, 0]]


def test_sizes_of_cells_count():
    """Sums, not means: twice the rows with the same mean gradient contribute twice as much (eq. 6)."""
    mean_gradients = np.ones((1, 4, 5))
    found = contribution_disparity({"bias_0": mean_gradients * np.array([20, 7, 10, 7])[:, None]})["all"]
    assert found.mean.tolist() == [[2, 1]]


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match="expected one, cells a multiple of 2"):
        contribution_disparity({})
    with pytest.raises(ValueError, match="expected one, cells a multiple of 2"):
        contribution_disparity({"bias_0": np.ones((1, 3, 2))})
    with pytest.raises(ValueError, match="expected one, cells a multiple of 2"):
        contribution_disparity({"weight_0": np.ones((1, 4, 2)), "bias_0": np.ones((1, 2, 2))})
    with pytest.raises(ValueError, match="got groups 0 and 2, expected numbers below 2"):
        contribution_disparity({"bias_0": np.ones((1, 4, 2))}, reference=2)
