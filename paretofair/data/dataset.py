"""The value that every data set becomes: inputs, labels, groups and a given test split, not encoded."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from paretofair.errors import DataError
from paretofair.naming import find_fault, find_text_fault, find_twins

SOURCES = ("real", "simulated")


@dataclass(frozen=True)
class Dataset:
    """A table of examples before splitting and encoding.

    Attributes:
        name: Name in the registry.
        source: "real" or "simulated".
        tasks: Names of the binary tasks, in label column order.
        numeric: `(rows, numeric inputs)` float64, unscaled, finite.
        numeric_names: Their names.
        categorical: `(rows, categorical inputs)` text.
        categorical_names: Their names.
        labels: `(rows, tasks)` int8: 0, 1, or -1 where unknown.
        groups: For each sensitive attribute `(rows,)` int8 indices into `group_names`, -1 where unknown.
        group_names: Names of the groups of each attribute, in the schema's order. With two groups, a signed
            gap is the first minus the second.
        is_test: `(rows,)` bool, the given test split.
        checksums: File name -> SHA-256 of what was read; {} if simulated.
        origins: Where several data sets are joined, `(rows,)` int8 indices into `origin_names`; else None.

    Raises:
        DataError: Shapes disagree, or a value is outside the ranges above.
    """

    name: str
    source: str
    tasks: tuple[str, ...]
    numeric: np.ndarray
    numeric_names: tuple[str, ...]
    categorical: np.ndarray
    categorical_names: tuple[str, ...]
    labels: np.ndarray
    groups: dict[str, np.ndarray]
    group_names: dict[str, tuple[str, ...]]
    is_test: np.ndarray
    checksums: dict[str, str]
    origins: np.ndarray | None = None
    origin_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            self._fail(f"source is {self.source!r}; accepted: {', '.join(SOURCES)}")
        if self.is_test.ndim != 1 or self.is_test.dtype != np.bool_:
            self._fail(f"is_test is {self.is_test.dtype} of shape {self.is_test.shape}, expected bool of (rows,)")
        rows = len(self.is_test)
        for field, width in (
            ("numeric", len(self.numeric_names)),
            ("categorical", len(self.categorical_names)),
            ("labels", len(self.tasks)),
        ):
            shape = getattr(self, field).shape
            if shape != (rows, width):
                self._fail(f"{field} has shape {shape}, expected {(rows, width)} (rows, names)")
        if not self.tasks:
            self._fail("it has no task")
        for names in (self.tasks, self.numeric_names + self.categorical_names):
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                self._fail(f"names occur twice: {', '.join(repeated)}")
        self._check_names()
        if self.origins is not None and not np.isin(self.origins, np.arange(len(self.origin_names))).all():
            self._fail(f"origins are outside 0 to {len(self.origin_names) - 1}")
        if set(self.groups) != set(self.group_names):
            self._fail(f"groups are given for {sorted(self.groups)}, their names for {sorted(self.group_names)}")
        self._check_values(rows)

    def _check_names(self) -> None:
        for what, names in (("task", self.tasks), ("attribute", tuple(self.group_names))):
            for name in names:
                fault = find_fault(name)
                if fault is not None:
                    self._fail(f"found the {what} {name!r}, {fault}")
            for name, other in find_twins(names).items():
                self._fail(f"found the {what} {name!r}, which differs from {other!r} by case or Unicode form alone")
        for attribute, groups in self.group_names.items():
            for group in groups:
                fault = find_text_fault(group)
                if fault is not None:
                    self._fail(f"found the group {group!r} of {attribute!r}, {fault}")

    def _check_values(self, rows: int) -> None:
        finite = np.isfinite(self.numeric)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            self._fail(
                f"input {self.numeric_names[column]!r} is {self.numeric[row, column]} in row {row}; "
                "inputs must be finite"
            )
        if not np.isin(self.labels, (-1, 0, 1)).all():
            row, task = np.argwhere(~np.isin(self.labels, (-1, 0, 1)))[0]
            self._fail(
                f"label {self.tasks[task]!r} is {self.labels[row, task]} in row {row}; accepted: 0, 1, -1 (unknown)"
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

    @property
    def origin_of_rows(self) -> np.ndarray:
        """`origins`, or zeros where there is but one data set."""
        return np.zeros(len(self.is_test), dtype=np.int8) if self.origins is None else self.origins

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
        digest.add("numeric", *self.numeric_names)
        digest.add_array(self.numeric, "<f8")
        digest.add("categorical", *self.categorical_names)
        digest.add("rows", str(len(self.categorical)), *(str(cell) for cell in self.categorical.ravel()))
        digest.add_array(self.labels, "i1")
        # The order of attributes is the order of group columns: part of the identity.
        for attribute, members in self.groups.items():
            digest.add("group", attribute, *self.group_names[attribute])
            digest.add_array(members, "i1")
        digest.add_array(self.is_test, "?")
        if self.origins is not None:
            digest.add("origins", *self.origin_names)
            digest.add_array(self.origins, "i1")
        return digest.hexadecimal()


class Digest:
    """SHA-256 of a sequence of texts and arrays, the same in every process and on every machine."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, *texts: str) -> None:
        """Append texts; their lengths are hashed too, so that ("a", "bc") differs from ("ab", "c")."""
        self._add_bytes(f"{len(texts)} texts".encode())
        for text in texts:
            self._add_bytes(text.encode())

    def add_array(self, values: np.ndarray, dtype: str) -> None:
        """Append an array's shape and its values as `dtype` (with a fixed byte order)."""
        self._add_bytes(repr(tuple(int(size) for size in values.shape)).encode())
        # Adding 0 turns -0.0 into 0.0: equal tables have equal ids.
        fixed = np.ascontiguousarray(values, dtype=dtype)
        self._add_bytes((fixed + 0.0 if dtype == "<f8" else fixed).tobytes())

    def hexadecimal(self) -> str:
        """The first 16 hexadecimal digits."""
        return self._hash.hexdigest()[:16]

    def _add_bytes(self, content: bytes) -> None:
        self._hash.update(len(content).to_bytes(8, "little"))
        self._hash.update(content)


def group_indices(values: Iterable[object], names: tuple[str, ...]) -> np.ndarray:
    """Turn group names into their `(rows,)` int8 indices in `names`; -1 for any other value."""
    index = {name: position for position, name in enumerate(names)}
    return np.array([index.get(str(value), -1) for value in values], dtype=np.int8)
