"""Metrics of scored rows against scikit-learn, fairlearn, closed forms and what must hold of any."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve

from paretofair.metrics.registry import ASKED_FOR
from paretofair.metrics.rows import scores as measures
from paretofair.metrics.rows.scores import ScoredRows

EVERY = [
    *(metric.of_rows for metric in ASKED_FOR.values() if metric.of_rows is not None),
    measures.conditional_parity_gap,
]


def sample(seed: int, *, classes: int = 0, groups: int = 2, rows: int = 400, weights: bool = False) -> ScoredRows:
    random = np.random.default_rng(seed)
    if classes:
        scores = random.dirichlet(np.ones(classes), rows)
        labels = np.array([random.choice(classes, p=each) for each in scores])
        decisions = scores.argmax(1)
    else:
        scores = random.random(rows).round(2)
        labels = (random.random(rows) < scores).astype(int)
        decisions = (scores > 0.5).astype(int)
    return ScoredRows(
        *(labels, scores, decisions, random.integers(-1, groups, rows)),
        weights=random.integers(0, 4, rows) / 2 if weights else None,
        strata=random.integers(-1, 3, rows),
    )


def take(rows: ScoredRows, mask: np.ndarray) -> ScoredRows:
    values = {field.name: getattr(rows, field.name) for field in dataclasses.fields(rows)}
    return ScoredRows(**{name: None if each is None else each[mask] for name, each in values.items()})


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weights", [False, True])
def test_brier_as_scikit_learn(seed: int, weights: bool) -> None:
    rows = sample(seed, weights=weights)
    expected = brier_score_loss(rows.labels, rows.scores, sample_weight=rows.weights)
    assert measures.brier(rows) == pytest.approx(expected)
    several = sample(seed, classes=3, weights=weights)
    known = {"sample_weight": several.weights, "labels": [0, 1, 2], "scale_by_half": True}
    assert measures.brier(several) == pytest.approx(brier_score_loss(several.labels, several.scores, **known))


@given(st.integers(0, 2**32 - 1))
def test_two_classes_have_the_values_of_a_binary_task(seed: int) -> None:
    binary = sample(seed, rows=60, weights=True)
    both = dataclasses.replace(binary, scores=np.stack([1 - binary.scores, binary.scores], 1))
    for measure in (measures.brier, measures.abroca, measures.conditional_parity_gap):
        assert measure(both) == pytest.approx(measure(binary), nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_bins_as_scikit_learn(seed: int) -> None:
    rows = sample(seed)
    bins = measures.calibration_bins(rows.labels, rows.scores)
    used = bins.rows > 0
    positive, mean = calibration_curve(rows.labels, rows.scores, n_bins=measures.BINS)
    np.testing.assert_allclose(bins.positive_rate[used], positive)
    np.testing.assert_allclose(bins.mean_score[used], mean)
    assert bins.rows.sum() == bins.weight.sum() == len(rows.labels)
    assert np.isnan(bins.mean_score[~used]).all()
    expected = np.average(np.abs(positive - mean), weights=bins.rows[used])
    assert measures.calibration_error(rows.labels, rows.scores) == pytest.approx(expected)


def test_calibration_of_groups_in_closed_form() -> None:
    labels = np.array([1, 0, 1, 1, 0, 0])
    rows = ScoredRows(labels, np.full(6, 0.25), np.zeros(6, int), np.array([0, 0, 0, 0, 1, 1]))
    assert measures.worst_group_calibration_error(rows) == 0.5  # three of four, at a score of one quarter
    assert measures.calibration_gap(rows) == 0.25
    # Groups that are all as wrong, on different sides, have no gap, but an error.
    rows = ScoredRows(np.array([1, 0]), np.array([0.25, 0.75]), np.zeros(2, int), np.array([0, 1]))
    assert measures.calibration_gap(rows) == 0
    assert measures.worst_group_calibration_error(rows) == 0.75


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("groups", [2, 3])
def test_the_area_between_curves_is_their_integral(seed: int, groups: int) -> None:
    rows = sample(seed, groups=groups)
    points = (np.arange(400_000) + 0.5) / 400_000
    curves = []
    for group in range(groups):
        own = rows.groups == group
        false, true, _ = roc_curve(rows.labels[own], rows.scores[own])
        curves.append(np.interp(points, false, true))
    pairs = [(one, other) for one in range(groups) for other in range(one)]
    expected = max(np.abs(curves[one] - curves[other]).mean() for one, other in pairs)
    assert measures.abroca(rows) == pytest.approx(expected, abs=1e-5)


@given(st.integers(0, 2**32 - 1))
def test_the_area_between_curves_bounds_the_gap_of_areas(seed: int) -> None:
    rows = sample(seed, rows=40, weights=True)
    areas = []
    for group in range(2):
        own = take(rows, rows.groups == group)
        if len(np.unique(own.labels[own.counted > 0])) < 2:
            assert np.isnan(measures.abroca(rows))
            return
        areas.append(roc_auc_score(own.labels, own.scores, sample_weight=own.weights))
    found = measures.abroca(rows)
    assert abs(areas[0] - areas[1]) - 1e-9 <= found <= 1


def test_perfect_and_reversed_scores_have_the_whole_square_between_them() -> None:
    labels, groups = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    rows = ScoredRows(labels, np.array([0.1, 0.9, 0.9, 0.1]), labels, groups)
    assert measures.abroca(rows) == 1
    # One crosses the other half-way: areas are equal, curves are not.
    labels = np.array([1, 0, 0, 1, 1, 0])
    rows = ScoredRows(labels, np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.5]), labels, np.array([0, 0, 0, 0, 1, 1]))
    assert measures.abroca(rows) == pytest.approx(0.25)


@pytest.mark.parametrize("seed", range(3))
def test_parity_within_strata_as_fairlearn(seed: int) -> None:
    rows = sample(seed, groups=3, weights=True)
    known = take(rows, (rows.groups >= 0) & (rows.strata >= 0))
    gaps, weights = [], []
    for stratum in np.unique(known.strata):
        own = take(known, known.strata == stratum)
        told = {"sensitive_features": own.groups, "sample_weight": own.weights}
        gaps.append(demographic_parity_difference(own.labels, own.decisions, **told))
        weights.append(own.counted.sum())
    assert measures.conditional_parity_gap(rows) == pytest.approx(np.average(gaps, weights=weights))


def test_a_stratum_of_one_group_compares_nothing() -> None:
    decisions = np.array([1, 0, 1, 1])
    rows = ScoredRows(decisions, decisions * 1.0, decisions, np.array([0, 1, 0, 0]), strata=np.array([0, 0, 1, 1]))
    assert measures.conditional_parity_gap(rows) == 1
    assert np.isnan(measures.conditional_parity_gap(take(rows, rows.strata == 1)))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 3]))
def test_weights_are_repetitions(seed: int, classes: int) -> None:
    rows = sample(seed, rows=50, classes=classes, weights=True)
    times = (rows.counted * 2).astype(int)
    repeated = dataclasses.replace(take(rows, np.repeat(np.arange(50), times)), weights=None)
    for measure in EVERY:
        assert measure(rows) == pytest.approx(measure(repeated), nan_ok=True, abs=1e-12), measure.__name__


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 3]))
def test_names_and_order_of_groups_and_rows_do_not_matter(seed: int, classes: int) -> None:
    rows = sample(seed, rows=50, classes=classes, groups=3)
    order = np.random.default_rng(seed).permutation(50)
    turned = take(dataclasses.replace(rows, groups=np.where(rows.groups < 0, -1, 2 - rows.groups)), order)
    for measure in EVERY:
        value = measure(rows)
        assert measure(turned) == pytest.approx(value, nan_ok=True, abs=1e-12), measure.__name__
        assert np.isnan(value) or 0 <= value <= 1, measure.__name__


def test_nothing_is_nan_and_never_zero() -> None:
    nobody = take(sample(0), np.zeros(400, bool))
    unknown = dataclasses.replace(sample(0), groups=np.full(400, -1))
    weightless = dataclasses.replace(sample(0), weights=np.zeros(400))
    for measure in EVERY:
        for rows in (nobody, weightless):
            assert np.isnan(measure(rows)), measure.__name__
        assert np.isnan(measure(unknown)) == (measure is not measures.brier), measure.__name__
    # One group has an error, and no gap.
    alone = dataclasses.replace(sample(0), groups=np.zeros(400, int))
    assert np.isnan(measures.calibration_gap(alone))
    assert measures.worst_group_calibration_error(alone) > 0
    one_label = dataclasses.replace(sample(0), labels=np.where(sample(0).groups == 0, 1, sample(0).labels))
    assert np.isnan(measures.abroca(one_label))
