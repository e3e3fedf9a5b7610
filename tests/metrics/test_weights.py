"""Weighted metrics against scikit-learn and fairlearn, and against rows that stand as often as they count."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equalized_odds_difference,
    false_positive_rate,
    true_positive_rate,
)
from sklearn.metrics import accuracy_score, average_precision_score, confusion_matrix, roc_auc_score

from paretofair.metrics import confusion, ranking, rates
from paretofair.metrics.thresholds import by_group, rules

ROWS, GROUPS = 400, 3


@pytest.fixture(params=[0, 1])
def example(request):
    """Scores with ties `(1, 1, n)`, labels `(1, n)`, some unknown, groups `(n,)` and whole weights `(n,)`, some 0."""
    random = np.random.default_rng(request.param)
    scores = torch.from_numpy(random.integers(0, 60, ROWS) / 60.0)[None, None]
    labels = torch.from_numpy(random.choice([-1, 0, 1], ROWS, p=[0.1, 0.5, 0.4]))[None]
    groups = torch.from_numpy(random.integers(0, GROUPS, ROWS))
    return scores, labels, groups, torch.from_numpy(random.integers(0, 5, ROWS))


def known(labels):
    return (labels[0] >= 0).numpy()


def test_rankings_as_scikit_learn(example):
    scores, labels, _, weights = example
    own = known(labels)
    arguments = labels[0].numpy()[own], scores[0, 0].numpy()[own]
    found = ranking.ranking(scores, labels, weights)
    for value, expected in zip(found, (average_precision_score, roc_auc_score), strict=True):
        np.testing.assert_allclose(value.item(), expected(*arguments, sample_weight=weights.numpy()[own]), rtol=1e-9)


def test_rankings_of_groups_as_scikit_learn(example):
    scores, labels, groups, weights = example
    found = ranking.ranking_by_group(scores, labels, groups, GROUPS, weights).auc_by_group
    for group in range(GROUPS):
        own = known(labels) & (groups.numpy() == group)
        expected = roc_auc_score(labels[0].numpy()[own], scores[0, 0].numpy()[own], sample_weight=weights.numpy()[own])
        np.testing.assert_allclose(found[0, 0, group].item(), expected, rtol=1e-9)


def test_large_weights_do_not_overflow():
    random = np.random.default_rng(0)
    scores, labels = (
        torch.from_numpy(random.random((1, 1, 50_000))),
        torch.from_numpy(random.integers(0, 2, (1, 50_000))),
    )
    weights = torch.from_numpy(random.integers(1, 40_000, 50_000))
    assert weights.sum() < 2**31
    found = ranking.ranking(scores, labels, weights)
    arguments = labels[0].numpy(), scores[0, 0].numpy()
    for value, expected in zip(found, (average_precision_score, roc_auc_score), strict=True):
        np.testing.assert_allclose(value.item(), expected(*arguments, sample_weight=weights.numpy()), rtol=1e-9)


def test_rates_as_fairlearn(example):
    scores, labels, groups, weights = example
    weights = weights.double() / 4
    decisions = scores >= 0.4
    counts = confusion.confusion(decisions, scores, labels, groups, GROUPS, weights).numpy()[0, 0]
    own = known(labels)
    arguments = labels[0].numpy()[own], decisions[0, 0].numpy()[own].astype(int)
    about = {"sensitive_features": groups.numpy()[own], "sample_params": {"sample_weight": weights.numpy()[own]}}
    for metric, rate in (
        (false_positive_rate, rates.false_positive_rate),
        (true_positive_rate, rates.true_positive_rate),
        (accuracy_score, rates.accuracy),
    ):
        frame = MetricFrame(metrics=metric, y_true=arguments[0], y_pred=arguments[1], **about)
        np.testing.assert_allclose(rate(counts), frame.by_group.to_numpy(), rtol=1e-9)
        np.testing.assert_allclose(rate(counts.sum(0)), frame.overall, rtol=1e-9)
    whole = {"sensitive_features": groups.numpy()[own], "sample_weight": weights.numpy()[own]}
    for difference, gap in (
        (equalized_odds_difference, rates.equalized_odds_max),
        (demographic_parity_difference, rates.demographic_parity_gap),
    ):
        np.testing.assert_allclose(gap(counts), difference(*arguments, **whole), rtol=1e-9)
    for side, rate in ((0, rates.soft_false_positive_rate), (1, rates.soft_true_positive_rate)):
        rows = labels[0] == side
        expected = (scores[0, 0] * weights)[rows].sum() / weights[rows].sum()
        np.testing.assert_allclose(rate(counts.sum(0)), expected, rtol=1e-9)


def repeat(values, weights):
    return values.repeat_interleave(weights, -1)


@pytest.mark.parametrize("rule", [rules.base_rate, rules.published_rule])
def test_thresholds_as_of_repeated_rows(example, rule):
    scores, _, _, weights = example
    for rate in (0.0, 0.13, 0.5, 0.77, 1.0):
        found = rule(scores, rate, weights=weights.double())
        positive = repeat(scores >= found[..., None], weights)
        expected = repeat(scores, weights) >= rule(repeat(scores, weights), rate)[..., None]
        assert torch.equal(positive, expected)


@pytest.mark.parametrize("goal", by_group.GOALS)
def test_error_minimal_thresholds_as_of_repeated_rows(example, goal):
    scores, labels, groups, weights = example
    for tolerance in (0.0, 0.05, 0.2, 1.0):
        how = {"tolerance": tolerance, "goal": goal}
        found = by_group.error_minimal(scores, labels, groups[None], GROUPS, weights=weights.double() / 8, **how)
        parts = (repeat(each, weights) for each in (scores, labels, groups[None]))
        expected = by_group.error_minimal(*parts, GROUPS, **how)
        assert torch.equal(found, expected)


def test_weights_do_not_tie_trials_together(example):
    _, labels, groups, weights = example
    scores = torch.rand(9, 1, ROWS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = weights.double() / 2**14 + 2**-14

    def measure(own):
        counts = confusion.confusion(own >= 0.4, own, labels, groups, GROUPS, weights)
        return counts, rules.base_rate(own, 0.4, weights=weights)

    together = measure(scores)
    for trial in range(9):
        for whole, alone in zip(together, measure(scores[trial : trial + 1]), strict=True):
            assert torch.equal(whole[trial : trial + 1], alone)


def test_several_classes_as_scikit_learn(example):
    scores, _, groups, weights = example
    random = np.random.default_rng(3)
    labels = torch.from_numpy(random.integers(-1, 3, ROWS))
    scores = torch.from_numpy(random.dirichlet(np.ones(3), ROWS).T)[None]
    weights = weights.double() / 2
    counts = confusion.count_classes(scores.argmax(1), scores, labels, groups, GROUPS, weights).numpy()[0]
    own = (labels >= 0).numpy()
    arguments = labels.numpy()[own], scores[0].argmax(0).numpy()[own]
    expected = confusion_matrix(*arguments, sample_weight=weights.numpy()[own])
    np.testing.assert_allclose(counts[:, 0].sum(0), expected, rtol=1e-9)
    sums = [[(scores[0, j] * weights)[labels == i].sum() for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(counts[:, 1].sum(0), sums, rtol=1e-9)
