"""What a report needs to know that the trial table does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from paretofair.errors import RunError
from paretofair.results.files import SPACE, read_text

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
    text = read_text(folder / SPACE)
    if text is None:
        return ReportSettings()
    try:
        return _choose_settings(yaml.safe_load(text))
    except yaml.YAMLError as error:
        words = str(error).splitlines()[0]
    except (AttributeError, TypeError, ValueError, KeyError, RecursionError):
        words = "it is not what a run has written"
    raise RunError(f"{folder / SPACE}: not a readable space file ({words})")


def _choose_settings(space: Any) -> ReportSettings:
    frontiers = space.get("frontiers", {})
    point = frontiers.get("reference_point", {})
    threshold = space.get("threshold", "base_rate")
    return ReportSettings(
        objectives=_texts(frontiers.get("objectives", ())),
        reference=(float(point.get("arfg", 1.5)), float(point.get("are", 1.1))),
        protocol=PROTOCOLS[PROTOCOLS.index(space.get("protocol", "validation"))],
        sensitive=space.get("data", {}).get("sensitive"),
        audit=_texts(space.get("data", {}).get("audit", ())),
        constraints=_texts(space.get("constraints", ())),
        threshold=threshold if isinstance(threshold, str) else f"fixed {threshold['fixed']}",
        methods=_texts(list(space.get("methods", ()))),
    )


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(each, str) for each in values):
        raise TypeError
    return tuple(values)
