"""Turning unscaled numbers and texts into z-scores and one-hot blocks, by tables that were fitted on other rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Encoding:
    """How columns are encoded; what an exported model needs to score new rows.

    Attributes:
        numeric_names: Numeric inputs.
        mean: `(numeric inputs,)` float64, of the rows that it was fitted on.
        scale: `(numeric inputs,)` float64, their population standard deviation. Infinite for a column that was
            constant: a model has learned nothing about it, so every value becomes 0.
        categorical_names: Categorical inputs.
        categories: For each of them its sorted categories; the first has code 1. Code 0: any other category.
    """

    numeric_names: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    categorical_names: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]

    @property
    def category_sizes(self) -> tuple[int, ...]:
        """Number of codes of each categorical input, code 0 included."""
        return tuple(len(table) + 1 for table in self.categories)

    def scale_numbers(self, numeric: np.ndarray) -> np.ndarray:
        """z-scores of unscaled numbers, `(rows, numeric inputs)` float64."""
        return (numeric - self.mean) / self.scale

    def find_codes(self, place: int, texts: Sequence[str]) -> np.ndarray:
        """The codes of texts of the categorical input at `place`, int64."""
        code = {category: number for number, category in enumerate(self.categories[place], start=1)}
        return np.array([code.get(text, 0) for text in texts], dtype=np.int64)

    def join(self, scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Examples `(rows, F)`: z-scores, and behind them the one-hot block of each column of codes."""
        one_hot = [np.eye(size)[codes[:, place]] for place, size in enumerate(self.category_sizes)]
        return np.concatenate([scores, *one_hot], 1)


def fit_encoding(
    numeric: np.ndarray,
    numeric_names: tuple[str, ...],
    categorical_names: tuple[str, ...],
    categories: tuple[tuple[str, ...], ...],
) -> Encoding:
    """Take means and deviations from rows `(rows, numeric inputs)`, at least one; `categories` as in `Encoding`."""
    scale = numeric.std(axis=0)
    # Rounding can give a constant column a tiny deviation, so constancy is asked of the values themselves.
    constant = (numeric.min(axis=0) == numeric.max(axis=0)) | (scale == 0)
    return Encoding(
        numeric_names=numeric_names,
        mean=numeric.mean(axis=0),
        scale=np.where(constant, np.inf, scale),
        categorical_names=categorical_names,
        categories=categories,
    )
