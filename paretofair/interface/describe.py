"""Writes the space of a comparison: what a space file would say of data in memory and of a few keywords."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from paretofair.data.reading.cell_table import CellTable
from paretofair.data.reading.cells import text_of
from paretofair.data.reading.tables import suggest_known
from paretofair.errors import DataError, SpaceError
from paretofair.methods import METHODS, TRAINING_PARAMETERS, LossSettings, Method, Names
from paretofair.space.numbering import BASELINE_METHOD
from paretofair.tasks.known import find_kind
from paretofair.training.optimizers import OPTIMIZERS

MOST_CLASSES = 20  # of a column of numbers; of more it looks like a quantity
# The goal of the losses by how the gap among the objectives begins.
_GOALS = {
    "equalized_odds": "odds",
    "soft_equalized_odds": "odds",
    "tpr_gap": "tpr",
    "soft_tpr_gap": "tpr",
    "equal_opportunity": "tpr",
    "demographic_parity": "parity",
    "disparate_impact": "parity",
}
OBJECTIVES = ("error", "equalized_odds_max")
SET = "compared"  # the name of the set of objectives
# The size of a batch by the most rows that it is for; where their number is not known, as for many.
_BATCHES = ((0, 512), (1_000, 32), (10_000, 128), (math.inf, 512))


def describe_tasks(
    cells: CellTable, tasks: Sequence[str] | Mapping[str, Any], positive: Mapping[str, Any]
) -> dict[str, Any]:
    """The section `data.csv.tasks`: each task a column of the table, or what the caller says of it.

    A column of zeros and ones, truths, or yes and no stays as it is. Of two other values the `positive` one, or else
    the last in sorted order, is the positive class, as in scikit-learn; more are classes.

    Raises:
        DataError: A column that is not there, a positive value that no cell is, or a column of numbers with more than
            20 different values.
    """
    wanted = tasks if isinstance(tasks, Mapping) else {name: name for name in tasks}
    found = {}
    for name, said in wanted.items():
        plain = isinstance(said, str) and said in cells.header
        if isinstance(said, str) and not plain and said == name:
            cells.require(said, "tasks")
        found[name] = _describe_task(cells, name, said, positive.get(name)) if plain else said
    for name in positive:
        if name not in wanted:
            raise DataError(f"positive: found the task {name!r}; {suggest_known(name, list(wanted))}")
    return found


def _describe_task(cells: CellTable, name: str, column: str, positive: Any) -> Any:
    values = cells.values(column)
    if positive is not None:
        word = text_of(positive)
        if word not in values:
            raise DataError(f"positive: no value of {column!r} is {positive!r}; {suggest_known(word, values)}")
        others = [value for value in values if value != word]
        if len(others) == 1:
            return {"column": column, "kind": "binary", "classes": [others[0], word]}
        quoted = word.replace("\\", "\\\\").replace('"', '\\"')
        return f'`{column}` == "{quoted}"'
    if len(values) <= 2 and not any(math.isnan(cells.rules.read_truth(value)) for value in values):
        return column
    numbers = [cells.rules.read_number(value) for value in values]
    are_numbers = not any(map(math.isnan, numbers))
    if len(values) == 2:
        return {"column": column, "kind": "binary", "classes": sorted(values, key=float if are_numbers else str)}
    if are_numbers and len(values) > MOST_CLASSES:
        middle = sorted(numbers)[len(numbers) // 2]
        raise DataError(
            f"task {name!r}: column {column!r} has {len(values):,} different numbers, which are no classes; "
            f"say what is predicted, as in tasks={{{name!r}: '`{column}` > {middle:g}'}}"
        )
    return {"column": column, "kind": "multiclass"}


@dataclass(frozen=True)
class ChosenMethods:
    """The section `methods`, and why methods are not in it although all were asked for."""

    section: dict[str, dict[str, Any]]
    left_out: dict[str, str] = field(default_factory=dict)


def describe_methods(
    methods: str | Sequence[str] | Mapping[str, Any],
    kinds: Mapping[str, str],
    fairness: Mapping[str, Any],
    without: Mapping[str, str],
) -> ChosenMethods:
    """Every method that has a meaning for tasks of these `kinds` and under the section `fairness` and needs no choice
    of the caller, for the word `all`, which also leaves out those `without`, for the reasons given; or those that are
    named. Each has the ranges that it declares itself.

    Raises:
        SpaceError: A name that is no method.
    """
    users = [name for name in METHODS if name != BASELINE_METHOD]
    if isinstance(methods, str):
        methods = [methods]
    every = not isinstance(methods, Mapping) and list(methods) == ["all"]
    asked = methods if isinstance(methods, Mapping) else dict.fromkeys(users if every else methods)
    given: dict[str, dict[str, Any]] = {name: dict(said or {}) for name, said in asked.items()}
    section, left_out = {}, {}
    for name, said in given.items():
        kind = METHODS.get(said.get("class", name))
        if kind is None and ":" not in str(said.get("class", "")):
            raise SpaceError(f"methods: found {name!r}; {suggest_known(name, ['all', *users])}")
        if kind is None:  # of the user's own: it declares its ranges where it is read
            section[name] = said
            continue
        if "balance_task" in kind.Options.model_fields and len(kinds) > 1:
            said.setdefault("balance_task", next(iter(kinds)))
        fault = without.get(name) or _find_fault(kind, said, kinds, fairness) if every else None
        if fault is not None:
            left_out[name] = fault
            continue
        ranges = {each.name: each.search for each in kind.parameters if each.search is not None}
        ranges = {key: found for key, found in ranges.items() if key != "task_weight"}
        parameters = ranges | said.pop("parameters", {})
        section[name] = said | ({"parameters": parameters} if parameters else {})
    if not section:
        raise SpaceError("methods: names no method")
    return ChosenMethods(section, left_out)


def _find_fault(
    kind: type[Method], said: Mapping[str, Any], kinds: Mapping[str, str], fairness: Mapping[str, Any]
) -> str | None:
    """Why a method cannot be compared without a word of the caller's; None where it can."""
    for task, name in kinds.items():
        if not kind.needs <= find_kind(name).gives:
            return f"has no meaning for {task}, which is {name}"
    for parameter in kind.parameters:
        if parameter.search is None and not parameter.optional:
            return f"needs {parameter.name}"
    if "group_task" in kind.Options.model_fields and "group_task" not in said:
        return "needs group_task, the task that predicts the group"
    try:
        options = kind.Options.model_validate({key: each for key, each in said.items() if key != "parameters"})
        kind(LossSettings(**fairness), options, Names())
    except ValidationError as error:
        return f"needs {', '.join(str(each['loc'][0]) for each in error.errors())}"
    except ValueError as error:
        return str(error)
    return None


def describe_space(
    name: str,
    data: Mapping[str, Any],
    kinds: Mapping[str, str],
    rows: int,
    methods: str | Sequence[str] | Mapping[str, Any],
    objectives: Sequence[str],
    trials: int,
    seeds: Sequence[int],
    settings: Mapping[str, Any],
    without: Mapping[str, str],
) -> tuple[dict[str, Any], dict[str, str]]:
    """The whole space as plain data, and the methods that were left out with the reason. `settings` are sections of a
    space file, which are laid over it key by key."""
    goal = next((goal for each in objectives for begin, goal in _GOALS.items() if each.startswith(begin)), "fpr")
    fairness = {"goal": goal, **settings.get("fairness", {})}
    chosen = describe_methods(methods, kinds, fairness, without)
    optimizer = settings.get("training", {}).get("optimizer", "adam")
    rates = OPTIMIZERS[optimizer].learning_rates if optimizer in OPTIMIZERS else None
    parameters: dict[str, Any] = {each.name: each.search for each in TRAINING_PARAMETERS if each.search is not None}
    fixed: dict[str, Any] = {}
    if rates is not None:
        parameters = {"learning_rate": {"log_uniform": list(rates)}, **parameters}
        fixed["learning_rate"] = float(f"{math.sqrt(rates[0] * rates[1]):.2g}")
    if isinstance(parameters.get("epochs"), list):
        fixed["epochs"] = parameters["epochs"][len(parameters["epochs"]) // 2]
    if len(kinds) > 1:
        parameters["task_weight"] = "simplex"
    space = {
        "name": name,
        "data": dict(data),
        "training": {
            "optimizer": optimizer,
            "batch_size": next(size for most, size in _BATCHES if rows <= most),
            "reduction": "mean",
        },
        "fairness": fairness,
        "parameters": parameters,
        "methods": chosen.section,
        "seeds": list(seeds),
        "stages": {"baselines": {"runs": 3, "parameters": fixed}, "sweep": {"trials": trials}},
        "frontiers": {"objectives": [{"name": SET, "of": list(objectives)}]},
    }
    return _lay_over(space, settings), chosen.left_out


def find_two_numbers(settings: Mapping[str, Any]) -> list[tuple[str, list[float]]]:
    """Parameters that `settings` lists two numbers for, not both of them whole: a choice of two, where users of other
    searches may mean a range."""
    shared = settings.get("parameters") or {}
    found = shared.items() if isinstance(shared, Mapping) else ()
    return [
        (name, each)
        for name, each in found
        if isinstance(each, list)
        and len(each) == 2
        and all(isinstance(number, int | float) for number in each)
        and any(isinstance(number, float) for number in each)
        and name != "task_weight"
    ]


def _lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        here = merged.get(key)
        # A range is one value, although it is a mapping.
        whole = isinstance(value, Mapping) and set(value) <= {"uniform", "log_uniform", "integer"} and value
        both = isinstance(here, Mapping) and isinstance(value, Mapping) and not whole
        merged[key] = _lay_over(here, value) if both and isinstance(here, Mapping) else value
    return merged
