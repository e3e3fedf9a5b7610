"""The contract of a user's own metrics: kept by metrics of ours, and broken by every mistake that it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from paretofair.metrics import rates
from paretofair.metrics.registry import METRICS
from paretofair.testing import MetricContract


class TestFprGap(MetricContract):
    metric = staticmethod(rates.fpr_gap)
    direction = "minimised"
    worst = 1.0


class TestWorstGroupAccuracy(MetricContract):
    metric = staticmethod(METRICS["worst_group_accuracy"].of_groups)
    direction = "maximised"
    worst = 0.0


class TestSoftGap(MetricContract):
    metric = staticmethod(METRICS["soft_demographic_parity_gap"].of_groups)
    direction = "minimised"
    worst = 1.0


class TestSignedGap(MetricContract):
    metric = staticmethod(lambda counts: rates.fpr_gap_signed(counts[..., :2, :]))
    direction = "best at 0"
    worst = 1.0
    names_matter = True


def brier(labels, scores, decisions, groups):
    """Mean squared distance from the labels."""
    return np.mean((scores - labels) ** 2)


class TestBrier(MetricContract):
    metric = staticmethod(brier)
    reads = "rows"
    direction = "minimised"
    worst = 1.0


class TestLogLoss(MetricContract):
    """Of three classes, without a worst value."""

    metric = staticmethod(
        lambda labels, scores, decisions, groups: (
            -np.mean(np.log(scores[np.arange(len(labels)), labels] + 1e-6))
            - np.log1p(-1e-6) * (0 if len(labels) else np.nan)
        )
    )
    reads = "rows"
    direction = "minimised"
    best = -1e-5
    classes = 3


def spoil(labels: np.ndarray, scores: np.ndarray, decisions: np.ndarray, groups: np.ndarray) -> float:
    decisions[:1] = 1 - labels[:1]
    return float(np.mean(decisions == labels)) if len(labels) else float("nan")


MISTAKES: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
    ("values_lie", lambda counts: 2 * rates.fpr_gap(counts), {}),
    ("values_lie", lambda counts: -rates.fpr_gap(counts), {}),
    ("values_lie", lambda counts: np.full(len(counts), np.nan), {}),
    ("values_lie", lambda counts: rates.fpr_gap(counts).mean(), {}),
    ("no_model_is_better", rates.fpr_gap, {"direction": "maximised", "worst": 0.0}),
    ("no_model_is_better", brier, {"reads": "rows", "direction": "maximised", "worst": 0.0}),
    ("no_model_is_better", rates.fpr_gap, {"direction": "upwards"}),
    ("without_rows", lambda counts: np.nan_to_num(rates.fpr_gap(counts)), {}),
    ("neither_the_order", lambda counts: rates.fpr_gap(counts) + np.arange(len(counts)), {}),
    ("neither_the_order", lambda counts: rates.fpr_gap(counts) / len(counts), {}),
    ("neither_the_order", lambda labels, scores, decisions, groups: scores[:1].sum(), {"reads": "rows"}),
    ("groups_may_have", lambda counts: rates.fpr_gap(counts[:, :2]), {}),
    ("groups_may_have", lambda labels, scores, decisions, groups: scores[groups == 0].mean(), {"reads": "rows"}),
    ("inputs_stay", spoil, {"reads": "rows", "direction": "maximised", "worst": 0.0}),
]


@pytest.mark.parametrize(("test", "metric", "said"), MISTAKES)
def test_a_mistake_is_found(test, metric, said):
    contract = type("Own", (MetricContract,), {"direction": "minimised", "worst": 1.0, "metric": staticmethod(metric)})
    for name, value in said.items():
        setattr(contract, name, value)
    (name,) = (name for name in dir(contract) if name.startswith(f"test_{test}"))
    with pytest.raises(AssertionError):
        getattr(contract(), name)()
