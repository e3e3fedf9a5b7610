"""What changed between two spaces, as far as it changes results: whether one may extend the other's run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paretofair.space.method_space import MethodSpace
from paretofair.space.problems import show_value
from paretofair.space.space import Space

# Where the space file has a section of the identity.
_STAGES = {"sampler": "stages.sweep.", "successive_halving": "stages.sweep.", "tune": "stages."}


def compare(old: Space, new: Space) -> list[str]:
    """One line for each difference that changes a result of the baselines or of a method that is in both spaces.

    Empty where `new` may extend the run of `old`. A line has the key path at which a space file writes the setting,
    as in `methods.mtaf.fairness.distance: 'correlation' -> 'mmd'`. Points may only be added at the end of the list.
    """
    lines: dict[str, None] = {}
    for key, words in _differences(old.baselines, new.baselines, "baselines"):
        prefix = "stages.baselines." if key[0] == "parameters" else ""
        lines[f"{prefix}{'.'.join(key)}: {words}"] = None
    for name in [name for name in old.methods if name in new.methods]:
        before, after = old.method(name), new.method(name)
        tuned = _differences(before, after, "tune") if old.stages.tune and new.stages.tune else ()
        for key, words in (*_differences(before, after, "sweep"), *tuned):
            own = any(_gives(space, name, key) for space in (old, new))
            prefix = f"methods.{name}." if own else _STAGES.get(key[0], "")
            lines[f"{prefix}{'.'.join(key)}: {words}"] = None
        if before.identity("sweep")["parameters"] == after.identity("sweep")["parameters"]:
            lines.update(dict.fromkeys(_compare_points(old, new, before, after)))
    return list(lines)


def _differences(old: MethodSpace, new: MethodSpace, stage: str) -> Iterator[tuple[tuple[str, ...], str]]:
    before, after = _flatten(old.identity(stage)), _flatten(new.identity(stage))
    for key in {**before, **after}:
        if before.get(key) != after.get(key):
            yield key, f"{show_value(before.get(key))} -> {show_value(after.get(key))}"


def _flatten(identity: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    """Settings by section and key; a distribution stays whole."""
    result: dict[tuple[str, ...], Any] = {}
    for section, value in identity.items():
        if isinstance(value, dict) and section != "threshold":
            result.update({(section, key): inner for key, inner in value.items()})
        else:
            result[section,] = value
    return result


def _gives(space: Space, method: str, key: tuple[str, ...]) -> bool:
    """Whether `space` gives this setting in the method's own section."""
    own = getattr(space.methods[method], key[0], None)
    return own is not None and (len(key) == 1 or key[1] in own)


def _compare_points(old: Space, new: Space, before: MethodSpace, after: MethodSpace) -> Iterator[str]:
    for index, point in enumerate(before.points):
        if index >= len(after.points):
            yield f"points[{index}]: {show_value(old.points[index])} -> nothing"
        elif point != after.points[index]:
            yield f"points[{index}]: {show_value(old.points[index])} -> {show_value(new.points[index])}"
