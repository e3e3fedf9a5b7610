from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretofair.data import Dataset, split
from paretofair.data.hidden_groups import hide_groups
from paretofair.errors import DataError

Toy = Callable[..., Dataset]


@settings(max_examples=30, deadline=None)
@given(small=st.floats(0, 1), large=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_hidden_groups_are_nested_and_in_training_rows_only(toy: Toy, small: float, large: float, seed: int) -> None:
    splits = split(toy())
    small, large = sorted((small, large))
    few, many = (hide_groups(splits, "race", share, seed) for share in (small, large))
    known = splits.train.groups[:, 1] >= 0
    for share, hidden in ((small, few), (large, many)):
        assert (hidden.train.groups[:, 1] >= 0).sum() == np.floor(share * known.sum() + 0.5)
        np.testing.assert_array_equal(hidden.train.groups[:, 0], splits.train.groups[:, 0])
        kept = hidden.train.groups[:, 1] >= 0
        np.testing.assert_array_equal(hidden.train.groups[kept, 1], splits.train.groups[kept, 1])
        assert hidden.validation is splits.validation
        assert hidden.test is splits.test
    assert not ((few.train.groups[:, 1] >= 0) & (many.train.groups[:, 1] < 0)).any()


def test_the_split_id_tells_what_is_hidden(toy: Toy) -> None:
    splits = split(toy())
    ids = {
        splits.split_id,
        hide_groups(splits, "race", 0.5, 0).split_id,
        hide_groups(splits, "race", 0.5, 1).split_id,
        hide_groups(splits, "race", 0.4, 0).split_id,
        hide_groups(splits, "sex", 0.5, 0).split_id,
    }
    assert len(ids) == 5
    assert hide_groups(splits, "race", 1, 0) is splits


@pytest.mark.parametrize(
    ("attribute", "share", "seed", "message"),
    [
        ("rase", 0.5, 0, "has no attribute 'rase'; did you mean 'race'"),
        ("race", 1.1, 0, r"share of known groups is 1\.1; accepted: 0 to 1"),
        ("race", float("nan"), 0, "share of known groups is nan"),
        ("race", 0.5, -1, "seed of hidden groups is -1; accepted: integers from 0"),
    ],
)
def test_wrong_arguments(toy: Toy, attribute: str, share: float, seed: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        hide_groups(split(toy()), attribute, share, seed)
