"""Which rows stand in which batch."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretofair.errors import DataError
from paretofair.methods.row_plan import balance_rows, epoch_order, shuffle_rows, uniform_numbers

NAMES = ("y = 0", "y = 1", "z = 0")


def strata(rows: int, seed: int = 0) -> np.ndarray:
    """Every stratum, unevenly, and rows of none."""
    random = np.random.default_rng(seed)
    found = random.choice([-1, 0, 1, 2], rows, p=[0.1, 0.5, 0.3, 0.1])
    found[:3] = [0, 1, 2]
    return found


@given(rows=st.integers(1, 300), batch_size=st.integers(1, 400), seed=st.integers(0, 9), epoch=st.integers(0, 5))
def test_shuffled_rows_stand_in_the_epochs_order(rows, batch_size, seed, epoch):
    plan = shuffle_rows(rows, batch_size)
    found = plan.rows(seed, epoch)
    assert found.shape == (plan.steps, plan.width)
    assert plan.width % 32 == 0
    np.testing.assert_array_equal(found[found >= 0], epoch_order(seed, epoch, rows))
    np.testing.assert_array_equal(plan.in_loss, found >= 0)
    np.testing.assert_array_equal(plan.in_penalty, found >= 0)
    # Rows stand before what is filled up.
    assert all((row[:count] >= 0).all() for row, count in zip(found, plan.counts, strict=True))


@given(rows=st.integers(10, 300), batch_size=st.integers(1, 400), seed=st.integers(0, 9))
def test_held_out_rows_are_a_tenth_and_never_in_the_loss(rows, batch_size, seed):
    plan = shuffle_rows(rows, batch_size, holdout=True)
    found = np.stack([plan.rows(seed, epoch) for epoch in range(30)])
    in_loss, in_penalty = (np.broadcast_to(mask, found.shape) for mask in (plan.in_loss, plan.in_penalty))
    assert not (in_loss & in_penalty).any()
    held_out = set(found[in_penalty])
    assert held_out.isdisjoint(found[in_loss])
    assert len(held_out) <= rows // 10
    assert len(set(found[in_loss])) == rows - rows // 10
    assert (in_penalty.sum(-1) > 0).all()
    np.testing.assert_array_equal(found >= 0, in_loss | in_penalty)


@given(rows=st.integers(20, 200), batch_size=st.integers(3, 100), seed=st.integers(0, 9))
def test_balanced_batches_take_every_stratum_in_turn(rows, batch_size, seed):
    stratum = strata(rows)
    plan = balance_rows(stratum, NAMES, batch_size, ordered=True)
    share = min(batch_size, rows) // 3
    assert plan.steps == -(-rows // min(batch_size, rows))
    assert plan.cells == ((0, share), (share, 2 * share), (2 * share, 3 * share))
    epochs = [plan.rows(seed, epoch) for epoch in range(4)]
    for number, (start, stop) in enumerate(plan.cells):
        drawn = np.concatenate([found[:, start:stop].ravel() for found in epochs])
        assert (stratum[drawn] == number).all()
        # Round and round: every row as often as any other, but for the round that is not finished.
        counts = np.bincount(drawn, minlength=rows)[stratum == number]
        assert counts.max() - counts.min() <= 1
    assert (plan.counts == 3 * share).all()


def test_balanced_orders_depend_on_the_seed_and_go_on_over_epochs():
    plan = balance_rows(strata(100), NAMES, 30)
    assert not np.array_equal(plan.rows(0, 0), plan.rows(1, 0))
    assert not np.array_equal(plan.rows(0, 0), plan.rows(0, 1))
    np.testing.assert_array_equal(plan.rows(3, 2), plan.rows(3, 2))


def test_balanced_batches_with_held_out_rows():
    stratum = strata(1000)
    plan = balance_rows(stratum, NAMES, 60, holdout=True, ordered=True)
    assert plan.cells == ((60, 80), (80, 100), (100, 120))
    found = plan.rows(0, 0)
    assert set(found[plan.in_loss]).isdisjoint(found[plan.in_penalty])
    for number, (start, stop) in enumerate(plan.cells):
        assert (stratum[found[:, start:stop]] == number).all()
        assert plan.in_penalty[:, start:stop].all()


def test_missing_and_small_strata_are_told(caplog):
    stratum = strata(100)
    with pytest.raises(DataError, match="no training row with z = 0"):
        balance_rows(np.where(stratum == 2, -1, stratum), NAMES, 30)
    with pytest.raises(DataError, match="a batch of 2 rows cannot hold one of each of 3"):
        balance_rows(stratum, NAMES, 2)
    with pytest.raises(DataError, match="too few to hold a tenth"):
        shuffle_rows(9, 3, holdout=True)
    with caplog.at_level(logging.WARNING):
        balance_rows(stratum, NAMES, 90)
    assert "rows with z = 0 are repeated to 30 in every batch" in caplog.text


def test_uniform_numbers():
    fixed = uniform_numbers(0, None, 1000)
    np.testing.assert_array_equal(fixed, uniform_numbers(0, None, 1000))
    assert not np.array_equal(fixed, uniform_numbers(0, 0, 1000))
    assert not np.array_equal(uniform_numbers(0, 0, 1000), uniform_numbers(0, 1, 1000))
    assert abs(fixed.mean() - 0.5) < 0.05
    assert fixed.min() >= 0
    assert fixed.max() < 1


@given(rows=st.integers(8, 60), batch_size=st.integers(1, 20), steps=st.integers(1, 9), seed=st.integers(0, 9))
def test_epochs_of_so_many_steps_go_round_and_round(rows, batch_size, steps, seed):
    """Every batch is whole, and no row comes again before all others have come."""
    plan = shuffle_rows(rows, batch_size).with_steps(steps)
    size = min(batch_size, rows)
    epochs = [plan.rows(seed, epoch)[:, :size] for epoch in range(4)]
    shown = np.concatenate([each.ravel() for each in epochs])
    assert plan.counts.tolist() == [size] * steps
    for start in range(0, len(shown) - rows + 1, rows):
        assert sorted(shown[start : start + rows]) == list(range(rows))
