"""What is embedded, by key: pictures of a folder, a zip archive or a column of a table, or the texts of a column."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from paretofair.data.inputs.pictures import PictureRoot
from paretofair.data.reading.cell_table import CellTable, read_raw_table
from paretofair.data.reading.cells import CellRules
from paretofair.data.reading.tables import suggest_known
from paretofair.errors import DataError


class KeyedExamples(Protocol):
    """Examples, each with a key of its own."""

    @property
    def keys(self) -> Sequence[str]:
        """Their keys."""

    @property
    def what(self) -> str:
        """What they are, in the plural."""

    def name(self, place: int) -> str:
        """What errors call one."""

    def read(self, place: int) -> bytes:
        """The content of one; a PictureError where it cannot be read."""

    def stamp(self) -> str:
        """64 hexadecimal digits that change with the examples; files count by size and time."""


@dataclass(frozen=True)
class KeyedPictures:
    """Files in a folder or a zip archive, by their names in it."""

    root: PictureRoot
    files: Sequence[str]
    keys: Sequence[str]
    what: str = field(default="pictures", init=False)

    def name(self, place: int) -> str:
        return f"{self.root.path}: picture {self.files[place]!r}"

    def read(self, place: int) -> bytes:
        return self.root.read(self.files[place])

    def stamp(self) -> str:
        return _digest(str(self.root.path.resolve()), *self.root.stamp(list(self.files)), *self.keys)


@dataclass(frozen=True)
class KeyedTexts:
    """The texts of a column."""

    path: Path
    texts: Sequence[str]
    keys: Sequence[str]
    what: str = field(default="texts", init=False)

    def name(self, place: int) -> str:
        return f"{self.path}: the text of {self.keys[place]!r}"

    def read(self, place: int) -> bytes:
        return self.texts[place].encode()

    def stamp(self) -> str:
        return _digest(*self.keys, *self.texts)


def list_pictures_in(root: Path) -> KeyedPictures:
    """Every picture of a folder or zip archive, in the order of their names, which are the keys.

    Raises:
        DataError: no such folder or archive, or no picture in it.
    """
    source = PictureRoot(root)
    names = sorted(source.names())
    if not names:
        raise DataError(f"{root}: holds no picture")
    return KeyedPictures(source, names, names)


def read_keyed(
    table: Path, column: str, key: str | None, root: Path | None, separator: str = ","
) -> KeyedPictures | KeyedTexts:
    """The pictures in `root` that a column of a CSV, Parquet or Feather file names, or its texts where `root` is None;
    by the column `key`, by default the same column. A picture that stands in several rows under one key is one.

    Raises:
        DataError: no such file or column; a missing cell; a picture that is not there; one key of two different ones.
    """
    cells = CellTable(table, read_raw_table(table, separator, None), CellRules())
    for name in (column, key or column):
        if name not in cells.header:
            raise DataError(f"{table}: has no column {name!r}; {suggest_known(name, cells.header)}")
    source = None if root is None else PictureRoot(root)
    found: dict[str, str] = {}
    for row, (own, value) in enumerate(
        zip(cells.cells(key or column).tolist(), cells.cells(column).tolist(), strict=True)
    ):
        place = f"{table}: {cells.place(row)}"
        if not own:
            raise DataError(f"{place}, column {key or column!r}: the key is missing")
        fault = source.find_fault(value) if source is not None else None
        if source is not None and fault is not None:
            what = f"picture {value!r}" if value else "the name of the picture"
            raise DataError(f"{place}, column {column!r}: {what} {fault}{source.suggest(value) if value else ''}")
        if found.setdefault(own, value) != value:
            raise DataError(f"{place}, column {key!r}: the key {own!r} stands with two different examples")
    if source is not None:
        return KeyedPictures(source, list(found.values()), list(found))
    return KeyedTexts(table, list(found.values()), list(found))


def _digest(*texts: str) -> str:
    known = hashlib.sha256()
    for text in texts:
        known.update(text.encode(errors="surrogateescape") + b"\0")
    return known.hexdigest()
