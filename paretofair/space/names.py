"""Checks the names of tasks, attributes and parameters in a space file against what the data set and methods have."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from paretofair.metrics.constraints import parse_constraint
from paretofair.metrics.metric import IDENTITY as IDENTITIES
from paretofair.metrics.metric import Metric
from paretofair.metrics.objectives import (
    OF_SEVERAL_TASKS,
    NamedSet,
    Objective,
    build_set,
    known_sets,
    parse_goal,
    parse_objective,
)
from paretofair.metrics.registry import ASKED_FOR, GOAL_GAPS, METRICS
from paretofair.naming import (
    JOINT,
    MOST,
    PLAIN,
    PLAIN_WORDS,
    find_attribute_faults,
    find_fault,
    find_task_faults,
    find_text_fault,
    find_twins,
)
from paretofair.results.table_schema import IDENTITY, RESULTS
from paretofair.space.numbering import MOST_BASELINE_RUNS
from paretofair.space.problems import KeyPath, Problems, list_known, propose, show_value
from paretofair.space.schema import Frontiers, FrontierSet, OwnMetric, Settings

_FEW = 3  # attributes, whose intersections all fit a message


def resolve_data(
    settings: Settings, kinds: Mapping[str, str], attributes: tuple[str, ...], problems: Problems
) -> Settings:
    """`settings` with the defaults that depend on the data set, whose tasks have these kinds; checks every name of a
    task or an attribute."""
    tasks = tuple(kinds)
    data = settings.data
    data = data.model_copy(update={"sensitive": data.sensitive or attributes[0]})
    _check_names(settings, tasks, attributes, problems)
    if data.split_of_each:
        _check_each(settings, problems)
    _check_sensitive(data.sensitive, tasks, attributes, problems)
    for index, name in enumerate(data.audit):
        _check_attribute(name, attributes, ("data", "audit", index), problems)
    frontiers = _resolve_frontiers(settings, kinds, problems)
    settings = settings.model_copy(update={"data": data, "frontiers": frontiers})
    return settings.model_copy(update={"metrics": settings.metrics | _find_asked_for(settings, tasks)})


def _resolve_frontiers(settings: Settings, kinds: Mapping[str, str], problems: Problems) -> Frontiers:
    """The section with its defaults; checks the names of metrics and sets in it, and of the run's own metrics."""
    for name, listed in settings.metrics.items():
        if listed.function is None and listed.given is None and listed.of is None:
            if name not in ASKED_FOR:
                words = f"required: a function, or what is given; without them one of {list_known(ASKED_FOR)}"
                problems.add(("metrics", name), f"{words}.{propose(name, ASKED_FOR)}")
        elif name in METRICS or not name.isidentifier():
            words = "is a metric of ours; choose another name" if name in METRICS else "must be letters, digits and _"
            problems.add(("metrics", name), f"found {name!r}; it {words}")
    tasks = tuple(kinds)
    frontiers, metrics, every = settings.frontiers, settings.known_metrics, ("arfg_are", *tasks, *OF_SEVERAL_TASKS)
    of_identities = IDENTITIES in kinds.values()
    gap = frontiers.gap or ("accuracy_gap" if of_identities else GOAL_GAPS[settings.fairness.goal])
    gaps = [each.name for each in metrics.values() if each.direction == "minimised" and _is_of_all(each, kinds)]
    check_name(gap, gaps, ("frontiers", "gap"), problems)
    point = {"arfg": frontiers.reference_point.arfg, "are": frontiers.reference_point.are}
    for index, each in enumerate(frontiers.objectives):
        path: KeyPath = ("frontiers", "objectives", index)
        if not each.of:
            check_name(each.name, every, path, problems)
            continue
        if each.name in every:
            problems.add((*path, "name"), f"found {each.name!r}, which is a set that every run has; choose another")
        elif not re.fullmatch(PLAIN, each.name) or len(each.name) > MOST:
            problems.add((*path, "name"), f"found {show_value(each.name)}; accepted: {PLAIN_WORDS}")
        for place, name in enumerate(each.of):
            check_objective(name, kinds, metrics, (*path, "of", place), problems)
        if (
            not problems
            and build_set(NamedSet(each.name, each.of, each.reference), tasks, metrics, point).reference is None
        ):
            words = "required: a metric of the set has no worst value (metrics.NAME.worst) to end the hypervolume at"
            problems.add((*path, "reference"), words)
    for name, fault in find_twins([*every, *(each.name for each in frontiers.objectives)]).items():
        if name not in every:
            words = f"found {name!r}, {fault}"
            problems.add(("frontiers", "objectives"), words)
    names = known_sets([each.name for each in frontiers.objectives], tasks)
    own = {each.name: each for each in frontiers.objectives}
    sets = tuple(own.get(name, FrontierSet(name=name)) for name in names)
    return frontiers.model_copy(update={"objectives": sets, "gap": gap})


def list_kept_epochs(settings: Settings) -> list[tuple[KeyPath, object]]:
    """Where a space says which epoch is kept, its own section and those of methods, each with its `by` as it is
    written."""
    shared = settings.training.keep_epoch
    found: list[tuple[KeyPath, object]] = [] if shared is None else [(("training", "keep_epoch"), shared.by)]
    for name, own in settings.methods.items():
        given = own.training.get("keep_epoch")
        if isinstance(given, dict):
            found.append((("methods", name, "training", "keep_epoch"), given.get("by")))
    return found


def _find_asked_for(settings: Settings, tasks: tuple[str, ...]) -> dict[str, OwnMetric]:
    """Those metrics of ours that only a run has that asks for them, which the space names somewhere without listing
    them."""
    sweep, named = settings.stages.sweep, list[str]()
    for each in settings.frontiers.objectives:
        named += each.of
    for text in settings.constraints:
        with suppress(ValueError):  # told where constraints are checked, as names are that are no metric
            named.append(parse_constraint(text).name)
    named += sweep.successive_halving.objectives if sweep.successive_halving is not None else ()
    named += sweep.sampler.objectives
    named += [by for _, by in list_kept_epochs(settings) if isinstance(by, str)]
    found = {settings.frontiers.gap or ""}
    for name in named:
        with suppress(ValueError):
            found.add(parse_objective(name, tasks).metric.name)
    return {name: OwnMetric() for name in ASKED_FOR if name in found and name not in settings.metrics}


def check_objective(
    name: str,
    kinds: Mapping[str, str],
    metrics: Mapping[str, Metric],
    path: KeyPath,
    problems: Problems,
    parse: Callable[[str, Sequence[str], Mapping[str, Metric]], Objective] = parse_goal,
) -> None:
    """Adds a problem where the value at `path` is nothing that can be optimised, or nothing that `parse` takes, or what
    tasks of these kinds do not have."""
    try:
        found = parse(name, tuple(kinds), metrics)
    except ValueError as error:
        problems.add(path, str(error))
        return
    for task in kinds if found.task is None else (found.task,):
        if not found.metric.is_for(kinds[task]):
            problems.add(path, f"found {name!r}; {task}, which is {kinds[task]}, has no {found.metric.name}")
            return


def _is_of_all(metric: Metric, kinds: Mapping[str, str]) -> bool:
    return metric.is_of_tasks and all(metric.is_for(kind) for kind in kinds.values())


def _check_names(settings: Settings, tasks: tuple[str, ...], attributes: tuple[str, ...], problems: Problems) -> None:
    """What tasks, attributes and methods are called."""
    data = settings.data
    of_tasks: KeyPath = ("data", "tasks") if data.csv is None else ("data", "csv", "tasks")
    of_attributes: KeyPath = ("data", "sensitive") if data.csv is None else ("data", "csv", "sensitive")
    for name, words in find_task_faults(settings.known_metrics, tasks, attributes).items():
        problems.add((*of_tasks, name), f"found {name!r}, {words}")
    faults = {name: fault for name in attributes if (fault := find_fault(name)) is not None}
    faults |= find_twins(attributes)
    faults |= {name: f"which is also {words}; rename it" for name, words in find_attribute_faults(attributes).items()}
    for name, fault in faults.items():
        problems.add((*of_attributes, name), f"found {name!r}, {fault}")
    for attribute, own in data.attributes_of_files.items():
        for group in own.groups.values():
            wrong = find_text_fault(group)
            if wrong is not None:
                problems.add((*of_attributes, attribute, "groups"), f"found {group!r}, {wrong}")
    for name, fault in find_twins(settings.methods).items():
        problems.add(("methods", name), f"found {name!r}, {fault}")


def check_labels(
    settings: Settings,
    tasks: Sequence[str],
    group_names: Mapping[str, Sequence[str]],
    problems: Problems,
    *,
    every_group: bool,
) -> None:
    """Adds a problem for each label of what the space does not have. Unless `every_group` is in `group_names`, a name
    that is like no other may still be that of a group, and waits for the data."""
    groups = [group for names in group_names.values() for group in names]
    sets = [each.name for each in settings.frontiers.objectives]
    known = [*tasks, *group_names, *groups, *settings.methods, *settings.known_metrics, *sets]
    for name in settings.labels:
        near = propose(name, known)
        attribute = name not in known and JOINT in name and set(name.split(JOINT)) <= set(group_names)
        if name not in known and not attribute and (every_group or near):
            words = "no task, attribute, group, method or metric of this name"
            problems.add(("labels", name), f"{words}.{near}")


def check_parameters(name: str, columns: Mapping[str, Sequence[str]], problems: Problems) -> None:
    """Adds a problem where hyperparameters of a method cannot stand in the trial table: `columns` by parameter."""
    owner: dict[str, str] = {}
    for parameter, own in columns.items():
        fault: str | None = find_fault(parameter)
        if fault is None and (parameter in IDENTITY or parameter.startswith(RESULTS)):
            fault = "which is a column of the trial table; rename the parameter"
        for column in own:
            other = owner.setdefault(column, parameter)
            if other != parameter and fault is None:
                fault = f"which shares the column {column} with {other!r}; rename the parameter or the task"
        if fault is not None:
            problems.add(("methods", name), f"found the parameter {parameter!r}, {fault}")


def _check_attribute(name: str, attributes: tuple[str, ...], path: KeyPath, problems: Problems) -> None:
    """Adds a problem where the value at `path` is neither an attribute nor an intersection of some, in their order."""
    places = [attributes.index(part) for part in name.split(JOINT) if part in attributes]
    joined = (
        len(places) > 1 and places == sorted(set(places)) and JOINT.join(attributes[place] for place in places) == name
    )
    if name not in attributes and not joined:
        sizes = range(2, len(attributes) + 1) if len(attributes) <= _FEW else ()
        joined_names = [JOINT.join(each) for size in sizes for each in itertools.combinations(attributes, size)]
        words = f"found {show_value(name)}; accepted: {list_known((*attributes, *joined_names))}"
        if not sizes:
            words += f", and what some of them are together, as in {JOINT.join(attributes[:2])}"
        problems.add(path, f"{words}.{propose(name, (*attributes, *joined_names))}")


def _check_each(settings: Settings, problems: Problems) -> None:
    """What a split of each seed excludes."""
    if settings.protocol == "paper":
        words = "found 'each'; under protocol paper one frontier holds all seeds, so that all need the same test rows"
        problems.add(("data", "test_seed"), f"{words}. Accepted: an integer")
    baselines = settings.stages.baselines
    for path, stage in ((("runs",), baselines), (("tune", "runs"), baselines.tune)):
        if stage is not None and stage.runs > MOST_BASELINE_RUNS:
            words = f"found {stage.runs}; must be at most {MOST_BASELINE_RUNS:,} where data.test_seed is each"
            problems.add(("stages", "baselines", *path), words)


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
        _check_attribute(sensitive, attributes, path, problems)
        return
    check_keys(sensitive, tasks, path, problems, what="task of the data set")
    for task, attribute in sensitive.items():
        _check_attribute(attribute, attributes, (*path, task), problems)
    missing = [task for task in tasks if task not in sensitive]
    if missing:
        problems.add(path, f"names no attribute for {list_known(missing)}")
