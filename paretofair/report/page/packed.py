"""Columns as typed arrays in base64: a third of their size as JSON numbers, and read in no time."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

_WHOLE = ("u1", "u2", "u4", "i4")


def pack_numbers(values: ArrayLike) -> dict[str, str]:
    """`type`, the numpy name of the smallest type that holds them, and `data`, in base64 and little-endian order.

    Numbers that are not whole are rounded to float32.
    """
    numbers = np.asarray(values).ravel()
    kind = next((kind for kind in _WHOLE if _fits(numbers, kind)), "f4")
    return {"type": kind, "data": base64.b64encode(numbers.astype(f"<{kind}").tobytes()).decode()}


def pack_column(column: pd.Series) -> dict[str, Any]:
    """`packed` for numbers; for anything else `levels`, texts with null for what is missing, and `codes` into them."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return pack_numbers(column.to_numpy(float))
    codes, levels = pd.factorize(column)
    return {"levels": [None, *map(str, levels)], "codes": pack_numbers(codes + 1)}


def unpack_column(column: dict[str, Any]) -> np.ndarray:
    """What `packed` or `pack_column` made of them."""
    if "levels" in column:
        return np.array(column["levels"], dtype=object)[unpack_column(column["codes"])]
    return np.frombuffer(base64.b64decode(column["data"]), f"<{column['type']}")


def _fits(numbers: np.ndarray, kind: str) -> bool:
    ends = np.iinfo(kind)
    if not np.isfinite(numbers).all() or (numbers != np.rint(numbers)).any():
        return False
    return not numbers.size or bool(ends.min <= numbers.min() and numbers.max() <= ends.max)
