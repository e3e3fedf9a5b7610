"""Choosing rows so that every stratum gives its share of them."""

from collections.abc import Sequence

import numpy as np


def draw_rows(strata: np.ndarray, wanted: int, seed: int | Sequence[int]) -> np.ndarray:
    """Choose rows at random, from each stratum its share within one row.

    Args:
        strata: `(rows, columns)`; rows with equal values are one stratum.
        wanted: How many rows to choose, 0 to `rows`.
        seed: Which rows; the same ones with every version of NumPy.

    Returns:
        `(rows,)` bool, true where chosen.
    """
    rows = len(strata)
    chosen = np.zeros(rows, dtype=bool)
    if wanted == 0:
        return chosen
    _, stratum = np.unique(strata, axis=0, return_inverse=True)
    # Raw output: NumPy keeps the streams of bit generators for ever, those of distributions may change.
    generator = np.random.PCG64(seed)
    order = np.lexsort((generator.random_raw(rows), stratum.reshape(-1)))
    # Every (rows / wanted)-th row in that order, in integers: of s neighbours, s * wanted / rows within one.
    start = int(generator.random_raw() % rows)
    steps = (np.arange(rows + 1) * wanted + start) // rows
    chosen[order] = np.diff(steps) == 1
    return chosen
