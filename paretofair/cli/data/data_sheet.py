"""The data sheet of a command: rows, labels, groups and inputs of a split as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from paretofair.data.sheet import Counts, DataSheet

_MOST = 12  # labels or groups of one column of the data, and columns of one kind, that are shown


def print_data_sheet(sheet: DataSheet, title: str, console: Console) -> None:
    """Rows by part of every label and group, with their share of the part, and what the inputs are."""
    table = Table("", "", *sheet.rows, title=escape(title))
    for column in table.columns[2:]:
        column.justify = "right"
    table.add_row("rows", "", *(f"{count:,}" for count in sheet.rows.values()))
    for names in (sheet.labels, sheet.groups):
        table.add_section()
        for name, values in names.items():
            _add_rows(table, name, values, sheet)
    console.print(table)
    console.print(_describe_inputs(sheet), markup=False, highlight=False, soft_wrap=True)
    if not sheet.other:
        words = _join(f"{name} {count:,}" for name, count in sheet.filled.items()) or "none"
        console.print(f"missing cells of inputs: {words}", markup=False, highlight=False, soft_wrap=True)


def _add_rows(table: Table, name: str, values: Mapping[str, Counts], sheet: DataSheet) -> None:
    known = list(values.items())
    shown = known if len(known) <= _MOST else sorted(known, key=lambda each: sum(each[1].values()))[: _MOST - 1]
    lines = [*shown, *([("unknown", sheet.unknown[name])] if name in sheet.unknown else [])]
    for place, (value, counts) in enumerate(lines):
        cells = (f"{count:,} ({_share(count, sheet.rows[part])})" for part, count in counts.items())
        table.add_row("" if place else escape(name), escape(value), *cells)
    if len(shown) < len(known):
        table.add_row("", f"{len(known) - len(shown):,} with more rows")


def _share(count: int, rows: int) -> str:
    """A share that is 0 % or 100 % only where it is."""
    percent = 100 * count / rows
    if 0 < percent < 0.0005:
        return "< 0.001 %"
    if 99.9995 <= percent < 100:
        return "> 99.999 %"
    digits = 1 if 0.1 <= percent <= 99.9 or count in (0, rows) else 3
    return f"{percent:.{digits}f} %"


def _describe_inputs(sheet: DataSheet) -> str:
    if sheet.other:
        return f"inputs: {sheet.other}"
    numeric = f"{len(sheet.numeric)} numeric ({_join(sheet.numeric)})" if sheet.numeric else ""
    sizes = _join(f"{name}: {size}" for name, size in sheet.categorical.items())
    categorical = f"{len(sheet.categorical)} categorical (categories of {sizes})" if sheet.categorical else ""
    return f"inputs: {', '.join(filter(None, (numeric, categorical)))}"


def _join(words: Iterable[str]) -> str:
    every = list(words)
    more = len(every) - _MOST
    return ", ".join(every[:_MOST]) + (f" and {more} more" if more > 0 else "")
