"""What data, space files and tables say of a task; this file imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskKind:
    """`name` is a key of `known.TASKS` or a class of the user's own; `classes` are the words for the labels 0, 1, ….

    Raises ValueError for fewer than two classes, or a class that stands there twice.
    """

    name: str = "binary"
    classes: tuple[str, ...] = ("0", "1")

    def __post_init__(self) -> None:
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise ValueError(f"classes are {list(self.classes)}; expected two or more different words")


BINARY = TaskKind()
