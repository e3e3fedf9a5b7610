"""Everything wrong with a space file, collected and told at once: place, key path, what was found, what is accepted."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

import yaml

from paretofair.errors import SpaceError
from paretofair.naming import show

KeyPath = tuple[str | int, ...]

MOST_SHOWN = 10


class Problems:
    """The problems of one file. A key path keeps its first problem only; later ones are consequences of it."""

    def __init__(self, place: Callable[[KeyPath], tuple[int, str]]) -> None:
        """`place` gives a key path's line (to sort by) and its place in words, such as `space.yaml:14`."""
        self._place = place
        self._messages: dict[KeyPath, str] = {}

    def add(self, path: KeyPath, message: str) -> None:
        self._messages.setdefault(path, message)

    def __bool__(self) -> bool:
        return bool(self._messages)

    def raise_if_any(self) -> None:
        """Raises SpaceError with one line for each problem, in the order of the file, at most ten."""
        lines = []
        for path, message in sorted(self._messages.items(), key=lambda item: self._place(item[0])[0]):
            words = f"{self._place(path)[1]}: "
            lines.append(show(words + (f"{spell_path(path)}: {message}" if path else message)))
        if len(lines) > MOST_SHOWN:
            lines = [*lines[:MOST_SHOWN], f"and {len(lines) - MOST_SHOWN} more"]
        if lines:
            raise SpaceError("\n".join(lines))


def spell_path(path: KeyPath) -> str:
    """A key path as the user writes it.

    >>> spell_path(("points", 0, "task_weight"))
    'points[0].task_weight'
    """
    words = "".join(f"[{key}]" if isinstance(key, int) else f".{_spell_key(key)}" for key in path)
    return words.removeprefix(".")


def _spell_key(key: str) -> str:
    """On one line, whatever is in it."""
    plain = isinstance(key, str) and key.isprintable() and key
    words = key if plain else repr(key)
    return words if len(words) <= 120 else words[:117] + "..."


def show_value(value: Any) -> str:
    """A value on one line as the space file would write it, cut after 80 characters.

    >>> show_value({"uniform": [0.0, 5.0]})
    '{uniform: [0.0, 5.0]}'
    """
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return repr(value)
    words = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    words = words.removesuffix("\n").removesuffix("\n...")
    return words if len(words) <= 80 else words[:77] + "..."


def propose(word: object, names: Iterable[str]) -> str:
    """A sentence that proposes the nearest known name, empty where none is near."""
    close = difflib.get_close_matches(str(word), list(names), n=1)
    return f" Did you mean `{close[0]}`?" if close else ""


def explain_unknown_key(key: object, known: Iterable[str]) -> str:
    """What is said of a key that a mapping of the file does not have.

    >>> explain_unknown_key("shard", ["shared", "head"])
    'unknown key. Did you mean `shared`? Accepted: shared, head'
    """
    known = list(known)
    return f"unknown key.{propose(key, known)} Accepted: {list_known(known)}"


def list_known(names: Iterable[str]) -> str:
    """The known names, for the end of a message."""
    return ", ".join(names) or "nothing"
