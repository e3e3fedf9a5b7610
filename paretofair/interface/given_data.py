"""What the caller of `compare` gives as data, as one table with everything that its columns are."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from paretofair.data import DATASETS
from paretofair.data.reading.cell_table import CellTable, convert_table, read_raw_table
from paretofair.data.reading.cells import CellRules
from paretofair.data.reading.kinds import InputKinds
from paretofair.data.reading.tables import suggest_known
from paretofair.errors import DataError
from paretofair.interface.any_table import is_column, to_column, to_table
from paretofair.interface.describe import describe_tasks
from paretofair.results.files import inside, make_folder, write_whole

FOLDER = "data"  # in a results folder: the table that was given in memory


@dataclass(frozen=True)
class GivenData:
    """Data that are described.

    Attributes:
        section: The section `data` of a space, without a path where the data are in memory.
        kinds: The kind of each task.
        rows: How many rows there are; 0 where that is not known before they are read.
        table: The table that was given in memory, with labels, groups, parts and weights as further columns.
    """

    section: dict[str, Any]
    kinds: dict[str, str]
    rows: int = 0
    table: pa.Table | None = None

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of the table in memory; "" where there is none."""
        if self.table is None:
            return ""
        stream = io.BytesIO()
        with pa.ipc.new_stream(stream, self.table.schema) as writer:
            writer.write_table(self.table.combine_chunks())
        return hashlib.sha256(stream.getvalue()).hexdigest()[:16]

    def write(self, folder: Path) -> dict[str, Any]:
        """The section with a path: what was given in memory is written in the results folder, where a later command
        finds it."""
        if self.table is None:
            return self.section
        path = inside(folder, f"{FOLDER}/{self.digest}.parquet")
        if not path.exists():
            make_folder(path.parent)
            with write_whole(path) as partial:
                parquet.write_table(self.table, partial)
        return {**self.section, "csv": {"path": str(path.resolve()), **self.section["csv"]}}


def gather_data(
    data: Any,
    labels: Any = None,
    *,
    tasks: str | Sequence[str] | Mapping[str, Any] | None = None,
    sensitive: str | Sequence[str] | Mapping[str, Any] | None = None,
    sensitive_features: Any = None,
    positive: Any = None,
    split: Any = None,
    sample_weight: Any = None,
    inputs: Mapping[str, Any] | Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    csv: Mapping[str, Any] | None = None,
) -> GivenData:
    """Describes data by the keywords of `compare`; `csv` are further keys of `data.csv`.

    Raises:
        DataError: What cannot be read as a table or a column, no task, no attribute, or a name that two things have.
    """
    if isinstance(data, str | os.PathLike) and str(data) in DATASETS:
        of_tables = {"labels": labels, "sensitive_features": sensitive_features, "positive": positive, "split": split}
        of_tables |= {"sample_weight": sample_weight, "inputs": inputs, "exclude": exclude or None}
        for what, given in of_tables.items():
            if given is not None:
                raise DataError(f"{what} is of tables; the known data set {data} is taken as it is")
        return _describe_known(str(data), tasks, sensitive)
    for what, asked, beside in (("tasks", tasks, "labels"), ("sensitive", sensitive, "sensitive_features")):
        if not isinstance(asked, str | list | tuple | Mapping | None):
            raise DataError(f"{what}: found {type(asked).__name__}; expected names of columns; values go to {beside}=")
    columns = _Columns.of(data, csv or {})
    if labels is not None:
        tasks = columns.add_table(labels, tasks, "label", "labels")
    if sensitive_features is not None:
        sensitive = columns.add_table(sensitive_features, sensitive, "group", "sensitive_features")
    if not tasks:
        raise DataError(f"say what is predicted: tasks=[...], columns of {', '.join(columns.names[:20])}, or labels=")
    if not sensitive:
        raise DataError("say whose groups are compared: sensitive='COLUMN', or sensitive_features=")
    section: dict[str, Any] = {}
    if split is not None:
        section["split"] = columns.add("split", split, "split")
    if sample_weight is not None:
        section["weights"] = columns.add("sample_weight", sample_weight, "sample_weight")
    cells = columns.cells
    names: Any = tasks if isinstance(tasks, Mapping) else _list(tasks)
    if positive is not None and not isinstance(positive, Mapping):
        if len(names) != 1:
            raise DataError(
                "positive: there are several tasks; give a value for each, as in positive={'repaid': 'yes'}"
            )
        positive = {next(iter(names)): positive}
    described = describe_tasks(cells, names, positive or {})
    attributes = sensitive if isinstance(sensitive, Mapping) else {name: name for name in _list(sensitive)}
    for name, said in attributes.items():
        column = said if isinstance(said, str) else said.get("column", name)
        cells.require(column, "sensitive")
    chosen = dict(inputs) if isinstance(inputs, Mapping) else {}
    left_out = [*_list(exclude), *columns.hidden, *chosen.get("exclude", ())]
    if inputs is not None and not isinstance(inputs, Mapping):
        left_out += [name for name in cells.header if name not in _list(inputs)]
    taken = {said if isinstance(said, str) else said.get("column") for said in described.values()}
    taken |= {section.get("split"), section.get("weights")}
    left_out = [name for name in dict.fromkeys(left_out) if name not in taken]
    if set(chosen) & set(InputKinds.model_fields):
        left_out = []  # pictures or texts are the inputs, and no column beside
    section = {
        "tasks": described,
        "sensitive": {
            name: said if isinstance(said, Mapping) else {"column": said} for name, said in attributes.items()
        },
        **({"inputs": chosen | ({"exclude": left_out} if left_out else {})} if chosen or left_out else {}),
        **section,
    }
    if columns.path is not None:
        section = {"path": str(columns.path.resolve()), **section}
    kinds = {name: "binary" if isinstance(said, str) else said["kind"] for name, said in described.items()}
    whole = {"csv": section, "sensitive": next(iter(attributes))}
    return GivenData(whole, kinds, cells.rows, columns.table)


def _describe_known(name: str, tasks: Any, sensitive: Any) -> GivenData:
    source = DATASETS[name]
    wanted = _list(tasks) if tasks else list(source.tasks)
    for task in wanted:
        if task not in source.tasks:
            raise DataError(f"tasks: found {task!r}; {suggest_known(task, list(source.tasks))}")
    section: dict[str, Any] = {"name": name, **({"tasks": wanted} if tasks else {})}
    if sensitive:
        section["sensitive"] = sensitive if isinstance(sensitive, str) else _list(sensitive)[0]
    return GivenData(section, {task: source.kinds.get(task, "binary") for task in wanted})


@dataclass
class _Columns:
    """The columns so far: of a file, or of a table in memory that more are added to. `hidden` are no inputs."""

    path: Path | None
    table: pa.Table | None
    rules: CellRules
    raw: Any
    hidden: list[str]

    @classmethod
    def of(cls, data: Any, csv: Mapping[str, Any]) -> _Columns:
        rules = CellRules(**{key: csv[key] for key in ("decimal", "thousands") if key in csv})
        if isinstance(data, str | os.PathLike):
            path = Path(data)
            if isinstance(data, str) and not path.suffix and not path.exists():
                words = suggest_known(data, list(DATASETS))
                raise DataError(f"data: found {data!r}, which is no file and no known data set; {words}")
            raw = read_raw_table(path, csv.get("separator", ","), csv.get("encoding"))
            return cls(path, None, rules, raw, [])
        return cls(None, to_table(data), rules, None, [])

    @property
    def names(self) -> list[str]:
        return self.cells.header

    @property
    def cells(self) -> CellTable:
        raw = self.raw if self.table is None else convert_table(self.table)
        return CellTable(self.path or Path("data"), raw, self.rules)

    def add(self, name: str, values: Any, what: str) -> str:
        """The column of this name, or the one that the values become."""
        if isinstance(values, str):
            self.cells.require(values, what)
            return values
        table = self._require_memory(what)
        column = to_column(values, what, table.num_rows)
        while name in table.column_names:
            name += "_"
        self.table = table.append_column(name, to_table(column.rename(name).to_frame(), what).column(0))
        return name

    def add_table(self, values: Any, names: Any, default: str, what: str) -> Any:
        """The names of the columns that the values become: no inputs, unless the table has the same already."""
        table = self._require_memory(what)
        if is_column(values):
            named = str(values.name) if getattr(values, "name", None) not in (None, "") else default
            given = pd.DataFrame({named: to_column(values, what, table.num_rows)})
        else:
            given = to_table(values, what).to_pandas()
            if len(given) != table.num_rows:
                raise DataError(f"{what} has {len(given)} rows, the data have {table.num_rows}")
        wanted = None if names is None or isinstance(names, Mapping) else _list(names)
        if wanted is not None and not set(wanted) <= set(given.columns):
            if len(wanted) != given.shape[1]:
                raise DataError(f"{what} has {given.shape[1]} columns; {len(wanted)} names are given")
            given = given.set_axis(wanted, axis=1)
        found = []
        for name in given.columns if wanted is None else wanted:
            new = to_table(given[[name]], what).column(0)
            if name in table.column_names:
                if table.column(name).to_pylist() != new.to_pylist():
                    raise DataError(f"{what}: the data have another column of the name {name!r}; rename one")
                found.append(name)
                continue
            table = table.append_column(str(name), new)
            self.hidden.append(str(name))
            found.append(str(name))
        self.table = table
        return names if isinstance(names, Mapping) else found

    def _require_memory(self, what: str) -> pa.Table:
        if self.table is None:
            raise DataError(f"{what}: the data are a file; name one of its columns")
        return self.table


def _list(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
