"""What a report needs to know that the trial table does not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from paretofair.errors import RunError
from paretofair.metrics.constraints import parse_constraint
from paretofair.metrics.objectives import (
    NamedSet,
    ObjectiveSet,
    build_set,
    known_sets,
    objective_names,
    objective_sets,
)
from paretofair.metrics.registry import GOAL_GAPS, METRICS, Metric, own_metric
from paretofair.metrics.relative import relative_metrics
from paretofair.results.files import SPACE, read_text

PROTOCOLS = ("validation", "paper")


@dataclass(frozen=True)
class ReportSettings:
    """What a report needs to know that the trial table does not say.

    `objectives` are the names of the sets whose frontiers are written, `named` those that the space file defines,
    `gap` what ARFG divides and the gap of a task's own set, `reference` the hypervolume's reference point (arfg, are),
    `own_metrics` the user's own metrics. `sensitive` is the attribute that the losses act on, or those by task, `audit`
    what the figure of the audit shows beside it (empty: everything), `threshold` the rule of decision in words.
    `labels` are the texts that stand for names where people read them.
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
        """Every metric by name, the user's own among them."""
        return {**METRICS, **{metric.name: metric for metric in self.own_metrics}}

    @property
    def relative(self) -> Mapping[str, str]:
        """By name of a relative metric the metric that it divides."""
        return relative_metrics(self.gap)

    def set_names(self, tasks: Sequence[str]) -> list[str]:
        """Every set of objectives that has a name."""
        return [*objective_sets(tasks), *(each.name for each in self.named)]

    def shown_sets(self, tasks: Sequence[str]) -> list[str]:
        """The sets whose frontiers are written."""
        return known_sets(self.objectives, tasks)

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


def read_settings(folder: Path) -> ReportSettings:
    """What the space file of a results folder says about reports; the defaults where there is none."""
    text = read_text(folder / SPACE)
    if text is None:
        return ReportSettings()
    try:
        return read_plain(yaml.safe_load(text))
    except yaml.YAMLError as error:
        words = str(error).splitlines()[0]
    except (AttributeError, TypeError, ValueError, KeyError, RecursionError):
        words = "it is not what a run has written"
    raise RunError(f"{folder / SPACE}: not a readable space file ({words})")


def read_plain(space: Mapping[str, Any]) -> ReportSettings:
    """What a space file says about reports, as plain data."""
    frontiers = space.get("frontiers", {})
    point = frontiers.get("reference_point", {})
    threshold = space.get("threshold", "base_rate")
    sets = frontiers.get("objectives", ())
    labels = space.get("labels", {})
    return ReportSettings(
        objectives=tuple(each if isinstance(each, str) else each["name"] for each in sets),
        named=tuple(
            NamedSet(each["name"], tuple(each["of"]), tuple(each["reference"]) if each.get("reference") else None)
            for each in sets
            if not isinstance(each, str)
        ),
        gap=frontiers.get("gap") or GOAL_GAPS[space.get("fairness", {}).get("goal", "fpr")],
        own_metrics=tuple(
            own_metric(name, each["function"], each.get("reads", "counts"), each["direction"], each.get("worst"))
            for name, each in space.get("metrics", {}).items()
        ),
        reference=(float(point.get("arfg", 1.5)), float(point.get("are", 1.1))),
        protocol=PROTOCOLS[PROTOCOLS.index(space.get("protocol", "validation"))],
        sensitive=space.get("data", {}).get("sensitive"),
        audit=_texts(space.get("data", {}).get("audit", ())),
        constraints=_texts(space.get("constraints", ())),
        threshold=threshold if isinstance(threshold, str) else f"fixed {threshold['fixed']}",
        methods=_texts(list(space.get("methods", ()))),
        labels=dict(zip(labels, _texts(list(labels.values())), strict=True)),
    )


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(each, str) for each in values):
        raise TypeError
    return tuple(values)
