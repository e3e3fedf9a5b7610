"""What a user says about a CSV file of their own: tasks, sensitive attributes, inputs and split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from paretofair.errors import DataError

AUTO = "auto"


@dataclass(frozen=True)
class Sensitive:
    """How the groups of an attribute follow from a column; by default every value is a group, in sorted order.

    Attributes:
        column: Its name.
        bins: Ascending numbers after which the column is cut: with (25, 60) the groups are `up_to_25` (25 belongs to
            it), `25_to_60` and `over_60`.
        groups: Value -> name of its group, in the order that groups shall have; several values may share a group. Rows
            with any other value are in no known group.

    Raises:
        DataError: Both bins and groups; bins that don't ascend.
    """

    column: str
    bins: tuple[float, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.bins and self.groups:
            raise DataError(f"sensitive column {self.column!r} has both bins and groups; accepted: one of them")
        if any(not low < high for low, high in pairwise(self.bins)):
            raise DataError(f"bins of sensitive column {self.column!r} are {list(self.bins)}; they must ascend")


@dataclass(frozen=True)
class Missing:
    """What an empty cell, `?`, `NA` or `NaN` means.

    Attributes:
        labels: "mask": the label is unknown (-1); "error".
        groups: "mask": the group is unknown (-1); "error".
        inputs: "fill": a number becomes the median of the training rows, told by one more input (`fill_missing`), and a
            category "missing"; "error".

    Raises:
        DataError: Any other word.
    """

    labels: str = "mask"
    groups: str = "mask"
    inputs: str = "fill"

    def __post_init__(self) -> None:
        accepted = {"labels": ("mask", "error"), "groups": ("mask", "error"), "inputs": ("fill", "error")}
        for name, words in accepted.items():
            if getattr(self, name) not in words:
                raise DataError(f"missing {name} is {getattr(self, name)!r}; accepted: {', '.join(words)}")


@dataclass(frozen=True)
class CsvSchema:
    """A table as a data set.

    Attributes:
        path: The file, relative to the folder of the space file. It has a header.
        tasks: Name -> a column of zeros and ones, or an expression (see `expressions`). Columns in it are no inputs.
        sensitive: Attribute -> where its groups come from. These columns are inputs as well, as race and sex are in
            `lsac`, unless `sensitive_inputs` is false.
        separator: One character between fields.
        exclude: Columns that are no inputs. Nor is a column without a name.
        numeric: The numeric inputs; or "auto": every column that isn't named elsewhere and in which each cell that
            isn't missing is a number.
        categorical: The categorical inputs; or "auto": every other column that isn't named elsewhere.
        split: A column that says "train" or "test". It is no input.
        test: Without such a column, the share of test rows, stratified by labels and groups.
        test_seed: Which rows these are.
        sensitive_inputs: Whether sensitive columns may be inputs.
        missing: What missing cells mean.
        name: Of the data set; by default that of the file.

    Raises:
        DataError: No task; a share outside 0 to 1; a negative seed; a separator of other than one character.
    """

    path: str
    tasks: Mapping[str, str]
    sensitive: Mapping[str, Sensitive]
    separator: str = ","
    exclude: tuple[str, ...] = ()
    numeric: str | tuple[str, ...] = AUTO
    categorical: str | tuple[str, ...] = AUTO
    split: str | None = None
    test: float = 0.3
    test_seed: int = 0
    sensitive_inputs: bool = True
    missing: Missing = Missing()
    name: str | None = None

    def __post_init__(self) -> None:
        if not self.tasks:
            raise DataError(f"{self.path}: no task is given; expected at least one")
        if not 0 < self.test < 1:
            raise DataError(f"{self.path}: share of test rows is {self.test}; accepted: between 0 and 1")
        if self.test_seed < 0:
            raise DataError(f"{self.path}: test seed is {self.test_seed}; accepted: integers from 0")
        if len(self.separator) != 1:
            raise DataError(f"{self.path}: separator is {self.separator!r}; accepted: one character")
        for kind in ("numeric", "categorical"):
            value = getattr(self, kind)
            if isinstance(value, str) and value != AUTO:
                raise DataError(f"{self.path}: {kind} inputs are {value!r}; accepted: {AUTO!r} or a list of columns")
