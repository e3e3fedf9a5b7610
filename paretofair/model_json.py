"""What the `model.json` of an exported model may say: checked whole, before anything is made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from paretofair.data.inputs.pictures import Blur, Fit
from paretofair.data.reading.row_reader import TableOfModel
from paretofair.errors import DataError, SpaceError
from paretofair.sections import Section, make_error
from paretofair.space.problems import Problems, show_value
from paretofair.space.validation import validate

FORMAT = 1


def read_number(value: Any) -> Any:
    """A number of JSON, which spells infinities and NaN as text."""
    if value in ("inf", "-inf", "nan"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise make_error(f"found {show_value(value)}; expected a number")
    return value


Number = Annotated[float, Field(strict=False, allow_inf_nan=True), BeforeValidator(read_number)]
_Names = Annotated[tuple[str, ...], Field(strict=False)]
_Count = Annotated[int, Field(ge=0, le=10_000_000)]
_Width = Annotated[int, Field(ge=1, le=10_000_000)]
_Widths = Annotated[tuple[_Width, ...], Field(strict=False)]


class _Encoding(Section):
    numeric_names: _Names
    mean: Annotated[tuple[float, ...], Field(strict=False)]
    scale: Annotated[tuple[Number, ...], Field(strict=False)]
    categorical_names: _Names
    categories: Annotated[tuple[_Names, ...], Field(strict=False)]


class _Text(Section):
    columns: Annotated[_Names, Field(min_length=1)]
    markup: Literal["strip", "keep"]
    longest: Annotated[int, Field(ge=1)]
    encoder: str
    options: dict[str, Any]
    dimensions: Annotated[int, Field(ge=1)]
    width: _Count


class _Pictures(Section):
    height: Annotated[int, Field(ge=1, le=4096)]
    width: Annotated[int, Field(ge=1, le=4096)]
    channels: Annotated[int, Field(ge=1, le=4)]
    fit: Fit
    # Earlier versions did not write it.
    blur: Blur = "none"
    mean: Annotated[tuple[float, ...], Field(strict=False)]
    scale: Annotated[tuple[Number, ...], Field(strict=False)]
    column: str = ""
    suffix: str = ""

    @property
    def size(self) -> int:
        """How many numbers one is."""
        return self.height * self.width * self.channels


class RowsOfModel(Section):
    """What is read of the rows of one source."""

    encoding: _Encoding
    fills: dict[str, float]
    text: _Text | None = None
    pictures: _Pictures | None = None
    # Earlier versions did not write it.
    table: TableOfModel = TableOfModel()
    # How many numbers of other sources stand before and behind those of a row.
    around: Annotated[tuple[_Count, _Count], Field(strict=False)] = (0, 0)

    @property
    def categories(self) -> list[int]:
        """The widths of the one-hot blocks."""
        return [len(table) + 1 for table in self.encoding.categories]

    @property
    def numbers(self) -> int:
        """How many numbers stand before them."""
        of_texts = self.text.width if self.text is not None else 0
        return len(self.encoding.numeric_names) + of_texts + (self.pictures.size if self.pictures is not None else 0)


class _BuiltIn(Section):
    numeric: _Count
    categories: _Widths
    tasks: _Width
    shared: Annotated[_Widths, Field(min_length=1)]
    head: _Widths
    embedding: _Count = 0
    outputs: _Widths = ()
    identities: _Width | None = None


class _ByName(Section):
    """One of the networks for images (`models.named`); `shape`: channels, height, width."""

    name: str
    shape: Annotated[_Widths, Field(min_length=3, max_length=3)]
    tasks: _Width
    head: _Widths
    width: Annotated[float, Field(gt=0, le=4, strict=False)] = 1.0
    outputs: _Widths = ()
    identities: _Width | None = None

    @property
    def inputs(self) -> int:
        """How many numbers an example is."""
        return math.prod(self.shape)


class _OwnModule(Section):
    """`inputs`: how many numbers an example is, of pictures their shape."""

    module: str
    inputs: Annotated[_Count | _Widths, Field(union_mode="left_to_right")]
    tasks: _Width
    outputs: _Width | None = None
    identities: _Width | None = None
    arguments: dict[str, Any]


# By a key that only they have, what may be said of a network that is not built in.
_KINDS: dict[str, type[Section]] = {"module": _OwnModule, "name": _ByName}


class _DecisionRule(Section):
    logit: Number
    probability: Number
    attribute: str | None = None
    by_group: dict[str, Number] | None = None


class _Kind(Section):
    kind: str
    classes: Annotated[_Names, Field(min_length=2)]


class _Described(RowsOfModel):
    # What else is said is for people.
    model_config = ConfigDict(extra="allow")

    format: int
    tasks: Annotated[_Names, Field(min_length=1)]
    network: dict[str, Any]
    thresholds: dict[str, _DecisionRule]
    # Of the tasks that are not binary.
    kinds: dict[str, _Kind] = Field(default_factory=dict)
    # Of joined data whose inputs differ; of others what is read of a row stands above.
    sources: dict[str, RowsOfModel] = Field(default_factory=dict)
    trial_id: str = ""
    method: str = ""
    hyperparameters: Mapping[str, Number] = Field(default_factory=dict)
    metrics: Mapping[str, Number] = Field(default_factory=dict)


def check_model_json(described: Any, path: Path) -> Mapping[str, Any]:
    """`described`, the content of the file `path`, as it is.

    Raises DataError with one line for each value of a wrong type or that does not go with the others.
    """
    problems = Problems(lambda _: (0, str(path)))
    try:
        if isinstance(described, dict) and type(described.get("format")) is int and described["format"] != FORMAT:
            raise DataError(f"{path} has format {described['format']}; this version reads {FORMAT}")
        found = validate(_Described, described, problems)
        problems.raise_if_any()
        assert found is not None, "a description without problems is complete"
        kind = next((kind for key, kind in _KINDS.items() if key in found.network), _BuiltIn)
        network = validate(kind, found.network, problems, ("network",))
        problems.raise_if_any()
        assert network is not None, "a network without problems is complete"
        _check_sizes(found, network, problems)
        problems.raise_if_any()
    except SpaceError as error:
        raise DataError(str(error)) from None
    return dict(described)


def _check_sizes(found: _Described, network: Section, problems: Problems) -> None:
    numbers, sizes = found.numbers, found.categories
    for path, rows in (((), found), *((("sources", name), rows) for name, rows in found.sources.items())):
        _check_rows(rows, path, problems)
    if found.sources:
        numbers, *others = (rows.numbers + sum(rows.categories) + sum(rows.around) for rows in found.sources.values())
        for name, other in zip(list(found.sources)[1:], others, strict=True):
            _expect(problems, ("sources", name, "around"), other, numbers)
    if isinstance(network, _BuiltIn):
        _expect(problems, ("network", "numeric"), network.numeric, numbers)
        _expect(problems, ("network", "categories"), list(network.categories), sizes)
        _expect(problems, ("network", "tasks"), network.tasks, len(found.tasks))
    elif isinstance(network, _OwnModule | _ByName):
        key, wide = "inputs" if isinstance(network, _OwnModule) else "shape", network.inputs
        found_inputs = wide if isinstance(wide, int) else math.prod(wide)
        _expect(problems, ("network", key), found_inputs, numbers + sum(sizes))
        _expect(problems, ("network", "tasks"), network.tasks, len(found.tasks))
    for task in found.kinds:
        if task not in found.tasks:
            problems.add(("kinds", task), f"found a task that is none of {', '.join(found.tasks)}")
    _expect(problems, ("thresholds",), sorted(found.thresholds), sorted(set(found.tasks) - set(found.kinds)))
    for task, rule in found.thresholds.items():
        if (rule.by_group is None) != (rule.attribute is None):
            problems.add(("thresholds", task), "attribute and by_group stand together or not at all")


def _check_rows(rows: RowsOfModel, path: tuple[str, ...], problems: Problems) -> None:
    encoding = rows.encoding
    if rows.pictures is not None:
        for key in ("mean", "scale"):
            _expect(problems, (*path, "pictures", key), len(getattr(rows.pictures, key)), rows.pictures.channels)
    for key, names in (("mean", encoding.numeric_names), ("scale", encoding.numeric_names)):
        _expect(problems, (*path, "encoding", key), len(getattr(encoding, key)), len(names))
    _expect(problems, (*path, "encoding", "categories"), len(rows.categories), len(encoding.categorical_names))
    for name in rows.table.numbers:
        if name not in encoding.categorical_names:
            problems.add((*path, "table", "numbers"), f"found {show_value(name)}, which is no categorical input")


def _expect(problems: Problems, path: tuple[str, ...], found: Any, expected: Any) -> None:
    if found != expected:
        words = f"found {show_value(found)}; by the other values it is {show_value(expected)}"
        problems.add(path, words)
