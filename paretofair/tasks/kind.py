"""What data, space files and tables say of a task; this file imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from paretofair import user_code
from paretofair.errors import SpaceError


@dataclass(frozen=True)
class TaskKind:
    """`name` is a key of `known.TASKS` or a class of the user's own; `classes` are the words for the labels 0, 1, ….

    Raises ValueError for fewer than two classes, or a class that stands there twice.
    """

    name: str = "binary"
    classes: tuple[str, ...] = ("0", "1")

    @property
    def is_identity(self) -> bool:
        """Whether its labels are identities: rows are compared with one another, by whether theirs are the same."""
        return self.name == IDENTITY

    @property
    def is_binary(self) -> bool:
        """Whether its labels are 0 and 1, whatever words they have."""
        return self.name == "binary"

    def __post_init__(self) -> None:
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise ValueError(f"classes are {list(self.classes)}; expected two or more different words")


BINARY = TaskKind()
IDENTITY = "identity"
# The keys of `known.TASKS`.
KINDS = ("binary", "multiclass", IDENTITY)


def check_kind(name: str) -> None:
    """Raises SpaceError for a name that is neither one of `KINDS` nor a class of the user's own."""
    if name in KINDS:
        return
    if ":" not in name:
        raise SpaceError(f"no kind of task is called {name!r}; accepted: {', '.join(KINDS)}, or package.module:Class")
    from paretofair.tasks.task import Task  # a kind of the user's own computes with PyTorch, names do not

    kind = user_code.load(name)
    if not (isinstance(kind, type) and issubclass(kind, Task)):
        raise SpaceError(f"{name} is no subclass of paretofair.tasks.task.Task")
    if kind.measure is Task.measure:
        raise SpaceError(f"{name} has no measure of its own; derive it from paretofair.tasks.multiclass.Multiclass")
