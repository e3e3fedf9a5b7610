"""The trial tables of one or more runs, read as one comparison."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from paretofair.analysis.counts import GROUPS, CellCounts, read_groups
from paretofair.analysis.frontiers import (
    VOLUMES,
    WITHIN,
    candidates,
    find_direction,
    front_hypervolumes,
    frontier,
    keep_constraints,
    with_confirmed,
)
from paretofair.analysis.relative import BASELINES, baselines, find_unreliable, with_relative
from paretofair.analysis.runs import Run, merge_runs
from paretofair.analysis.settings import ReportSettings, find_choosing_split, read_settings
from paretofair.analysis.tables import midpoints
from paretofair.errors import RunError
from paretofair.metrics.constraints import parse_constraint
from paretofair.metrics.objectives import known_sets, objective_names, objective_sets
from paretofair.results import KEYS, TableSchema
from paretofair.results.table_schema import read_spelling

__all__ = ["ReportSettings", "Results", "find_choosing_split", "read_settings"]


class Results:
    """One or more runs as one comparison: `trials` with `<split>_are` and `<split>_arfg`, `baselines`, frontiers.

    Methods of the same name that were trained differently are told apart as `method@run`; `told_apart` has these names
    by method, each with the runs that it comes from.

        results = Results("results/mtaf_lsac")
        results.frontier("arfg", "are").groupby("method")["test_are"].min()
    """

    def __init__(self, *runs: Path | str, **changes: Any) -> None:
        """Reads `runs`: results folders of `launch/sweep.py`, or tables made elsewhere (`.parquet`, `.csv`, or a folder
        of Parquet files) with the columns of the trial table. `changes` replace fields of `ReportSettings`.

        Raises RunError for what cannot be read or must not be compared: simulated beside real data, other data, splits,
        protocols, or attributes.
        """
        if not runs:
            raise RunError("no run was given; give the results folder of launch/sweep.py")
        parts = [Run(Path(run)) for run in runs]
        trials, schema, apart = merge_runs(parts)
        methods = tuple(dict.fromkeys(name for part in parts for name in part.settings.methods))
        objectives = tuple(dict.fromkeys(name for part in parts for name in part.settings.objectives))
        settings = replace(parts[0].settings, **{"methods": methods, "objectives": objectives} | changes)
        known = next((part.baselines for part in parts if part.baselines is not None), None)
        folders = tuple(part.folder for part in parts if part.folder is not None)
        self._fill(trials, settings, schema, folders, known, apart)
        self.inputs |= {path for part in parts for path in part.inputs}
        if self.baselines is known:
            # Denominators that somebody has put beside a table stay as they are.
            of = next(part.path for part in parts if part.baselines is known)
            self.inputs |= {((of if of.is_dir() else of.parent) / BASELINES).resolve()}

    @classmethod
    def of(
        cls,
        trials: pd.DataFrame,
        settings: ReportSettings,
        folders: Sequence[Path] = (),
        *,
        schema: TableSchema | None = None,
    ) -> Results:
        """The same from a trial table in memory; where it comes without a `schema`, its columns are named as in
        `test_error_<task>`."""
        results = cls.__new__(cls)
        results._fill(trials, settings, read_spelling(trials) if schema is None else schema, tuple(folders))
        return results

    def _fill(
        self,
        trials: pd.DataFrame,
        settings: ReportSettings,
        schema: TableSchema,
        folders: tuple[Path, ...],
        known: pd.DataFrame | None = None,
        told_apart: Mapping[str, Mapping[str, Sequence[Path]]] | None = None,
    ) -> None:
        """`known` are single-task baselines for a table that has none."""
        order = ["stage", "method", "seed", "index"]
        trials = trials if len(trials) else _with_keys(trials)
        self.tasks = schema.task_names
        own = baselines(trials[trials["stage"] == "baselines"].sort_values(order), self.tasks)
        self.baselines = known if own.empty and known is not None else own
        table = with_relative(trials, self.baselines, self.tasks)
        self.schema = schema.with_metrics(*(name for name in ("arfg", "are") if f"test_{name}" in table))
        # A table without finished trials need not have their metrics.
        if settings.constraints and len(candidates(table, ["status"])):
            bounds = [parse_constraint(text) for text in settings.constraints]
            table = table.assign(**{WITHIN: keep_constraints(bounds, table, settings.selected_on)})
        # In one order, whatever the order in which trials finished.
        self.trials = table.sort_values(order, ignore_index=True)
        self.settings = replace(settings, objectives=tuple(known_sets(settings.objectives, self.tasks)))
        self.folders = folders
        self.inputs: frozenset[Path] = frozenset()
        self.told_apart = told_apart or {}
        self._frontiers: dict[str | tuple[str, ...], pd.DataFrame] = {}

    @property
    def sensitive(self) -> dict[str, str] | None:
        """The attribute that the loss of each task acts on, where it is known."""
        known = self.settings.sensitive
        return dict.fromkeys(self.tasks, known) if isinstance(known, str) else dict(known) if known else None

    @functools.cached_property
    def searched(self) -> pd.DataFrame:
        """The trials that may enter a frontier."""
        return candidates(self.trials)

    def rows_of(self, trial_ids: Iterable[str]) -> pd.DataFrame:
        """Rows of the trial table by `trial_id`, in its order."""
        return self.trials[self.trials["trial_id"].isin(list(trial_ids))].set_index("trial_id", drop=False)

    @functools.cached_property
    def methods(self) -> list[str]:
        """Those with trials, in the order of the space file."""
        present = list(candidates(self.trials, ["method"])["method"].unique())
        order = [name for name in self.settings.methods if name in present]
        return [*order, *sorted(set(present) - set(order))]

    @property
    def source(self) -> str:
        """`real` or `simulated`."""
        return ", ".join(sorted(self.trials["source"].unique()))

    @property
    def unreliable(self) -> list[str]:
        """Tasks whose single-task gap is not known to differ from 0: ARFG divides by it."""
        return find_unreliable(self.baselines)

    @functools.cached_property
    def hypervolumes(self) -> pd.DataFrame:
        """`frontiers.front_hypervolumes` of every method and seed; empty before there are baselines."""
        if self.baselines.empty or f"{self.settings.selected_on}_arfg" not in self.trials:
            return pd.DataFrame(columns=VOLUMES)
        own = self.settings
        return front_hypervolumes(self.trials, selected_on=own.selected_on, pooled=own.pooled, reference=own.reference)

    @functools.cached_property
    def midpoints(self) -> pd.DataFrame:
        """`tables.midpoints` of every ARFG-ARE frontier."""
        own = self.settings
        return midpoints(self.trials, self.frontier("arfg_are"), selected_on=own.selected_on, pooled=own.pooled)

    @property
    def undefined(self) -> dict[str, int]:
        """Errors and gaps that completed trials lack on the split that chooses, with the number of these trials."""
        names = [f"{metric}_{task}" for task in self.tasks for metric in ("error", "fpr_gap")]
        columns = {name: f"{self.settings.selected_on}_{name}" for name in names}
        searched = candidates(self.trials, columns.values())
        counts = {name: int(searched[column].isna().sum()) for name, column in columns.items()}
        return {name: count for name, count in counts.items() if count}

    @functools.cached_property
    def cells(self) -> CellCounts | None:
        """The counts in the finest cells of all attributes; None where a run has none, or others than the first."""
        if not self.folders or not all((folder / GROUPS).exists() for folder in self.folders):
            return None
        codes = [read_groups(folder).filter(regex="^code_") for folder in self.folders]
        return (
            CellCounts(*self.folders, tasks=len(self.tasks)) if all(codes[0].equals(each) for each in codes) else None
        )

    def frontier(self, *objectives: str) -> pd.DataFrame:
        """The points that no other trial of the method and seed beats, chosen on `settings.selected_on`.

        Args:
            objectives: the name of a set (`arfg_are`, a task, `accuracies`, `all`), or metrics by the names of their
                columns without the split, as in `frontier("arfg", "are")` and `frontier("error_income", "auc_income")`.

        Returns:
            One row per point: `method, seed, rank`, objectives on validation and test, `trial_id`, hyperparameters, and
            where points were confirmed means and deviations of fresh seeds. None where no trial may enter a frontier.

        Raises:
            ValueError: a name that is no metric of the table, or one that is neither minimised nor maximised.
        """
        named = len(objectives) == 1 and objectives[0] in objective_sets(self.tasks)
        if not named and self.methods:
            split = self.settings.selected_on
            every = [name for name in self.schema.metric_columns if f"{split}_{name}" in self.trials]
            # What is best at 1, or only shown, has no frontier.
            known = [name for name in every if find_direction(self.schema, name) in ("minimised", "maximised")]
            unknown = [each for each in objectives if each not in known]
            if unknown:
                raise ValueError(f"no metric {unknown[0]!r}; accepted: {', '.join(known)}")
        name: str | tuple[str, ...] = objectives[0] if named else objectives
        if name not in self._frontiers:
            own = self.settings
            points = frontier(self.trials, self.schema, name, selected_on=own.selected_on, pooled=own.pooled)
            self._frontiers[name] = with_confirmed(points, self.trials, self.metrics_of(*objectives))
        return self._frontiers[name].copy()

    def metrics_of(self, *objectives: str) -> list[str]:
        """The metrics of a named set of objectives; any other names are metrics themselves."""
        named = len(objectives) == 1 and objectives[0] in objective_sets(self.tasks)
        return objective_names(objectives[0], self.tasks) if named else list(objectives)


def _with_keys(empty: pd.DataFrame) -> pd.DataFrame:
    """A table without trials, with the columns that every table has."""
    missing = {name: "int64" if name in ("seed", "index") else "str" for name in KEYS if name not in empty}
    return empty.assign(**{name: pd.Series(dtype=kind) for name, kind in missing.items()})
