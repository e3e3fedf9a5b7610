"""ε of decisions, by hand from fairlearn's rates of groups."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, count, false_positive_rate, selection_rate, true_positive_rate

from paretofair.analysis.chance.counted_gaps import draw_deviations
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.objectives import measure_counts
from paretofair.metrics.registry import METRICS
from paretofair.statistics.gaps import gap_interval

C = 0.05


def draw_rows(seed: int, groups: int):
    random = np.random.default_rng(seed)
    who = random.choice(groups, 400, p=random.dirichlet(np.full(groups, 3)))
    labels = (random.random(400) < 0.2 + 0.1 * who).astype(int)
    decisions = (random.random(400) < 0.2 + 0.5 * labels - 0.1 * (who == 1)).astype(int)
    return labels, decisions, who


def count_groups(labels, decisions, who, groups: int) -> np.ndarray:
    found = np.zeros((groups, 6))
    for group in range(groups):
        own = who == group
        pairs = [(1, 1), (0, 1), (0, 0), (1, 0)]
        found[group, :4] = [(own & (labels == y) & (decisions == d)).sum() for y, d in pairs]
    return found


@pytest.mark.parametrize(("seed", "groups"), [(0, 2), (1, 2), (2, 3), (3, 5)])
def test_as_by_hand_from_the_rates_of_fairlearn(seed, groups):
    labels, decisions, who = draw_rows(seed, groups)
    told = {"y_true": labels, "y_pred": decisions, "sensitive_features": who}
    frames = {}
    for name, rate, rows in (
        ("tpr", true_positive_rate, labels == 1),
        ("fpr", false_positive_rate, labels == 0),
        ("parity", selection_rate, labels >= 0),
    ):
        own = {key: values[rows] for key, values in told.items()}
        frames[name] = MetricFrame(metrics={"rate": rate, "rows": count}, **own).by_group

    def epsilon(frame, *, negatives=False):
        chosen = frame["rows"] * (1 - frame["rate"] if negatives else frame["rate"])
        smoothed = (chosen + C) / (frame["rows"] + 2 * C)
        return max(abs(math.log(one / other)) for one in smoothed for other in smoothed)

    expected = {name: epsilon(frame) for name, frame in frames.items()}
    expected["odds"] = expected["tpr"] + expected["fpr"]
    expected["parity"] = max(expected["parity"], epsilon(frames["parity"], negatives=True))
    counts = count_groups(labels, decisions, who, groups)
    for goal, value in expected.items():
        found = METRICS[f"epsilon_{goal}"].of_groups(counts)
        assert found == pytest.approx(value, abs=1e-12), goal
        # Several runs at a time, and a group without rows is left out.
        more = np.concatenate([counts, np.zeros((1, 6))])
        np.testing.assert_allclose(METRICS[f"epsilon_{goal}"].of_groups([more, more]), [value, value], atol=1e-12)


def test_a_rate_of_nothing_has_a_logarithm_and_one_of_no_rows_has_none():
    tpr = METRICS["epsilon_tpr"].of_groups
    assert tpr([[0, 0, 0, 4, 0, 0], [2, 0, 0, 2, 0, 0]]) == pytest.approx(math.log((2.05 / 4.1) / (0.05 / 4.1)))
    assert np.isnan(tpr([[0, 1, 3, 0, 0, 0], [2, 0, 0, 2, 0, 0]]))
    assert np.isnan(tpr([[1, 1, 3, 0, 0, 0]]))


@pytest.mark.parametrize("goal", ["fpr", "tpr", "odds", "parity"])
def test_intervals_hold_the_true_epsilon(goal):
    """Of decisions with known rates, in at least 95 of 100 samples of rows."""
    metric, random = METRICS[f"epsilon_{goal}"], np.random.default_rng(1)
    shares = np.array([[0.2, 0.1, 0.5, 0.2], [0.14, 0.06, 0.54, 0.26]])
    truth = metric.of_groups(np.concatenate([1e9 * shares, np.zeros((2, 2))], -1))
    held = 0
    for sample in range(60):
        counts = np.zeros((1, 3, 6))
        counts[0, :2, :4] = [random.multinomial(rows, own) for rows, own in zip((900, 500), shares, strict=True)]
        own = TaskCounts(counts)
        _, off = draw_deviations(metric, own, 300, sample, own.rows / own.rows.sum())
        value = measure_counts(metric, TaskCounts(counts[:, :2]))
        low, high = gap_interval(value, off)
        held += bool(low[0] <= truth <= high[0])
    assert held >= 55


def test_of_several_classes_the_worst_counts():
    counts = np.random.default_rng(0).integers(1, 30, (4, 3, 2, 3, 3)).astype(float)
    of_classes = TaskCounts(counts, 3)
    every = np.stack([METRICS["epsilon_parity"].of_groups(each) for each in np.moveaxis(of_classes.by_class, -3, 0)])
    np.testing.assert_allclose(measure_counts(METRICS["epsilon_parity"], of_classes), every.max(0))
