"""The trial tables of one or more runs, read as one comparison."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

from paretofair.analysis.chance.reliability import find_unreliable, with_gap_tests
from paretofair.analysis.counts import GROUPS, CellCounts, read_groups
from paretofair.analysis.derived import counted_metrics, derived_quantities, with_objectives
from paretofair.analysis.frontiers import (
    VOLUMES,
    candidates,
    front_hypervolumes,
    frontier,
    keep_constraints,
    with_confirmed,
)
from paretofair.analysis.group_rise import with_group_rise
from paretofair.analysis.reading.runs import Run, merge_runs
from paretofair.analysis.reading.settings import ReportSettings, find_choosing_split, read_settings
from paretofair.analysis.relative import BASELINES, baselines, find_weak, with_relative
from paretofair.analysis.undefined import keep_usable
from paretofair.errors import RunError
from paretofair.metrics.constraints import parse_constraint
from paretofair.metrics.metric import Metric
from paretofair.metrics.objectives import (
    OF_SEVERAL_TASKS,
    NamedSet,
    Objective,
    ObjectiveSet,
    known_objectives,
    known_sets,
    parse_objective,
)
from paretofair.metrics.relative import GROUP_RISE
from paretofair.results import KEYS, Quantity, TableSchema, TrialTable
from paretofair.results.table_schema import WITHIN, read_spelling

__all__ = ["ReportSettings", "Results", "find_choosing_split", "read_settings"]

_Named = TypeVar("_Named", NamedSet, Metric)
_Made = TypeVar("_Made")
_Arguments = ParamSpec("_Arguments")


def make_once(
    make: Callable[Concatenate[Results, _Arguments], _Made],
) -> Callable[Concatenate[Results, _Arguments], _Made]:
    """Of a function of `Results`: what it makes is kept as long as the table has the same columns. Nobody may change
    it in place."""

    @functools.wraps(make)
    def recall(results: Results, /, *arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Made:
        key = make, arguments, tuple(named.items())
        if key not in results.made:
            results.made[key] = make(results, *arguments, **named)
        found: _Made = results.made[key]
        return found

    return recall


class Results:
    """One or more runs as one comparison: `trials` with `<split>_are` and `<split>_arfg`, `baselines`, frontiers.

    Methods of the same name that were trained differently are told apart as `method@run`; `told_apart` has these names
    by method, each with the runs that it comes from.

        results = Results("results/mtaf_lsac")
        results.frontier("arfg", "are").groupby("method")["test_are"].min()
        results.frontier("average_precision_income", "equalized_odds_max_income")
    """

    def __init__(self, *runs: Path | str, **changes: Any) -> None:
        """Reads `runs`: results folders of `paretofair sweep`, or tables made elsewhere (`.parquet`, `.csv`, or a
        folder of Parquet files) with the columns of the trial table. `changes` replace fields of `ReportSettings`.

        Raises RunError for what cannot be read or must not be compared: simulated beside real data, other data, splits,
        protocols, or attributes.
        """
        if not runs:
            raise RunError("no run was given; give the results folder of a sweep")
        parts = [Run(Path(run)) for run in runs]
        trials, schema, apart = merge_runs(parts)
        methods = tuple(dict.fromkeys(name for part in parts for name in part.settings.methods))
        objectives = tuple(dict.fromkeys(name for part in parts for name in part.settings.objectives))
        named = _merge_named([each for part in parts for each in part.settings.named])
        own = _merge_named([each for part in parts for each in part.settings.own_metrics])
        # The first run that says what a name is called has the say.
        labels = {name: text for part in reversed(parts) for name, text in part.settings.labels.items()}
        merged = {"methods": methods, "objectives": objectives, "named": named, "own_metrics": own, "labels": labels}
        settings = replace(parts[0].settings, **merged | changes)
        known = next((part.baselines for part in parts if part.baselines is not None), None)
        folders = tuple(part.folder for part in parts if part.folder is not None)
        self._fill(trials, settings, schema, folders, known, apart, whole=len(folders) == len(parts))
        self.inputs |= {path for part in parts for path in part.inputs}
        if self._baselines_are_given:
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
        *,
        whole: bool = True,
    ) -> None:
        """`known` are single-task baselines for a table that has none. `whole`: whether all trials are of `folders`."""
        order = ["stage", "method", "seed", "index"]
        self.settings, self.folders, self.told_apart = settings, folders, told_apart or {}
        self.made: dict[Any, Any] = {}  # of `make_once`
        self._whole = whole
        self.inputs: frozenset[Path] = frozenset()
        self.tasks, self.schema = schema.task_names, schema
        self.trials = trials if len(trials) else _with_keys(trials)
        self.settings = replace(settings, objectives=tuple(known_sets(settings.objectives, self.tasks)))
        for name in self.settings.objectives if self.tasks else ():
            if name not in settings.set_names(self.tasks):
                raise RunError(f"objectives: found {name!r}; accepted: {', '.join(settings.set_names(self.tasks))}")
        self.derive(self._needed())
        own = baselines(self.trials.sort_values(order), self.tasks, settings.gap)
        self.baselines = known if own.empty and known is not None else own
        self._baselines_are_given = self.baselines is known
        table = with_relative(self.trials, self.baselines, self.tasks, settings.gap)
        self.schema = self.schema.with_metrics(*(name for name in ("arfg", "are") if f"test_{name}" in table))
        # A table without finished trials need not have their metrics.
        if settings.constraints and len(candidates(table, ["status"])):
            bounds = [parse_constraint(text) for text in settings.constraints]
            table = table.assign(**{WITHIN: keep_constraints(bounds, table, settings.selected_on)})
        # In one order, whatever the order in which trials finished.
        self.trials = table.sort_values(order, ignore_index=True)
        self._frontiers: dict[tuple[str, ...], pd.DataFrame] = {}
        self._volumes: dict[str, pd.DataFrame] = {}

    def _needed(self) -> list[Objective]:
        """What frontiers, constraints and ARFG need."""
        own = self.settings
        if not self.tasks:
            return []
        sets = [own.build_set(name, self.tasks) for name in own.objectives]
        gap = [Objective(own.metrics[own.gap], task) for task in self.tasks]
        bounded = [parse_objective(name, self.tasks, own.metrics) for name in own.bounded]
        return [*gap, *bounded, *(each for one in sets for each in one.objectives)]

    def derive(self, objectives: Iterable[Objective]) -> None:
        """Gives the table the columns of these objectives, as far as there is what they follow from."""
        objectives = list(objectives)
        splits = (self.settings.selected_on, "test")
        before = len(self.trials.columns)
        self.trials = with_objectives(self.trials, self.tasks, objectives, self.settings)
        names = [f"{split}_{each.name}" for each in objectives for split in splits]
        missing = [each for each in objectives if any(name not in self.trials for name in names)]
        counted = None
        if missing and self.sensitive is not None and self.cells is not None:
            counted = counted_metrics(self.folders[0], missing, self.tasks, self.sensitive, self.settings)
        if counted is not None:
            parts = [
                TrialTable(folder, metrics=(), derive=replace(counted, folder=folder)).read() for folder in self.folders
            ]
            found = pd.concat(parts).drop_duplicates("trial_id").set_index("trial_id")
            new = found[[name for name in found if name not in self.trials]].reindex(self.trials["trial_id"])
            self.trials = pd.concat([self.trials, new.set_index(self.trials.index)], axis=1)
            self.trials = with_objectives(self.trials, self.tasks, objectives, self.settings)
        rises = any(each.metric.name == GROUP_RISE for each in objectives) and f"test_{GROUP_RISE}" not in self.trials
        if rises and self.sensitive is not None and self.cells is not None and "stage" in self.trials:
            anew = functools.partial(CellCounts, *self.folders, tasks=self.schema.tasks)
            self.trials = with_group_rise(self.trials, anew, self.tasks, self.sensitive)
            self.schema = self.schema.add_metrics([Quantity(GROUP_RISE)])
        self.schema = self.schema.add_metrics(derived_quantities(objectives, self.tasks, self.settings))
        if len(self.trials.columns) > before:
            self.__dict__.pop("searched", None)
            self.made.clear()

    @property
    def _tasks_of_sets(self) -> list[str]:
        """The tasks that the sets of the space file name: all that is known of them before there are trials."""
        others = {"arfg_are", *OF_SEVERAL_TASKS, *(each.name for each in self.settings.named)}
        return [name for name in self.settings.objectives if name not in others]

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

    @functools.cached_property
    def tested_baselines(self) -> pd.DataFrame:
        """`baselines` with tests of their gaps (`reliability.with_gap_tests`), which take a moment; those that stood
        beside the table stay as they are."""
        if self._baselines_are_given:
            return self.baselines
        return with_gap_tests(self.baselines, self.trials, self.tasks, self.cells, self.sensitive)

    @property
    def unreliable(self) -> dict[str, str]:
        """Tasks whose single-task gap, by which ARFG divides, is not resolved (`reliability.find_unreliable`). Where it
        is 0 or missing ARFG has no value, which `undefined.explain_undefined` says."""
        return find_unreliable(keep_usable(self.tested_baselines, self.settings.gap), self.settings.gap)

    @property
    def weak(self) -> pd.DataFrame:
        """`relative.find_weak`: tasks whose single-task models err clearly more than untreated multi-task ones."""
        return find_weak(self.searched, self.baselines, self.tasks, self.settings.selected_on)

    def objective_set(self, *objectives: str) -> ObjectiveSet:
        """What `frontier` takes as its objectives: the set of a name, or one of these metrics. Raises ValueError for a
        name that is none."""
        tasks = self.tasks or self._tasks_of_sets
        named = len(objectives) == 1 and objectives[0] in self.settings.set_names(tasks)
        return self.settings.build_set(objectives[0] if named else objectives, tasks)

    @property
    def hypervolumes(self) -> pd.DataFrame:
        """Those of the ARFG-ARE frontiers."""
        return self.hypervolumes_of("arfg_are")

    @property
    def leading(self) -> str:
        """The set of objectives that the space names first, ARFG-ARE by default."""
        return self.settings.leading_set(self.tasks or self._tasks_of_sets)

    @property
    def shown_objectives(self) -> set[str]:
        """The objectives of all sets whose frontiers are written."""
        return {name for each in self.settings.objectives for name in self.objective_set(each).names}

    def hypervolumes_of(self, name: str) -> pd.DataFrame:
        """`frontiers.front_hypervolumes` of every method and seed under a set; empty before there is what it needs.
        Raises ValueError for a set without a reference point."""
        if name not in self._volumes:
            own, found = self.settings, pd.DataFrame(columns=VOLUMES)
            if self._has_values(self.objective_set(name)):
                of = self.objective_set(name)
                found = front_hypervolumes(self.trials, of, selected_on=own.selected_on, pooled=own.pooled)
            self._volumes[name] = found
        return self._volumes[name]

    @property
    def compared_sets(self) -> list[str]:
        """The sets of the space file whose frontiers are written, by which methods are compared beside ARFG-ARE."""
        return [each.name for each in self.settings.named if each.name in self.settings.objectives]

    def fronts_of(self, name: str) -> dict[str, dict[object, pd.DataFrame]]:
        """Points of the frontiers under a set by method and seed; one seed `all` where they are pooled."""
        if not self._has_values(self.objective_set(name)):
            return {}
        points = self.frontier(name)
        keys = pd.Series("all", index=points.index) if self.settings.pooled else points["seed"]
        by_method = {method: points[points["method"] == method] for method in self.methods}
        return {method: dict(iter(own.groupby(keys.loc[own.index]))) for method, own in by_method.items() if len(own)}

    def _has_values(self, objectives: ObjectiveSet) -> bool:
        """Whether some trial that may enter a frontier has a value of every objective on the split that chooses."""
        chosen_by = [f"{self.settings.selected_on}_{name}" for name in objectives.names]
        needed = [*chosen_by, *(f"test_{name}" for name in objectives.names)]
        known = all(name in self.trials for name in needed)
        return known and bool(candidates(self.trials, chosen_by).notna().all(axis=1).any())

    @functools.cached_property
    def cells(self) -> CellCounts | None:
        """The counts in the finest cells of all attributes; None where a run has none, or others than the first,
        or where a table was made elsewhere."""
        if not self.folders or not self._whole or not all(os.path.lexists(folder / GROUPS) for folder in self.folders):
            return None
        codes = [read_groups(folder).filter(regex="^code_") for folder in self.folders]
        same = all(codes[0].equals(each) for each in codes)
        return CellCounts(*self.folders, tasks=self.schema.tasks) if same else None

    def frontier(self, *objectives: str) -> pd.DataFrame:
        """The points that no other trial of the method and seed beats, chosen on `settings.selected_on`.

        Args:
            objectives: the name of a set (`arfg_are`, a task, `accuracies`, `all`, or one of the space file), or
                metrics of a task, averaged over tasks or relative, as in `frontier("error_income", "auc_income")`,
                `frontier("average_precision", "equalized_odds_max")` and `frontier("arfg", "are")`. Those that follow
                from counts by group are computed when they are first asked for.

        Returns:
            One row per point: `method, seed, rank`, objectives on validation and test, `trial_id`, hyperparameters, and
            where points were confirmed means and deviations of fresh seeds. None where no trial may enter a frontier.

        Raises:
            ValueError: a name that is no objective, or one that the table has no values of.
        """
        of, own = self.objective_set(*objectives), self.settings
        name = of.name, *of.names
        if name not in self._frontiers:
            self.derive(of.objectives)
            split = own.selected_on
            unknown = [each for each in of.names if f"{split}_{each}" not in self.trials]
            if unknown and self.methods:
                known = [each for each in known_objectives(self.tasks, own.metrics) if f"{split}_{each}" in self.trials]
                words = f"the table has no {split}_{unknown[0]}, nor what it follows from"
                raise ValueError(f"{words}; it has {', '.join(known)}")
            points = frontier(self.trials, self.schema, of, selected_on=split, pooled=own.pooled)
            self._frontiers[name] = with_confirmed(points, self.trials, of.names)
        return self._frontiers[name].copy()


def _merge_named(found: Sequence[_Named]) -> tuple[_Named, ...]:
    """Each name once. Raises RunError where two runs mean different things by one name."""
    by_name: dict[str, _Named] = {}
    for each in found:
        if by_name.setdefault(each.name, each) != each:
            raise RunError(f"the runs mean different things by {each.name}: {by_name[each.name]} and {each}")
    return tuple(by_name.values())


def _with_keys(empty: pd.DataFrame) -> pd.DataFrame:
    """A table without trials, with the columns that every table has."""
    missing = {name: "int64" if name in ("seed", "index") else "str" for name in KEYS if name not in empty}
    return empty.assign(**{name: pd.Series(dtype=kind) for name, kind in missing.items()})
