"""What a report needs to know that the trial table does not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import yaml

from paretofair.errors import RunError, first_line
from paretofair.metrics.constraints import parse_constraint
from paretofair.metrics.metric import Direction, Metric
from paretofair.metrics.objectives import (
    NamedSet,
    ObjectiveSet,
    build_set,
    known_sets,
    objective_names,
    objective_sets,
    parse_goal,
    parse_objective,
)
from paretofair.metrics.registry import GOAL_GAPS, METRICS, listed_metric
from paretofair.metrics.relative import relative_metrics
from paretofair.results.files import SPACE, read_text

PROTOCOLS = ("validation", "paper")


@dataclass(frozen=True)
class ReportSettings:
    """What a report needs to know that the trial table does not say.

    `objectives` are the names of the sets whose frontiers are written, `named` those that the space file defines,
    `gap` what ARFG divides and the gap of a task's own set, `reference` the hypervolume's reference point (arfg, are),
    `own_metrics` the metrics that the run has of its own. `sensitive` is the attribute that the losses act on, or those
    by task, `audit` what the figure of the audit shows beside it (empty: everything), `threshold` the rule of decision
    in words. `labels` are the texts that stand for names where people read them.
    """

    objectives: tuple[str, ...] = ()
    named: tuple[NamedSet, ...] = ()
    gap: str = "fpr_gap"
    reference: tuple[float, float] = (1.5, 1.1)
    own_metrics: tuple[Metric, ...] = ()
    protocol: str = "validation"
    sensitive: str | Mapping[str, str] | None = None
    audit: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    threshold: str = ""
    methods: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def selected_on(self) -> str:
        """The split that chooses frontier points."""
        return find_choosing_split(self.protocol)[0]

    @property
    def pooled(self) -> bool:
        """Whether the seeds of a method are one frontier."""
        return find_choosing_split(self.protocol)[1]

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric by name, the run's own among them."""
        return {**METRICS, **{metric.name: metric for metric in self.own_metrics}}

    @property
    def relative(self) -> Mapping[str, str]:
        """By name of a relative metric the metric that it divides."""
        return relative_metrics(self.gap)

    def set_names(self, tasks: Sequence[str]) -> list[str]:
        """Every set of objectives that has a name."""
        return [*objective_sets(tasks), *(each.name for each in self.named)]

    def leading_set(self, tasks: Sequence[str]) -> str:
        """The first set whose frontiers are written: what `confirm`, audits and one-line results follow."""
        return known_sets(self.objectives, tasks)[0]

    def build_set(self, objectives: str | Sequence[str], tasks: Sequence[str]) -> ObjectiveSet:
        """The set of this name, or one of these objectives.

        Raises:
            ValueError: a name that is none of either, with what is accepted.
        """
        own = {each.name: each for each in self.named}
        if not isinstance(objectives, str):
            named = NamedSet("_".join(objectives), tuple(objectives))
        elif objectives in own:
            named = own[objectives]
        elif objectives in self.set_names(tasks):
            named = NamedSet(objectives, tuple(objective_names(objectives, tasks, self.gap)))
        else:
            raise ValueError(f"no set {objectives!r}; accepted: {', '.join(self.set_names(tasks))}")
        return build_set(named, tasks, self.metrics, dict(zip(("arfg", "are"), self.reference, strict=True)))

    @property
    def bounded(self) -> list[str]:
        """The metrics that the constraints bound."""
        return [parse_constraint(text).name for text in self.constraints]


def find_choosing_split(protocol: str) -> tuple[str, bool]:
    """The split that chooses frontier points, and whether the seeds of a method are pooled into one frontier."""
    return ("test", True) if protocol == "paper" else ("validation", False)


def read_settings(folder: Path, tasks: Sequence[str] = ()) -> ReportSettings:
    """What the space file of a results folder says about reports; the defaults where there is none. `tasks` are those
    of its trials, by which the names in it are checked.

    Raises RunError for a file that no run has written.
    """
    text = read_text(folder / SPACE)
    if text is None:
        return ReportSettings()
    try:
        settings = read_plain(yaml.safe_load(text))
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, KeyError, RecursionError) as error:
        words = first_line(error) if isinstance(error, yaml.YAMLError) else "it is not what a run has written"
        raise RunError(f"{folder / SPACE}: not a readable space file ({words})") from None
    try:
        _check_names(settings, tasks)
    except ValueError as error:
        raise RunError(f"{folder / SPACE}: {error}") from None
    return settings


def _check_names(settings: ReportSettings, tasks: Sequence[str]) -> None:
    """Raises ValueError for a name of nothing that the trials of these tasks have."""
    bounded = settings.bounded
    for each in settings.named:
        if each.reference is not None and len(each.reference) != len(each.of):
            raise ValueError(f"the set {each.name} has {len(each.of)} objectives and {len(each.reference)} references")
    if tasks:
        for name in bounded:
            parse_objective(name, tasks, settings.metrics)
        parse_goal(f"{settings.gap}_{tasks[0]}", tasks, settings.metrics)
        # Without a reference point it has no hypervolume.
        for each in settings.named:
            _ = settings.build_set(each.name, tasks).corner


def read_plain(space: Mapping[str, Any]) -> ReportSettings:
    """What a space file says about reports, as plain data. Raises one of a number of errors for anything else."""
    frontiers = space.get("frontiers", {})
    point = frontiers.get("reference_point", {})
    threshold = space.get("threshold", "base_rate")
    sets = frontiers.get("objectives", ())
    labels = space.get("labels", {})
    return ReportSettings(
        objectives=tuple(each if isinstance(each, str) else each["name"] for each in sets),
        named=tuple(_read_set(each) for each in sets if not isinstance(each, str)),
        gap=frontiers.get("gap") or GOAL_GAPS[space.get("fairness", {}).get("goal", "fpr")],
        own_metrics=tuple(_read_metric(name, each) for name, each in space.get("metrics", {}).items()),
        reference=(float(point.get("arfg", 1.5)), float(point.get("are", 1.1))),
        protocol=PROTOCOLS[PROTOCOLS.index(space.get("protocol", "validation"))],
        sensitive=space.get("data", {}).get("sensitive"),
        audit=_texts(space.get("data", {}).get("audit", ())),
        constraints=_texts(space.get("constraints", ())),
        threshold=threshold if isinstance(threshold, str) else f"fixed {threshold['fixed']}",
        methods=_texts(list(space.get("methods", ()))),
        labels=dict(zip(labels, _texts(list(labels.values())), strict=True)),
    )


def _read_set(written: Mapping[str, Any]) -> NamedSet:
    (name,), reference = _texts([written["name"]]), tuple(map(float, written.get("reference") or ()))
    return NamedSet(name, _texts(written["of"]), reference or None)


def _read_metric(name: str, written: Mapping[str, Any] | None) -> Metric:
    entry = written or {}
    known = not entry.get("function") or entry["direction"] in get_args(Direction)
    if not known or not isinstance(entry.get("worst"), int | float | None):
        raise ValueError(f"the direction of {name}")
    return listed_metric(name, entry)


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(each, str) for each in values):
        raise TypeError
    return tuple(values)
