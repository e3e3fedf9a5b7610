"""Checks the names of tasks, attributes and parameters in a space file against what the data set and methods have."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from paretofair.metrics.objectives import OF_SEVERAL_TASKS, known_sets
from paretofair.space.numbering import MOST_BASELINE_RUNS
from paretofair.space.problems import KeyPath, Problems, list_known, propose, show_value
from paretofair.space.schema import Settings


def resolve_data(
    settings: Settings, tasks: tuple[str, ...], attributes: tuple[str, ...], problems: Problems
) -> Settings:
    """`settings` with the defaults that depend on the data set; checks every name of a task or an attribute."""
    data, objectives = settings.data, settings.frontiers.objectives
    data = data.model_copy(update={"sensitive": data.sensitive or attributes[0]})
    intersections = [
        "_x_".join(names)
        for size in range(2, len(attributes) + 1)
        for names in itertools.combinations(attributes, size)
    ]
    if data.split_of_each:
        _check_each(settings, problems)
    _check_sensitive(data.sensitive, tasks, (*attributes, *intersections), problems)
    check_items(data.audit, (*attributes, *intersections), ("data", "audit"), problems)
    check_items(objectives, ("arfg_are", *tasks, *OF_SEVERAL_TASKS), ("frontiers", "objectives"), problems)
    frontiers = settings.frontiers.model_copy(update={"objectives": tuple(known_sets(objectives, tasks))})
    return settings.model_copy(update={"data": data, "frontiers": frontiers})


def _check_each(settings: Settings, problems: Problems) -> None:
    """What a split of each seed excludes."""
    if settings.protocol == "paper":
        words = "found 'each'; under protocol paper one frontier holds all seeds, so that all need the same test rows"
        problems.add(("data", "test_seed"), f"{words}. Accepted: an integer")
    runs = settings.stages.baselines.runs
    if runs > MOST_BASELINE_RUNS:
        words = f"found {runs}; must be at most {MOST_BASELINE_RUNS:,} where data.test_seed is each"
        problems.add(("stages", "baselines", "runs"), words)


def check_items(items: Sequence[str], known: Iterable[str], path: KeyPath, problems: Problems) -> None:
    """Adds a problem for each item of the list at `path` that is not known."""
    for index, item in enumerate(items):
        check_name(item, known, (*path, index), problems)


def check_name(name: str, known: Iterable[str], path: KeyPath, problems: Problems) -> None:
    """Adds a problem where the value at `path` is not known."""
    known = tuple(known)
    if name not in known:
        problems.add(path, f"found {show_value(name)}; accepted: {list_known(known)}.{propose(name, known)}")


def check_keys(keys: Iterable[str], known: Iterable[str], path: KeyPath, problems: Problems, what: str) -> None:
    """Adds a problem for each key of the mapping at `path` that is not known; `what` says of what kind it should be."""
    known = tuple(known)
    for key in keys:
        if key not in known:
            problems.add((*path, key), f"no {what}.{propose(key, known)} Accepted: {list_known(known)}")


def _check_sensitive(
    sensitive: str | Mapping[str, str],
    tasks: tuple[str, ...],
    attributes: tuple[str, ...],
    problems: Problems,
) -> None:
    path: KeyPath = ("data", "sensitive")
    if isinstance(sensitive, str):
        check_name(sensitive, attributes, path, problems)
        return
    check_keys(sensitive, tasks, path, problems, what="task of the data set")
    for task, attribute in sensitive.items():
        check_name(attribute, attributes, (*path, task), problems)
    missing = [task for task in tasks if task not in sensitive]
    if missing:
        problems.add(path, f"names no attribute for {list_known(missing)}")
