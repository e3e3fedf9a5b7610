"""A file of the user's as columns of cells with their meaning, whatever form it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa

from paretofair.data.reading.cells import CellRules, merge_equal_numbers, text_of
from paretofair.data.reading.raw_files import fail, is_typed_table, read_typed_table
from paretofair.data.reading.tables import collect_columns, read_first, read_records, suggest_known
from paretofair.naming import show

NEARLY_ALL = 0.9  # of the cells: a column of numbers with a few odd cells
_SEPARATORS = ";\t|,: "
_MOST_NOTES = 5  # for each column
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


@dataclass(frozen=True)
class RawTable:
    """The cells of a file as they are written, without spaces at both ends.

    Attributes:
        header: The names of all columns, which may repeat or be empty.
        columns: The cells of each.
        places: What errors call each row: its line in a text file, its number in a typed table.
        unit: "line" or "row".
        texts: Which columns hold texts by the types of the file, even where all of them look like numbers.
    """

    header: Sequence[str]
    columns: Sequence[Sequence[str]]
    places: Sequence[int]
    unit: str = "line"
    texts: frozenset[int] = frozenset()


def read_raw_table(path: Path, separator: str, encoding: str | None) -> RawTable:
    """Every column of a text file with a header, or of a Parquet or Feather file.

    Raises:
        DataError: As by `open_text` and `read_typed_table`; another separator, with the key to give; no header, or one
            that stands in the file twice; rows of different lengths, or none.
    """
    if is_typed_table(path):
        return convert_table(read_typed_table(path))
    if len(separator) != 1:
        fail(path, f"the separator is {separator!r}; expected one character")
    records = read_records(path, separator, encoding=encoding)
    header = read_first(path, records)
    _check_separator(path, header, separator)
    lines, columns = collect_columns(path, _refuse_headers(path, header, records), len(header), range(len(header)))
    _check_header(path, header, columns)
    return RawTable(header, columns, lines)


def convert_table(table: pa.Table) -> RawTable:
    """A typed table as cells: categories and texts stay texts, whatever they look like."""
    texts = set()
    columns = []
    for place, column in enumerate(table.columns):
        kind = column.type
        if pa.types.is_dictionary(kind) or any(is_text(kind) for is_text in _TEXTS):
            texts.add(place)
        columns.append([text_of(value) for value in column.to_pylist()])
    # The index that pandas stores is a column that nobody has named.
    header = ["" if name.startswith("__index_level_") else name.strip() for name in table.column_names]
    return RawTable(header, columns, range(1, len(table) + 1), "row", frozenset(texts))


def convert_frame(frame: pd.DataFrame) -> RawTable:
    """A frame of pandas as cells, its index left out: categories and columns of texts stay texts."""
    texts, columns = set(), []
    for place in range(frame.shape[1]):
        values = frame.iloc[:, place]
        if pd.api.types.infer_dtype(values, skipna=True) in ("string", "categorical"):
            texts.add(place)
        columns.append([text_of(value) for value in values.astype(object)])
    header = [text_of(name) for name in frame.columns]
    return RawTable(header, columns, range(1, len(frame) + 1), "row", frozenset(texts))


@dataclass(frozen=True)
class _CellColumn:
    """A column by its different cells, "" for every missing one: `distinct[codes]`. `written` counts missing words."""

    distinct: np.ndarray
    codes: np.ndarray
    written: dict[str, int]

    def spread(self, values: Sequence[float]) -> np.ndarray:
        """`(rows,)` float64 from one number for each different cell."""
        return np.array(values, dtype=np.float64)[self.codes]


class CellTable:
    """The named columns of a file; a column without a name is none.

    Args:
        path: The file, named in errors.
        raw: Its cells.
        rules: What they mean.
    """

    def __init__(self, path: Path, raw: RawTable, rules: CellRules) -> None:
        self.path, self.raw = path, raw
        # A typed table has no marks of its own.
        self.rules = rules if raw.unit == "line" else replace(rules, decimal=".", thousands="")
        self.positions: dict[str, list[int]] = {}
        for position, name in enumerate(raw.header):
            if name:
                self.positions.setdefault(name, []).append(position)
        self.header = list(self.positions)
        self.rows = len(raw.places)
        self._columns: dict[str, _CellColumn] = {}
        self._numeric: dict[str, bool] = {}
        self._notes: dict[str, None] = {}

    def keep(self, rows: np.ndarray) -> CellTable:
        """The rows with these numbers alone, under the places that they have in the file."""
        kept = rows.tolist()
        columns = [[cells[row] for row in kept] for cells in self.raw.columns]
        places = [self.raw.places[row] for row in kept]
        return CellTable(self.path, replace(self.raw, columns=columns, places=places), self.rules)

    def place(self, row: int) -> str:
        """What errors call a row: `line 3`."""
        return f"{self.raw.unit} {self.raw.places[row]}"

    def texts(self, name: str) -> np.ndarray:
        """`(rows,)` text, "" where missing; in a column of numbers equal ones have one spelling, the shortest."""
        column = self._column(name)
        texts = column.distinct
        if self.is_numeric(name):
            merged = merge_equal_numbers([text for text in texts if text], self.rules)
            self._note_merged(name, merged)
            texts = np.array([merged.get(text, "") for text in texts], dtype=object)
        return texts[column.codes]

    def cells(self, name: str) -> np.ndarray:
        """`(rows,)` text, "" where missing; numbers as they are written, for names as 0012."""
        column = self._column(name)
        return column.distinct[column.codes]

    def numbers(self, name: str) -> np.ndarray:
        """`(rows,)` float64, NaN where missing; a DataError for a text, with its line."""
        column = self._column(name)
        values = [self.rules.read_number(text) for text in column.distinct]
        for text, value in zip(column.distinct, values, strict=True):
            if text and np.isnan(value):
                self.fail_at(name, text, f"expected a number, found {text!r}{self.explain(text)}")
        return column.spread(values)

    def truths(self, name: str) -> np.ndarray:
        """`(rows,)` float64, 0, 1 or NaN; a DataError for anything else, with its line."""
        column = self._column(name)
        values = [self.rules.read_truth(text) for text in column.distinct]
        for text, value in zip(column.distinct, values, strict=True):
            if text and np.isnan(value):
                comparison = "> 0" if self.rules.is_number(text) else f"== {text!r}"
                self.fail_at(
                    name,
                    text,
                    f"found {text!r}; accepted by itself as a label: 0, 1, true, false, yes, no; else compare it, as "
                    f"in `{name}` {comparison}",
                )
        return column.spread(values)

    def equals(self, name: str, text: str) -> np.ndarray:
        """`(rows,)` float64: 1 where a cell is this text, or in a column of numbers equal to it, else 0; NaN where
        missing. A DataError where the text itself counts as missing."""
        column = self._column(name)
        self.refuse_missing_word(name, text)
        found = self.find(name, text)
        return column.spread([np.nan if not cell else float(cell in found) for cell in column.distinct])

    def find(self, name: str, text: str) -> list[str]:
        """The cells that a text of the user's stands for: itself, or in a column of numbers all equal ones."""
        cells = self._column(name).distinct
        if self.is_numeric(name) and self.rules.is_number(text):
            value = self.rules.read_exactly(text)
            return [cell for cell in cells if self.rules.read_exactly(cell) == value]
        return [text] if text in set(cells) - {""} else []

    def is_numeric(self, name: str) -> bool:
        """Whether every cell that isn't missing is a number, and the file does not say that they are texts."""
        if name not in self._numeric:
            typed_text = self.positions[name][0] in self.raw.texts
            self._numeric[name] = not typed_text and all(
                self.rules.is_number(text) for text in self._column(name).distinct if text
            )
        return self._numeric[name]

    def values(self, name: str) -> list[str]:
        """The different texts of a column, missing ones aside, in order: of numbers where all are."""
        values = sorted(set(self.texts(name)) - {""})
        return sorted(values, key=self.rules.read_number) if all(map(self.rules.is_number, values)) else values

    def find_odd_cell(self, name: str) -> str | None:
        """In a column nearly all of whose cells a reader takes for numbers, the first that is none here."""
        column = self._column(name)
        if self.positions[name][0] in self.raw.texts or self.is_numeric(name):
            return None
        counts = np.bincount(column.codes, minlength=len(column.distinct))
        odd, like, known = [], 0, 0
        for text, count in zip(column.distinct, counts, strict=True):
            if not text:
                continue
            known += count
            is_number = self.rules.is_number(text)
            if is_number or self.rules.explain(text) is not None:
                like += count
            if not is_number:
                odd.append(text)
        return odd[0] if odd and like >= NEARLY_ALL * known else None

    def explain(self, text: str) -> str:
        """What to do about a cell that is no number, to be read behind it."""
        said = self.rules.explain(text)
        if said is not None:
            return f", {said}"
        if text.lower() in ("true", "false", "yes", "no"):
            return (
                f"; a truth is no number: compare it as a text, as in == {text!r}, or name its column alone as a label"
            )
        return f"; if it stands for a missing value, write missing: {{add: [{text!r}]}}"

    def require(self, name: str, where: str) -> None:
        """A DataError where there is no such column, or where several of this name differ."""
        if name not in self.positions:
            self.fail(f"has no column {name!r}, named by {where}; {suggest_known(name, self.header)}{self._hint()}")
        self._column(name)

    def refuse_missing_word(self, name: str, text: str) -> None:
        """A DataError where a text that the user names counts as missing."""
        if self.rules.is_missing(text):
            self.fail(
                f"column {name!r}: {text!r} counts as a missing value; where it is a value, write missing: {{remove: "
                f"[{text!r}]}}"
            )

    def say(self, note: str) -> None:
        """Add to what the owner of the file should know."""
        self._notes[show(note)] = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the owner of the file should know of the columns that were read, a sentence each."""
        found = []
        for name, column in self._columns.items():
            for word, count in sorted(column.written.items(), key=lambda item: -item[1])[:_MOST_NOTES]:
                are, count_as = ("is", "counts") if count == 1 else ("are", "count")
                cells = "cell" if count == 1 else "cells"
                found.append(show(f"{count:,} {cells} of {name} {are} {word!r} and {count_as} as missing."))
        return (*found, *self._notes)

    def line_of(self, name: str, text: str) -> str:
        """Where a cell stands first."""
        column = self._column(name)
        return self.place(int(np.argmax(column.codes == list(column.distinct).index(text))))

    def fail_at(self, name: str, text: str, message: str) -> NoReturn:
        """A DataError at the first such cell of a column."""
        self.fail(f"{self.line_of(name, text)}, column {name!r}: {message}")

    def fail(self, message: str) -> NoReturn:
        """A DataError of this file."""
        fail(self.path, message)

    def _column(self, name: str) -> _CellColumn:
        if name not in self._columns:
            first, *others = self.positions[name]
            cells = self.raw.columns[first]
            if any(list(self.raw.columns[other]) != list(cells) for other in others):
                places = ", ".join(str(position + 1) for position in self.positions[name])
                self.fail(
                    f"has {len(others) + 1} columns of the name {name!r} (columns {places}) with different cells: "
                    "rename all but one in the header, or list the name in inputs.exclude where it is but an input"
                )
            if others:
                self.say(f"The {len(others) + 1} columns of the name {name} are equal and count once.")
            codes, distinct = pd.factorize(np.array([*cells, ""], dtype=object)[:-1])
            missing = [self.rules.is_missing(text) for text in distinct]
            counts = np.bincount(codes, minlength=len(distinct)).tolist()
            written = {
                text: count
                for text, count, is_missing in zip(distinct, counts, missing, strict=True)
                if is_missing and text
            }
            distinct = np.array(
                [*("" if gone else text for text, gone in zip(distinct, missing, strict=True)), ""], object
            )
            self._columns[name] = _CellColumn(distinct[:-1], codes, written)
        return self._columns[name]

    def _note_merged(self, name: str, merged: dict[str, str]) -> None:
        spellings = [text for text, one in merged.items() if text != one]
        if spellings:
            pairs = ", ".join(f"{text!r} as {merged[text]!r}" for text in spellings[:3])
            self.say(f"Equal numbers in {name} are one value: {pairs}{', …' if len(spellings) > 3 else ''}.")

    def _hint(self) -> str:
        """Where names of the header have another separator in them, or are numbers above numbers, what may be wrong."""
        for mark in _SEPARATORS.strip():
            if self.raw.unit == "line" and sum(name.count(mark) for name in self.raw.header) >= max(
                2, len(self.header)
            ):
                return f"; {mark!r} stands in these names: is it the separator?"
        for position, name in enumerate(self.raw.header):
            if self.rules.is_number(name) and _share_of_numbers(self.raw.columns[position]) >= NEARLY_ALL:
                return f"; the first line may be a row ({name!r} is a number): a file needs a header"
        return ""


def _check_separator(path: Path, header: Sequence[str], separator: str) -> None:
    """A DataError where a header of one column has another separator in it."""
    if len(header) > 1:
        return
    counts = {mark: header[0].count(mark) for mark in _SEPARATORS if mark != separator}
    mark, count = max(counts.items(), key=lambda item: item[1])
    if count:
        shown = {"\t": '"\\t"'}.get(mark, f"'{mark}'")
        fail(
            path,
            f"the header has {count} {shown} and no {separator!r}; write separator: {shown} where it stands "
            "between columns",
        )


def _refuse_headers(
    path: Path, header: Sequence[str], records: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    counts_on = _counts_on([name for name in header if name])
    for line, record in records:
        if record == header and any(record) and not counts_on:
            fail(path, f"line {line} repeats the header, as in files that were joined; remove it")
        yield line, record


def _check_header(path: Path, header: Sequence[str], columns: Sequence[Sequence[str]]) -> None:
    """A DataError where the first line looks like all others: every cell is a number above numbers, or occurs again
    below itself. Numbers that count on, as programs number columns, are names."""
    named = [(name, column) for name, column in zip(header, columns, strict=True) if name]
    if not named:
        fail(path, "no column has a name; a file needs a header")
    rules = CellRules()
    values = [rules.read_number(name) for name, _ in named]
    if _counts_on([name for name, _ in named]):
        return
    if all(
        name in column or (not np.isnan(value) and _share_of_numbers(column) >= NEARLY_ALL)
        for (name, column), value in zip(named, values, strict=True)
    ):
        first = ", ".join(repr(name) for name, _ in named[:4]) + (", …" if len(named) > 4 else "")
        fail(
            path,
            f"the first line ({first}) looks like the rows below it; a file needs "
            "a header, a first line with the names of its columns",
        )


def _counts_on(names: Sequence[str]) -> bool:
    """Whether names are numbers, each one more than the one before."""
    values = [CellRules().read_number(name) for name in names]
    return len(values) > 1 and not np.isnan(values).any() and bool((np.diff(values) == 1).all())


def _share_of_numbers(cells: Sequence[str]) -> float:
    rules = CellRules()
    known = [cell for cell in cells if not rules.is_missing(cell)]
    return sum(map(rules.is_number, known)) / max(1, len(known))
