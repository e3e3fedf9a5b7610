from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretofair.data import Dataset
from paretofair.data.assemble import assemble, fill_missing, group_by_bins
from paretofair.data.dataset import mark_test_rows
from paretofair.data.stratify import draw_rows
from paretofair.errors import DataError


def test_missing_numbers_become_the_median_of_the_training_rows() -> None:
    inputs = {"age": np.array([1, np.nan, 3, 5, 100, np.nan]), "size": np.arange(6.0)}
    train = np.array([True, True, True, True, False, False])
    filled, fills = fill_missing(inputs, train)
    assert fills == {"age": 3}
    assert list(filled) == ["age", "size", "age_missing"]
    assert filled["age"].tolist() == [1, 3, 3, 5, 100, 3]
    assert filled["age_missing"].tolist() == [0, 1, 0, 0, 0, 1]
    assert np.isnan(inputs["age"]).sum() == 2


def test_an_input_that_no_training_row_has() -> None:
    with pytest.raises(DataError, match="input 'age' is missing in all 1 training rows; exclude it"):
        fill_missing({"age": np.array([np.nan, 1.0])}, np.array([True, False]))


def test_the_column_that_tells_of_missing_numbers_replaces_none_of_the_users() -> None:
    age, train = np.array([1.0, np.nan, 3.0]), np.ones(3, dtype=bool)
    same = fill_missing({"age_missing": np.array([0.0, 1.0, 0.0]), "age": age}, train)[0]
    assert list(same) == ["age_missing", "age"]
    with pytest.raises(DataError, match="input 'age_missing' tells of; the data have another column of that name"):
        fill_missing({"age": age, "age_missing": np.zeros(3)}, train)
    assert fill_missing({"age": np.zeros(3), "age_missing": np.ones(3)}, train)[1] == {}


def test_names_of_bins_keep_all_digits() -> None:
    names, indices = group_by_bins(np.array([20130102.0, 1e6]), (1_000_000, 20130101, 20130108))
    assert names == ("up_to_1000000", "1000000_to_20130101", "20130101_to_20130108", "over_20130108")
    assert indices.tolist() == [2, 0]


def test_bins_include_their_upper_end() -> None:
    names, indices = group_by_bins(np.array([24, 25, 25.5, 60, 61, np.nan]), (25, 60))
    assert names == ("up_to_25", "25_to_60", "over_60")
    assert indices.tolist() == [0, 0, 1, 1, 2, -1]
    assert group_by_bins(np.zeros(1), (0.5,))[0] == ("up_to_0.5", "over_0.5")


def assemble_rows(**part: Any) -> Dataset:
    rows = 40
    return assemble(
        "made_up",
        "real",
        labels={"first": np.arange(rows) % 2},
        numeric={},
        categorical={"colour": np.array(["", "red"] * (rows // 2), dtype=object)},
        groups={"sex": np.arange(rows) % 4 // 2},
        group_names={"sex": ("Female", "Male")},
        **part,
        checksums={},
    )


def test_assembling() -> None:
    data = assemble_rows(test=0.3)
    assert data.is_test.sum() == 12
    assert set(data.inputs.categorical[:, 0]) == {"missing", "red"}
    assert data.inputs.numeric.shape == (40, 0)
    assert [data.is_test[data.labels[:, 0] == label].sum() for label in (0, 1)] == [6, 6]
    given_test = np.arange(40) < 3
    np.testing.assert_array_equal(assemble_rows(part=mark_test_rows(given_test)).is_test, given_test)


@settings(max_examples=50)
@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=6), share=st.floats(0, 1), seed=st.integers(0, 2**40))
def test_each_stratum_gives_its_share_within_one_row(sizes: list[int], share: float, seed: int) -> None:
    strata = np.repeat(np.arange(len(sizes)), sizes)[:, None]
    wanted = int(share * len(strata))
    chosen = draw_rows(strata, wanted, seed)
    assert chosen.sum() == wanted
    for stratum, size in enumerate(sizes):
        assert abs(chosen[strata[:, 0] == stratum].sum() - size * wanted / len(strata)) < 1
    np.testing.assert_array_equal(chosen, draw_rows(strata, wanted, seed))


@settings(max_examples=50)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=10, max_size=60), share=st.floats(0.1, 0.5), seed=st.integers(0, 2**40)
)
def test_clusters_are_chosen_whole(sizes: list[int], share: float, seed: int) -> None:
    together = np.repeat(np.arange(len(sizes)), sizes)
    strata = (together % 3)[:, None]
    wanted = int(share * len(together))
    chosen = draw_rows(strata, wanted, seed, together)
    assert len(np.unique(together[chosen])) + len(np.unique(together[~chosen])) == len(sizes)
    clusters = max(1, int(wanted * len(sizes) / len(together) + 0.5))
    assert len(np.unique(together[chosen])) == clusters
    for stratum in range(3):
        own = strata[:, 0] == stratum
        count = len(np.unique(together[own]))
        assert abs(len(np.unique(together[own & chosen])) - count * clusters / len(sizes)) < 1
        # Small and large clusters alike.
        assert abs(chosen[own].sum() - own.sum() * clusters / len(sizes)) <= 2 * max(sizes)
    np.testing.assert_array_equal(chosen, draw_rows(strata, wanted, seed, together * 7))


@given(rows=st.integers(2, 80), seed=st.integers(0, 2**40))
def test_clusters_of_one_row_are_rows(rows: int, seed: int) -> None:
    strata = (np.arange(rows) % 3)[:, None]
    found = draw_rows(strata, rows // 3, seed, np.arange(rows))
    np.testing.assert_array_equal(found, draw_rows(strata, rows // 3, seed))


def test_every_cluster_is_chosen_about_equally_often() -> None:
    together = np.repeat(np.arange(40), np.tile([1, 2, 3, 6], 10))
    counts = np.zeros(40)
    for seed in range(600):
        counts += np.bincount(together[draw_rows(together[:, None] * 0, 24, seed, together)], minlength=40) > 0
    np.testing.assert_allclose(counts / 600, 0.2, atol=0.08)
