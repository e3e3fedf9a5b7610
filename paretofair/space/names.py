"""Checks the names of tasks, attributes and parameters in a space file against what the data set and methods have."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

from paretofair.metrics.objectives import OF_SEVERAL_TASKS, NamedSet, build_set, known_sets, parse_goal
from paretofair.metrics.registry import GOAL_GAPS, METRICS, Metric
from paretofair.space.numbering import MOST_BASELINE_RUNS
from paretofair.space.problems import KeyPath, Problems, list_known, propose, show_value
from paretofair.space.schema import Frontiers, FrontierSet, Settings


def resolve_data(
    settings: Settings, tasks: tuple[str, ...], attributes: tuple[str, ...], problems: Problems
) -> Settings:
    """`settings` with the defaults that depend on the data set; checks every name of a task or an attribute."""
    data = settings.data
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
    return settings.model_copy(update={"data": data, "frontiers": _resolve_frontiers(settings, tasks, problems)})


def _resolve_frontiers(settings: Settings, tasks: tuple[str, ...], problems: Problems) -> Frontiers:
    """The section with its defaults; checks the names of metrics and sets in it, and of the user's own metrics."""
    for name in settings.metrics:
        if name in METRICS or not name.isidentifier():
            words = "is a metric of ours; choose another name" if name in METRICS else "must be letters, digits and _"
            problems.add(("metrics", name), f"found {name!r}; it {words}")
    frontiers, metrics, every = settings.frontiers, settings.known_metrics, ("arfg_are", *tasks, *OF_SEVERAL_TASKS)
    gap = frontiers.gap or GOAL_GAPS[settings.fairness.goal]
    gaps = [each.name for each in metrics.values() if each.direction == "minimised" and each.is_of_tasks]
    check_name(gap, gaps, ("frontiers", "gap"), problems)
    point = {"arfg": frontiers.reference_point.arfg, "are": frontiers.reference_point.are}
    for index, each in enumerate(frontiers.objectives):
        path: KeyPath = ("frontiers", "objectives", index)
        if not each.of:
            check_name(each.name, every, path, problems)
            continue
        if each.name in every:
            problems.add((*path, "name"), f"found {each.name!r}, which is a set that every run has; choose another")
        for place, name in enumerate(each.of):
            check_objective(name, tasks, metrics, (*path, "of", place), problems)
        if (
            not problems
            and build_set(NamedSet(each.name, each.of, each.reference), tasks, metrics, point).reference is None
        ):
            words = "required: a metric of the set has no worst value (metrics.NAME.worst) to end the hypervolume at"
            problems.add((*path, "reference"), words)
    names = known_sets([each.name for each in frontiers.objectives], tasks)
    own = {each.name: each for each in frontiers.objectives}
    sets = tuple(own.get(name, FrontierSet(name=name)) for name in names)
    return frontiers.model_copy(update={"objectives": sets, "gap": gap})


def check_objective(
    name: str,
    tasks: tuple[str, ...],
    metrics: Mapping[str, Metric],
    path: KeyPath,
    problems: Problems,
    parse: Callable[[str, Sequence[str], Mapping[str, Metric]], object] = parse_goal,
) -> None:
    """Adds a problem where the value at `path` is nothing that can be optimised, or nothing that `parse` takes."""
    try:
        parse(name, tasks, metrics)
    except ValueError as error:
        problems.add(path, str(error))


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
