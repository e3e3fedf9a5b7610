"""Counts drawn anew, against exact distributions and plain loops over rows."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from paretofair.statistics.resampling import permute_groups, resample_rows, round_counts

small = hnp.arrays(np.int64, st.tuples(st.just(1), st.integers(1, 4), st.integers(1, 4)), elements=st.integers(0, 30))


def spread_over(decided: list[list[int]], sizes: list[int]) -> np.ndarray:
    """Counts `(runs, groups, 2)` of positive decisions in groups of these sizes."""
    positive = np.array(decided)
    return np.stack([np.array(sizes) - positive, positive], -1)


@given(small, st.sampled_from([permute_groups, resample_rows]))
def test_rows_of_groups_stay(counts: np.ndarray, draw) -> None:
    drawn = draw(counts, resamples=20)
    assert drawn.shape == (20, *counts.shape)
    assert (drawn >= 0).all()
    assert (drawn.sum(-1) == counts.sum(-1)).all()
    if draw is permute_groups:
        assert (drawn.sum(-2) == counts.sum(-2)).all()


def test_permuted_groups_are_those_of_every_permutation() -> None:
    """Five rows, three groups, three decisions: all 120 orders, each as likely."""
    groups, decisions = [0, 0, 1, 1, 2], [0, 1, 1, 2, 2]
    counts = np.zeros((1, 3, 3), dtype=int)
    np.add.at(counts[0], (groups, decisions), 1)
    exact: Counter[bytes] = Counter()
    for order in permutations(groups):
        table = np.zeros((3, 3), dtype=np.int64)
        np.add.at(table, (list(order), decisions), 1)
        exact[table.tobytes()] += 1
    drawn = permute_groups(counts, resamples=20_000)
    found = Counter(each.astype(np.int64).tobytes() for each in drawn[:, 0])
    assert set(found) == set(exact)
    expected = [20_000 * exact[name] / 120 for name in exact]
    assert stats.chisquare([found[name] for name in exact], expected).pvalue > 1e-4


def test_permuted_groups_are_hypergeometric() -> None:
    counts = spread_over([[30, 10, 5]], [100, 60, 40])
    drawn = permute_groups(counts, resamples=20_000)[:, 0, :, 1]
    for group, size in enumerate((100, 60, 40)):
        exact = stats.hypergeom(200, 45, size)
        assert drawn[:, group].mean() == pytest.approx(exact.mean(), abs=0.1)
        assert drawn[:, group].var() == pytest.approx(exact.var(), rel=0.05)


def test_resampled_rows_are_binomial() -> None:
    counts = spread_over([[30, 10, 0], [25, 10, 0]], [100, 60, 0])
    drawn = resample_rows(counts, resamples=20_000)[..., 1]
    for run, positive in enumerate((30, 25)):
        assert drawn[:, run, 0].mean() == pytest.approx(positive, abs=0.15)
        assert drawn[:, run, 0].var() == pytest.approx(positive * (1 - positive / 100), rel=0.05)
    assert not drawn[..., 2].any()


@pytest.mark.parametrize("draw", [permute_groups, resample_rows])
def test_models_agree_on_as_many_rows_as_they_can(draw) -> None:
    """What two models decide alike varies alike, and models that decide alike have the same draws."""
    counts = spread_over([[30, 10], [20, 5], [30, 10]], [100, 60])
    drawn = draw(counts, resamples=500)[..., 1]
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 2])
    assert (drawn[:, 1] <= drawn[:, 0]).all()
    assert np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 0])[0, 1] > 0.5


@pytest.mark.parametrize("draw", [permute_groups, resample_rows])
def test_draws_follow_from_the_seed(draw) -> None:
    counts = spread_over([[30, 10]], [100, 60])
    one, again, other = (draw(counts, resamples=50, seed=seed) for seed in ((1, 2), (1, 2), (1, 3)))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@given(small)
def test_whole_counts_stay_and_others_are_rounded(counts: np.ndarray) -> None:
    rows = counts[0].sum(-1)
    np.testing.assert_array_equal(round_counts(counts.astype(float), rows), counts)
    scaled = round_counts(counts / 3, rows / 3)
    np.testing.assert_array_equal(scaled.sum(-1), np.where(rows > 0, np.rint(rows / 3), 0)[None])
    assert (np.abs(scaled - counts / 3) <= 1).all()


def test_wrong_input_says_got_and_expected() -> None:
    for draw in (permute_groups, resample_rows):
        with pytest.raises(ValueError, match=r"got counts of shape \(2, 2\), expected \(runs, groups, decisions\)"):
            draw(np.ones((2, 2)), resamples=1)
        with pytest.raises(ValueError, match="not whole or below 0"):
            draw(np.full((1, 2, 2), 0.5), resamples=1)
        with pytest.raises(ValueError, match="not whole or below 0"):
            draw(np.full((1, 2, 2), -1), resamples=1)
        with pytest.raises(ValueError, match="different numbers of rows in a group"):
            draw([[[1, 2]], [[2, 2]]], resamples=1)


def test_inputs_not_mutated() -> None:
    counts = spread_over([[30, 10]], [100, 60])
    counts.setflags(write=False)
    permute_groups(counts, resamples=2)
    resample_rows(counts, resamples=2)
    round_counts(counts, counts[0].sum(-1))
