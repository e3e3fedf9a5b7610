"""The value that every data set becomes: inputs, labels, groups and the parts that its rows belong to, not encoded."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from paretofair import user_code
from paretofair.data.digest import Digest
from paretofair.data.inputs.protocol import Inputs
from paretofair.errors import DataError
from paretofair.naming import find_fault, find_text_fault, find_twins
from paretofair.tasks import BINARY, TaskKind

SOURCES = ("real", "simulated")
PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True)
class Dataset:
    """Examples before splitting and encoding.

    Attributes:
        name: Name in the registry.
        source: "real" or "simulated".
        inputs: What a network reads of every row, raw.
        tasks: Names of the tasks, in label column order.
        labels: `(rows, tasks)` integers: 0, 1, of several classes 2, 3, …, or -1 where unknown.
        groups: For each sensitive attribute `(rows,)` int8 indices into `group_names`, -1 where unknown.
        group_names: Names of the groups of each attribute, in the schema's order. With two groups, a signed
            gap is the first minus the second.
        part: `(rows,)` int8, the given part of each row, a place in `PARTS`. Where no row is for validation, `split`
            cuts such rows from the training rows.
        checksums: File name -> SHA-256 of what was read; {} if simulated.
        origins: Where several data sets are joined, `(rows,)` int8 indices into `origin_names`; else None.
        weights: `(rows,)` float64, how many people a row stands for: finite, 0 or greater, some greater. None: all
            rows count alike.
        together: `(rows,)` numbers: rows of one number, the pictures of one patient say, are never cut apart.
        kinds: What each task predicts, with the words for its labels; binary ones where none are given.
        notes: Sentences on how it was read that its owner should know; no part of its identity.

    Raises:
        DataError: Shapes disagree, a value is outside the ranges above, or rows that stay together have two parts.
    """

    name: str
    source: str
    inputs: Inputs
    tasks: tuple[str, ...]
    labels: np.ndarray
    groups: dict[str, np.ndarray]
    group_names: dict[str, tuple[str, ...]]
    part: np.ndarray
    checksums: dict[str, str]
    origins: np.ndarray | None = None
    origin_names: tuple[str, ...] = ()
    weights: np.ndarray | None = None
    together: np.ndarray | None = None
    kinds: tuple[TaskKind, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.kinds:
            object.__setattr__(self, "kinds", (BINARY,) * len(self.tasks))
        if self.source not in SOURCES:
            self._fail(f"source is {self.source!r}; accepted: {', '.join(SOURCES)}")
        if self.part.ndim != 1 or not np.isin(self.part, range(len(PARTS))).all():
            accepted = ", ".join(f"{number} ({name})" for number, name in enumerate(PARTS))
            self._fail(f"part is {self.part.dtype} of shape {self.part.shape}; accepted: (rows,) of {accepted}")
        rows = len(self)
        if len(self.inputs) != rows:
            self._fail(f"inputs have {len(self.inputs)} rows, part has {rows}")
        if self.labels.shape != (rows, len(self.tasks)):
            self._fail(f"labels has shape {self.labels.shape}, expected {(rows, len(self.tasks))} (rows, names)")
        if not self.tasks:
            self._fail("it has no task")
        repeated = sorted({name for name in self.tasks if self.tasks.count(name) > 1})
        if repeated:
            self._fail(f"names occur twice: {', '.join(repeated)}")
        self._check_names()
        if self.origins is not None and not np.isin(self.origins, np.arange(len(self.origin_names))).all():
            self._fail(f"origins are outside 0 to {len(self.origin_names) - 1}")
        if set(self.groups) != set(self.group_names):
            self._fail(f"groups are given for {sorted(self.groups)}, their names for {sorted(self.group_names)}")
        self._check_values(rows)
        self._check_weights(rows)

    def __len__(self) -> int:
        return len(self.part)

    def _check_names(self) -> None:
        for what, names in (("task", self.tasks), ("attribute", tuple(self.group_names))):
            for name in names:
                fault = find_fault(name)
                if fault is not None:
                    self._fail(f"found the {what} {name!r}, {fault}")
            for name, fault in find_twins(names).items():
                self._fail(f"found the {what} {name!r}, {fault}")
        for attribute, groups in self.group_names.items():
            for group in groups:
                fault = find_text_fault(group)
                if fault is not None:
                    self._fail(f"found the group {group!r} of {attribute!r}, {fault}")

    def _check_values(self, rows: int) -> None:
        if len(self.kinds) != len(self.tasks):
            self._fail(f"kinds are given for {len(self.kinds)} of {len(self.tasks)} tasks")
        most = np.array([len(kind.classes) - 1 for kind in self.kinds])
        wrong = (self.labels < -1) | (self.labels > most) | (self.labels != np.floor(self.labels))
        if wrong.any():
            row, task = np.argwhere(wrong)[0]
            accepted = ", ".join(map(str, range(min(int(most[task]), 9) + 1)))
            self._fail(
                f"label {self.tasks[task]!r} is {self.labels[row, task]} in row {row}; accepted: {accepted}"
                f"{'' if most[task] < 10 else f', …, {most[task]}'}, -1 (unknown)"
            )
        for attribute, members in self.groups.items():
            if members.shape != (rows,):
                self._fail(f"group {attribute!r} has shape {members.shape}, expected {(rows,)}")
            largest = len(self.group_names[attribute]) - 1
            outside = (members < -1) | (members > largest)
            if outside.any():
                row = int(np.argmax(outside))
                self._fail(
                    f"group {attribute!r} is {members[row]} in row {row}; accepted: 0 to {largest}, -1 (unknown)"
                )

    def _check_weights(self, rows: int) -> None:
        for field in ("weights", "together"):
            values = getattr(self, field)
            if values is not None and values.shape != (rows,):
                self._fail(f"{field} has shape {values.shape}, expected {(rows,)}")
        if self.weights is not None:
            wrong = ~(np.isfinite(self.weights) & (self.weights >= 0))
            if wrong.any():
                row = int(np.argmax(wrong))
                self._fail(f"weight is {self.weights[row]} in row {row}; accepted: numbers from 0")
        if self.together is not None:
            cut = find_cut_cluster(self.together, self.part)
            if cut is not None:
                first, second = (PARTS[self.part[row]] for row in cut)
                self._fail(f"rows {cut[0]} ({first}) and {cut[1]} ({second}) must stay together; give them one part")

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the sensitive attributes, in the order of group columns."""
        return tuple(self.groups)

    @property
    def is_test(self) -> np.ndarray:
        """`(rows,)` bool: the given test rows."""
        return self.part == TEST

    @property
    def origin_of_rows(self) -> np.ndarray:
        """`origins`, or zeros where there is but one data set."""
        return np.zeros(len(self), dtype=np.int8) if self.origins is None else self.origins

    def _fail(self, message: str) -> None:
        raise DataError(f"data set {self.name!r}: {message}")

    @cached_property
    def data_id(self) -> str:
        """16 hexadecimal digits that change with any value, name or the source, and with nothing else.

        The bytes of the files are left out, so that one table read from two file formats has one id.
        """
        digest = Digest()
        digest.add("name", self.name)
        digest.add("source", self.source)
        digest.add("tasks", *self.tasks)
        for task, kind in zip(self.tasks, self.kinds, strict=True):
            if kind != BINARY:
                digest.add("kind", task, kind.name, *kind.classes)
            if ":" in kind.name:
                digest.add("code", user_code.digest(kind.name))
        self.inputs.add_to(digest)
        wide = any(len(kind.classes) > 128 for kind in self.kinds)
        digest.add_array(self.labels, "<i4" if wide else "i1")
        # The order of attributes is the order of group columns: part of the identity.
        for attribute, members in self.groups.items():
            digest.add("group", attribute, *self.group_names[attribute])
            digest.add_array(members, "i1")
        digest.add_array(self.is_test, "?")
        # What most data sets have not enters only where it is: their identities are older than it.
        if self.origins is not None:
            digest.add("origins", *self.origin_names)
            digest.add_array(self.origins, "i1")
        if (self.part == VALIDATION).any():
            digest.add("validation")
            digest.add_array(self.part == VALIDATION, "?")
        if self.weights is not None:
            digest.add("weights")
            digest.add_array(self.weights, "<f8")
        if self.together is not None:
            digest.add("together")
            digest.add_array(np.unique(self.together, return_inverse=True)[1].reshape(-1), "<i8")
        return digest.hexadecimal()


def group_indices(values: Iterable[object], names: tuple[str, ...]) -> np.ndarray:
    """Turn group names into their `(rows,)` int8 indices in `names`; -1 for any other value."""
    index = {name: position for position, name in enumerate(names)}
    return np.array([index.get(str(value), -1) for value in values], dtype=np.int8)


def mark_test_rows(is_test: np.ndarray) -> np.ndarray:
    """The part of each row `(rows,)`: a test row where true, else a training row."""
    return np.where(is_test, TEST, TRAIN).astype(np.int8)


def find_cut_cluster(together: np.ndarray, part: np.ndarray) -> tuple[int, int] | None:
    """Two rows that must stay together and have different parts, the first such by row number; None where all do."""
    _, first, cluster = np.unique(together, return_index=True, return_inverse=True)
    first_of_row = first[cluster.reshape(-1)]
    cut = np.flatnonzero(part != part[first_of_row])
    return (int(first_of_row[cut[0]]), int(cut[0])) if len(cut) else None
