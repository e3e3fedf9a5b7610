"""Metrics of the user's own, measured where the trial is trained."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import Tensor

from paretofair import user_code
from paretofair.metrics.registry import Metric
from paretofair.training.tensors import DeviceSplit


def measure_own(
    metrics: Iterable[Metric],
    by_task: list[np.ndarray],
    decisions: Tensor,
    probabilities: Tensor,
    split: DeviceSplit,
) -> dict[str, np.ndarray]:
    """Values `(K, T)` by name.

    A function that reads `counts` is called once for each task, with those of the groups that the task acts on, `(K,
    groups, 6)`, and returns `(K,)`. One that reads `rows` is called for every trial and task with the labels, scores,
    decisions and groups of the rows whose label is known, `(n,)` each, and returns a number; -1 is an unknown group.

    Raises:
        ValueError: for a result of another shape or kind, with the name of the metric.
    """
    found = {}
    for metric in metrics:
        assert metric.own is not None
        function = user_code.load(metric.own.reference)
        if metric.own.reads == "counts":
            columns = [_check(metric, function(counts.copy()), (len(counts),)) for counts in by_task]
        else:
            columns = [
                _of_rows(metric, function, task, decisions, probabilities, split) for task in range(len(by_task))
            ]
        found[metric.name] = np.stack(columns, -1)
    return found


def _of_rows(
    metric: Metric, function: object, task: int, decisions: Tensor, probabilities: Tensor, split: DeviceSplit
) -> np.ndarray:
    assert callable(function)
    labels = split.labels[task].cpu().numpy()
    known = labels >= 0
    labels, groups = labels[known].astype(np.int64), split.groups[task].cpu().numpy()[known]
    scores = probabilities[:, task].double().cpu().numpy()[:, known]
    chosen = decisions[:, task].cpu().numpy()[:, known].astype(np.int64)
    return np.array(
        [
            _check(metric, function(labels.copy(), own, decided, groups.copy()), ())
            for own, decided in zip(scores, chosen, strict=True)
        ]
    )


def _check(metric: Metric, value: object, shape: tuple[int, ...]) -> np.ndarray:
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        numbers = None
    if numbers is None or numbers.shape != shape:
        got = f"{type(value).__name__}" if numbers is None else f"an array of shape {numbers.shape}"
        expected = f"numbers {shape}, one for each trial" if shape else "a number"
        raise ValueError(f"the metric {metric.name} returned {got}, expected {expected}")
    return numbers
