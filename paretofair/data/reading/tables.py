"""Reading delimited text files with errors that name the file, the line and the column."""

import csv
import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
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
    skip_lines: int = 0,
    missing: Collection[str] = (),
) -> pd.DataFrame:
    """Read the named columns of a delimited UTF-8 text file; other columns are ignored.

    Args:
        path: The file.
        numeric: Columns read as float64. Every cell must be a finite number, or one of `missing`.
        text: Columns read as text, without spaces at both ends; may be empty.
        separator: One character between fields; spaces after it are skipped, empty lines too. Where it is a
            space, so are spaces at the end of a line.
        header: Names of all columns, for a file whose first line is already data.
        skip_lines: Lines before the header, or before the data if `header` is given.
        missing: Cells that are NaN in numeric columns, such as "" or "?".

    Returns:
        The columns, `numeric` first, both in the order asked for. The index `line` is the 1-based line of the
        file.

    Raises:
        DataError: No such file, not UTF-8 text, empty, a column that is missing (with the nearest existing
            name) or named twice, a line with a wrong number of fields, or a cell of a numeric column that
            isn't a number.
    """
    path = Path(path)
    records = _records(path, separator, skip_lines)
    if header is None:
        header = _header(path, records)
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
    columns: dict[str, np.ndarray] = {name: parse_numbers(path, name, cells[name], lines, missing) for name in numeric}
    columns |= {name: np.array(cells[name], dtype=object) for name in text}
    return pd.DataFrame(columns, index=pd.Index(lines, name="line"))


def read_header(path: Path | str, separator: str = ",") -> list[str]:
    """The column names in the first line of a file, which may repeat; a DataError as from `read_table`."""
    return _header(Path(path), _records(Path(path), separator))


def drop_columns(path: Path, names: Collection[str]) -> None:
    """Rewrite a comma-separated file without some columns; everything else stays as it is, cell by cell."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    kept = [position for position, name in enumerate(header) if name not in names]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([row[position] for position in kept] for row in (header, *rows))


def suggest_known(name: str, known: Sequence[str]) -> str:
    """A hint for an unknown name: the nearest known one, if any is near, and the list of all."""
    lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    hint = f"did you mean {lower[close[0]]!r}? " if close else ""
    return f"{hint}known: {', '.join(known)}"


def _header(path: Path, records: Iterator[tuple[int, list[str]]]) -> list[str]:
    first = next(records, None)
    if first is None:
        _fail(path, "is empty; expected a header and rows")
    return [name.strip() for name in first[1]]


def _records(path: Path, separator: str, skip_lines: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield (line of its start, fields) for every record that isn't an empty line."""
    try:
        # utf-8-sig: spreadsheet programs put a byte order mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            for _ in range(skip_lines):
                next(file, None)
            lines: Iterable[str] = (line.rstrip() for line in file) if separator == " " else file
            reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
            start = skip_lines + 1
            try:
                for record in reader:
                    if record:
                        yield start, record
                    start = skip_lines + reader.line_num + 1
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
        _fail(path, f"has no column {name!r}; {suggest_known(name, header)}")
    return list(header).index(name)


def parse_numbers(
    path: Path, name: str, cells: Sequence[str], lines: Sequence[int], missing: Collection[str] = ()
) -> np.ndarray:
    """Parse a column of `path`; NaN where a cell is in `missing`.

    Raises:
        DataError: A cell that is no finite number, with the file, its line, the column and what was found.
    """
    values = np.empty(len(cells))
    # float() rounds correctly, so equal texts are equal numbers in every file.
    for row, cell in enumerate(cells):
        values[row] = number(cell)
        if np.isnan(values[row]) and cell not in missing:
            found = repr(cell) if cell else "an empty cell"
            _fail(path, f"line {lines[row]}, column {name!r}: expected a number, found {found}")
    return values


def number(cell: str) -> float:
    """The finite number that a cell holds, or NaN."""
    try:
        value = float(cell)
    except ValueError:
        return np.nan
    # float() also takes "nan", "inf" and "1_000": none of them is a number in a table.
    return value if np.isfinite(value) and "_" not in cell else np.nan


def _fail(path: Path, message: str) -> NoReturn:
    raise DataError(f"{path}: {message}")
