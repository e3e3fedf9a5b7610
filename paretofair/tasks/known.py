"""The kinds of tasks, by the names that space files give them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from paretofair import user_code
from paretofair.errors import SpaceError
from paretofair.tasks.binary import Binary
from paretofair.tasks.identity import Identity
from paretofair.tasks.kind import IDENTITY, TaskKind, check_kind
from paretofair.tasks.multiclass import Multiclass
from paretofair.tasks.task import Task

TASKS: dict[str, type[Task]] = {"binary": Binary, "multiclass": Multiclass, IDENTITY: Identity}


def find_kind(name: str) -> type[Task]:
    """The kind of this name, or the user's own `package.module:Class`. Raises SpaceError with what is accepted."""
    check_kind(name)
    return TASKS[name] if name in TASKS else user_code.load(name)


def make_tasks(kinds: Sequence[TaskKind]) -> tuple[Task, ...]:
    """The tasks of these kinds. Raises SpaceError for an unknown kind, and for one with another number of classes."""
    for kind in kinds:
        if kind.is_binary and len(kind.classes) != 2:
            raise SpaceError(f"a binary task has two classes; found {', '.join(kind.classes)}")
    return tuple(find_kind(kind.name)(len(kind.classes)) for kind in kinds)


def all_binary(tasks: Sequence[Task]) -> bool:
    """Whether every task has one logit and the labels 0 and 1: then outputs `(K, O, B)` are logits `(K, T, B)`."""
    return all(type(task) is Binary for task in tasks)


def slice_outputs(tasks: Sequence[Task]) -> list[slice]:
    """Where the outputs of each task stand among all of them."""
    slices, start = [], 0
    for task in tasks:
        slices.append(slice(start, start + task.outputs))
        start += task.outputs
    return slices


def split_outputs(outputs: Tensor, tasks: Sequence[Task]) -> list[Tensor]:
    """The outputs `(K, O, B)` of each task."""
    return [outputs[:, own] for own in slice_outputs(tasks)]
