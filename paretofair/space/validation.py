"""Validates plain data as a section of the schema and says in the user's words what is wrong with it."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from paretofair.naming import PLAIN_WORDS
from paretofair.space.problems import KeyPath, Problems, explain_unknown_key, list_known, propose, show_value

M = TypeVar("M", bound=BaseModel)

# A file that lacks these can still be checked further; they are never returned without a problem.
_PLACEHOLDERS: dict[KeyPath, Any] = {
    ("name",): "unnamed",
    ("stages",): {"sweep": {"trials": 0}},
    ("stages", "sweep"): {"trials": 0},
    ("stages", "sweep", "trials"): 0,
}


def validate(model: type[M], data: Any, problems: Problems, at: KeyPath = ()) -> M | None:
    """`data` as a `model`; every error goes to `problems` under the key path `at`.

    Where there are errors, the model of the data without the faulty keys, so that the rest can be checked; None
    where that makes none.
    """
    try:
        return model.model_validate(data)
    except ValidationError as failure:
        errors = failure.errors(include_url=False)
    for error in errors:
        if error["loc"][-1:] == ("[key]",):  # of a mapping whose keys are names
            error["loc"] = error["loc"][:-1]
        # A consequence of other problems: a list of faulty items counts as empty.
        if error["type"] == "too_short" and error["input"]:
            continue
        problems.add(at + error["loc"], _explain_error(error, model))
    try:
        return model.model_validate(_drop_faulty(data, [error["loc"] for error in errors]))
    except ValidationError:
        return None


def _drop_faulty(data: Any, faulty: list[KeyPath]) -> Any:
    """A copy of `data` without what stands at the paths `faulty`; a faulty item of a list removes the list."""
    data = copy.deepcopy(data)
    for path in faulty:
        names = list(itertools.takewhile(lambda key: isinstance(key, str), path))
        if not names:
            return None
        parent = data
        for name in names[:-1]:
            parent = parent.get(name) if isinstance(parent, dict) else None
        if isinstance(parent, dict):
            parent.pop(names[-1], None)
            if path in _PLACEHOLDERS:
                parent[names[-1]] = copy.deepcopy(_PLACEHOLDERS[path])
    return data


def _explain_error(error: ErrorDetails, model: type[BaseModel]) -> str:
    kind, found, context = error["type"], show_value(error["input"]), error.get("ctx", {})
    if kind == "missing":
        return "required, but not given"
    if kind == "extra_forbidden":
        return explain_unknown_key(error["loc"][-1], _keys(model, error["loc"][:-1]))
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"])
        return f"found {found}; accepted: {list_known(known)}.{propose(error['input'], known)}"
    if kind == "string_pattern_mismatch":
        return f"found {found}; accepted: {PLAIN_WORDS}"
    for name, sign in (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most")):
        if name in context:
            return f"found {found}; must be {sign} {context[name]:g}"
    if "min_length" in context:
        return f"found {found}; needs at least {context['min_length']}"
    if "max_length" in context:
        what = " characters" if isinstance(error["input"], str) else ""
        return f"found {len(error['input']):,}{what}; accepted: at most {context['max_length']:,}{what}"
    expected = {
        "string": "text",
        "int": "a whole number",
        "float": "a number",
        "finite": "a finite number",
        "bool": "true or false",
        "tuple": "a list",
        "dict": "a mapping",
        "model": "a mapping",
    }.get(kind.split("_")[0])
    return f"found {found}; expected {expected}" if expected else error["msg"]


def _keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys of the section at `path` inside `model`."""
    for key in path:
        field = model.model_fields.get(str(key))
        if field is not None:
            model = next(_sections(field.annotation), model)
    return list(model.model_fields)


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _sections(argument)
