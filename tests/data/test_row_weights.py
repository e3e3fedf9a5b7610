import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from paretofair.data.row_weights import normalise_weights


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=60), st.integers(1, 60))
def test_weights_are_1_on_average_over_training_rows(values: list[float], cut: int) -> None:
    weights, train = np.array(values), np.arange(len(values)) < cut
    if not weights[train].any():
        return
    found = normalise_weights(weights, train)
    if found is None:
        assert len(set(values)) == 1
        return
    assert found.units.sum() < 2**31
    assert np.log2(found.unit) == np.rint(np.log2(found.unit))
    expected = weights / weights[train].mean()
    # Within half a unit, or one where a weight would have become 0.
    np.testing.assert_allclose(found.values, expected, atol=found.unit, rtol=1e-12)
    np.testing.assert_array_equal(found.values > 0, weights > 0)


def test_a_million_rows_have_fewer_digits() -> None:
    weights = np.random.default_rng(0).uniform(0.1, 3, 1_000_000)
    found = normalise_weights(weights, np.ones(len(weights), dtype=bool))
    assert found is not None
    assert found.unit == 2**-10
    assert found.units.sum() < 2**31


def test_equal_weights_are_none() -> None:
    assert normalise_weights(None, np.ones(3, dtype=bool)) is None
    assert normalise_weights(np.full(3, 0.3), np.ones(3, dtype=bool)) is None
