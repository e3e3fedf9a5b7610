"""Ambiguity and discrepancy against counting, and what must hold of any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretofair.metrics.rows.decisions import ambiguity, discrepancy


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(2, 4))
def test_by_counting(seed: int, models: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    decisions, reference = random.integers(0, classes, (models, 30)), random.integers(0, classes, 30)
    rows = [any(model[row] != reference[row] for model in decisions) for row in range(30)]
    assert ambiguity(decisions, reference) == pytest.approx(sum(rows) / 30)
    assert discrepancy(decisions, reference) == pytest.approx(1 - (decisions == reference).mean(1).min())
    assert discrepancy(decisions, reference) <= ambiguity(decisions, reference) + 1e-12
    one = decisions[:1]
    assert ambiguity(one, reference) == pytest.approx(discrepancy(one, reference))
    # Another model can only add rows, and weights are repetitions.
    assert ambiguity(decisions[:-1], reference) <= ambiguity(decisions, reference) or models == 1
    weights = random.integers(0, 3, 30)
    weights[0] = 1
    repeated = np.repeat(np.arange(30), weights)
    for measure in (ambiguity, discrepancy):
        assert measure(decisions, reference, weights) == pytest.approx(
            measure(decisions[:, repeated], reference[repeated])
        )


def test_equal_models_do_not_disagree_and_none_is_nan() -> None:
    same = np.array([1, 0, 1])
    for measure in (ambiguity, discrepancy):
        assert measure([same, same], same) == 0
        assert np.isnan(measure(np.zeros((0, 3)), same))
        assert np.isnan(measure([same], same, np.zeros(3)))
        assert np.isnan(measure(np.zeros((2, 0)), np.zeros(0)))
        with pytest.raises(ValueError, match=r"got decisions \(3,\) and reference \(3,\)"):
            measure(same, same)
