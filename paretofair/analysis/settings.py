"""What a report needs to know that the trial table does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from paretofair.results.files import SPACE

PROTOCOLS = ("validation", "paper")


@dataclass(frozen=True)
class ReportSettings:
    """What a report needs to know that the trial table does not say.

    `objectives` are sets of `metrics.objectives`, `reference` the hypervolume's reference point (arfg, are),
    `sensitive` the attribute that the losses act on, or those by task, `audit` what the figure of the audit shows
    beside it (empty: everything), `threshold` the rule of decision in words.
    """

    objectives: tuple[str, ...] = ()
    reference: tuple[float, float] = (1.5, 1.1)
    protocol: str = "validation"
    sensitive: str | Mapping[str, str] | None = None
    audit: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    threshold: str = ""
    methods: tuple[str, ...] = ()

    @property
    def selected_on(self) -> str:
        """The split that chooses frontier points."""
        return find_choosing_split(self.protocol)[0]

    @property
    def pooled(self) -> bool:
        """Whether the seeds of a method are one frontier."""
        return find_choosing_split(self.protocol)[1]


def find_choosing_split(protocol: str) -> tuple[str, bool]:
    """The split that chooses frontier points, and whether the seeds of a method are pooled into one frontier."""
    return ("test", True) if protocol == "paper" else ("validation", False)


def read_settings(folder: Path) -> ReportSettings:
    """What the space file of a results folder says about reports; the defaults where there is none."""
    written = folder / SPACE
    if not written.exists():
        return ReportSettings()
    space = yaml.safe_load(written.read_text())
    frontiers = space.get("frontiers", {})
    point = frontiers.get("reference_point", {})
    threshold = space.get("threshold", "base_rate")
    return ReportSettings(
        objectives=tuple(frontiers.get("objectives", ())),
        reference=(point.get("arfg", 1.5), point.get("are", 1.1)),
        protocol=space.get("protocol", "validation"),
        sensitive=space.get("data", {}).get("sensitive"),
        audit=tuple(space.get("data", {}).get("audit", ())),
        constraints=tuple(space.get("constraints", ())),
        threshold=threshold if isinstance(threshold, str) else f"fixed {threshold['fixed']}",
        methods=tuple(space.get("methods", ())),
    )
