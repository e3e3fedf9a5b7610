"""What a user says about a CSV file of their own: the section `data.csv` of a space file."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from paretofair.data.dataset import TEST, TRAIN, VALIDATION
from paretofair.data.reading.cells import MISSING_WORDS, CellRules, text_of
from paretofair.data.reading.expressions import parse_expression
from paretofair.data.reading.kinds import InputKinds
from paretofair.errors import DataError, SpaceError
from paretofair.sections import Names, Section, check_unique, make_error

AUTO: Final = "auto"
# Every row of the trial table holds counts for each task and each combination of groups that occurs.
MOST_TASKS, MOST_ATTRIBUTES = 1_000, 100
MOST_GROUPS = 20  # of one attribute
WORDS: Final = {"train": TRAIN, **dict.fromkeys(("validation", "val", "valid", "dev"), VALIDATION), "test": TEST}


def _auto_or_names(value: Any) -> Any:
    if value == AUTO:
        return value
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise make_error(f"found {value!r}; expected auto or a list of columns")
    return check_unique(tuple(value))


def _expression(text: str) -> str:
    try:
        parse_expression(text)
    except DataError as error:
        # A column's name need not be a plain word; whether there is such a column is seen when the file is read.
        if not text.replace("-", "").replace(" ", "").replace(".", "").replace("_", "").isalnum():
            raise make_error(str(error)) from None
    return text


def _one_character(text: str) -> str:
    if len(text) != 1 or text in '\n\r"\0':
        raise make_error(f"found {text!r}; expected one character that may stand between columns")
    return text


def _check_ascending(bins: tuple[float, ...]) -> tuple[float, ...]:
    if len(bins) >= MOST_GROUPS:
        raise make_error(
            f"found {len(bins)} numbers; accepted: up to {MOST_GROUPS - 1}, which make {MOST_GROUPS} groups"
        )
    if any(not low < high for low, high in pairwise(bins)):
        raise make_error(f"found {list(bins)}; they must ascend")
    return bins


def _mapping_of_column(value: Any) -> Any:
    if not isinstance(value, str | dict | Section):
        raise make_error(f"found {value!r}; expected a column, or a mapping with the key column")
    return {"column": value} if isinstance(value, str) else value


def _cell(value: Any) -> Any:
    """Cells are texts: a file in which groups or parts are numbered may be described by numbers."""
    return text_of(value) if type(value) in (int, float, str) else value


def _list_of_cells(value: Any) -> Any:
    return tuple(map(_cell, value)) if isinstance(value, list | tuple) else value


def _mapping_of_cells(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if len({_cell(key) for key in value}) < len(value):
        raise make_error("two of its keys are one cell")
    return {_cell(key): _cell(name) for key, name in value.items()}


def _check_encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise make_error(f"found {name!r}; expected an encoding, such as utf-8, utf-16, latin-1 or cp1252") from None
    return name


Separator = Annotated[str, AfterValidator(_one_character)]
Decimal = Literal[".", ","]
Thousands = Literal["", ",", ".", " ", "'"]
TextEncoding = Annotated[str, AfterValidator(_check_encoding)]
_Cells = Annotated[tuple[str, ...], BeforeValidator(_list_of_cells), Field(strict=False), AfterValidator(check_unique)]


_OF_COLUMNS = ("exclude", "numeric", "categorical", "sensitive")


class Sensitive(Section):
    """How the groups of an attribute follow from a column; by default every value is a group, in sorted order.

    Attributes:
        column: Its name.
        bins: Ascending numbers after which the column is cut: with [25, 60] the groups are `up_to_25` (25 belongs to
            it), `25_to_60` and `over_60`.
        groups: Value -> name of its group, in the order that groups shall have; several values may share a group. Rows
            with any other value are in no known group.
    """

    column: str
    # Tuples, which YAML cannot write, are the one type that is read leniently: from lists.
    bins: Annotated[tuple[float, ...], Field(strict=False), AfterValidator(_check_ascending)] = ()
    groups: Annotated[dict[str, str], BeforeValidator(_mapping_of_cells)] = {}

    @model_validator(mode="after")
    def _bins_or_groups(self) -> "Sensitive":
        if self.bins and self.groups:
            raise make_error("bins and groups exclude each other")
        return self


class InputColumns(InputKinds):
    """Which columns are inputs, or in their place one kind of `InputKinds`, as in `images: {column: file, …}`.

    Attributes:
        exclude: Columns that are no inputs. A column without a name is none anyway.
        numeric: The numeric inputs; or "auto": every column that isn't named elsewhere and in which each cell that
            isn't missing is a number. A column of numbers but for a few cells is an error.
        categorical: The categorical inputs; or "auto": every other column that isn't named elsewhere.
        sensitive: Whether sensitive columns may be inputs, as race and sex are in `lsac`.
    """

    exclude: Names = ()
    numeric: Annotated[Literal["auto"] | tuple[str, ...], BeforeValidator(_auto_or_names)] = AUTO
    categorical: Annotated[Literal["auto"] | tuple[str, ...], BeforeValidator(_auto_or_names)] = AUTO
    sensitive: bool = True

    @model_validator(mode="after")
    def _one_kind(self) -> "InputColumns":
        kinds = list(self.given_kinds)
        if len(kinds) > 1:
            raise make_error(f"{kinds[0]} and {kinds[1]} exclude each other: the inputs of a row are of one kind")
        for name in _OF_COLUMNS if kinds else ():
            if getattr(self, name) != type(self).model_fields[name].default:
                raise make_error(f"{name} is said of inputs that are columns; found {kinds[0]} as well")
        return self

    @model_serializer(mode="wrap")
    def _of_this_kind(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        kinds = self.given_kinds
        return {key: value for key, value in written(self).items() if key in (kinds or _OF_COLUMNS)}


class GivenSplit(Section):
    """The column that says which part a row belongs to, and what its cells say.

    Attributes:
        column: Its name.
        train: The cells of training rows.
        validation: The cells of validation rows; without any, validation rows are cut from the training rows.
        test: The cells of test rows.

    By default the cells are the words train, validation (or val, valid, dev) and test, in any case.
    """

    column: str
    train: _Cells = ()
    validation: _Cells = ()
    test: _Cells = ()

    @property
    def words(self) -> dict[str, int]:
        """Cell, in lower case where the words are the default ones, -> place of its part in `PARTS`."""
        if not self.train:
            return WORDS
        lists = (self.train, self.validation, self.test)
        return {cell: part for part, cells in enumerate(lists) for cell in cells}

    @model_validator(mode="after")
    def _all_or_none(self) -> "GivenSplit":
        if bool(self.train) != bool(self.test) or (self.validation and not self.train):
            raise make_error("the cells of training and of test rows are given together, or none are")
        every = (*self.train, *self.validation, *self.test)
        check_unique(every)
        return self


class Missing(Section):
    """What a missing cell means, and which cells are missing: empty ones, and those that hold one of these words alone.

    Attributes:
        words: The words, in place of `MISSING_WORDS`.
        add: More of them. A word that is a number, -9 say, stands for -9.0 as well.
        remove: Words that are values here, as the group NA of a column of countries is.
        labels: "mask": the label is unknown (-1); "error".
        groups: "mask": the group is unknown (-1); "error".
        inputs: "fill": a number becomes the median of the training rows, told by one more input (`fill_missing`), and a
            category "missing"; "error".
    """

    words: _Cells = MISSING_WORDS
    add: _Cells = ()
    remove: _Cells = ()
    labels: Literal["mask", "error"] = "mask"
    groups: Literal["mask", "error"] = "mask"
    inputs: Literal["fill", "error"] = "fill"

    @model_validator(mode="after")
    def _remove_known(self) -> "Missing":
        absent = [word for word in self.remove if word not in (*self.words, *self.add)]
        if absent:
            raise make_error(f"remove: {absent[0]!r} is none of the words that count as missing")
        return self

    @property
    def all_words(self) -> frozenset[str]:
        """Every word that counts as missing."""
        return frozenset((*self.words, *self.add)) - set(self.remove)


class TaskColumn(Section):
    """A column whose values are the labels of a task.

    Attributes:
        column: Its name.
        kind: `binary`: the values are 0 and 1, or true and false, yes and no, or the two `classes`. `multiclass`: every
            value is a class. Or `package.module:Class`, a kind of one's own, for which every value is a class as well.
        classes: Of several classes, these values in this order; by default all values, sorted. Of a binary task the
            negative value and the positive one. A cell with any other value is an error.
    """

    column: str
    kind: str
    classes: _Cells = ()

    @model_validator(mode="after")
    def _classes_of_several(self) -> "TaskColumn":
        if self.classes and (len(self.classes) < 2 or (self.kind == "binary" and len(self.classes) > 2)):
            accepted = "two, the negative and the positive value" if self.kind == "binary" else "two or more values"
            raise make_error(f"found the classes {list(self.classes)}; accepted: {accepted}")
        # It imports PyTorch, which takes seconds and which tables of binary tasks can do without.
        from paretofair.tasks.kind import check_kind

        try:
            check_kind(self.kind)
        except SpaceError as error:
            raise make_error(str(error)) from None
        return self


def _task(value: Any) -> Any:
    if isinstance(value, str):
        return _expression(value)
    if isinstance(value, dict):
        return TaskColumn.model_validate(value)
    if not isinstance(value, TaskColumn):
        raise make_error(f"found {value!r}; expected a column, an expression, or a mapping with column and kind")
    return value


class CsvSchema(Section):
    """A table as a data set. Making one raises pydantic's ValidationError, which names every faulty key.

    Attributes:
        path: The file, relative to the folder of the space file: a text with a header, which may be packed, or a
            Parquet or Feather file.
        tasks: Name -> a column of zeros and ones (or true and false, yes and no), an expression (see
            `expressions`), or `{column: name, kind: multiclass}`. Columns in it are no inputs.
        sensitive: Attribute -> where its groups come from; a column's name alone stands for `{column: name}`.
        separator: One character between fields.
        decimal: The mark before decimals, a point or a comma.
        thousands: What stands between thousands; by default nothing does.
        encoding: How letters are written, such as latin-1; by default UTF-8.
        rows: An expression: rows for which it isn't true are left out.
        inputs: Which columns are inputs, or what else is.
        split: The column that says which part a row belongs to; its name alone stands for `{column: name}`.
        test: Without such a column, the share of test rows, stratified by labels and groups.
        test_seed: Which rows these are.
        weights: A column of numbers from 0: how much a row counts.
        keep_together: A column: rows of one value, those of one patient say, are never cut apart.
        origin: In a table joined from several data sets, the column that says which of them a row is from.
        missing: What missing cells mean, and which they are.

    The columns of `rows`, `split`, `weights`, `keep_together` and `origin` are no inputs.
    """

    path: str
    tasks: Annotated[
        dict[str, Annotated[str | TaskColumn, BeforeValidator(_task)]], Field(min_length=1, max_length=MOST_TASKS)
    ]
    sensitive: Annotated[
        dict[str, Annotated[Sensitive, BeforeValidator(_mapping_of_column)]],
        Field(min_length=1, max_length=MOST_ATTRIBUTES),
    ]
    separator: Separator = ","
    decimal: Decimal = "."
    thousands: Thousands = ""
    encoding: TextEncoding | None = None
    rows: Annotated[str, AfterValidator(_expression)] | None = None
    inputs: InputColumns = InputColumns()
    split: Annotated[GivenSplit, BeforeValidator(_mapping_of_column)] | None = None
    test: Annotated[float, Field(gt=0, lt=1)] = 0.3
    test_seed: Annotated[int, Field(ge=0, le=999_999)] = 0
    weights: str | None = None
    keep_together: str | None = None
    origin: str | None = None
    missing: Missing = Missing()

    @model_validator(mode="after")
    def _marks_differ(self) -> "CsvSchema":
        if self.decimal == self.thousands:
            raise make_error(f"decimal and thousands are both {self.decimal!r}")
        return self

    @property
    def rules(self) -> CellRules:
        """What the cells mean."""
        return CellRules(self.missing.all_words, self.decimal, self.thousands)

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each task."""
        return {name: task.kind if isinstance(task, TaskColumn) else "binary" for name, task in self.tasks.items()}

    def relative_to(self, folder: Path) -> Self:
        """The same with all paths made absolute."""
        kinds = {name: kind.relative_to(folder) for name, kind in self.inputs.given_kinds.items()}
        inputs = self.inputs.model_copy(update=kinds)
        return self.model_copy(update={"path": str((folder / self.path).resolve()), "inputs": inputs})


class SourceSchema(CsvSchema):
    """One of several files that are joined to a data set; it need not tell any attribute."""

    sensitive: dict[str, Annotated[Sensitive, BeforeValidator(_mapping_of_column)]] = {}
