"""The runs of a comparison: each read on its own, then merged into one trial table."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from paretofair.analysis.frontiers import SEARCHED
from paretofair.analysis.reading.foreign import check_values, read_foreign
from paretofair.analysis.reading.settings import ReportSettings, read_settings
from paretofair.analysis.relative import BASELINES
from paretofair.errors import RunError
from paretofair.results import TRIALS, TableSchema, TrialTable
from paretofair.results.files import read_csv
from paretofair.results.table_schema import spell_tasks


@dataclass
class Run:
    """One of the runs: its table, what it says of itself, and its folder where it has the files of a run.

    Raises RunError for what is no run, cannot be read, or has no trials yet.
    """

    path: Path
    folder: Path | None = None
    settings: ReportSettings = field(default_factory=ReportSettings)
    baselines: pd.DataFrame | None = None
    trials: pd.DataFrame = field(default_factory=pd.DataFrame)
    schema: TableSchema = field(default_factory=TableSchema)
    inputs: frozenset[Path] = frozenset()

    def __post_init__(self) -> None:
        path = self.path
        if not os.path.exists(path):
            raise RunError(f"{path} does not exist; give the results folder of a sweep, or a table")
        has_trials = os.path.lexists(path / TRIALS)
        if path.is_dir() and not has_trials and not any(path.glob("*.parquet")):
            raise RunError(f"{path} holds no trial table; give the results folder that a sweep has written")
        if has_trials:
            table = TrialTable(path)
            self.folder, self.trials = path, table.read()
            self.schema = table.schema
        else:
            self.trials, self.schema = read_foreign(path)
            self.inputs = frozenset(map(Path.resolve, path.glob("*.parquet") if path.is_dir() else [path]))
        check_values(self.trials, self.schema, path, self.folder)
        if self.trials.empty:
            raise RunError(f"{path} has no finished trials yet")
        beside = path if path.is_dir() else path.parent
        if os.path.lexists(beside / BASELINES):
            self.baselines = _read_known_baselines(beside / BASELINES)
        if self.folder is not None:
            self.settings = read_settings(path, self.schema.task_names)
        else:
            self.settings = ReportSettings(protocol=self.trials["protocol"].iloc[0])


def _read_known_baselines(path: Path) -> pd.DataFrame:
    """Single-task means that stand beside a table; what they do not say (intervals, say) is unknown."""
    known = read_csv(path, {"task": str, "split": str, "metric": str, "mean": float}, dtype={"split_id": str})
    repeated = known[known.duplicated([name for name in ("split_id", "task", "split", "metric") if name in known])]
    if len(repeated):
        task, split, metric = repeated[["task", "split", "metric"]].iloc[0]
        raise RunError(f"{path}: the {metric} of {task} on {split} stands there twice")
    known["split_id"] = known["split_id"].astype(object).fillna("") if "split_id" in known else ""
    return known.reindex(columns=list(dict.fromkeys([*known, "std", "low", "high", "runs", "source"])))


def merge_runs(runs: Sequence[Run]) -> tuple[pd.DataFrame, TableSchema, dict[str, dict[str, list[Path]]]]:
    """One table of all runs, in which a trial of several stands once, with its schema; and of every method that was
    trained differently its names in that table, each with the runs that it comes from.

    Raises RunError for runs that must not be compared.
    """
    for other in runs[1:]:
        _check_same(runs[0], other)
    _check_baselines(runs)
    _check_trials(runs)
    tables, apart = [], _tell_apart(runs)
    renamed: dict[str, dict[str, list[Path]]] = {}
    for place, run in enumerate(runs):
        own = {method: names[place] for method, names in apart.items() if place in names}
        tables.append(run.trials.assign(method=run.trials["method"].replace(own)) if own else run.trials)
        for method, name in own.items():
            renamed.setdefault(method, {}).setdefault(name, []).append(run.path)
    schema = functools.reduce(TableSchema.merge, (run.schema for run in runs))
    return pd.concat(tables, ignore_index=True).drop_duplicates("trial_id", ignore_index=True), schema, renamed


def _tell_apart(runs: Sequence[Run]) -> dict[str, dict[int, str]]:
    """New names of the methods that were trained differently, by method and place of the run. Runs that trained a
    method in the same way have one name for it, that of the first."""
    spaces, names = [_spaces(run) for run in runs], _names(runs)
    apart = {}
    for method in dict.fromkeys(name for of_run in spaces for name in of_run):
        groups: list[list[int]] = []
        for place in (place for place, of_run in enumerate(spaces) if method in of_run):
            own = spaces[place][method]
            same = (group for group in groups if all(_are_alike(own, spaces[other][method]) for other in group))
            group = next(same, None)
            if group is None:
                groups.append([place])
            else:
                group.append(place)
        if len(groups) > 1:
            apart[method] = {place: f"{method}@{names[group[0]]}" for group in groups for place in group}
    return apart


def _are_alike(one: Mapping[str, set[str]], other: Mapping[str, set[str]]) -> bool:
    """Whether a method was trained in the same way in two runs, as far as they have the same stages."""
    return all(one[stage] == other[stage] for stage in one.keys() & other.keys())


def _spaces(run: Run) -> dict[str, dict[str, set[str]]]:
    """The ids of the spaces that searched trials were drawn from, by method and stage. Ids of stages always differ."""
    searched = run.trials[run.trials["stage"].isin(SEARCHED)]
    # A table made elsewhere is a space of its own.
    space = searched["space_id"].fillna(str(run.path)) if "space_id" in searched else str(run.path)
    found: dict[str, dict[str, set[str]]] = {}
    for row in searched[["method", "stage"]].assign(space=space).drop_duplicates().itertuples():
        found.setdefault(str(row.method), {}).setdefault(str(row.stage), set()).add(str(row.space))
    return found


def _names(runs: Sequence[Run]) -> list[str]:
    names = [run.path.resolve().name if run.path.is_dir() else run.path.stem for run in runs]
    return [name if names.count(name) == 1 else f"{name}{place}" for place, name in enumerate(names)]


def _check_same(one: Run, other: Run) -> None:
    """Raises RunError where the runs must not stand on one figure."""

    def refuse(what: str, here: Any, there: Any) -> None:
        raise RunError(f"{one.path} and {other.path} cannot be compared: {what} {here} and {there}")

    for what, column in (("the data are", "source"), ("the protocol is", "protocol")):
        values = [sorted(set(run.trials[column])) for run in (one, other)]
        if values[0] != values[1]:
            refuse(what, *(", ".join(value) for value in values))
    if one.schema.tasks != other.schema.tasks:
        refuse("the tasks are", *(spell_tasks(run.schema) for run in (one, other)))
    if one.settings.sensitive and other.settings.sensitive and one.settings.sensitive != other.settings.sensitive:
        refuse("the losses act on", *(run.settings.sensitive for run in (one, other)))
    if all("data_id" in run.trials for run in (one, other)):
        ids = [set(run.trials["data_id"]) for run in (one, other)]
        if ids[0] != ids[1]:
            refuse("the data have the ids", *(", ".join(sorted(each)) for each in ids))
    splits = [_splits(run) for run in (one, other)]
    differ = [seed for seed in splits[0].index.intersection(splits[1].index) if splits[0][seed] != splits[1][seed]]
    if differ:
        refuse(f"the splits of seed {differ[0]} are", splits[0][differ[0]], splits[1][differ[0]])
    if set(splits[0]).isdisjoint(splits[1]):
        refuse("the splits are", *(", ".join(sorted(set(each))) for each in splits))


def _splits(run: Run) -> pd.Series:
    searched = run.trials[run.trials["stage"].isin(SEARCHED)]
    return searched.drop_duplicates("seed").set_index("seed")["split_id"]


def _check_baselines(runs: Sequence[Run]) -> None:
    """Raises RunError where single-task models of several experiments would be one denominator."""
    having = [run for run in runs if _baselines_of(run)]
    for other in having[1:]:
        if _baselines_of(having[0]).isdisjoint(_baselines_of(other)):
            raise RunError(
                f"{having[0].path} and {other.path} cannot be compared: their single-task baselines were trained with "
                "different settings (stage baselines), so that ARE and ARFG of one have other denominators than those "
                "of the other; run both with the same stages.baselines, network and training, or report them apart"
            )


def _baselines_of(run: Run) -> set[str]:
    """The ids of the spaces of single-task trials; of a table made elsewhere without them, the ids of the trials."""
    alone = run.trials[(run.trials["stage"] == "baselines") & (run.trials["status"] == "completed")]
    return set(alone["space_id"].fillna(alone["trial_id"]) if "space_id" in alone else alone["trial_id"])


def _check_trials(runs: Sequence[Run]) -> None:
    """Raises RunError where tables made elsewhere give one name to different trials: all but one would be lost."""
    errors = [f"test_error_{task}" for task in runs[0].schema.task_names]
    for one, other in itertools.combinations(runs, 2):
        if one.folder is not None and other.folder is not None:
            continue
        here, there = (run.trials[["trial_id", "method", *errors]].set_index("trial_id") for run in (one, other))
        shared = here.index.intersection(there.index)
        here, there = here.loc[shared], there.loc[shared]
        # A number that was written to a CSV file may come back with another last digit.
        same = np.isclose(here[errors], there[errors], equal_nan=True).all(axis=1) & (here["method"] == there["method"])
        if not same.all():
            raise RunError(
                f"{one.path} and {other.path} have different trials of the name {shared[~same][0]!r}; give every trial "
                "a trial_id of its own, or the files different names"
            )
