"""The `data.csv` section of a space file: a `CsvSchema` whose path and name depend on the rest of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import field_validator

from paretofair.data import CsvSchema
from paretofair.search.sections import custom


class Csv(CsvSchema):
    """A CSV file as a data set. `path` is relative to the space file, and the name is that of `data`."""

    @field_validator("name", mode="before")
    @classmethod
    def _named_by_data(cls, name: Any) -> Any:
        raise custom(f"found {name!r}; the name of the data set is data.name")

    def relative_to(self, folder: Path) -> Csv:
        """The same with the path made absolute."""
        return self.model_copy(update={"path": str((folder / self.path).resolve())})

    def schema_named(self, name: str) -> CsvSchema:
        """What `read_csv_dataset` reads."""
        return self.model_copy(update={"name": name})
