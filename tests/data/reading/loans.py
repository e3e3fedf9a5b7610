"""Made-up loans in a CSV file, and its schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from paretofair.data import CsvSchema

NO_ID = {"exclude": ["id"]}


GIVEN = {
    "path": "loans.csv",
    "tasks": {"repaid": "repaid", "large": "amount > 2000"},
    "sensitive": {"sex": "gender", "age": {"column": "age", "bins": [25, 60]}},
    "inputs": NO_ID,
}


SCHEMA = CsvSchema.model_validate(GIVEN)


Write = Callable[..., Path]


def loans(rows: int = 60) -> list[dict[str, str]]:
    random = np.random.default_rng(0)
    return [
        {
            "id": f"k{row}",
            "gender": ("f", "m")[row % 2],
            "age": str(20 + row),
            "amount": str(random.integers(1, 5000)),
            "grade": str(random.choice(list("ABC"))),
            "repaid": str(row // 2 % 2),
            "part": "test" if row % 4 == 3 else "train",
        }
        for row in range(rows)
    ]


def change_schema(**changes: object) -> CsvSchema:
    return CsvSchema.model_validate(GIVEN | changes)


def with_cell(row: int, column: str, cell: str) -> list[dict[str, str]]:
    rows = loans()
    rows[row][column] = cell
    return rows
