"""Reading delimited text files with errors that name the file, the line and the column."""

import csv
import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.reading.cells import CellRules
from paretofair.data.reading.raw_files import fail, open_text

_MOST_KNOWN = 100


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
    """Read the named columns of a delimited UTF-8 text file, packed or not (see `open_text`), and no others.

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
        DataError: No such file, no UTF-8 text, empty, one of these columns that is missing (with the nearest existing
            name) or occurs twice, a line with a wrong number of fields, or a cell of a numeric column that
            isn't a number.
    """
    path = Path(path)
    records = read_records(path, separator, skip_lines=skip_lines)
    if header is None:
        header = read_first(path, records)
    positions = {name: _position(path, name, header) for name in (*numeric, *text)}
    lines, found = collect_columns(path, records, len(header), list(positions.values()))
    cells = dict(zip(positions, found, strict=True))
    columns: dict[str, np.ndarray] = {name: _parse_numbers(path, name, cells[name], lines, missing) for name in numeric}
    columns |= {name: np.array(cells[name], dtype=object) for name in text}
    return pd.DataFrame(columns, index=pd.Index(lines, name="line"))


def read_header(path: Path | str, separator: str = ",") -> list[str]:
    """The column names in the first line of a file, which may repeat; a DataError as from `read_table`."""
    return read_first(Path(path), read_records(Path(path), separator))


def drop_columns(path: Path, names: Collection[str]) -> None:
    """Rewrite a comma-separated file without some columns; everything else stays as it is, cell by cell."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    kept = [position for position, name in enumerate(header) if name not in names]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([row[position] for position in kept] for row in (header, *rows))


def suggest_known(name: str, known: Sequence[str]) -> str:
    """A hint for an unknown name: the nearest known one, if any is near, and a list of those that are known."""
    lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    hint = f"did you mean {lower[close[0]]!r}? " if close else ""
    more = "" if len(known) <= _MOST_KNOWN else f", … ({len(known):,} of them)"
    return f"{hint}known: {', '.join(known[:_MOST_KNOWN])}{more}"


def read_first(path: Path, records: Iterator[tuple[int, list[str]]]) -> list[str]:
    """The names in the header, the first record of a file; a DataError where there is none."""
    first = next(records, None)
    if first is None:
        fail(path, "is empty; expected a header and rows")
    return first[1]


def collect_columns(
    path: Path, records: Iterator[tuple[int, list[str]]], width: int, positions: Sequence[int]
) -> tuple[list[int], list[list[str]]]:
    """The line of each row's start, and the columns at these positions; a DataError where a row has other than `width`
    fields, or there is none."""
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in positions]
    for line, record in records:
        if len(record) != width:
            fail(path, f"line {line}: {len(record)} fields, expected {width}")
        lines.append(line)
        for column, position in zip(columns, positions, strict=True):
            column.append(record[position])
    if not lines:
        fail(path, "has no rows")
    return lines, columns


def read_records(
    path: Path, separator: str, *, encoding: str | None = None, skip_lines: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line of its start, fields without spaces at both ends) for every record that isn't an empty line; a
    DataError as from `read_table` and `open_text`."""
    with open_text(path, encoding) as file:
        for _ in range(skip_lines):
            next(file, None)
        lines: Iterable[str] = (line.rstrip() for line in file) if separator == " " else file
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
        start = skip_lines + 1
        try:
            for record in reader:
                if record:
                    yield start, [field.strip() for field in record]
                start = skip_lines + reader.line_num + 1
        except csv.Error as error:
            fail(path, f"line {start}: {error}")


def _position(path: Path, name: str, header: Sequence[str]) -> int:
    if name not in header:
        fail(path, f"has no column {name!r}; {suggest_known(name, header)}")
    if header.count(name) > 1:
        fail(path, f"has {header.count(name)} columns of the name {name!r}; rename all but one")
    return header.index(name)


def _parse_numbers(
    path: Path, name: str, cells: Sequence[str], lines: Sequence[int], missing: Collection[str]
) -> np.ndarray:
    """Parse a column of `path`; NaN where a cell is in `missing`, a DataError where another is no finite number."""
    values = np.empty(len(cells))
    rules = CellRules()
    for row, cell in enumerate(cells):
        values[row] = rules.read_number(cell)
        if np.isnan(values[row]) and cell not in missing:
            found = repr(cell) if cell else "an empty cell"
            fail(path, f"line {lines[row]}, column {name!r}: expected a number, found {found}")
    return values
