"""Class counts against scikit-learn and against binary counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from paretofair.metrics import rates
from paretofair.metrics.confusion import confusion, count_classes
from paretofair.metrics.counts import class_counts


def count(seed, classes, rows=60, cells=3, trials=2):
    random = np.random.default_rng(seed)
    scores = torch.from_numpy(random.dirichlet(np.ones(classes), (trials, rows))).mT.contiguous()
    labels = torch.from_numpy(random.integers(-1, classes, rows))
    of_cell = torch.from_numpy(random.integers(0, cells, rows))
    decisions = scores.argmax(1)
    counts = count_classes(decisions, scores, labels, of_cell, cells).numpy()
    return counts, decisions.numpy(), scores.numpy(), labels.numpy(), of_cell.numpy()


@given(st.integers(0, 1000), st.integers(2, 6))
def test_counts_and_metrics_are_scikit_learns(seed, classes):
    counts, decisions, scores, labels, of_cell = count(seed, classes)
    for trial in range(2):
        for cell in range(3):
            own = (of_cell == cell) & (labels >= 0)
            expected = confusion_matrix(labels[own], decisions[trial, own], labels=range(classes))
            np.testing.assert_array_equal(counts[trial, cell, 0], expected)
            sums = [[scores[trial, j, own & (labels == i)].sum() for j in range(classes)] for i in range(classes)]
            np.testing.assert_allclose(counts[trial, cell, 1], sums, atol=1e-9)
        known, whole = labels >= 0, counts[trial].sum(0)
        assert class_counts.accuracy(whole) == pytest.approx(accuracy_score(labels[known], decisions[trial, known]))
        assert class_counts.error(whole) == pytest.approx(1 - class_counts.accuracy(whole))
        expected = f1_score(labels[known], decisions[trial, known], average="macro", zero_division=0)
        assert class_counts.macro_f1(whole) == pytest.approx(expected)


@given(st.integers(0, 1000), st.integers(2, 5))
def test_one_class_against_the_rest_has_the_counts_of_a_binary_task(seed, classes):
    counts, decisions, scores, labels, of_cell = count(seed, classes)
    found = class_counts.one_against_rest(class_counts.merge(counts, [0, 1, 0], 2))
    groups = torch.from_numpy(np.array([0, 1, 0])[of_cell])
    for label in range(classes):
        own = torch.from_numpy(np.where(labels < 0, -1, labels == label))[None]
        chosen = torch.from_numpy(decisions == label)[:, None]
        expected = confusion(chosen, torch.from_numpy(scores)[:, [label]], own, groups, 2)[:, 0].numpy()
        np.testing.assert_allclose(found[:, label], expected, atol=1e-9)
        np.testing.assert_allclose(rates.fpr_gap(found[:, label]), rates.fpr_gap(expected))


def test_prediction_bias_by_hand():
    """Two groups; class 0 is decided 3 and 1 times, class 1 equally often, class 2 never."""
    counts = np.zeros((2, 2, 3, 3))
    counts[0, 0, 0, 0], counts[1, 0, 1, 0] = 3, 1
    counts[0, 0, 1, 1], counts[1, 0, 0, 1] = 2, 2
    assert class_counts.prediction_bias(counts) == pytest.approx((3 / 4 + 1 / 2) / 2 - 1 / 2)
    assert np.isnan(class_counts.prediction_bias(np.zeros((2, 2, 3, 3))))


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="expected"):
        count_classes(torch.zeros(1, 4), torch.zeros(1, 2, 5), torch.zeros(5), torch.zeros(5), 1)
    with pytest.raises(ValueError, match="class counts"):
        class_counts.merge(np.zeros((2, 2, 3, 3)), [0], 1)
