"""One data set of several: rows of each, labels and groups where a source has them, and where each row is from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from paretofair.data.dataset import Dataset
from paretofair.data.inputs.joined import join_inputs
from paretofair.errors import DataError
from paretofair.naming import find_fault
from paretofair.tasks import TaskKind


def join_datasets(name: str, sources: Mapping[str, Dataset]) -> Dataset:
    """The rows of all sources, one after the other.

    A task that a source has not is unlabelled on its rows, an attribute that it has not is unknown there. A task or an
    attribute of several sources must mean the same in all: the same classes, the same groups. Rows keep their parts
    and weights, rows that stay together do so within their source; `origins` tell the source. How inputs are joined is
    said by `join_inputs`.

    Raises:
        DataError: a name of a source that no file or balanced batch can have; tasks or attributes of one name that
            differ.
    """
    for source in sources:
        fault = find_fault(source)
        if fault is not None:
            raise DataError(f"data set {name!r}: found the source {source!r}, {fault}")
    kinds, group_names = _agree(name, sources)
    parts = list(sources.values())
    weights = None
    if any(part.weights is not None for part in parts):
        weights = np.concatenate([np.ones(len(part)) if part.weights is None else part.weights for part in parts])
    return Dataset(
        name=name,
        source="simulated" if any(part.source == "simulated" for part in parts) else "real",
        inputs=join_inputs([part.inputs for part in parts]),
        tasks=tuple(kinds),
        labels=np.concatenate([_spread_labels(part, tuple(kinds)) for part in parts]),
        groups={
            attribute: np.concatenate([_find_groups(part, attribute, own) for part in parts])
            for attribute, own in group_names.items()
        },
        group_names=group_names,
        part=np.concatenate([part.part for part in parts]),
        checksums={file: checksum for part in parts for file, checksum in part.checksums.items()},
        origins=np.repeat(np.arange(len(parts), dtype=np.int8), [len(part) for part in parts]),
        origin_names=tuple(sources),
        weights=weights,
        together=_join_clusters(parts),
        kinds=tuple(kinds.values()),
        notes=tuple(f"{source}: {note}" for source, part in sources.items() for note in part.notes),
    )


def _agree(name: str, sources: Mapping[str, Dataset]) -> tuple[dict[str, TaskKind], dict[str, tuple[str, ...]]]:
    """The kind of every task and the groups of every attribute."""
    kinds: dict[str, TaskKind] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for source, part in sources.items():
        for task, kind in zip(part.tasks, part.kinds, strict=True):
            if kinds.setdefault(task, kind) != kind:
                raise DataError(
                    f"data set {name!r}: the classes of task {task!r} in {source!r} differ from another source's"
                )
        for attribute, own in part.group_names.items():
            known = groups.setdefault(attribute, own)
            if set(known) != set(own):
                raise DataError(
                    f"data set {name!r}: attribute {attribute!r} has the groups {', '.join(own)} in {source!r} and "
                    f"{', '.join(known)} in another source; give both the same (groups:), or other names"
                )
    return kinds, groups


def _spread_labels(part: Dataset, tasks: tuple[str, ...]) -> np.ndarray:
    wide = np.full((len(part), len(tasks)), -1, dtype=np.int32)
    wide[:, [tasks.index(task) for task in part.tasks]] = part.labels
    narrow = max(len(kind.classes) for kind in part.kinds) <= 128
    return wide.astype(np.int8) if narrow else wide


def _find_groups(part: Dataset, attribute: str, names: tuple[str, ...]) -> np.ndarray:
    """`(rows,)` int8 in the order of `names`."""
    if attribute not in part.groups:
        return np.full(len(part), -1, dtype=np.int8)
    place = np.array([names.index(name) for name in part.group_names[attribute]] + [-1], dtype=np.int8)
    return place[part.groups[attribute]]


def _join_clusters(parts: list[Dataset]) -> np.ndarray | None:
    if all(part.together is None for part in parts):
        return None
    found, begun = [], 0
    for part in parts:
        own = np.arange(len(part)) if part.together is None else np.unique(part.together, return_inverse=True)[1]
        found.append(own.reshape(-1) + begun)
        begun += int(own.max(initial=-1)) + 1
    return np.concatenate(found)
