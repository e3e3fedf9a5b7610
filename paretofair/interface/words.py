"""How labels and groups are written in the caller's data: the words of columns, and what training made of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import feather, parquet

from paretofair.data import CsvSchema, Sensitive
from paretofair.data.assemble import group_by_bins
from paretofair.data.reading.cell_table import CellTable, read_raw_table
from paretofair.data.reading.cells import CellRules, text_of
from paretofair.data.reading.csv_schema import TaskColumn
from paretofair.data.reading.frames import read_numbers
from paretofair.errors import DataError
from paretofair.space.space import Space


@dataclass(frozen=True)
class LabelWords:
    """How a task's labels are written in the caller's data: `column` (None: no column has them as they are), and the
    value of each label 0, 1, …"""

    column: str | None
    values: tuple[Any, ...]

    def read(self, labels: pd.Series, task: str) -> np.ndarray:
        """`(rows,)` integers, -1 where missing. Raises DataError for a value that is no label."""
        known: dict[str, int] = {text_of(value): place for place, value in enumerate(self.values)}
        rules = CellRules()
        found = np.full(len(labels), -1)
        for row, value in enumerate(labels):
            text = text_of(value)
            if rules.is_missing(text) and text not in known:
                continue
            place = known.get(text)
            if place is None and len(self.values) == 2:
                # Other spellings of what the values mean: 1.0 and True of 1.
                truth = rules.read_truth(text)
                own = [rules.read_truth(text_of(each)) for each in self.values]
                place = own.index(truth) if truth in (0.0, 1.0) and truth in own else None
            if place is None:
                accepted = ", ".join(map(repr, self.values[:10]))
                raise DataError(f"labels of {task}, row {labels.index[row]}: found {value!r}; accepted: {accepted}")
            found[row] = place
        return found


@dataclass(frozen=True)
class GroupWords:
    """How the groups of an attribute follow from a column: as `said` of the training data, whose cells have `rules`."""

    said: Sensitive
    rules: CellRules

    @property
    def column(self) -> str:
        """The column that the groups are read from."""
        return self.said.column

    def read(self, values: pd.Series) -> list[str | None]:
        """The name of each row's group, which may also stand there itself; None where there is none.

        Raises:
            DataError: where groups are parts of a number, a value that is neither a number nor a group.
        """
        texts = ["" if self.rules.is_missing(text) else text for text in map(text_of, values)]
        if self.said.bins:
            bins, _ = group_by_bins(np.zeros(0), self.said.bins)
            given = np.array([text in bins for text in texts], dtype=bool)
            numbers = read_numbers(values.mask(given), self.column, self.rules)
            _, places = group_by_bins(numbers, self.said.bins)
            return [
                text if text in bins else None if place < 0 else bins[place]
                for text, place in zip(texts, places, strict=True)
            ]
        if not self.said.groups:
            return [text or None for text in texts]
        groups = self.said.groups
        of_numbers = {number: name for cell, name in groups.items() if not math.isnan(number := self._number(cell))}
        names = set(groups.values())
        return [
            groups.get(text) or of_numbers.get(self._number(text)) or (text if text in names else None)
            for text in texts
        ]

    def _number(self, text: str) -> float:
        return self.rules.read_number(text)


def find_group_words(space: Space) -> dict[str, GroupWords]:
    """Where the groups of each attribute are read from, for the data of a run."""
    if space.data.files:
        # Of several files the first one that has the attribute says how its groups are made.
        of_files = [(name, said, file) for file in space.data.files for name, said in file.sensitive.items()]
        return {name: GroupWords(said, file.rules) for name, said, file in reversed(of_files)}
    attributes = dict.fromkeys(space.data.sensitive_by_task(space.tasks).values())
    as_it_is = CellRules(missing=frozenset())
    return {name: GroupWords(Sensitive(column=name), as_it_is) for name in attributes}


def find_label_words(space: Space, about: Mapping[str, Any]) -> dict[str, LabelWords]:
    """How the labels of each task of a model are written in the data of its run."""
    found = {}
    for task in about["tasks"]:
        csv = next((file for file in space.data.files if task in file.tasks), None)
        said = None if csv is None else csv.tasks[task]
        classes = about.get("kinds", {}).get(task, {}).get("classes", ())
        column = said.column if isinstance(said, TaskColumn) else said
        if csv is None or column is None:
            found[task] = LabelWords(task, tuple(classes) or (0, 1))
            continue
        values = _read_values(csv, column)
        words = classes or (said.classes if isinstance(said, TaskColumn) else ())
        if words:
            typed = {text_of(value): value for value in values}
            found[task] = LabelWords(column, tuple(typed.get(word, word) for word in words))
            continue
        truths = {csv.rules.read_truth(text_of(value)): value for value in values}
        whole = set(truths) == {0.0, 1.0}
        # A column of labels as they are, or an expression, which gives 0 and 1.
        found[task] = LabelWords(column if whole else None, (truths[0.0], truths[1.0]) if whole else (0, 1))
    return found


def _read_values(csv: CsvSchema, column: str) -> list[Any]:
    """The different values of a column: of a table with types as they were given, of a text as pandas reads them. []
    where there is no such column."""
    path = Path(csv.path)
    try:
        if path.suffix == ".parquet":
            found = parquet.read_table(path, columns=[column])
        elif path.suffix in (".feather", ".arrow"):
            found = feather.read_table(path, columns=[column])
        else:
            cells = CellTable(path, read_raw_table(path, csv.separator, csv.encoding), csv.rules)
            return _guess_types(cells.values(column), csv.rules) if column in cells.header else []
    except (OSError, pa.ArrowInvalid):
        return []
    return [value for value in found.column(0).unique().to_pylist() if value is not None]


def _guess_types(texts: Sequence[str], rules: CellRules) -> list[Any]:
    """Numbers where all are, truths where all are, else the texts."""
    if all(map(rules.is_number, texts)):
        numbers = [rules.read_number(text) for text in texts]
        return [int(number) if number.is_integer() else number for number in numbers]
    truths = {"true": True, "false": False}
    return [truths[text.lower()] for text in texts] if {text.lower() for text in texts} <= set(truths) else list(texts)
