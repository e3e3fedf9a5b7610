"""Metrics that a run has of its own, measured where the trial is trained: the user's, and ours that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from torch import Tensor

from paretofair import user_code
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.metric import Metric
from paretofair.metrics.rows.co_occurrence import JointRows
from paretofair.metrics.rows.scores import ScoredRows
from paretofair.training.tensors import DeviceData, DeviceSplit


def measure_own(
    metrics: Iterable[Metric],
    by_task: Sequence[TaskCounts],
    answer: Callable[[int], tuple[Tensor, Tensor]],
    split: DeviceSplit,
    data: DeviceData,
) -> dict[str, np.ndarray]:
    """Values `(K, T)` by name.

    One of ours sees the rows of known label with their weights; one that reads all tasks at once sees every row, and
    the training labels. A function of the user's own that reads `counts` is
    called once for each task, with those of the groups that the task acts on, `(K, groups, 6)`, and returns `(K,)`; of
    several classes once for each class against the rest, of which the worst value counts. One that reads `rows` is
    called for every trial and task with the labels, scores, decisions and groups of the rows whose label is known,
    `(n,)` each (scores `(n, C)` of several classes), and returns a number; -1 is an unknown group. `answer` gives the
    scores and decisions of a task, `(K, n)` or `(K, n, C)`.

    Raises:
        ValueError: for a result of another shape or kind, with the name of the metric; where no task predicts a group.
    """
    found = dict[str, np.ndarray]()
    metrics, tasks = list(metrics), range(len(by_task))
    joint = [metric for metric in metrics if metric.of_joint_rows is not None]
    if joint:
        decisions = np.stack([answer(task)[1].cpu().numpy() for task in tasks], 1)
        found |= _of_joint_rows(joint, decisions, split, data)
    for metric in metrics:
        if metric.of_joint_rows is not None:
            continue
        if metric.of_rows is not None:
            columns = [_of_scored_rows(metric, *answer(task), task, split) for task in tasks]
        else:
            assert metric.own is not None
            function = user_code.load(metric.own.reference)
            if metric.own.reads == "counts":
                columns = [_of_counts(metric, function, counts) for counts in by_task]
            else:
                columns = [_of_rows(metric, function, *answer(task), task, split) for task in tasks]
        found[metric.name] = np.stack(columns, -1)
    return found


def find_group_task(data: DeviceData) -> int:
    """The place of the first binary task whose label says of every training row whether it is of a group of the
    attribute that the task acts on: `man`, where the attribute is gender.

    Raises:
        ValueError: there is none.
    """
    train = data.splits["train"]
    for place in data.binary.places:
        labels, groups = train.labels[place], train.groups[place]
        known = (labels >= 0) & (groups >= 0)
        if known.any() and any(
            bool(((groups == group) == (labels == 1))[known].all())
            for group in range(data.n_groups[data.acts_on[place]])
        ):
            return place
    attributes = ", ".join(dict.fromkeys(data.attributes[each] for each in data.acts_on))
    raise ValueError(
        f"it compares predicted objects with predicted groups, and no task predicts a group of {attributes}"
    )


def _of_joint_rows(
    metrics: Sequence[Metric], decisions: np.ndarray, split: DeviceSplit, data: DeviceData
) -> dict[str, np.ndarray]:
    """Of decisions `(K, T, n)`."""
    place, train = find_group_task(data), data.splits["train"]
    labels, training = (each.labels.cpu().numpy().astype(np.int8) for each in (split, train))
    weights, of_training = (None if each.weights is None else each.weights.cpu().numpy() for each in (split, train))
    rows = [JointRows(labels, own, place, training, weights, of_training) for own in decisions]
    return {
        metric.name: np.stack([metric.of_joint_rows(each) for each in rows])
        for metric in metrics
        if metric.of_joint_rows is not None
    }


def _of_counts(metric: Metric, function: Callable[..., object], counts: TaskCounts) -> np.ndarray:
    every = counts.by_class  # (K, C, groups, 6)
    of_classes = [_check(metric, function(every[:, place].copy()), (len(every),)) for place in range(every.shape[1])]
    values = np.stack(of_classes, -1)
    worst = np.where(np.isnan(values), np.inf, metric.loss(values)).argmax(-1)
    return np.asarray(np.take_along_axis(values, worst[:, None], -1)[:, 0])


def _of_rows(
    metric: Metric, function: Callable[..., object], scores: Tensor, decisions: Tensor, task: int, split: DeviceSplit
) -> np.ndarray:
    return np.array(
        [
            _check(metric, function(rows.labels.copy(), rows.scores, rows.decisions, rows.groups.copy()), ())
            for rows in _known_rows(metric, scores, decisions, task, split)
        ]
    )


def _of_scored_rows(metric: Metric, scores: Tensor, decisions: Tensor, task: int, split: DeviceSplit) -> np.ndarray:
    assert metric.of_rows is not None
    return np.array([metric.of_rows(rows) for rows in _known_rows(metric, scores, decisions, task, split)])


def _known_rows(
    metric: Metric, scores: Tensor, decisions: Tensor, task: int, split: DeviceSplit
) -> Iterator[ScoredRows]:
    """The rows whose label is known, as each trial sees them."""
    labels = split.labels[task].cpu().numpy()
    known = labels >= 0
    labels, groups = labels[known].astype(np.int64), split.groups[task].cpu().numpy()[known]
    scored, decided = scores.double().cpu().numpy()[:, known], decisions.cpu().numpy()[:, known]
    weights = None if split.weights is None else split.weights.cpu().numpy()[known]
    strata = None if metric.given is None else split.strata[metric.given][known]
    for own, chosen in zip(scored, decided, strict=True):
        yield ScoredRows(labels, own, chosen, groups, weights, strata)


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
