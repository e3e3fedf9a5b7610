"""A metric turns its values into losses, and looks the same in every process."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from paretofair.metrics.registry import METRICS, own_metric


def test_losses_are_smaller_where_values_are_better() -> None:
    better = {
        "minimised": ([0.1, 0.2], [0.1, 0.2]),
        "maximised": ([0.9, 0.8], [-0.9, -0.8]),
        "best at 0": ([-0.1, 0.2], [0.1, 0.2]),
        "best at 1": ([1.1, 0.8], [0.1, 0.2]),
    }
    for metric in METRICS.values():
        if metric.direction == "diagnostic":
            assert not metric.is_objective
            continue
        values, losses = better[metric.direction]
        np.testing.assert_allclose(metric.loss(values), losses)
        assert metric.loss([np.nan]).tolist() == pytest.approx([np.nan], nan_ok=True)


def test_metrics_travel_and_look_the_same_everywhere() -> None:
    for metric in (*METRICS.values(), own_metric("mine", "mine:mine", "rows", "best at 1")):
        again = pickle.loads(pickle.dumps(metric))
        assert repr(again) == repr(metric)
        assert "0x" not in repr(metric)
    assert METRICS["auc"].can_average
    assert METRICS["disparate_impact_ratio"].can_average
    assert not METRICS["equal_opportunity_ratio"].can_average
    assert not own_metric("mine", "mine:mine", "rows", "best at 1").can_average
