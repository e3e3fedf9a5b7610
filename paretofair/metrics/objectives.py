"""What is optimised: a metric of a task, its mean over tasks, or one relative to single-task models, alone and in sets.

Columns and files show values as they are. Frontiers, hypervolumes, samplers and rules work on losses, which are
minimised: a maximised metric turned round, and the distance of a metric from 0 or 1 where it is best there.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.metric import Metric
from paretofair.metrics.registry import METRICS
from paretofair.metrics.relative import GROUP_RISE, relative_metrics

Array = NDArray[Any]

# Sets of objectives that say nothing more of a single task than its own set.
OF_SEVERAL_TASKS = ("accuracies", "all")


@dataclass(frozen=True)
class Objective:
    """A metric of a `task`; without one its mean over tasks, or what is relative to single-task models."""

    metric: Metric
    task: str | None = None

    @property
    def name(self) -> str:
        """As in the columns of the trial table behind the split: `error_income`, `equalized_odds_max`, `arfg`."""
        return self.metric.name if self.task is None else f"{self.metric.name}_{self.task}"

    @property
    def words(self) -> str:
        """In a caption: `error of income`, `mean over tasks of the error`."""
        if self.task is not None:
            return f"{self.metric.words} of {self.task}"
        return self.metric.words if self.metric.source == "baselines" else f"mean over tasks of the {self.metric.words}"


@dataclass(frozen=True)
class ObjectiveSet:
    """Objectives under a name, as of files. `reference` is where hypervolume ends, in the units of the objectives; None
    where one of them has no bound and none was given."""

    name: str
    objectives: tuple[Objective, ...]
    reference: tuple[float, ...] | None = None

    @property
    def names(self) -> list[str]:
        """Those of the objectives."""
        return [each.name for each in self.objectives]

    def losses(self, values: ArrayLike) -> Array:
        """Values `(…, objectives)` as something to be minimised."""
        columns = np.moveaxis(np.asarray(values, dtype=float), -1, 0)
        return np.stack([each.metric.loss(column) for each, column in zip(self.objectives, columns, strict=True)], -1)

    @property
    def corner(self) -> Array:
        """The reference point among losses. Raises ValueError where there is none."""
        if self.reference is None:
            without = [each.name for each in self.objectives if each.metric.worst is None]
            raise ValueError(f"the set {self.name} needs a reference point: {', '.join(without)} has no worst value")
        return self.losses(self.reference)


@dataclass(frozen=True)
class NamedSet:
    """A set of objectives as a user writes it: names of objectives and, perhaps, a reference point."""

    name: str
    of: tuple[str, ...]
    reference: tuple[float, ...] | None = None


# What other libraries call our metrics: fairlearn, scikit-learn, AIF360.
_ELSEWHERE = {
    "accuracy_score": "accuracy",
    "average_precision_score": "average_precision",
    "brier_score_loss": "brier",
    "demographic_parity": "demographic_parity_gap",
    "demographic_parity_difference": "demographic_parity_gap",
    "demographic_parity_ratio": "disparate_impact_ratio",
    "disparate_impact": "disparate_impact_ratio",
    "equal_opportunity_difference": "tpr_gap",
    "equalized_odds": "equalized_odds_max",
    "equalized_odds_difference": "equalized_odds_max",
    "average_odds_difference": "equalized_odds_mean",
    "false_positive_rate_difference": "fpr_gap",
    "roc_auc_score": "auc",
    "selection_rate_difference": "demographic_parity_gap",
    "statistical_parity_difference": "demographic_parity_gap",
    "true_positive_rate_difference": "tpr_gap",
    "zero_one_loss": "error",
}


def known_objectives(tasks: Sequence[str], metrics: Mapping[str, Metric] = METRICS) -> list[str]:
    """The names of everything that can be an objective: first relative to single-task models, then of tasks, then
    averaged."""
    own = [metric for metric in metrics.values() if metric.is_objective]
    relative = [metric.name for metric in own if metric.source == "baselines"]
    of_tasks = [f"{metric.name}_{task}" for metric in own if metric.is_of_tasks for task in tasks]
    return [*relative, *of_tasks, *(metric.name for metric in own if metric.can_average)]


def parse_objective(name: str, tasks: Sequence[str], metrics: Mapping[str, Metric] = METRICS) -> Objective:
    """The objective, or any other metric of a trial, of this name.

    Raises:
        ValueError: a name that is none, with what is accepted.

    >>> parse_objective("auc_gap_income", ["income"]).words
    'largest difference of the area under the ROC curve between groups of income'
    """
    for task in tasks:
        metric = metrics.get(name.removesuffix(f"_{task}")) if name.endswith(f"_{task}") else None
        if metric is not None and metric.is_of_tasks:
            return Objective(metric, task)
    metric = metrics.get(name)
    if metric is not None and metric.is_measured and (metric.can_average or metric.source == "baselines"):
        return Objective(metric)
    if metric is not None and metric.is_measured:
        raise ValueError(f"tasks on both sides of the best value of {name} cancel in its mean: name a task")
    near = (
        [_ELSEWHERE[name]]
        if name in _ELSEWHERE
        else difflib.get_close_matches(name, known_objectives(tasks, metrics), 1)
    )
    words = f" Did you mean `{near[0]}`?" if near else ""
    every = ", ".join(metric.name for metric in metrics.values() if metric.is_of_tasks)
    relative = ", ".join(metric.name for metric in metrics.values() if metric.source == "baselines")
    raise ValueError(
        f"no metric {name!r}.{words} Accepted: {relative}, or one of {every}; of a task ({', '.join(tasks)}) as "
        f"error_{tasks[0] if tasks else 'TASK'}, or averaged over tasks as error"
    )


def objective_sets(tasks: Sequence[str]) -> list[str]:
    """The sets of objectives that every run has, without those `OF_SEVERAL_TASKS` where there is one."""
    return ["arfg_are", *tasks, *(OF_SEVERAL_TASKS if len(tasks) > 1 else ())]


def known_sets(objectives: Iterable[str], tasks: Sequence[str]) -> list[str]:
    """The sets `objectives` without those `OF_SEVERAL_TASKS` where there is one; `objective_sets` where none is
    left."""
    named = objective_sets(tasks)
    return [name for name in objectives if name in named or name not in OF_SEVERAL_TASKS] or named


def objective_names(objectives: str, tasks: Sequence[str], gap: str = "fpr_gap") -> list[str]:
    """The objectives of a set that every run has: `arfg_are`, a task, `accuracies` or `all`; `gap` is that of tasks."""
    if objectives == "arfg_are":
        return ["arfg", "are"]
    if objectives == "accuracies":
        return [f"error_{task}" for task in tasks]
    if objectives == "all":
        return [f"{metric}_{task}" for metric in (gap, "error") for task in tasks]
    return [f"{gap}_{objectives}", f"error_{objectives}"]


def parse_goal(name: str, tasks: Sequence[str], metrics: Mapping[str, Metric] = METRICS) -> Objective:
    """As `parse_objective`, of what can be optimised. Raises ValueError also for what is neither better nor worse."""
    found = parse_objective(name, tasks, metrics)
    if not found.metric.is_objective:
        raise ValueError(f"{name} is no objective: neither more nor less of it is better")
    return found


def build_set(
    named: NamedSet,
    tasks: Sequence[str],
    metrics: Mapping[str, Metric] = METRICS,
    bounds: Mapping[str, float] | None = None,
) -> ObjectiveSet:
    """The set with its reference point: the given one, else the worst value of each metric, or its entry in `bounds`.

    Raises:
        ValueError: a name that is no objective.
    """
    found = tuple(parse_goal(name, tasks, metrics) for name in dict.fromkeys(named.of))
    worst = [(bounds or {}).get(each.name, each.metric.worst) for each in found]
    default = tuple(value for value in worst if value is not None)
    reference = named.reference or (default if len(default) == len(worst) else None)
    return ObjectiveSet(named.name, found, reference)


def values_of_tasks(
    metric: Metric,
    measured: Callable[[str], Array | None],
    by_group: Callable[[], Sequence[TaskCounts]] | None = None,
    metrics: Mapping[str, Metric] = METRICS,
) -> Array | None:
    """Values `(…, tasks)` of a metric on one split.

    Args:
        metric: one that a trial has, not relative to single-task models.
        measured: by name the values `(…, tasks)` that are there already; None where they are not.
        by_group: the counts by group of each task, for what follows from them.
        metrics: all, by name.

    Returns:
        None where neither it nor what it follows from is there.
    """
    found = measured(metric.name)
    if found is not None:
        return found
    if metric.source == "metrics" and metric.combine is not None:
        parts = [values_of_tasks(metrics[name], measured, by_group, metrics) for name in metric.parts]
        return None if any(part is None for part in parts) else metric.combine(*parts)
    if metric.source == "counts" and metric.of_groups is not None and by_group is not None:
        return np.stack([measure_counts(metric, counts) for counts in by_group()], -1)
    return None


def measure_counts(metric: Metric, by_group: TaskCounts) -> Array:
    """A metric of counts by group, `(…)`; of several classes that of the class against the rest where it is worst, NaN
    where no side is worse. What is made of other metrics is made of their worst values, as it is in the trial table."""
    assert metric.of_groups is not None
    if by_group.classes and metric.combine is not None:
        return metric.combine(*(measure_counts(METRICS[part], by_group) for part in metric.parts))
    if by_group.classes and metric.direction == "best at 0":
        return np.full(by_group.values.shape[:-4], np.nan)
    worst = {"maximised": "smallest", "best at 1": "far from 1"}.get(metric.direction, "largest")
    return by_group.measure(metric.name, metric.of_groups, worst)


def needed_metrics(objectives: Iterable[Objective], gap: str, metrics: Mapping[str, Metric] = METRICS) -> list[Metric]:
    """The metrics of tasks that objectives follow from, each once; `gap` is that of ARFG."""
    relative = relative_metrics(gap) | {GROUP_RISE: "error"}
    names = dict.fromkeys(relative.get(each.metric.name, each.metric.name) for each in objectives)
    return [metrics[name] for name in names]


def stored_metrics(wanted: Iterable[Metric], metrics: Mapping[str, Metric] = METRICS) -> list[str]:
    """The metrics that a trial table stores of those that `wanted` ones follow from, each once; those of counts are
    not among them."""
    found: dict[str, None] = {}
    for metric in wanted:
        of_rows = {"rows": (metric.name,), "metrics": metric.parts}
        found |= dict.fromkeys(of_rows.get(metric.source, ()))
    return list(found)
