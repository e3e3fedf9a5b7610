"""Which columns of a file are inputs, numeric or categorical, and inputs that are no columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from paretofair.data.inputs.columns import LARGEST
from paretofair.data.reading.cell_table import CellTable
from paretofair.data.reading.cells import find_spellings
from paretofair.data.reading.csv_schema import AUTO, CsvSchema
from paretofair.data.reading.expressions import read_expression
from paretofair.data.reading.kinds import GivenInputs, InputKind

_MOST_NAMED = 20


def choose_inputs(schema: CsvSchema, table: CellTable, made_of: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Names of the numeric and of the categorical inputs; `made_of` are the columns that make labels, each with what
    makes them.

    Raises:
        DataError: A column that is named and not there, can't be an input, or is named twice; no inputs; under `auto` a
            column of numbers but for a few cells; more categories than one column may have; missing cells where they
            are errors.
    """
    barred = _bar_columns(schema, table, made_of)
    for name in schema.inputs.exclude:
        if name not in table.header:
            table.require(name, "excluded inputs")
    listed = {
        kind: None if value == AUTO else list(value)
        for kind, value in (("numeric", schema.inputs.numeric), ("categorical", schema.inputs.categorical))
    }
    named = [name for names in listed.values() for name in names or []]
    for name in named:
        if name in barred:
            table.fail(f"column {name!r} can't be an input: it {barred[name]}")
        table.require(name, "inputs")
        if named.count(name) > 1:
            table.fail(f"column {name!r} is named twice among the inputs")
    numeric, categorical = listed["numeric"], listed["categorical"]
    free = [] if None not in (numeric, categorical) else [n for n in table.header if n not in barred and n not in named]
    grouped = {sensitive.column for sensitive in schema.sensitive.values() if not sensitive.bins}
    for name in free:
        table.require(name, "inputs")
    # Values that are groups may look as they like.
    _refuse_odd_cells(table, [name for name in free if name not in grouped])
    if numeric is None:
        numeric = [name for name in free if table.is_numeric(name)]
    if categorical is None:
        categorical = [name for name in free if not table.is_numeric(name)]
    if not numeric and not categorical:
        table.fail("no inputs are left; every column is excluded, sensitive or makes a label")
    _check_categories(table, categorical)
    _check_numbers(table, numeric)
    if schema.missing.inputs == "error":
        for name in (*numeric, *categorical):
            missing = table.texts(name) == ""
            if missing.any():
                table.fail(f"{table.place(int(missing.argmax()))}, column {name!r}: input is missing")
    return numeric, categorical


def read_kind(schema: CsvSchema, kind: InputKind, table: CellTable, made_of: Mapping[str, str]) -> GivenInputs:
    """Inputs that are no columns; `made_of` as in `choose_inputs`.

    Raises:
        DataError: A column that it reads is not there or can't be an input; what `InputKind.read` raises.
    """
    barred = _bar_columns(schema, table, made_of)
    for name in kind.columns:
        if name in barred:
            table.fail(f"column {name!r} can't be an input: it {barred[name]}")
        table.require(name, "inputs")
    return kind.read(table)


def _bar_columns(schema: CsvSchema, table: CellTable, made_of: Mapping[str, str]) -> dict[str, str]:
    """Columns that can't be inputs, with the reason."""
    barred: dict[str, str] = {}
    if schema.rows is not None:
        barred |= dict.fromkeys(read_expression(schema.rows, table.header).columns, "says which rows are read")
    if schema.split:
        barred[schema.split.column] = "says which part a row belongs to"
    if schema.weights:
        barred[schema.weights] = "says how much a row counts"
    if schema.keep_together:
        barred[schema.keep_together] = "says which rows stay together"
    if schema.origin:
        barred[schema.origin] = "says which data set a row is from"
    barred |= dict.fromkeys(schema.inputs.exclude, "is excluded")
    if not schema.inputs.sensitive:
        barred |= {sensitive.column: "is sensitive" for sensitive in schema.sensitive.values()}
    return barred | {name: f"makes the labels of {text!r}" for name, text in made_of.items()}


def _refuse_odd_cells(table: CellTable, names: Sequence[str]) -> None:
    """A DataError for columns of numbers but for a few cells, which would silently become categories."""
    odd = {name: cell for name in names if (cell := table.find_odd_cell(name)) is not None}
    for name, cell in odd.items():
        where = "" if table.rules.explain(cell) else " in a column of numbers"
        table.fail_at(
            name,
            cell,
            f"found {cell!r}{where}{table.explain(cell)}; else list every categorical input in inputs.categorical, or "
            f"name this column in inputs.exclude{_name_others(odd)}",
        )


def _check_numbers(table: CellTable, numeric: Sequence[str]) -> None:
    for name in numeric:
        values = table.numbers(name)
        large = abs(values) > LARGEST
        if large.any():
            row = int(large.argmax())
            accepted = f"numbers from {-LARGEST:g} to {LARGEST:g}"
            table.fail(f"{table.place(row)}, column {name!r}: found {values[row]:g}; accepted for an input: {accepted}")


def _check_categories(table: CellTable, categorical: Sequence[str]) -> None:
    most = max(50, table.rows // 20)
    values = {name: table.values(name) for name in categorical}
    many = {name: len(found) for name, found in values.items() if len(found) > most}
    for name, count in many.items():
        words = f"column {name!r} has {count} different values in {table.rows} rows (accepted: {most})"
        if all(map(table.rules.is_number, values[name])):
            table.fail(f"{words}: its cells are numbers: list it in inputs.numeric")
        table.fail(f"{words}: it looks like an identifier: exclude it{_name_others(many)}")
    for name, found in values.items():
        for spellings in find_spellings(found).values():
            words = " and ".join(repr(text) for text in spellings)
            table.say(
                f"In {name}, {words} are categories of their own; they differ by case, spaces or Unicode form alone."
            )


def _name_others(names: Collection[str]) -> str:
    """All but the first, to be read behind what was said of that."""
    others = list(names)[1:]
    more = "" if len(others) <= _MOST_NAMED else ", …"
    return f" (the same of {', '.join(map(repr, others[:_MOST_NAMED]))}{more})" if others else ""
