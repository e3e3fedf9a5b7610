"""What was chosen for the methods of a table before their sweep: kept beside the ledgers, a row for each parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from papers.tables import Tuning

FILE = "tuned.csv"
COLUMNS = ["table", "method", "settings", "parameter", "value"]


def tuning_overrides(tuning: Tuning, draws: int) -> list[str]:
    """The overrides of a run that compares settings and does nothing else."""
    names = ", ".join(tuning.parameters)
    stage = f"stages.tune={{parameters: [{names}], settings: {tuning.settings}, trials: {draws}}}"
    return [stage, "stages.sweep.trials=0", "seeds=[0]"]


def read_chosen(path: Path, table: str, settings: Mapping[str, str]) -> dict[str, list[str]]:
    """By method of the table the overrides that fix what was chosen for it under its `settings` of today."""
    if not path.exists():
        return {}
    every = pd.read_csv(path, dtype=str)
    own = every[(every["table"] == table) & (every["method"].map(settings) == every["settings"])]
    found: dict[str, list[str]] = {}
    for row in own.itertuples():
        found.setdefault(row.method, []).append(f"methods.{row.method}.parameters.{row.parameter}={row.value}")
    return found


def write_chosen(path: Path, table: str, settings: Mapping[str, str], rows: pd.DataFrame) -> None:
    """Puts `rows` (`method, parameter, value`) in the place of what is there of these methods."""
    added = rows.assign(table=table, settings=rows["method"].map(settings))
    if path.exists():
        before = pd.read_csv(path, dtype=str)
        replaced = (before["table"] == table) & before["method"].isin(added["method"])
        added = pd.concat([before[~replaced], added])
    path.parent.mkdir(parents=True, exist_ok=True)
    added[COLUMNS].sort_values(COLUMNS, kind="stable").to_csv(path, index=False)


def spell_chosen(tuned: pd.DataFrame, parameters: Iterable[str], tasks: Sequence[str]) -> pd.DataFrame:
    """The chosen rows of a run's `tuned.csv` as `method, parameter, value`, values as a space file writes them: one
    number, or one for each task.

    >>> frame = pd.DataFrame({"method": ["m"], "chosen": [True], "epochs": [20], "r_x": [.5], "r_y": [2.0]})
    >>> spell_chosen(frame, ["epochs", "r", "unread"], ["x", "y"]).to_numpy().tolist()
    [['m', 'epochs', '20'], ['m', 'r', '{x: 0.5, y: 2.0}']]
    """
    rows = []
    for _, row in tuned[tuned["chosen"]].iterrows():
        for name in parameters:
            columns = {task: f"{name}_{task}" for task in tasks}
            if name in row and pd.notna(row[name]):
                rows.append((row["method"], name, _spell(row[name])))
            elif all(column in row and pd.notna(row[column]) for column in columns.values()):
                of_tasks = ", ".join(f"{task}: {_spell(row[column])}" for task, column in columns.items())
                rows.append((row["method"], name, f"{{{of_tasks}}}"))
    return pd.DataFrame(rows, columns=["method", "parameter", "value"])


def _spell(value: float) -> str:
    """Epochs come back from a table with gaps as 20.0, which is no number of epochs."""
    return str(int(value)) if float(value).is_integer() and value >= 10 else repr(float(value))
