"""Reading delimited text files with errors that name the file, the line and the column."""

import csv
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from paretofair.errors import DataError


def read_table(
    path: Path | str,
    *,
    numeric: Sequence[str] = (),
    text: Sequence[str] = (),
    separator: str = ",",
    header: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Read the named columns of a delimited UTF-8 text file; other columns are ignored.

    Args:
        path: The file.
        numeric: Columns read as float64. Every cell must be a finite number.
        text: Columns read as text, without spaces at both ends; may be empty.
        separator: One character between fields; spaces after it are skipped, empty lines too.
        header: Names of all columns, for a file whose first line is already data.

    Returns:
        The columns, `numeric` first, both in the order asked for. The index `line` is the 1-based line of the
        file.

    Raises:
        DataError: No such file, not UTF-8 text, empty, a column that is missing (with the nearest existing
            name) or named twice, a line with a wrong number of fields, or a cell of a numeric column that
            isn't a number.
    """
    path = Path(path)
    records = _records(path, separator)
    if header is None:
        first = next(records, None)
        if first is None:
            _fail(path, "is empty; expected a header and rows")
        header = [name.strip() for name in first[1]]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        _fail(path, f"has columns of the same name: {', '.join(map(repr, repeated))}")
    positions = {name: _position(path, name, header) for name in (*numeric, *text)}

    lines: list[int] = []
    cells: dict[str, list[str]] = {name: [] for name in positions}
    for line, record in records:
        if len(record) != len(header):
            _fail(path, f"line {line}: {len(record)} fields, expected {len(header)}")
        lines.append(line)
        for name, position in positions.items():
            cells[name].append(record[position].strip())
    if not lines:
        _fail(path, "has no rows")
    columns: dict[str, np.ndarray] = {name: _numbers(path, name, cells[name], lines) for name in numeric}
    columns |= {name: np.array(cells[name], dtype=object) for name in text}
    return pd.DataFrame(columns, index=pd.Index(lines, name="line"))


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint for an unknown name: the nearest known one, if any is near, and the list of all."""
    lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    hint = f"did you mean {lower[close[0]]!r}? " if close else ""
    return f"{hint}known: {', '.join(known)}"


def _records(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line of its start, fields) for every record that isn't an empty line."""
    try:
        # utf-8-sig: spreadsheet programs put a byte order mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=separator, skipinitialspace=True, strict=True)
            start = 1
            try:
                for record in reader:
                    if record:
                        yield start, record
                    start = reader.line_num + 1
            except csv.Error as error:
                _fail(path, f"line {start}: {error}")
    except FileNotFoundError:
        _fail(path, "no such file")
    except UnicodeDecodeError as error:
        _fail(path, f"is not UTF-8 text ({error.reason} at byte {error.start})")
    except OSError as error:
        _fail(path, f"can't be read: {error.strerror or error}")


def _position(path: Path, name: str, header: Sequence[str]) -> int:
    if name not in header:
        _fail(path, f"has no column {name!r}; {nearest(name, header)}")
    return list(header).index(name)


def _numbers(path: Path, name: str, cells: list[str], lines: list[int]) -> np.ndarray:
    """Parse a column; float() rounds correctly, so equal texts are equal numbers in every file."""
    values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            values[row] = float(cell)
        except ValueError:
            values[row] = np.nan
        # float() also takes "nan", "inf" and "1_000": none of them is a number in a table.
        if not np.isfinite(values[row]) or "_" in cell:
            found = repr(cell) if cell else "an empty cell"
            _fail(path, f"line {lines[row]}, column {name!r}: expected a number, found {found}")
    return values


def _fail(path: Path, message: str) -> NoReturn:
    raise DataError(f"{path}: {message}")
