"""Columns of a table: numbers, which become z-scores, and categories, which become one-hot blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from paretofair.data.digest import Digest
from paretofair.data.inputs.encoding import Encoding, fit_encoding
from paretofair.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# A number with more different values than this is cut at its quintiles where rows are compared within its values.
_MOST_STRATA = 10

MISSING = "missing"  # the category of an empty cell, and the end of the name of an input that tells of one
LARGEST = 1e100  # an input may be: sums of squares must be numbers


@dataclass(frozen=True)
class Columns:
    """Named columns. Make them with `Columns.of`.

    Texts are kept as numbers, since the workers of a machine share arrays of numbers and nothing else.

    Attributes:
        numeric: `(rows, numeric inputs)` float64, unscaled, finite.
        numeric_names: Their names.
        codes: `(rows, categorical inputs)` int32: the place of each text in the table of its column.
        tables: The texts of each categorical input.
        categorical_names: Their names.
        fills: Numeric input -> what stands where it was missing, which the input `<name>_missing` tells.

    Raises:
        DataError: Shapes disagree, a name occurs twice, or a number is not finite.
    """

    numeric: np.ndarray
    numeric_names: tuple[str, ...]
    codes: np.ndarray
    tables: tuple[tuple[str, ...], ...]
    categorical_names: tuple[str, ...]
    fills: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def of(
        numeric: Mapping[str, np.ndarray],
        categorical: Mapping[str, np.ndarray],
        fills: Mapping[str, float] | None = None,
    ) -> Columns:
        """Columns by name, each `(rows,)`: numbers, and texts of which every different one is a category."""
        lengths = {len(column) for column in (*numeric.values(), *categorical.values())}
        if len(lengths) != 1:
            raise DataError(f"inputs have {sorted(lengths) or 'no'} rows; expected columns of one length")
        (rows,) = lengths
        numbers = np.zeros((rows, len(numeric)))
        codes, tables = np.zeros((rows, len(categorical)), dtype=np.int32), []
        for place, column in enumerate(numeric.values()):
            numbers[:, place] = column
        for place, column in enumerate(categorical.values()):
            table, codes[:, place] = np.unique(np.asarray(column).astype(str), return_inverse=True)
            tables.append(tuple(table.tolist()))
        return Columns(numbers, tuple(numeric), codes, tuple(tables), tuple(categorical), dict(fills or {}))

    def __post_init__(self) -> None:
        rows = len(self.numeric)
        for name, width in (("numeric", len(self.numeric_names)), ("codes", len(self.categorical_names))):
            shape = getattr(self, name).shape
            if shape != (rows, width):
                raise DataError(f"inputs: {name} has shape {shape}, expected {(rows, width)} (rows, names)")
        names = self.numeric_names + self.categorical_names
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise DataError(f"inputs: names occur twice: {', '.join(repeated)}")
        wrong = ~(np.abs(self.numeric) <= LARGEST)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            value = self.numeric[row, column]
            must = "finite" if not np.isfinite(value) else f"between -{LARGEST:g} and {LARGEST:g}"
            raise DataError(f"input {self.numeric_names[column]!r} is {value} in row {row}; inputs must be {must}")

    def __len__(self) -> int:
        return len(self.numeric)

    @property
    def categorical(self) -> np.ndarray:
        """`(rows, categorical inputs)` text."""
        texts = np.empty(self.codes.shape, dtype=object)
        for place, table in enumerate(self.tables):
            texts[:, place] = np.array(table, dtype=object)[self.codes[:, place]]
        return texts

    def add_to(self, digest: Digest) -> None:
        """Adds every name and value."""
        digest.add("numeric", *self.numeric_names)
        digest.add_array(self.numeric, "<f8")
        digest.add("categorical", *self.categorical_names)
        digest.add("rows", str(len(self)), *self.categorical.ravel())

    def fit(self, rows: np.ndarray) -> FittedColumns:
        """The means, deviations and category tables of these rows, at least one."""
        used = [np.array(table)[np.unique(codes)] for table, codes in zip(self.tables, self.codes[rows].T, strict=True)]
        categories = tuple(tuple(sorted(texts.tolist())) for texts in used)
        return FittedColumns(
            self, fit_encoding(self.numeric[rows], self.numeric_names, self.categorical_names, categories)
        )


def find_strata(inputs: object, name: str) -> np.ndarray:
    """The stratum of every row by one of its columns, `(rows,)` from 0: the value itself, or of a number with more than
    ten different ones the fifth of the rows in which it lies.

    Raises:
        DataError: no such column, or inputs that have none.
    """
    known = (*inputs.numeric_names, *inputs.categorical_names) if isinstance(inputs, Columns) else ()
    if not isinstance(inputs, Columns) or name not in known:
        words = f"accepted: {', '.join(known)}" if known else "these inputs have no columns"
        raise DataError(f"a metric is given {name!r}, which is no column of the inputs; {words}")
    if name in inputs.categorical_names:
        return inputs.codes[:, inputs.categorical_names.index(name)]
    values = inputs.numeric[:, inputs.numeric_names.index(name)]
    different, places = np.unique(values, return_inverse=True)
    if len(different) <= _MOST_STRATA:
        return places
    return np.searchsorted(np.quantile(values, (0.2, 0.4, 0.6, 0.8)), values)


@dataclass(frozen=True)
class FittedColumns:
    """Columns and their encoding: an example is its z-scores and behind them the one-hot block of each category."""

    columns: Columns
    encoding: Encoding

    @property
    def shape(self) -> tuple[int, ...]:
        """How many numbers an example is."""
        return (len(self.encoding.numeric_names) + sum(self.categories),)

    @property
    def categories(self) -> tuple[int, ...]:
        """The widths of the one-hot blocks."""
        return self.encoding.category_sizes

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """`(rows, *shape)` float64."""
        codes = np.zeros((len(rows), len(self.columns.tables)), dtype=np.int64)
        for place, table in enumerate(self.columns.tables):
            codes[:, place] = self.encoding.find_codes(place, table)[self.columns.codes[rows, place]]
        return self.encoding.join(self.encoding.scale_numbers(self.columns.numeric[rows]), codes)

    def on(self, rows: np.ndarray, device: torch.device, dtype: torch.dtype) -> DeviceRows:
        """Encoded once, in float64, and then cast: z-scores made batch by batch in float32 would have other bits."""
        import torch

        return DeviceRows(torch.tensor(self.encode(rows), dtype=dtype, device=device))


@dataclass(frozen=True)
class DeviceRows:
    """Examples that fit the device: all of them, encoded, `(n, *shape)`."""

    examples: Tensor

    augmented = False

    def __len__(self) -> int:
        return len(self.examples)

    def take(self, index: Tensor, streams: Sequence[int] | None = None) -> Tensor:
        """`([K,] B, *shape)` of the rows `index` `([K,] B)`."""
        return self.examples[index]
