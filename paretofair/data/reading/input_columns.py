"""Which columns of a file are inputs, numeric or categorical."""

from __future__ import annotations

from collections.abc import Mapping

from paretofair.data.inputs.columns import LARGEST
from paretofair.data.reading.cell_table import CellTable
from paretofair.data.reading.cells import find_spellings
from paretofair.data.reading.csv_schema import AUTO, CsvSchema


def choose_inputs(schema: CsvSchema, table: CellTable, made_of: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Names of the numeric and of the categorical inputs; `made_of` are the columns that make labels, each with what
    makes them.

    Raises:
        DataError: A column that is named and not there, can't be an input, or is named twice; no inputs; under `auto` a
            column of numbers but for a few cells; more categories than one column may have; missing cells where they
            are errors.
    """
    barred = _bar_columns(schema, made_of)
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
        if name not in grouped:  # whose values are groups, whatever they look like
            _refuse_odd_cell(table, name)
    if numeric is None:
        numeric = [name for name in free if table.is_numeric(name)]
    if categorical is None:
        categorical = [name for name in free if not table.is_numeric(name)]
    if not numeric and not categorical:
        table.fail("no inputs are left; every column is excluded, sensitive or makes a label")
    _check_categories(table, categorical)
    for name in numeric:
        values = table.numbers(name)
        large = abs(values) > LARGEST
        if large.any():
            row = int(large.argmax())
            accepted = f"numbers from {-LARGEST:g} to {LARGEST:g}"
            table.fail(f"{table.place(row)}, column {name!r}: found {values[row]:g}; accepted for an input: {accepted}")
    if schema.missing.inputs == "error":
        for name in (*numeric, *categorical):
            missing = table.texts(name) == ""
            if missing.any():
                table.fail(f"{table.place(int(missing.argmax()))}, column {name!r}: input is missing")
    return numeric, categorical


def _bar_columns(schema: CsvSchema, made_of: Mapping[str, str]) -> dict[str, str]:
    """Columns that can't be inputs, with the reason."""
    barred = {}
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


def _refuse_odd_cell(table: CellTable, name: str) -> None:
    """A DataError for a column of numbers but for a few cells, which would silently become categories."""
    odd = table.find_odd_cell(name)
    if odd is not None:
        table.fail_at(
            name,
            odd,
            f"found {odd!r} in a column of numbers{table.explain(odd)}; else mend the cell, list every categorical "
            "input in inputs.categorical, or name this column in inputs.exclude",
        )


def _check_categories(table: CellTable, categorical: list[str]) -> None:
    most = max(50, table.rows // 20)
    for name in categorical:
        values = table.values(name)
        if len(values) > most:
            advice = (
                "its cells are numbers: list it in inputs.numeric"
                if all(map(table.rules.is_number, values))
                else "it looks like an identifier: exclude it"
            )
            table.fail(
                f"column {name!r} has {len(values)} different values in {table.rows} rows (accepted: {most}): {advice}"
            )
        for spellings in find_spellings(values).values():
            words = " and ".join(repr(text) for text in spellings)
            table.say(
                f"In {name}, {words} are categories of their own; they differ by case, spaces or Unicode form alone."
            )
