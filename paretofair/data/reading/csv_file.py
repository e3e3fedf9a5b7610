"""Reading a user's own CSV file, or a frame of pandas, as a data set."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from paretofair.data.assemble import assemble, group_by_bins
from paretofair.data.dataset import PARTS, TRAIN, Dataset, find_cut_cluster, group_indices
from paretofair.data.digest import hash_file
from paretofair.data.reading.cell_table import CellTable, convert_frame, read_raw_table
from paretofair.data.reading.cells import find_spellings, fold, format_number
from paretofair.data.reading.csv_schema import MOST_GROUPS, CsvSchema, GivenSplit, Sensitive, TaskColumn
from paretofair.data.reading.expressions import Expression, read_expression
from paretofair.data.reading.input_columns import choose_inputs, read_kind
from paretofair.data.reading.tables import suggest_known
from paretofair.tasks import TaskKind
from paretofair.tasks.kind import IDENTITY

FEWEST_ROWS = 30
_MOST_ORIGINS = 20
_MOST_CLASSES = 1000
_MOST_IDENTITIES = 1_000_000


def read_csv_dataset(schema: CsvSchema, folder: Path | str = "", name: str | None = None) -> Dataset:
    """Read a file of the user: a CSV file, packed or not, or a Parquet or Feather file.

    Args:
        schema: What its columns are.
        folder: What the schema's path is relative to: the folder of the space file.
        name: Of the data set; by default that of the file.

    Returns:
        The data set, with source "real". Its `data_id` follows from what was read; its `notes` say what its owner
        should know of how it was read.

    Raises:
        DataError: With the file and, where there is one, the line and the column: what `read_raw_table`,
            `parse_expression` and `choose_inputs` raise; a column that the file lacks, or has twice; a text where a
            number is due; labels or groups that differ by case, spaces or Unicode form alone; a task with one class; an
            attribute with one group or more than 20; a row without an origin, or one origin or more than 20; fewer than
            30 rows; no test or no training rows; a weight below 0, or none above; rows in two parts that stay together;
            missing cells where they are errors.
    """
    path = Path(folder) / schema.path
    raw = read_raw_table(path, schema.separator, schema.encoding)
    checksums = {path.name: hash_file(path)}
    table = choose_rows(CellTable(path, raw, schema.rules), schema.rows)
    return _Reader(schema.relative_to(Path(folder)), table, checksums).dataset(name or path.stem)


def read_frame_dataset(
    frame: pd.DataFrame, schema: CsvSchema, folder: Path | str = "", name: str | None = None
) -> Dataset:
    """Read a pandas frame as `read_csv_dataset` reads a file; the index is no column.

    Args:
        frame: The table.
        schema: What its columns are; its path is what errors call the frame.
        folder: What the paths of inputs that are files are relative to.
        name: Of the data set; by default the schema's path without its ending.

    Raises:
        DataError: As `read_csv_dataset`, with the place of the row, from 1.
    """
    table = choose_rows(CellTable(Path(schema.path), convert_frame(frame), schema.rules), schema.rows)
    return _Reader(schema.relative_to(Path(folder)), table, {}).dataset(name or Path(schema.path).stem)


def choose_rows(table: CellTable, rows: str | None) -> CellTable:
    """The rows for which the expression `rows` is true; all where it is None. Raises DataError for a column that is not
    there, or where no row is left."""
    if rows is None:
        return table
    expression = read_expression(rows, table.header)
    for name in expression.columns:
        table.require(name, f"rows ({rows})")
    kept = expression.labels(table) == 1
    if not kept.any():
        table.fail(f"rows ({rows}): this is true of none of {table.rows:,} rows")
    return table.keep(np.flatnonzero(kept))


class _Reader:
    def __init__(self, schema: CsvSchema, table: CellTable, checksums: dict[str, str]) -> None:
        self.schema, self.table, self.checksums = schema, table, checksums
        self.rows = table.rows
        if self.rows < FEWEST_ROWS and schema.split is None:
            self.fail(f"has {self.rows} rows; at least {FEWEST_ROWS} are needed to train, validate and test")

    def dataset(self, name: str) -> Dataset:
        schema = self.schema
        labels: dict[str, np.ndarray] = {}
        kinds: dict[str, TaskKind] = {}
        made_of: dict[str, str] = {}  # columns that make labels, with what is said of the task
        for task, said in schema.tasks.items():
            if isinstance(said, TaskColumn) and (said.kind != "binary" or said.classes):
                words, labels[task] = self.classes(task, said)
                kinds |= {task: words} if said.kind != "binary" else {}
                made_of[said.column] = said.column
                continue
            expression = self.expression(task, said.column if isinstance(said, TaskColumn) else said)
            labels[task] = self.labels(task, expression)
            made_of |= dict.fromkeys(expression.columns, expression.text)
        attributes = {name: self.groups(name, sensitive) for name, sensitive in schema.sensitive.items()}
        kind = schema.inputs.kind
        given = None if kind is None else read_kind(schema, kind, self.table, made_of)
        numeric, categorical = choose_inputs(schema, self.table, made_of) if given is None else ([], [])
        part = None if schema.split is None else self.read_given_split(schema.split)
        together = None if schema.keep_together is None else self.read_clusters(schema.keep_together, part)
        dataset = assemble(
            name,
            "real",
            labels=labels,
            kinds=kinds,
            numeric={name: self.table.numbers(name) for name in numeric},
            categorical={name: self.table.texts(name) for name in categorical},
            inputs=None if given is None else given.inputs,
            groups={name: indices for name, (_, indices) in attributes.items()},
            group_names={name: names for name, (names, _) in attributes.items()},
            part=part,
            test=schema.test,
            test_seed=schema.test_seed,
            weights=None if schema.weights is None else self.read_weights(schema.weights),
            together=together,
            checksums=self.checksums | ({} if given is None else dict(given.checksums)),
        )
        if not dataset.is_test.any() or not (dataset.part == TRAIN).any():
            counts = ", ".join(f"{(dataset.part == number).sum()} {name}" for number, name in enumerate(PARTS))
            self.fail(f"of {self.rows} rows are {counts}; training and test rows must occur")
        if schema.origin is not None:
            dataset = self.with_origins(dataset, schema.origin)
        return replace(dataset, notes=self.table.notes)

    def expression(self, task: str, text: str) -> Expression:
        expression = read_expression(text, self.table.header)
        for name in expression.columns:
            self.table.require(name, f"task {task!r} ({text}; a name that isn't a plain word goes in backticks)")
        for name, constants in expression.constants.items():
            self.refuse_spellings(name, constants, f"task {task!r} ({text})", partial("`{}` in {}".format, name))
            for text in constants:
                if not self.table.find(name, text):
                    hint = suggest_known(text, self.table.values(name))
                    self.table.say(f"Task {task} asks for {text!r}, which no cell of {name} is; {hint}.")
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
        self.table.require(said.column, f"task {task!r}")
        texts = self.table.texts(said.column)
        if self.schema.missing.labels == "error":
            self.refuse_missing(texts == "", f"{where} has no label")
        classes = said.classes or tuple(self.table.values(said.column))
        most, what = (_MOST_IDENTITIES, "identities") if said.kind == IDENTITY else (_MOST_CLASSES, "classes")
        if not 2 <= len(classes) <= most:
            self.fail(f"{where} has {len(classes)} different values; accepted: 2 to {most:,} {what}")
        index = {self.find(said.column, name, where): place for place, name in enumerate(classes)}
        self.refuse_spellings(
            said.column, said.classes, where, lambda texts: f"classes: [{', '.join(map(repr, texts))}]"
        )
        labels = np.array([index.get(text, -1) for text in texts], dtype=np.int32)
        other = (labels < 0) & (texts != "")
        if other.any():
            row = int(np.argmax(other))
            self.fail(
                f"{self.table.place(row)}, column {said.column!r}: found {texts[row]!r}; task {task!r} has the "
                f"classes {', '.join(classes)}"
            )
        return TaskKind(said.kind, classes), labels

    def groups(self, attribute: str, sensitive: Sensitive) -> tuple[tuple[str, ...], np.ndarray]:
        """Names of the groups of an attribute, and `(rows,)` int8 indices into them."""
        column, where = sensitive.column, f"sensitive attribute {attribute!r}"
        self.table.require(column, where)
        texts = self.table.texts(column)
        if sensitive.bins:
            names, indices = group_by_bins(self.table.numbers(column), sensitive.bins)
        else:
            values = self.table.values(column)
            groups = {value: value for value in values}
            if sensitive.groups:
                groups = {self.find(column, value, where): name for value, name in sensitive.groups.items()}
                if len(groups) < len(sensitive.groups):
                    self.fail(f"{where}: two keys of groups are one number")
            self.refuse_spellings(
                column,
                groups if sensitive.groups else (),
                where,
                lambda texts: f"groups: {dict.fromkeys(texts, texts[0])}",
            )
            names = tuple(dict.fromkeys(groups.values()))
            if len(names) > MOST_GROUPS:
                self.fail(
                    f"sensitive attribute {attribute!r}: column {column!r} has {len(names)} values; accepted: 2 to "
                    f"{MOST_GROUPS} groups; give bins or groups"
                )
            indices = group_indices((groups.get(text) for text in texts), names)
        if self.schema.missing.groups == "error":
            self.refuse_missing(indices < 0, f"column {column!r}: no known group of {attribute!r}")
        # A bin may be empty; a group without a row would leave every gap undefined.
        present = tuple(names[index] for index in sorted(set(indices.tolist()) - {-1}))
        if len(present) < 2:
            self.fail(f"sensitive attribute {attribute!r}: groups are {list(present)}; at least two must occur")
        return present, group_indices((names[index] if index >= 0 else None for index in indices), present)

    def read_given_split(self, split: GivenSplit) -> np.ndarray:
        """`(rows,)` int8, the part of each row."""
        column = split.column
        self.table.require(column, "split")
        # A word may stand in no row: a file need not have rows of every part.
        parts = {cell: part for word, part in split.words.items() for cell in self.table.find(column, word) or [word]}
        texts = self.table.texts(column)
        found = np.array([parts.get(text if split.train else text.lower(), -1) for text in texts], dtype=np.int8)
        if (found < 0).any():
            row = int(np.argmax(found < 0))
            cell = repr(texts[row]) if texts[row] else "a missing value"
            accepted = ", ".join(split.words)
            self.fail(f"{self.table.place(row)}, column {column!r}: found {cell}; accepted: {accepted}")
        return found

    def read_weights(self, column: str) -> np.ndarray:
        """`(rows,)` float64."""
        self.table.require(column, "weights")
        weights = self.table.numbers(column)
        wrong = ~(weights >= 0)
        if wrong.any():
            row = int(np.argmax(wrong))
            found = "a missing value" if np.isnan(weights[row]) else format_number(weights[row])
            self.fail(f"{self.table.place(row)}, column {column!r}: found {found}; accepted: numbers from 0")
        if not weights.any():
            self.fail(f"column {column!r}: every weight is 0; some must be greater")
        return weights

    def read_clusters(self, column: str, part: np.ndarray | None) -> np.ndarray:
        """`(rows,)` numbers, equal for equal cells; a DataError where a cell has rows in two of the given parts."""
        self.table.require(column, "keep_together")
        texts = self.table.texts(column)
        self.refuse_missing(texts == "", f"column {column!r}: found a missing value; accepted: any text")
        clusters, values = pd.factorize(texts, sort=True)
        alike = find_spellings(values.tolist())
        if alike:
            first, second, *_ = next(iter(alike.values()))
            self.table.say(
                f"Rows of {first!r} and {second!r} in {column} need not stay together ({len(alike):,} such values): "
                "they differ by case, spaces or Unicode form alone."
            )
        cut = None if part is None else find_cut_cluster(clusters, part)
        if part is not None and cut is not None:
            where = " and ".join(f"{PARTS[part[row]]} ({self.table.place(row)})" for row in cut)
            self.fail(f"column {column!r}: rows of {texts[cut[0]]!r} are in {where}; accepted: one part for each value")
        return clusters

    def with_origins(self, dataset: Dataset, column: str) -> Dataset:
        """The data set with the joined one of each row, by name in `column`."""
        self.table.require(column, "origin")
        texts = self.table.texts(column)
        self.refuse_missing(texts == "", f"column {column!r}: origin is missing")
        names = tuple(self.table.values(column))
        self.refuse_spellings(column, (), "origin", None)
        if not 2 <= len(names) <= _MOST_ORIGINS:
            self.fail(
                f"origin: column {column!r} has {len(names)} different values; accepted: 2 to {_MOST_ORIGINS} joined "
                "data sets"
            )
        return replace(dataset, origins=group_indices(texts, names), origin_names=names)

    def find(self, column: str, word: str, where: str) -> str:
        """The text of a column that a word of the user's stands for; a DataError where no cell is it."""
        self.table.refuse_missing_word(column, word)
        cells = self.table.find(column, word)
        if not cells:
            known = suggest_known(word, self.table.values(column))
            self.fail(f"{where}: no cell of column {column!r} is {word!r}; {known}")
        return min(cells, key=lambda cell: (len(cell), cell))

    def refuse_spellings(
        self, column: str, named: Collection[str], where: str, name_each: Callable[[list[str]], str] | None
    ) -> None:
        """A DataError where texts of a column differ by case, spaces or Unicode form alone, unless all of them are
        `named`; only those that are like a named one, or all where none is named. `name_each`: the key that does."""
        folded = {fold(text) for text in named}
        for plain, spellings in find_spellings(dict.fromkeys((*self.table.values(column), *named))).items():
            other = [text for text in spellings if text not in named]
            if other and (plain in folded or not named):
                texts = self.table.texts(column)
                counts = {text: int((texts == text).sum()) for text in spellings}
                spellings = sorted(spellings, key=lambda text: -counts[text])  # the rarest is the fault
                said = " and ".join(f"{counts[text]:,} {text!r}" for text in spellings)
                way_out = "" if name_each is None else f", or name each: {name_each(spellings)}"
                self.table.fail_at(
                    column,
                    next(text for text in reversed(spellings) if text in other),
                    f"{said} differ by case, spaces or Unicode form alone, for {where}; write them alike{way_out}",
                )

    def refuse_missing(self, missing: np.ndarray, message: str) -> None:
        if missing.any():
            self.fail(f"{self.table.place(int(np.argmax(missing)))}, {message}")

    def fail(self, message: str) -> NoReturn:
        self.table.fail(message)
