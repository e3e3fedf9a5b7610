"""Four cells of two attributes, of which one has no rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

ROWS = [1000, 400, 1000, 0]


def write_cells(folder: Path, **columns: object) -> None:
    """`groups.csv` of a folder, with more `columns`."""
    cells = {"cell": range(4), "sex": ["Male", "Male", "Female", "Female"], "code_sex": [0, 0, 1, 1]}
    cells |= {"race": ["White", "Other", "White", "Other"], "code_race": [0, 1, 0, 1], "rows_test": ROWS}
    pd.DataFrame(cells | columns).to_csv(folder / "groups.csv", index=False)
