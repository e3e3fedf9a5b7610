import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretofair.data import Dataset, Examples, Splits, load, split
from paretofair.data.dataset import mark_test_rows
from paretofair.errors import DataError
from tests.data.conftest import change_columns

Toy = Callable[..., Dataset]


def row_numbers(splits: Splits, examples: Examples) -> np.ndarray:
    """Undo the z-score of the toy's first input, the row number."""
    fitted = splits.inputs
    rows = fitted.encode(examples.rows)[:, 0] * fitted.encoding.scale[0] + fitted.encoding.mean[0]
    return np.rint(rows).astype(int)


def strata(data: Dataset) -> np.ndarray:
    return np.concatenate([data.labels, np.stack(list(data.groups.values()), axis=1)], axis=1)


@settings(max_examples=60)
@given(
    rows=st.integers(60, 400),
    share=st.floats(0.05, 0.5),
    seed=st.integers(0, 2**32),
    data_seed=st.integers(0, 10),
)
def test_validation_is_stratified_within_one_row(toy: Toy, rows: int, share: float, seed: int, data_seed: int) -> None:
    data = toy(rows, data_seed)
    splits = split(data, validation=share, split_seed=seed)
    assert splits.validation is not None
    parts = [row_numbers(splits, part) for part in (splits.train, splits.validation, splits.test)]
    # A partition, in the data set's order, with the given test rows.
    assert sorted(np.concatenate(parts).tolist()) == list(range(rows))
    assert all((np.diff(part) > 0).all() for part in parts)
    assert parts[2].tolist() == np.flatnonzero(data.is_test).tolist()

    available = np.flatnonzero(~data.is_test)
    assert abs(len(parts[1]) - share * len(available)) <= 0.5
    real_share = len(parts[1]) / len(available)
    cells = strata(data)
    for cell in np.unique(cells[available], axis=0):
        members = (cells == cell).all(axis=1)
        expected = real_share * (members & ~data.is_test).sum()
        assert abs(members[parts[1]].sum() - expected) < 1
    for part, examples in zip(parts, (splits.train, splits.validation, splits.test), strict=True):
        np.testing.assert_array_equal(examples.labels, data.labels[part])
        np.testing.assert_array_equal(examples.groups, cells[part][:, 2:])


def test_every_row_is_cut_about_equally_often(toy: Toy) -> None:
    data = toy(60)
    available = (~data.is_test).sum()
    cut = np.zeros(60)
    for seed in range(400):
        splits = split(data, validation=0.25, split_seed=seed)
        assert splits.validation is not None
        cut[row_numbers(splits, splits.validation)] += 1
    share = np.floor(0.25 * available + 0.5) / available
    deviation = np.sqrt(share * (1 - share) / 400)
    assert np.abs(cut[~data.is_test] / 400 - share).max() < 5 * deviation


def test_the_seed_decides_which_rows(toy: Toy) -> None:
    first, again, other = (split(toy(), split_seed=seed) for seed in (0, 0, 1))
    assert first.validation is not None
    assert again.validation is not None
    assert other.validation is not None
    np.testing.assert_array_equal(first.validation.rows, again.validation.rows)
    assert row_numbers(first, first.validation).tolist() != row_numbers(other, other.validation).tolist()


@settings(max_examples=30)
@given(rows=st.integers(60, 400), seed=st.integers(0, 2**32), data_seed=st.integers(0, 10))
def test_redrawn_test_rows_are_as_many_and_stratified(toy: Toy, rows: int, seed: int, data_seed: int) -> None:
    data = toy(rows, data_seed)
    splits = split(data, test_seed=seed)
    assert splits.validation is not None
    parts = [row_numbers(splits, part) for part in (splits.train, splits.validation, splits.test)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(rows))
    assert len(parts[2]) == data.is_test.sum()
    cells = strata(data)
    for cell in np.unique(cells, axis=0):
        members = (cells == cell).all(axis=1)
        assert abs(members[parts[2]].sum() - members.mean() * len(parts[2])) < 1
    np.testing.assert_array_equal(splits.test.labels, data.labels[parts[2]])


def test_the_test_seed_decides_which_rows_are_test_rows(toy: Toy) -> None:
    data = toy()
    tests = [tuple(row_numbers(splits, splits.test)) for splits in (split(data, test_seed=s) for s in (0, 0, 1, 2))]
    assert tests[0] == tests[1]
    assert len({*tests, tuple(np.flatnonzero(data.is_test))}) == 4
    same = [split(data, test_seed=5, split_seed=s) for s in (0, 5)]
    assert tuple(row_numbers(same[0], same[0].test)) == tuple(row_numbers(same[1], same[1].test))


def test_test_seed_out_of_range(toy: Toy) -> None:
    with pytest.raises(DataError, match="test seed is -1; accepted: integers from 0, or none"):
        split(toy(), test_seed=-1)


def test_without_validation(toy: Toy) -> None:
    data = toy()
    splits = split(data, validation=0)
    assert splits.validation is None
    assert len(splits.train) == (~data.is_test).sum()


def test_z_scores_come_from_the_training_rows(toy: Toy) -> None:
    splits = split(toy())
    numbers = splits.inputs.encode(splits.train.rows)[:, :2]
    np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(numbers.std(axis=0), 1)


@pytest.mark.parametrize("scale_with_test", [False, True])
def test_nothing_leaks_into_z_scores_and_category_tables(toy: Toy, scale_with_test: bool) -> None:
    data = toy()
    before = split(data, scale_with_test=scale_with_test)
    assert before.validation is not None
    held_out = row_numbers(before, before.validation)
    if not scale_with_test:
        held_out = np.concatenate([held_out, row_numbers(before, before.test)])
    numeric, categorical = data.inputs.numeric.copy(), data.inputs.categorical
    numeric[held_out] = 1e6
    categorical[held_out] = "violet"
    changed = dataclasses.replace(data, inputs=change_columns(data.inputs, numeric=numeric, categorical=categorical))
    after = split(changed, scale_with_test=scale_with_test)
    rows = before.train.rows
    np.testing.assert_array_equal(before.inputs.encode(rows), after.inputs.encode(rows))
    assert before.inputs.encoding.categories == after.inputs.encoding.categories
    assert after.validation is not None
    assert (codes(after, after.validation) == 0).all()


def codes(splits: Splits, examples: Examples) -> np.ndarray:
    """The code of the toy's category, from its one-hot block."""
    return splits.inputs.encode(examples.rows)[:, 2:].argmax(axis=1)


def test_scaling_with_test_rows(toy: Toy) -> None:
    data = toy()
    splits = split(data, validation=0, scale_with_test=True)
    np.testing.assert_allclose(splits.inputs.encoding.mean, data.inputs.numeric.mean(axis=0))
    np.testing.assert_allclose(splits.inputs.encoding.scale, data.inputs.numeric.std(axis=0))


def test_unknown_categories_have_code_0_and_tables_are_sorted(toy: Toy) -> None:
    data = toy()
    categorical = data.inputs.categorical
    categorical[np.flatnonzero(data.is_test)[:3]] = "violet"
    splits = split(dataclasses.replace(data, inputs=change_columns(data.inputs, categorical=categorical)))
    assert splits.inputs.encoding.categories == (("blue", "green", "red"),)
    assert splits.inputs.categories == (4,)
    assert (codes(splits, splits.test)[:3] == 0).all()
    assert (codes(splits, splits.test)[3:] > 0).all()
    assert codes(splits, splits.train).min() == 1
    assert (splits.inputs.encode(np.arange(200))[:, 2:].sum(axis=1) == 1).all()


def test_a_constant_column_is_zero_everywhere(toy: Toy) -> None:
    data = toy()
    numeric = data.inputs.numeric.copy()
    numeric[:, 1] = np.where(data.is_test, 7.0, 0.1)
    splits = split(dataclasses.replace(data, inputs=change_columns(data.inputs, numeric=numeric)))
    assert (splits.inputs.encode(np.arange(200))[:, 1] == 0).all()


def test_the_data_set_is_not_changed(toy: Toy) -> None:
    data = toy()
    split(data, scale_with_test=True)
    fresh = toy()
    np.testing.assert_array_equal(data.inputs.numeric, fresh.inputs.numeric)
    np.testing.assert_array_equal(data.labels, fresh.labels)


def test_split_id_depends_on_the_data_and_every_setting(toy: Toy) -> None:
    ids = {
        split(toy()).split_id,
        split(toy(seed=1)).split_id,
        split(toy(), validation=0.25).split_id,
        split(toy(), split_seed=1).split_id,
        split(toy(), scale_with_test=True).split_id,
        split(toy(), test_seed=0).split_id,
        split(toy(), test_seed=1).split_id,
    }
    assert len(ids) == 7
    assert split(toy()).split_id == split(toy(), validation=0.2, split_seed=0, test_seed=None).split_id


# A changed value means that every stored trial on simulated data is of another data set, or another split.
SIMULATED_IDS = ("cc1ad71e9c8b7b99", "bd33dd17cc5441c4")


def test_ids_are_the_same_in_every_process() -> None:
    data = load("lsac", source="simulated")
    assert (data.data_id, split(data).split_id) == SIMULATED_IDS
    program = (
        "from paretofair.data import load, split\n"
        "data = load('lsac', source='simulated')\n"
        "print(data.data_id, split(data).split_id)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert tuple(done.stdout.split()) == SIMULATED_IDS


@pytest.mark.parametrize("share", [-0.1, 0.51, 1.0, float("nan")])
def test_share_out_of_range(toy: Toy, share: float) -> None:
    with pytest.raises(DataError, match=r"share of validation rows is .*; accepted: 0 to 0\.5"):
        split(toy(), validation=share)


def test_seed_out_of_range(toy: Toy) -> None:
    with pytest.raises(DataError, match="split seed is -1; accepted: integers from 0"):
        split(toy(), split_seed=-1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"part": mark_test_rows(np.zeros(200, dtype=bool))}, "no test rows"),
        ({"part": mark_test_rows(np.ones(200, dtype=bool))}, "too few rows: 0"),
        ({"part": mark_test_rows(np.arange(200) > 1)}, "too few rows: 2"),
        ({"labels": np.tile(np.array([0, 1], dtype=np.int8), (200, 1))}, r"task 'first': .* are \[0\]; both"),
        ({"labels": np.full((200, 2), -1, dtype=np.int8)}, "task 'first': .* are all unknown"),
        (
            {"groups": {"sex": np.ones(200, dtype=np.int8), "race": np.zeros(200, dtype=np.int8)}},
            r"attribute 'sex': .* are \['Male'\]; at least two of \['Female', 'Male'\]",
        ),
    ],
)
def test_unusable_data(toy: Toy, changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        split(toy(**changes))


def test_a_share_that_cuts_no_row(toy: Toy) -> None:
    with pytest.raises(DataError, match=r"too few rows: .* a share of 0\.001 for validation is 0"):
        split(toy(), validation=0.001)


def test_splits_of_one_data_set_share_its_rows(toy: Toy) -> None:
    """Also where they are pickled together: a further one adds little more than a byte for each row."""
    data = toy(400)
    one, ten = ([split(data, test_seed=seed) for seed in range(count)] for count in (1, 10))
    alone, together = len(pickle.dumps(one)), len(pickle.dumps(ten))
    assert (together - alone) / 9 < 400 + 1200
    assert len(pickle.dumps(data)) > 10_000
    again = pickle.loads(pickle.dumps(ten))
    assert all(each.dataset is again[0].dataset for each in again)
    rows = np.arange(400)
    np.testing.assert_array_equal(again[3].inputs.encode(rows), ten[3].inputs.encode(rows))
