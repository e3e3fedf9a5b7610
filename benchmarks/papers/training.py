"""Trains what a table lacks, in a results folder of its own, and puts what is finished into its ledger."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from papers.ledger import (
    COLUMNS,
    FRONT_COLUMNS,
    SECONDS,
    Unit,
    find_missing,
    fronts_path,
    group_alike,
    keep_settings,
    read_ledger,
    write_ledger,
)
from papers.ours import read_trials
from papers.tables import Table
from papers.tuning import FILE, read_chosen, spell_chosen, tuning_overrides, write_chosen
from paretofair.analysis.results import Results, read_settings
from paretofair.data.splits import SplitsBySeed
from paretofair.errors import OutageError
from paretofair.results import TrialTable
from paretofair.runs.packs import Pack
from paretofair.runs.rehearsal import measure_epochs
from paretofair.runs.run import RunOptions, load_splits
from paretofair.runs.stages import Context, packs_ahead
from paretofair.space.method_space import digest
from paretofair.space.space import Space, load_space

BENCHMARKS = Path(__file__).parents[1]
ROOT = BENCHMARKS.parent
INTERRUPTED = 130


@dataclass(frozen=True)
class Budget:
    """How much is trained: seeds 0 to `seeds` - 1, and `times` the draws of a table. `changes` are further overrides of
    every space, and `simulated` allows data that are not real: tests make everything tiny by them."""

    seeds: int = 10
    times: float = 1
    changes: tuple[str, ...] = ()
    simulated: bool = False

    def scale(self, draws: int) -> int:
        """The draws of a table at this budget: none of none, else at least one."""
        return max(round(draws * self.times), min(draws, 1))


class Work:
    """What there is to do for a table, at a budget."""

    def __init__(self, table: Table, budget: Budget, results: Path, runs: Path, methods: Sequence[str] = ()) -> None:
        """`results` has the ledgers, `runs` the results folders; `methods` are by default all of the table."""
        self.table, self._budget, self._results, self._runs = table, budget, results, runs
        self._path = results / f"{table.name}.csv"
        self._methods = [name for name in table.methods if name in (methods or table.methods)]
        self._draws = budget.scale(table.draws)

    @cached_property
    def splits(self) -> SplitsBySeed:
        """The data, split."""
        options = RunOptions(self._runs, [], require_real_data=not self._budget.simulated)
        return load_splits(self._load([]), options)

    def untuned(self) -> list[str]:
        """The methods for which nothing was chosen yet under today's settings."""
        return [] if self.table.tuning is None else [name for name in self._methods if name not in self._chosen()]

    def missing(self) -> list[Unit]:
        """The units that the ledger lacks, seed by seed."""
        return find_missing(self.ledger(), self._methods, range(self._budget.seeds))

    def ledger(self) -> pd.DataFrame:
        """The units of today's settings."""
        return keep_settings(read_ledger(self._path), self._settings())

    def estimate(self) -> tuple[int, float]:
        """Trials that are missing, and about how many seconds one core takes to train them: as long as the ledger's
        seeds took in the median, else by a few steps that are timed. Single-task models come on top."""
        ledger, first = self.ledger(), self.splits.of(0)
        known = ledger[ledger["metric"] == SECONDS].groupby("method")["value"].median()
        trials, seconds, unknown = 0, 0.0, {}
        space = self._sweep_space(range(self._budget.seeds))
        for method, _ in self.missing():
            own = self._draws + len(space.method(method).points)
            trials += own
            if method in known:
                seconds += known[method]
            else:
                unknown["sweep", method] = unknown.get(("sweep", method), 0) + own
        seconds += measure_epochs(Context(space, self._methods, self.splits), first, unknown)
        if self.untuned():
            tuning = self._tuning_space()
            counts = {("tune", name): tuning.method(name).tune_trials for name in self.untuned()}
            trials += sum(counts.values())
            seconds += measure_epochs(Context(tuning, self.untuned(), self.splits), first, counts)
        return trials, seconds

    def train(self, deadline: float) -> bool:
        """Trains until nothing is missing or `time.time()` is `deadline`, and says whether nothing is missing."""
        if self.untuned():
            self._tune(self.untuned(), deadline)
        if self.untuned():
            return False
        self.collect()
        for seeds, methods in group_alike(self.missing(), self.table.together):
            if time.time() >= deadline:
                break
            self._sweep(self._runs / self.table.name, self._overrides(seeds), methods, deadline)
            self.collect()
        return not self.missing()

    def collect(self) -> None:
        """Puts the units that the results folder has whole into the ledger."""
        folder, missing = self._runs / self.table.name, self.missing()
        if not missing or self.untuned() or not (folder / "trials").exists():
            return
        rows, finished = TrialTable(folder), []
        trials = rows.read()
        done = set(trials["trial_id"])
        for seeds, methods in group_alike(missing, together=1):
            for method in methods:
                wanted = self._trial_ids(method, seeds[0])
                if wanted <= done:
                    finished.append((method, seeds[0], wanted))
        if not finished:
            return
        ids = set().union(*(wanted for _, _, wanted in finished))
        own = trials[trials["trial_id"].isin(ids)]
        settings = read_settings(folder, rows.schema.task_names)
        results = Results.of(own, settings, [folder], schema=rows.schema)
        found = [
            values.rename("value").rename_axis("seed").reset_index().assign(method=method, row=row, metric=metric)
            for reader in (self.table.read, read_trials)
            for method, row, metric, values in reader(results)
        ]
        settings_of = self._settings()
        self._add(self._path, COLUMNS, pd.concat(found), settings_of)
        if self.table.read_fronts is not None:
            fronts = [
                pd.DataFrame(points, columns=["x", "y"]).assign(method=method, seed=seed, plane=plane)
                for method, seed, plane, points in self.table.read_fronts(results)
            ]
            self._add(fronts_path(self._path), FRONT_COLUMNS, pd.concat(fronts), settings_of)

    def _add(self, path: Path, columns: Sequence[str], rows: pd.DataFrame, settings: Mapping[str, str]) -> None:
        """Puts rows of finished units into a ledger, without those of other settings that are there."""
        before = keep_settings(read_ledger(path, columns), settings)
        added = rows.assign(settings=rows["method"].map(settings))
        write_ledger(path, pd.concat([before, added]) if len(before) else added, columns)

    def _tune(self, methods: Sequence[str], deadline: float) -> None:
        assert self.table.tuning is not None
        folder = self._runs / f"{self.table.name}_tuning"
        overrides = tuning_overrides(self.table.tuning, self._budget.scale(self.table.tuning.draws))
        self._sweep(folder, overrides, methods, deadline)
        if (folder / FILE).exists():
            tuned = pd.read_csv(folder / FILE)
            rows = spell_chosen(tuned, self.table.tuning.parameters, self._load([]).tasks)
            whole = rows[rows["method"].isin(methods)]
            write_chosen(self._results / FILE, self.table.name, self._tuning_settings, whole)

    def _chosen(self) -> dict[str, list[str]]:
        return read_chosen(self._results / FILE, self.table.name, self._tuning_settings)

    def _settings(self) -> dict[str, str]:
        """By method a digest of all that its numbers depend on."""
        space = self._sweep_space([0])
        return {name: self._digest(space, name, "sweep", [self._draws]) for name in self.table.methods}

    @cached_property
    def _tuning_settings(self) -> dict[str, str]:
        space = self._tuning_space()
        tune = space.stages.tune
        assert tune is not None
        own = [tune.settings, list(tune.seeds)]
        return {name: self._digest(space, name, "tune", own) for name in self.table.methods}

    def _digest(self, space: Space, method: str, stage: str, others: Sequence[object]) -> str:
        own = space.method(method)
        baselines = space.baselines.identity("baselines"), space.stages.baselines.runs
        points = [dict(point) for point in own.points]
        return digest([own.identity(stage), points, baselines, self.splits.dataset.data_id, *others])

    def _trial_ids(self, method: str, seed: int) -> set[str]:
        """The trials that a unit is read from: its own, and the single-task models of its split."""
        context = Context(self._sweep_space([seed]), [method], self.splits)
        packs: list[Pack] = packs_ahead(context)
        return {trial for pack in packs for trial in pack.trial_ids}

    def _sweep_space(self, seeds: Sequence[int]) -> Space:
        return self._load(self._overrides(seeds))

    def _tuning_space(self) -> Space:
        assert self.table.tuning is not None
        return self._load(tuning_overrides(self.table.tuning, self._budget.scale(self.table.tuning.draws)))

    def _overrides(self, seeds: Sequence[int]) -> list[str]:
        """Those of the sweep of these seeds, with what was chosen."""
        chosen = [] if self.table.tuning is None else [each for own in self._chosen().values() for each in own]
        return [*chosen, f"stages.sweep.trials={self._draws}", f"seeds={list(seeds)}"]

    def _load(self, overrides: Sequence[str]) -> Space:
        return load_space(self.space_file, [*self.table.changes, *overrides, *self._budget.changes])

    @property
    def space_file(self) -> Path:
        """The space file of the table."""
        return ROOT / "search_spaces" / f"{self.table.space}.yaml"

    def _sweep(self, folder: Path, overrides: Sequence[str], methods: Sequence[str], deadline: float) -> None:
        """Runs the command that trains these methods, and stops it at the deadline; what it has finished it keeps."""
        settings = [*self.table.changes, *overrides, *self._budget.changes, "resources.checkpoint=1m"]
        command = [sys.executable, str(ROOT / "launch" / "sweep.py"), "--space", str(self.space_file)]
        command += ["--output", str(folder.resolve()), "--methods", ",".join(methods)]
        command += ["--time-budget", f"{max(round(deadline - time.time()), 1)}s"]
        command += [] if self._budget.simulated else ["--require-real-data"]
        command += [word for each in settings for word in ("--set", each)]
        # The metrics of by_group.py are looked for in the working directory.
        code = subprocess.run(command, cwd=BENCHMARKS).returncode
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code:
            raise OutageError(f"{self.table.name}: its training ended with exit code {code}, for the reason above")
