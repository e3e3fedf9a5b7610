"""The `data.csv` section of a space file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from paretofair.data import CsvSchema, Missing, Sensitive
from paretofair.data.expressions import parse_expression
from paretofair.errors import DataError
from paretofair.search.sections import Names, Section, Seed, custom

Columns = Literal["auto"] | Names


def _columns(value: Any) -> Any:
    if value != "auto" and not isinstance(value, list | tuple):
        raise custom(f"found {value!r}; expected auto or a list of columns")
    return value


def _expression(text: str) -> str:
    try:
        parse_expression(text)
    except DataError as error:
        # A column's name need not be a plain word; whether there is such a column is seen when the file is read.
        if not text.replace("-", "").replace(" ", "").replace(".", "").replace("_", "").isalnum():
            raise custom(str(error)) from None
    return text


class CsvSensitive(Section):
    """Where the groups of an attribute come from: a column, cut at `bins`, or its values renamed by `groups`."""

    column: str
    bins: Annotated[tuple[float, ...], Field(strict=False)] = ()
    groups: dict[str, str] = {}


class CsvInputs(Section):
    """Which columns are inputs; `auto`: every column of its kind that is not named elsewhere. `sensitive`: whether
    sensitive columns may be."""

    exclude: Names = ()
    numeric: Annotated[Columns, BeforeValidator(_columns)] = "auto"
    categorical: Annotated[Columns, BeforeValidator(_columns)] = "auto"
    sensitive: bool = True


class CsvMissing(Section):
    """What an empty cell, `?`, `NA` or `NaN` means."""

    labels: Literal["mask", "error"] = "mask"
    groups: Literal["mask", "error"] = "mask"
    inputs: Literal["fill", "error"] = "fill"


class Csv(Section):
    """A CSV file as a data set; see `paretofair.data.CsvSchema`. `path` is relative to the space file."""

    path: str
    tasks: Annotated[dict[str, Annotated[str, AfterValidator(_expression)]], Field(min_length=1)]
    sensitive: Annotated[dict[str, str | CsvSensitive], Field(min_length=1)]
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    inputs: CsvInputs = CsvInputs()
    split: str | None = None
    test: Annotated[float, Field(gt=0, lt=1)] = 0.3
    test_seed: Seed = 0
    missing: CsvMissing = CsvMissing()

    def relative_to(self, folder: Path) -> Csv:
        """The same with the path made absolute."""
        return self.model_copy(update={"path": str((folder / self.path).resolve())})

    def schema_named(self, name: str) -> CsvSchema:
        """What `read_csv_dataset` reads. Raises DataError for settings that contradict each other."""
        return CsvSchema(
            path=self.path,
            tasks=self.tasks,
            sensitive={
                attribute: Sensitive(given)
                if isinstance(given, str)
                else Sensitive(given.column, given.bins, given.groups)
                for attribute, given in self.sensitive.items()
            },
            separator=self.separator,
            exclude=self.inputs.exclude,
            numeric=self.inputs.numeric,
            categorical=self.inputs.categorical,
            split=self.split,
            test=self.test,
            test_seed=self.test_seed,
            sensitive_inputs=self.inputs.sensitive,
            missing=Missing(**self.missing.model_dump()),
            name=name,
        )
