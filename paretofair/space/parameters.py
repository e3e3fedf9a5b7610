"""Reads distributions and points of the space file by the parameters that the methods declare."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from paretofair.methods.method import Parameter
from paretofair.metrics.constraints import parse_constraint
from paretofair.sampling.distributions import (
    Choice,
    Distribution,
    Distributions,
    Fixed,
    Integers,
    LogUniform,
    Number,
    Simplex,
    Uniform,
    When,
    column,
)
from paretofair.space.problems import KeyPath, explain_unknown_key, list_known, propose, show_value

RANGES = ("uniform", "log_uniform", "integer")
WRITTEN = (
    "a number, a list of numbers, {uniform: [a, b]}, {log_uniform: [a, b]}, {integer: [a, b]} or "
    "{when: ..., then: ..., otherwise: ...}"
)
CONDITION = ("when", "then", "otherwise")
SUM_TOLERANCE = 1e-6


class Invalid(ValueError):
    """A value that its parameter does not accept; `where` is the key path inside the value."""

    def __init__(self, message: str, *where: str | int) -> None:
        super().__init__(message)
        self.where: KeyPath = where


def parse(parameter: Parameter, value: Any, tasks: Sequence[str]) -> Distribution | Simplex | dict[str, Distribution]:
    """What the space file gives a parameter. A parameter per task gets a distribution for each task, or `Simplex`.

    Raises Invalid.
    """
    if parameter.sums_to_one:
        return _shares(parameter, value, tasks)
    if not parameter.per_task:
        return _distribution(parameter, value)
    if isinstance(value, dict) and set(value) & set(tasks):
        _check_tasks(value, tasks)
        return {task: _distribution(parameter, value[task], task) for task in tasks}
    names = tasks if isinstance(value, dict) else ()
    return dict.fromkeys(tasks, _distribution(parameter, value, tasks=names))


def default(parameter: Parameter, tasks: Sequence[str]) -> Any:
    """What stands in the space file where it gives a parameter nothing; None where it must be given."""
    if parameter.sums_to_one:
        return dict.fromkeys(tasks, 1 / len(tasks))
    return int(parameter.default) if parameter.integer and parameter.default is not None else parameter.default


def point_values(parameter: Parameter, value: Any, tasks: Sequence[str]) -> dict[str, Number]:
    """A parameter's columns in a point: a number for all tasks, a list in task order or a mapping by task name.

    Raises Invalid.
    """
    if not parameter.per_task:
        return {parameter.name: _number(parameter, value)}
    if isinstance(value, list):
        if len(value) != len(tasks):
            raise Invalid(f"found {len(value)} values; expected one for each task: {list_known(tasks)}")
        value = dict(zip(tasks, value, strict=True))
    elif isinstance(value, dict):
        _check_tasks(value, tasks)
    elif parameter.sums_to_one and len(tasks) > 1:
        raise Invalid(
            f"found {show_value(value)}; the tasks share 1, so give a list in task order: {list_known(tasks)}"
        )
    else:
        value = dict.fromkeys(tasks, value)
    values = {task: _number(parameter, value[task], task) for task in tasks}
    if parameter.sums_to_one:
        _check_sum(values)
    return {column(parameter.name, task): values[task] for task in tasks}


def centre(distributions: Distributions, tasks: Sequence[str]) -> dict[str, Number]:
    """The centre of every distribution, by column: what a point takes where it gives nothing."""
    result: dict[str, Number] = {}
    for name, distribution in distributions.items():
        if isinstance(distribution, Distribution):
            result[name] = distribution.centre
            continue
        for task in tasks:
            middle = 1 / len(tasks) if isinstance(distribution, Simplex) else distribution[task].centre
            result[column(name, task)] = middle
    return result


def _shares(parameter: Parameter, value: Any, tasks: Sequence[str]) -> Simplex | dict[str, Distribution]:
    if value == "simplex":
        return Simplex()
    expected = f"expected `simplex`, or a mapping of the tasks to numbers that sum to 1: {list_known(tasks)}"
    if isinstance(value, list):
        raise Invalid(f"found {show_value(value)}, which would be a choice; {expected}")
    if not isinstance(value, dict) or not set(value) & set(tasks):
        raise Invalid(f"found {show_value(value)}; {expected}")
    _check_tasks(value, tasks)
    values = {task: _number(parameter, value[task], task) for task in tasks}
    _check_sum(values)
    return {task: Fixed(values[task]) for task in tasks}


def _distribution(parameter: Parameter, value: Any, *where: str, tasks: Sequence[str] = ()) -> Distribution:
    if isinstance(value, list):
        if not value:
            raise Invalid("an empty list; a choice needs at least one number", *where)
        return Choice(tuple(_number(parameter, entry, *where, index) for index, entry in enumerate(value)))
    if isinstance(value, dict) and "when" in value:
        return _conditional(parameter, value, *where)
    if isinstance(value, dict):
        return _range(parameter, value, *where, tasks=tasks)
    if value == "simplex":
        raise Invalid(f"`simplex` is for values that sum to 1 over the tasks; expected {WRITTEN}", *where)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(f"found {show_value(value)}; expected {WRITTEN}", *where)
    return Fixed(_number(parameter, value, *where))


def _conditional(parameter: Parameter, value: dict[str, Any], *where: str) -> Distribution:
    for key in value:
        if key not in CONDITION:
            raise Invalid(explain_unknown_key(key, CONDITION), *where, key)
    for key in CONDITION:
        if key not in value:
            raise Invalid(f"{key} is missing; write {{when: epochs >= 40, then: ..., otherwise: ...}}", *where)
    try:
        condition = parse_constraint(str(value["when"]))
    except ValueError as error:
        raise Invalid(str(error), *where, "when") from None
    if isinstance(value["then"], dict) and "when" in value["then"]:
        raise Invalid("a condition inside a condition; give one", *where, "then")
    then = _distribution(parameter, value["then"], *where, "then")
    return When(condition, then, _number(parameter, value["otherwise"], *where, "otherwise"))


def check_conditions(distributions: Distributions) -> Iterator[tuple[KeyPath, str]]:
    """What is wrong with the parameters that conditions name: the key path from the parameter on, and words."""
    free = {
        name: isinstance(found, Distribution)
        for name, found in distributions.items()
        if not any(isinstance(each, When) for each in _each(found))
    }
    for name, distribution in distributions.items():
        own = distribution if isinstance(distribution, Mapping) else {"": distribution}
        accepts = [other for other, scalar in free.items() if scalar or isinstance(distribution, Mapping)]
        for task, each in own.items():
            if isinstance(each, When) and (on := each.condition.name) not in accepts:
                words = (
                    f"found {on!r}; a condition is on another parameter, which has none itself.{propose(on, accepts)}"
                )
                yield (name, *([task] if task else []), "when"), f"{words} Accepted: {list_known(accepts)}"


def _each(found: Distribution | Simplex | Mapping[str, Distribution]) -> Iterable[Any]:
    return found.values() if isinstance(found, Mapping) else [found]


def _range(parameter: Parameter, value: dict[str, Any], *where: str, tasks: Sequence[str]) -> Distribution:
    if len(value) != 1 or (kind := next(iter(value))) not in RANGES:
        word = next((key for key in value if key not in RANGES), "")
        by_task = f", or a mapping of all tasks: {list_known(tasks)}" if tasks else ""
        hint = propose(word, [*RANGES, *tasks])
        raise Invalid(f"found {show_value(value)}; expected {WRITTEN}{by_task}.{hint}", *where)
    ends = value[kind]
    if not isinstance(ends, list) or len(ends) != 2:
        raise Invalid(f"found {show_value(ends)}; expected two numbers: {{{kind}: [a, b]}}", *where)
    if parameter.integer and kind != "integer":
        raise Invalid(f"takes whole numbers; write {{integer: {show_value(ends)}}} or a list", *where)
    if kind == "integer" and not all(_is_whole(end) for end in ends):
        raise Invalid(f"found {show_value(ends)}; {{integer: [a, b]}} needs two whole numbers", *where)
    low, high = (_number(parameter, end, *where, bounded=False) for end in ends)
    if low >= high:
        raise Invalid(f"empty range {show_value(ends)}; the first number must be smaller", *where)
    if kind == "log_uniform" and low <= 0:
        raise Invalid(f"found {show_value(ends)}; log_uniform needs numbers above 0", *where)
    for end in ends:
        _number(parameter, end, *where)
    if kind == "integer":
        return Integers(low, high)
    return Uniform(low, high) if kind == "uniform" else LogUniform(low, high)


def _number(parameter: Parameter, value: Any, *where: str | int, bounded: bool = True) -> Number:
    """`value` as this parameter's number: int for whole-number parameters, else float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(f"found {show_value(value)}; expected a number", *where)
    if not abs(value) <= 1e300:
        raise Invalid(f"found {show_value(value)}; expected a finite number", *where)
    if parameter.integer and not _is_whole(value):
        raise Invalid(f"found {show_value(value)}; expected a whole number", *where)
    if parameter.integer and abs(value) > 2**53:
        raise Invalid(f"found {show_value(value)}; too large for a whole number", *where)
    if bounded and not parameter.low <= value <= parameter.high:
        raise Invalid(f"found {show_value(value)}; must be {_bounds(parameter)}", *where)
    return value if parameter.integer else float(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _bounds(parameter: Parameter) -> str:
    if math.isfinite(parameter.low) and math.isfinite(parameter.high):
        return f"between {parameter.low:g} and {parameter.high:g}"
    return f"at least {parameter.low:g}" if math.isfinite(parameter.low) else f"at most {parameter.high:g}"


def _check_tasks(value: Mapping[str, Any], tasks: Sequence[str]) -> None:
    for name in value:
        if name not in tasks:
            raise Invalid(f"unknown task.{propose(name, tasks)} Accepted: {list_known(tasks)}", name)
    missing = [task for task in tasks if task not in value]
    if missing:
        raise Invalid(f"gives no value for {list_known(missing)}; a mapping names every task: {list_known(tasks)}")


def _check_sum(values: Mapping[str, Number]) -> None:
    total = math.fsum(values.values())
    if abs(total - 1) > SUM_TOLERANCE:
        raise Invalid(f"the values sum to {total:g}; they must sum to 1")
