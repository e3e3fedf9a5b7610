"""Turning unscaled inputs into z-scores and category codes, by tables that were fitted on other rows."""

from dataclasses import dataclass, field

import numpy as np


def _no_numbers() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True)
class Encoding:
    """How the inputs of a data set are encoded; what an exported model needs to score new rows.

    Attributes:
        numeric_names: Numeric inputs.
        mean: `(numeric inputs,)` float64, of the rows that it was fitted on.
        scale: `(numeric inputs,)` float64, their population standard deviation. Infinite for a column that
            was
            constant: a model has learned nothing about it, so every value becomes 0.
        categorical_names: Categorical inputs.
        categories: For each of them its sorted categories; the first has code 1. Code 0: any other category.
    """

    numeric_names: tuple[str, ...] = ()
    mean: np.ndarray = field(default_factory=_no_numbers)
    scale: np.ndarray = field(default_factory=_no_numbers)
    categorical_names: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()

    @property
    def category_sizes(self) -> tuple[int, ...]:
        """Number of codes of each categorical input, code 0 included."""
        return tuple(len(table) + 1 for table in self.categories)

    def encode(self, numeric: np.ndarray, categorical: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Encode rows.

        Args:
            numeric: `(rows, numeric inputs)`, unscaled.
            categorical: `(rows, categorical inputs)`, text.

        Returns:
            `(rows, numeric inputs)` float64 z-scores and `(rows, categorical inputs)` int64 codes.
        """
        codes = np.zeros(categorical.shape, dtype=np.int64)
        for column, table in enumerate(self.categories):
            values, inverse = np.unique(categorical[:, column].astype(str), return_inverse=True)
            code = {category: position for position, category in enumerate(table, start=1)}
            codes[:, column] = np.array([code.get(str(value), 0) for value in values], dtype=np.int64)[inverse]
        return (numeric - self.mean) / self.scale, codes


def fit_encoding(
    numeric: np.ndarray,
    categorical: np.ndarray,
    numeric_names: tuple[str, ...],
    categorical_names: tuple[str, ...],
) -> Encoding:
    """Take means, deviations and category tables from rows (at least one), shaped as in `encode`."""
    scale = numeric.std(axis=0)
    # Rounding can give a constant column a tiny deviation, so constancy is asked of the values themselves.
    constant = (numeric.min(axis=0) == numeric.max(axis=0)) | (scale == 0)
    return Encoding(
        numeric_names=numeric_names,
        mean=numeric.mean(axis=0),
        scale=np.where(constant, np.inf, scale),
        categorical_names=categorical_names,
        categories=tuple(tuple(str(value) for value in np.unique(column.astype(str))) for column in categorical.T),
    )
