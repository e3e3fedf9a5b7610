"""Bias amplification of predicted objects and groups: by hand, by a plain loop, and where it must be 0."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from paretofair.data import Dataset, split
from paretofair.data.dataset import mark_test_rows
from paretofair.data.inputs import Columns
from paretofair.metrics.registry import METRICS
from paretofair.metrics.rows import co_occurrence
from paretofair.metrics.rows.co_occurrence import JointRows, interval
from paretofair.models import MultilayerPerceptron
from paretofair.training import to_device
from paretofair.training.measuring.evaluation import Threshold, evaluate
from paretofair.training.measuring.own_metrics import find_group_task
from tests.conftest import make_dataset

EVERY = [metric for metric in METRICS.values() if metric.of_joint_rows is not None]


def sample(seed: int, rows: int = 300, unknown: float = 0.0) -> JointRows:
    """Three objects and the group, which is the last task."""
    random = np.random.default_rng(seed)

    def draw(count: int) -> np.ndarray:
        member = random.random(count) < 0.65
        objects = [random.random(count) < 0.2 + bias * member for bias in (0.5, 0.0, -0.15)]
        found = np.stack([*objects, member]).astype(np.int8)
        found[random.random(found.shape) < unknown] = -1
        return found

    return JointRows(draw(rows), np.abs(draw(rows)), 3, draw(2 * rows))


def test_by_hand() -> None:
    """Ten training rows with the tie, 8 of men; predicted for four test rows, all of them as men."""
    training = np.array([[1] * 10 + [0] * 10, [1] * 8 + [0] * 2 + [1] * 4 + [0] * 6])
    labels = np.array([[1, 1, 1, 0, 0, 0, 1, 0], [1, 1, 0, 1, 0, 0, 0, 1]])
    decisions = np.array([[1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 1, 0]])
    rows = JointRows(labels, decisions, 1, training)
    assert co_occurrence.predicted_bias(rows)[0] == 1
    assert co_occurrence.bias_amplification(rows)[0] == pytest.approx(0.2)
    assert co_occurrence.bias_amplification_towards(rows)[0] == pytest.approx(0.2)
    # Of four rows with a tie two are men, and all four are predicted to be.
    assert co_occurrence.amplification_from_object(rows)[0] == pytest.approx(1 - 0.5)
    # Ties of four men: two by label, three predicted; of four women two and one.
    assert co_occurrence.amplification_from_group(rows)[0] == pytest.approx((1 / 4 + 1 / 4) / 2)
    assert np.isnan(co_occurrence.bias_violations(rows)[0]), "fewer than 100 training rows"
    many = JointRows(labels, decisions, 1, np.tile(training, 10))
    assert co_occurrence.bias_violations(many).tolist() == pytest.approx([1, math.nan], nan_ok=True)


def test_an_object_of_women_turns_the_sign() -> None:
    training = np.array([[1] * 10, [1] * 3 + [0] * 7])
    decisions = np.array([[1, 1, 1, 1, 0], [1, 0, 0, 0, 1]])
    rows = JointRows(decisions, decisions, 1, training)
    assert co_occurrence.bias_amplification(rows)[0] == pytest.approx(0.05)
    assert co_occurrence.bias_amplification_towards(rows)[0] == pytest.approx(-0.05)
    assert co_occurrence.bias_amplification_absolute(rows)[0] == pytest.approx(0.05)


@given(st.integers(0, 2**32 - 1))
def test_as_a_plain_loop_counts(seed: int) -> None:
    rows = sample(seed, 40, unknown=0.1)
    for task in range(3):
        both = [(o, g) for o, g in zip(rows.training[task], rows.training[3], strict=True) if o >= 0 and g >= 0]
        with_object = [g for o, g in both if o == 1]
        predicted = [g for o, g in zip(rows.decisions[task], rows.decisions[3], strict=True) if o == 1]
        share = np.mean(predicted) if predicted else math.nan
        bias = np.mean(with_object) if with_object else math.nan
        assert co_occurrence.bias_amplification_towards(rows)[task] == pytest.approx(share - bias, nan_ok=True)
        # Wang and Russakovsky: Δ by conditional means on the rows that are judged, y by the training rows.
        n = len(both)
        joint = sum(o * g for o, g in both) / n - sum(o for o, _ in both) / n * sum(g for _, g in both) / n
        sign = 0 if abs(joint) < 1e-9 else math.copysign(1, joint)
        known = [
            (o, g, po, pg)
            for o, g, po, pg in zip(
                rows.labels[task], rows.labels[3], rows.decisions[task], rows.decisions[3], strict=True
            )
            if o >= 0 and g >= 0
        ]
        deltas = []
        for group, turn in ((1, 1), (0, -1)):
            own = [(o, po) for o, g, po, _ in known if g == group]
            deltas.append(turn * np.mean([po - o for o, po in own]) if own else math.nan)
        expected = sign * (deltas[0] + deltas[1]) / 2
        assert co_occurrence.amplification_from_group(rows)[task] == pytest.approx(expected, nan_ok=True, abs=1e-12)
        own_rows = [(g, pg) for o, g, _, pg in known if o == 1]
        expected = sign * np.mean([pg - g for g, pg in own_rows]) if own_rows else math.nan
        assert co_occurrence.amplification_from_object(rows)[task] == pytest.approx(expected, nan_ok=True, abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_values_lie_between_their_ends(seed: int) -> None:
    """Reports refuse a table in which one does not."""
    rows = sample(seed, 30, unknown=0.1)
    for metric in EVERY:
        low, high = metric.ends or (0.0, 1.0)
        values = metric.of_joint_rows(rows)
        assert ((values >= low) & (values <= high) | np.isnan(values)).all(), metric.name


def test_a_predictor_that_copies_the_training_bias_amplifies_nothing() -> None:
    rows = sample(0, 400)
    copied = JointRows(rows.training, rows.training, 3, rows.training)
    for metric in EVERY:
        values = metric.of_joint_rows(copied)
        assert np.isnan(values[3])
        if metric.direction != "diagnostic":
            # An object with few training rows is in no violation.
            known = ~np.isnan(values)
            assert known[:2].all()
            np.testing.assert_allclose(values[known], 0, atol=1e-15, err_msg=metric.name)


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
def test_weights_count_rows_several_times(metric) -> None:
    rows, random = sample(1, 80), np.random.default_rng(2)
    weights, training = random.integers(0, 4, 80), random.integers(1, 3, 160)
    weighted = JointRows(rows.labels, rows.decisions, 3, rows.training, weights / 2, training * 1.0)
    repeated = JointRows(
        *(np.repeat(each, weights, axis=1) for each in (rows.labels, rows.decisions)),
        *(3, np.repeat(rows.training, training, axis=1)),
    )
    if metric.name != "bias_violations":  # which counts training rows
        np.testing.assert_allclose(metric.of_joint_rows(weighted), metric.of_joint_rows(repeated), atol=1e-12)


def test_what_is_never_predicted_has_no_value_and_is_left_out_of_means() -> None:
    rows = sample(3)
    decisions = rows.decisions.copy()
    decisions[1] = 0
    found = co_occurrence.bias_amplification(JointRows(rows.labels, decisions, 3, rows.training))
    assert np.isnan(found).tolist() == [False, True, False, True]
    mean = METRICS["bias_amplification"].average(found)
    assert mean == pytest.approx((found[0] + found[2]) / 2)
    assert np.isnan(METRICS["bias_amplification"].average([math.nan, math.nan]))


def test_intervals_hold_the_value_and_narrow_with_rows() -> None:
    few, many = (sample(4, count) for count in (200, 3200))
    widths = []
    for rows in (few, many):
        low, high = interval(rows, co_occurrence.bias_amplification, resamples=200)
        value = co_occurrence.bias_amplification(rows)
        assert (low[:3] < value[:3]).all()
        assert (value[:3] < high[:3]).all()
        assert np.isnan([low[3], high[3]]).all()
        assert low[4] < value[:3].mean() < high[4]
        widths.append((high - low)[4])
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.4)


def with_group_task() -> Dataset:
    """Two objects and whether a row is of the second sex."""
    data = make_dataset(400)
    labels = np.concatenate([data.labels, (data.groups["sex"] == 1)[:, None].astype(np.int8)], 1)
    return Dataset(
        name="made_up",
        source="simulated",
        inputs=Columns.of({"u": data.inputs.numeric[:, 0], "v": data.inputs.numeric[:, 1]}, {}),
        tasks=("one", "two", "male"),
        labels=labels,
        groups=data.groups,
        group_names=data.group_names,
        part=mark_test_rows(data.is_test),
        checksums={},
    )


def test_every_trial_is_measured_with_its_own_decisions() -> None:
    dataset = with_group_task()
    splits = split(dataset)
    data = to_device(splits, dict.fromkeys(dataset.tasks, "sex"), torch.device("cpu"), torch.float64)
    assert find_group_task(data) == 2
    network = MultilayerPerceptron(2, (), 3, (4,), ())
    parameters = network.initial([0, 1, 2], torch.float64)
    metrics = (METRICS["bias_amplification"], METRICS["amplification_from_group"])
    found = evaluate(network, parameters, data, Threshold("fixed", 0.5), own_metrics=metrics).metrics
    logits = network.forward(parameters, data.splits["test"].examples()).logits
    decisions = (logits >= 0).numpy().astype(np.int8)
    train, test = (dataset.labels[rows.rows].T for rows in (splits.train, splits.test))
    for trial in range(3):
        rows = JointRows(test, decisions[trial], 2, train)
        for metric in metrics:
            np.testing.assert_array_equal(found[f"test_{metric.name}"][trial], metric.of_joint_rows(rows))


def test_without_a_task_of_the_group_a_sentence_says_so(device_data) -> None:
    with pytest.raises(ValueError, match="no task predicts a group of sex"):
        find_group_task(device_data())
