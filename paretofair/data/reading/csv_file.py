"""Reading a user's own CSV file as a data set."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NoReturn

import numpy as np

from paretofair.data.assemble import assemble, group_by_bins
from paretofair.data.dataset import PARTS, TRAIN, Dataset, find_cut_cluster, group_indices
from paretofair.data.reading.csv_schema import AUTO, CsvSchema, GivenSplit, Sensitive, TaskColumn
from paretofair.data.reading.expressions import Expression, column_expression, parse_expression
from paretofair.data.reading.tables import number, parse_numbers, read_header, read_table, suggest_known
from paretofair.errors import DataError
from paretofair.tasks import TaskKind

MISSING_CELLS = ("", "?", "NA", "NaN", "nan")
FEWEST_ROWS = 30
_MOST_GROUPS = 20
_MOST_ORIGINS = 20
_MOST_CLASSES = 1000


def read_csv_dataset(schema: CsvSchema, folder: Path | str = "", name: str | None = None) -> Dataset:
    """Read a CSV file of the user.

    Args:
        schema: What its columns are.
        folder: What the schema's path is relative to: the folder of the space file.
        name: Of the data set; by default that of the file.

    Returns:
        The data set, with source "real". Its `data_id` follows from what was read.

    Raises:
        DataError: With the file and, where there is one, the line and the column: what `read_table` and
            `parse_expression` raise; a column that the file lacks; a text where a number is due; an input that a label
            is made of, or that looks like an identifier; no inputs; a task with one class; an attribute with one group
            or more than 20; a row without an origin, or one origin or more than 20; fewer than 30 rows; no test or no
            training rows; a weight below 0, or none above; rows in two parts that stay together; missing cells where
            they are errors.
    """
    path = Path(folder) / schema.path
    return _Reader(schema, path).dataset(name or path.stem)


class CsvTable:
    """The cells of a CSV file by column; missing ones are "" as texts and NaN as numbers."""

    def __init__(self, path: Path, separator: str) -> None:
        self.path = path
        self.header = read_header(path, separator)
        cells = read_table(path, text=self.header, separator=separator)
        self.lines: list[int] = cells.index.tolist()
        self._texts = {name: cells[name].where(~cells[name].isin(MISSING_CELLS), "").to_numpy() for name in self.header}
        self._numbers: dict[str, np.ndarray] = {}

    def texts(self, name: str) -> np.ndarray:
        """`(rows,)` text."""
        return self._texts[name]

    def numbers(self, name: str) -> np.ndarray:
        """`(rows,)` float64; a DataError for a text, with its line."""
        if name not in self._numbers:
            self._numbers[name] = parse_numbers(self.path, name, self._texts[name], self.lines, ("",))
        return self._numbers[name]

    def truths(self, name: str) -> np.ndarray:
        """`(rows,)` float64, 0, 1 or NaN; a DataError for anything else, with its line."""
        values = self.numbers(name)
        wrong = ~(np.isnan(values) | (values == 0) | (values == 1))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"{self.path}: line {self.lines[row]}, column {name!r}: found {values[row]:g}; accepted by itself as a "
                f"label: 0, 1; else compare it, as in `{name}` > 0"
            )
        return values

    def is_numeric(self, name: str) -> bool:
        """Whether every cell that isn't missing is a number."""
        return name in self._numbers or not any(cell and np.isnan(number(cell)) for cell in self._texts[name])


class _Reader:
    def __init__(self, schema: CsvSchema, path: Path) -> None:
        self.schema, self.path = schema, path
        self.table = CsvTable(path, schema.separator)
        self.rows = len(self.table.lines)
        if self.rows < FEWEST_ROWS:
            self.fail(f"has {self.rows} rows; at least {FEWEST_ROWS} are needed to train, validate and test")
        self.is_numeric = cache(self.table.is_numeric)

    def dataset(self, name: str) -> Dataset:
        schema = self.schema
        labels: dict[str, np.ndarray] = {}
        kinds: dict[str, TaskKind] = {}
        made_of: dict[str, str] = {}  # columns that make labels, with what is said of the task
        for task, said in schema.tasks.items():
            if isinstance(said, TaskColumn) and said.kind != "binary":
                kinds[task], labels[task] = self.classes(task, said)
                made_of[said.column] = said.column
                continue
            expression = self.expression(task, said.column if isinstance(said, TaskColumn) else said)
            labels[task] = self.labels(task, expression)
            made_of |= dict.fromkeys(expression.columns, expression.text)
        attributes = {name: self.groups(name, sensitive) for name, sensitive in schema.sensitive.items()}
        numeric, categorical = self.inputs(made_of)
        part = None if schema.split is None else self.read_given_split(schema.split)
        together = None if schema.keep_together is None else self.read_clusters(schema.keep_together, part)
        dataset = assemble(
            name,
            "real",
            labels=labels,
            kinds=kinds,
            numeric={name: self.table.numbers(name) for name in numeric},
            categorical={name: self.table.texts(name) for name in categorical},
            groups={name: indices for name, (_, indices) in attributes.items()},
            group_names={name: names for name, (names, _) in attributes.items()},
            part=part,
            test=schema.test,
            test_seed=schema.test_seed,
            weights=None if schema.weights is None else self.read_weights(schema.weights),
            together=together,
            checksums={self.path.name: hashlib.sha256(self.path.read_bytes()).hexdigest()},
        )
        if not dataset.is_test.any() or not (dataset.part == TRAIN).any():
            counts = ", ".join(f"{(dataset.part == number).sum()} {name}" for number, name in enumerate(PARTS))
            self.fail(f"of {self.rows} rows are {counts}; training and test rows must occur")
        return dataset if schema.origin is None else self.with_origins(dataset, schema.origin)

    def expression(self, task: str, text: str) -> Expression:
        # A column's name may look like an expression: `capital-gain` is one.
        expression = column_expression(text) if text in self.table.header else parse_expression(text)
        for name in expression.columns:
            self.require(name, f"task {task!r} ({text}; a name that isn't a plain word goes in backticks)")
        return expression

    def labels(self, task: str, expression: Expression) -> np.ndarray:
        labels = expression.labels(self.table)
        if self.schema.missing.labels == "error":
            self.refuse_missing(labels < 0, f"task {task!r} ({expression.text}) has no label")
        found = sorted(set(labels.tolist()) - {-1})
        if found != [0, 1]:
            what = f"every known label is {found[0]}" if found else "no label is known"
            self.fail(f"task {task!r} ({expression.text}): {what}; both 0 and 1 must occur")
        return labels

    def classes(self, task: str, said: TaskColumn) -> tuple[TaskKind, np.ndarray]:
        """The classes of a task, and `(rows,)` labels."""
        where = f"task {task!r} (column {said.column!r})"
        self.require(said.column, f"task {task!r}")
        texts = self.table.texts(said.column)
        if self.schema.missing.labels == "error":
            self.refuse_missing(texts == "", f"{where} has no label")
        present = self.values(said.column)
        classes = said.classes or tuple(present)
        absent = [name for name in classes if name not in present]
        if absent:
            self.fail(f"{where}: no cell is {absent[0]!r}; {suggest_known(absent[0], present[:_MOST_GROUPS])}")
        if not 2 <= len(classes) <= _MOST_CLASSES:
            self.fail(f"{where} has {len(classes)} different values; accepted: 2 to {_MOST_CLASSES} classes")
        index = {name: place for place, name in enumerate(classes)}
        labels = np.array([index.get(text, -1) for text in texts], dtype=np.int32)
        other = (labels < 0) & (texts != "")
        if other.any():
            row = int(np.argmax(other))
            self.fail(
                f"line {self.table.lines[row]}, column {said.column!r}: found {texts[row]!r}; task {task!r} has the "
                f"classes {', '.join(classes)}"
            )
        return TaskKind(said.kind, classes), labels

    def groups(self, attribute: str, sensitive: Sensitive) -> tuple[tuple[str, ...], np.ndarray]:
        """Names of the groups of an attribute, and `(rows,)` int8 indices into them."""
        column = sensitive.column
        self.require(column, f"sensitive attribute {attribute!r}")
        texts = self.table.texts(column)
        if sensitive.bins:
            names, indices = group_by_bins(self.table.numbers(column), sensitive.bins)
        else:
            groups = sensitive.groups or {value: value for value in self.values(column)}
            for value in groups:
                if value not in texts:
                    self.fail(
                        f"sensitive attribute {attribute!r}: no cell of column {column!r} is {value!r}; "
                        f"{suggest_known(value, self.values(column)[:_MOST_GROUPS])}"
                    )
            names = tuple(dict.fromkeys(groups.values()))
            if len(names) > _MOST_GROUPS:
                self.fail(
                    f"sensitive attribute {attribute!r}: column {column!r} has {len(names)} values; accepted: 2 to "
                    f"{_MOST_GROUPS} groups; give bins or groups"
                )
            indices = group_indices((groups.get(text) for text in texts), names)
        if self.schema.missing.groups == "error":
            self.refuse_missing(indices < 0, f"column {column!r}: no known group of {attribute!r}")
        # A bin may be empty; a group without a row would leave every gap undefined.
        present = tuple(names[index] for index in sorted(set(indices.tolist()) - {-1}))
        if len(present) < 2:
            self.fail(f"sensitive attribute {attribute!r}: groups are {list(present)}; at least two must occur")
        return present, group_indices((names[index] if index >= 0 else None for index in indices), present)

    def inputs(self, made_of: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """Names of the numeric and of the categorical inputs; `made_of` are the columns that make labels, each with
        what makes them."""
        schema = self.schema
        # A column without a name is the row number of a table written by another program.
        barred = {"": "has no name"}
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
        barred |= {name: f"makes the labels of {text!r}" for name, text in made_of.items()}
        for name in schema.inputs.exclude:
            self.require(name, "excluded inputs")
        listed = {
            kind: None if value == AUTO else list(value)
            for kind, value in (("numeric", schema.inputs.numeric), ("categorical", schema.inputs.categorical))
        }
        named = [name for names in listed.values() for name in names or []]
        for name in named:
            self.require(name, "inputs")
            if name in barred:
                self.fail(f"column {name!r} can't be an input: it {barred[name]}")
            if named.count(name) > 1:
                self.fail(f"column {name!r} is named twice among the inputs")
        free = [name for name in self.table.header if name not in barred and name not in named]
        numeric, categorical = listed["numeric"], listed["categorical"]
        if numeric is None:
            numeric = [name for name in free if self.is_numeric(name)]
        if categorical is None:
            categorical = [name for name in free if not self.is_numeric(name)]
        if not numeric and not categorical:
            self.fail("no inputs are left; every column is excluded, sensitive or makes a label")
        self.check_inputs(numeric, categorical)
        return numeric, categorical

    def check_inputs(self, numeric: list[str], categorical: list[str]) -> None:
        most = max(50, self.rows // 20)
        for name in categorical:
            if (distinct := len(self.values(name))) > most:
                self.fail(
                    f"column {name!r} has {distinct} different values in {self.rows} rows (accepted: {most}): it looks "
                    "like an identifier: exclude it"
                )
        if self.schema.missing.inputs == "error":
            for name in (*numeric, *categorical):
                self.refuse_missing(self.table.texts(name) == "", f"column {name!r}: input is missing")

    def read_given_split(self, split: GivenSplit) -> np.ndarray:
        """`(rows,)` int8, the part of each row."""
        column = split.column
        self.require(column, "split")
        parts = np.zeros(self.rows, dtype=np.int8)
        for row, cell in enumerate(self.table.texts(column)):
            part = split.part_of(cell)
            if part is None:
                found = repr(cell) if cell else "a missing value"
                accepted = ", ".join(split.words)
                self.fail(f"line {self.table.lines[row]}, column {column!r}: found {found}; accepted: {accepted}")
            parts[row] = part
        return parts

    def read_weights(self, column: str) -> np.ndarray:
        """`(rows,)` float64."""
        self.require(column, "weights")
        weights = self.table.numbers(column)
        wrong = ~(weights >= 0)
        if wrong.any():
            row = int(np.argmax(wrong))
            found = "a missing value" if np.isnan(weights[row]) else f"{weights[row]:g}"
            self.fail(f"line {self.table.lines[row]}, column {column!r}: found {found}; accepted: numbers from 0")
        if not weights.any():
            self.fail(f"column {column!r}: every weight is 0; some must be greater")
        return weights

    def read_clusters(self, column: str, part: np.ndarray | None) -> np.ndarray:
        """`(rows,)` numbers, equal for equal cells; a DataError where a cell has rows in two of the given parts."""
        self.require(column, "keep_together")
        texts = self.table.texts(column)
        self.refuse_missing(texts == "", f"column {column!r}: found a missing value; accepted: any text")
        _, clusters = np.unique(texts.astype(str), return_inverse=True)
        cut = None if part is None else find_cut_cluster(clusters, part)
        if part is not None and cut is not None:
            where = " and ".join(f"{PARTS[part[row]]} (line {self.table.lines[row]})" for row in cut)
            self.fail(f"column {column!r}: rows of {texts[cut[0]]!r} are in {where}; accepted: one part for each value")
        return clusters.reshape(-1)

    def with_origins(self, dataset: Dataset, column: str) -> Dataset:
        """The data set with the joined one of each row, by name in `column`."""
        self.require(column, "origin")
        texts = self.table.texts(column)
        self.refuse_missing(texts == "", f"column {column!r}: origin is missing")
        names = tuple(self.values(column))
        if not 2 <= len(names) <= _MOST_ORIGINS:
            self.fail(
                f"origin: column {column!r} has {len(names)} different values; accepted: 2 to {_MOST_ORIGINS} joined "
                "data sets"
            )
        return replace(dataset, origins=group_indices(texts, names), origin_names=names)

    def values(self, column: str) -> list[str]:
        """The different values of a column, missing ones aside, in order."""
        values = sorted(set(self.table.texts(column)) - {""})
        return sorted(values, key=float) if self.is_numeric(column) else values

    def require(self, name: str, where: str) -> None:
        if name not in self.table.header:
            self.fail(f"has no column {name!r}, named by {where}; {suggest_known(name, self.table.header)}")

    def refuse_missing(self, missing: np.ndarray, message: str) -> None:
        if missing.any():
            self.fail(f"line {self.table.lines[int(np.argmax(missing))]}, {message}")

    def fail(self, message: str) -> NoReturn:
        raise DataError(f"{self.path}: {message}")
