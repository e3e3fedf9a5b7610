"""Data in memory as one Arrow table, whatever library holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import interchange

from paretofair.data.reading.cells import text_of
from paretofair.errors import DataError

KINDS = "a pandas, polars or Arrow table, a numpy array of rows and columns, or a mapping of columns"


def to_table(data: Any, what: str = "data") -> pa.Table:
    """Data as a table. Columns of an array are called x0, x1, …; the index of a pandas frame is no column.

    Args:
        data: A pandas frame or series, an Arrow table, whatever gives itself as one (polars, DuckDB, …) by the Arrow
            stream or the dataframe interchange protocol, an array `(rows, columns)`, or a mapping of columns.
        what: What errors call it.

    Raises:
        DataError: Anything else, a name that stands there twice, columns of different lengths, or none.
    """
    if isinstance(data, pd.Series):
        data = data.to_frame(data.name if data.name is not None else "x0")
    if isinstance(data, Mapping):
        data = pd.DataFrame({name: to_column(values, f"{what}[{name!r}]") for name, values in data.items()})
    if isinstance(data, pd.DataFrame):
        table = _from_pandas(data, what)
    elif isinstance(data, pa.Table):
        table = data
    elif hasattr(data, "__arrow_c_stream__"):
        table = pa.table(data)
    elif hasattr(data, "__dataframe__"):
        table = interchange.from_dataframe(data)
    else:
        table = _from_array(data, what)
    repeated = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if repeated:
        raise DataError(f"{what} has {table.column_names.count(repeated[0])} columns of the name {repeated[0]!r}")
    if not table.num_columns or not table.num_rows:
        raise DataError(f"{what} has {table.num_rows} rows and {table.num_columns} columns; some are needed")
    return table


def is_column(values: Any) -> bool:
    """Whether these are the values of one column, and no table."""
    dimensions = getattr(values, "ndim", None)
    if dimensions is not None:
        return bool(dimensions == 1)
    # Series of polars have a type and no number of dimensions.
    return isinstance(values, list | tuple | pa.Array | pa.ChunkedArray) or hasattr(values, "dtype")


def to_column(values: Any, what: str, rows: int | None = None) -> pd.Series:
    """One value for each row.

    Raises:
        DataError: No list of values, or another number of them than `rows`.
    """
    if isinstance(values, str) or not (hasattr(values, "__len__") or hasattr(values, "__array__")):
        raise DataError(f"{what}: found {type(values).__name__}; expected a column: one value for each row")
    if isinstance(values, pd.DataFrame):
        if values.shape[1] != 1:
            raise DataError(f"{what} has {values.shape[1]} columns; expected one")
        values = values.iloc[:, 0]
    if not isinstance(values, pd.Series):
        if hasattr(values, "to_pandas"):
            values = values.to_pandas()
        elif isinstance(values, list | tuple):
            values = pd.Series(list(values))
        else:
            values = np.asarray(values)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise DataError(f"{what} has the shape {values.shape}; expected one value for each row")
        values = pd.Series(values)
    if rows is not None and len(values) != rows:
        raise DataError(f"{what} has {len(values)} values, the data have {rows} rows")
    return values.reset_index(drop=True)


def to_frame(data: Any, what: str = "data") -> pd.DataFrame:
    """The same as a pandas frame; one that is such a frame is given back as it is."""
    return data if isinstance(data, pd.DataFrame) else to_table(data, what).to_pandas()


def _from_pandas(frame: pd.DataFrame, what: str) -> pa.Table:
    names = [str(name).strip() for name in frame.columns]
    columns = []
    for place, name in enumerate(names):
        values = frame.iloc[:, place]
        try:
            columns.append(pa.Array.from_pandas(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            # Values of several types: what they are as cells.
            try:
                texts = [None if value is None or value != value else text_of(value) for value in values]
            except (TypeError, ValueError):
                raise DataError(f"{what}, column {name!r}: found values that are neither numbers nor texts") from None
            columns.append(pa.array(texts, pa.string()))
    return pa.table(columns, names=names) if columns else pa.table({})


def _from_array(data: Any, what: str) -> pa.Table:
    if data is None or isinstance(data, str | bytes | int | float):
        raise DataError(f"{what}: found {type(data).__name__}; expected {KINDS}")
    try:
        array = np.asarray(data)
    except (TypeError, ValueError):
        raise DataError(f"{what}: found {type(data).__name__}; expected {KINDS}") from None
    if array.ndim != 2 or array.dtype.names is not None:
        raise DataError(f"{what}: found an array of the shape {array.shape}; expected {KINDS}")
    return _from_pandas(pd.DataFrame({f"x{place}": array[:, place] for place in range(array.shape[1])}), what)
