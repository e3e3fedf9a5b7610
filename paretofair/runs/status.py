"""How far a run is, from its results folder alone: counts, rate, failures and the front so far.

Nothing here imports PyTorch or Ray, whose start takes longer than everything that is read.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from paretofair.analysis.derived import CountedMetrics, columns_behind, counted_metrics
from paretofair.analysis.overview import deciding_objectives, folders_behind, overview
from paretofair.analysis.results import ReportSettings, Results, read_settings
from paretofair.data import DATASETS
from paretofair.errors import RunError, last_line
from paretofair.metrics.objectives import ObjectiveSet
from paretofair.results import TableSchema, TrialTable
from paretofair.results.files import SPACE, space_file
from paretofair.runs.folder import failures, is_in_use, read_environment
from paretofair.runs.jobs import TRIES
from paretofair.runs.stages import STAGE_OF, Plan
from paretofair.space.numbering import BASELINE_METHOD
from paretofair.space.problems import Problems
from paretofair.space.schema import Settings
from paretofair.space.validation import validate
from paretofair.space.yaml_lines import read_document

_WINDOW = 600.0  # seconds of file times that the rate is taken over
# Columns that not every table has.
_NEEDED = {"pack_id": object, "confirms": object, "written": float}
_ATTEMPT = re.compile(r"(.+?)(?:-attempt-(\d+))?")


@dataclass(frozen=True)
class Progress:
    """Trials of one stage and method. `failed`: those of packs that failed every time; `planned` is None where the
    number follows from trials that are not finished."""

    stage: str
    method: str
    finished: int
    planned: int | None
    diverged: int
    stopped: int
    failed: int

    @property
    def left(self) -> int:
        """Trials that are still to be trained, as far as their number is known."""
        return 0 if self.planned is None else max(self.planned - self.finished - self.failed, 0)


@dataclass(frozen=True)
class Failure:
    """A pack whose last try failed: its name, the last line of the reason, and how often it was tried."""

    pack: str
    reason: str
    tries: int


@dataclass(frozen=True)
class Status:
    """How far a run is.

    `progress` is of the methods that were asked for so far; `not_asked` are the others of the space file. `per_minute`:
    trials per minute over the last ten minutes of file times, or since the last command began; NaN where no file tells
    it. `front` is `analysis.overview` under the set `leading` on the split `selected_on`, empty before there are
    baselines. `others`: trials in the table that the space file does not plan. `driver`: whether one holds the lock,
    None where there is none; a driver on another machine is not seen. `age`: seconds since the newest trials were
    written, NaN before there are any: other files may be touched by whoever looks at the run.
    """

    name: str
    sources: set[str]
    progress: list[Progress]
    not_asked: list[str]
    per_minute: float
    failures: list[Failure]
    front: pd.DataFrame
    leading: ObjectiveSet
    selected_on: str
    others: int
    driver: bool | None
    age: float

    @property
    def given_up(self) -> bool:
        """Whether a pack has failed every time."""
        return any(failure.tries >= TRIES for failure in self.failures)


class StatusReader:
    """Reads the status of a results folder; trial files are read once, new ones at every call."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._metrics: frozenset[str] = frozenset()
        self._table: TrialTable | None = None

    def status(self) -> Status:
        """The status now. Raises RunError or SpaceError for a folder that is no run or cannot be read."""
        space, environment = settings(self._folder), read_environment(self._folder)
        tasks = _tasks(space)
        report = read_settings(self._folder, tasks)
        derived = counted_metrics(
            self._folder, deciding_objectives(tasks, report), tasks, space.data.sensitive_by_task(tuple(tasks)), report
        )
        trials, schema = self._trials(_choose_metrics(tasks, report), derived)
        # What the other sets of the space file need besides is not looked at.
        shown = replace(report, objectives=(report.leading_set(tasks),))
        folders = folders_behind(self._folder, tasks, report)
        results = Results.of(trials.assign(protocol=space.protocol), shown, folders, schema=schema)
        trials = results.trials
        methods = [*space.methods, *sorted(set(results.methods) - set(space.methods))]
        front = overview(results, methods) if results.fronts_of(results.leading) else pd.DataFrame({"trials": []})
        front = front[front["trials"] > 0].reset_index(drop=True)
        given_up = _read_given_up(self._folder, trials["trial_id"])
        asked = _count_asked(space, environment.get("trials", {}), set(trials["method"].unique()))
        plan = Plan(space, tasks, asked)
        progress, planned = _progress(plan, results, given_up)
        last = trials.groupby("pack_id", observed=True)["written"].max()
        return Status(
            name=space.name,
            sources=set(trials["source"].unique()) or _source(environment),
            progress=progress,
            not_asked=[name for name in space.methods if name not in plan.methods],
            per_minute=_rate(trials.loc[planned, "written"], begun=(self._folder / SPACE).stat().st_mtime),
            failures=_failures(self._folder, last, given_up),
            front=front,
            leading=report.build_set(report.leading_set(tasks), tasks),
            selected_on=results.settings.selected_on,
            others=int((~planned).sum()),
            driver=is_in_use(self._folder),
            age=max(time.time() - trials["written"].max(), 0.0) if len(trials) else float("nan"),
        )

    def _trials(self, metrics: frozenset[str], derived: CountedMetrics | None) -> tuple[pd.DataFrame, TableSchema]:
        """One row per trial, with when its file was `written` and what is `derived` from counts; and the names in the
        table."""
        if self._table is None or metrics != self._metrics:
            self._metrics = metrics
            self._table = TrialTable(self._folder, metrics=metrics, derive=derived, times=True)
        trials = self._table.read()
        for name in (name for name in _NEEDED if name not in trials):
            value = np.nan if name == "written" else None
            trials = trials.assign(**{name: pd.Series(value, trials.index, _NEEDED[name])})
        return trials, self._table.schema


def settings(folder: Path) -> Settings:
    """The space file of a results folder. Methods are not looked up: those of a user's own need not be there.

    Raises RunError where the folder holds no run, SpaceError for a file that is no space.
    """
    document = read_document(space_file(folder))
    problems = Problems(document.place)
    space = validate(Settings, document.data, problems)
    problems.raise_if_any()
    assert space is not None, "a space without problems is complete"
    return space


def _tasks(space: Settings) -> Sequence[str]:
    data = space.data
    if data.tasks or data.files:
        return data.tasks or tuple(data.tasks_of_files)
    if data.name not in DATASETS:
        raise RunError(f"the data set {data.name} of this run is unknown to this version of the program")
    return DATASETS[data.name].tasks


def _choose_metrics(tasks: Sequence[str], report: ReportSettings) -> frozenset[str]:
    """The metrics that are read."""
    stored = columns_behind(deciding_objectives(tasks, report), tasks, report)
    return frozenset(f"{split}_{name}" for split in (report.selected_on, "test") for name in stored)


def _count_asked(
    space: Settings, written: Mapping[str, Mapping[str, int]], begun: set[str]
) -> dict[str, dict[str, int]]:
    """The trials for each seed of the stages `tune` and `sweep`, by method: of those that were asked for so far, as
    `written` in the folder. It may be older than that; then of those that are `begun`."""
    tune = space.stages.tune
    default = {"tune": tune.settings * tune.trials if tune is not None else 0, "sweep": space.stages.sweep.trials}
    names = [name for name in space.methods if name in {*written.get("sweep", ()), *begun}]
    return {stage: {name: written.get(stage, {}).get(name, most) for name in names} for stage, most in default.items()}


def _progress(plan: Plan, results: Results, given_up: Mapping[str, FailedPack]) -> tuple[list[Progress], np.ndarray]:
    """What is done of every stage and method, and a mask of the trials that are planned."""
    trials, settings = results.trials, plan.settings
    places = trials.groupby(["stage", "method"], sort=False).indices
    named, status = trials[["seed", "index", "confirms"]], trials["status"].to_numpy()
    mask = np.zeros(len(trials), dtype=bool)
    found: list[Progress] = []
    for stage in (stage for stage in STAGE_OF.values() if stage.seeds(settings)):
        unfinished = {each.method for each in found if each.left or not each.finished}
        for method in stage.methods(plan):
            known = results if "test_are" in trials and not unfinished & {BASELINE_METHOD, method} else None
            count = stage.count(plan, method, known)
            if count == 0 and stage.name != "confirm":
                continue
            rows = places.get((stage.name, method), np.array([], dtype=int))
            rows = rows[stage.match(plan, method, named.iloc[rows], known)]
            mask[rows] = True
            diverged, stopped = (int((status[rows] == word).sum()) for word in ("diverged", "stopped"))
            of_these = (each for each in given_up.values() if (each.stage, each.method) == (stage.name, method))
            failed = sum(len(each.trials) for each in of_these)
            found.append(Progress(stage.name, method, len(rows), count, diverged, stopped, failed))
    return found, mask


def _rate(written: pd.Series, begun: float) -> float:
    """Trials per minute since the last command began, which rewrote the space file, at most over the window."""
    start = max(begun, written.max() - _WINDOW)
    seconds = written.max() - start
    return float((written > start).sum() * 60 / seconds) if seconds >= 1 else float("nan")


@dataclass(frozen=True)
class FailedPack:
    """What `failed.json` says of a pack that failed every time, and which of its trials are not in the table."""

    stage: str
    method: str
    reason: str
    trials: set[str]


def _read_given_up(folder: Path, trials: pd.Series) -> dict[str, FailedPack]:
    finished = set(trials)
    packs = {
        name: FailedPack(each["stage"], each["method"], each["reason"], set(each["trials"]) - finished)
        for name, each in failures(folder).items()
    }
    return {name: each for name, each in packs.items() if each.trials}


def _failures(folder: Path, written: pd.Series, given_up: Mapping[str, FailedPack]) -> list[Failure]:
    """Packs whose last try failed and of which nothing was written since: `written` is when, by pack.

    Engines keep `logs/<engine>-<time>/<pack>[-attempt-<n>]/error.txt` while they run and where a pack has failed every
    time; `failed.json` is written afterwards.
    """
    tries: dict[str, tuple[int, Path]] = {}
    for logs in sorted((folder / "logs").glob("*-*"), key=lambda each: each.name.partition("-")[2]):
        of_these: dict[str, tuple[int, Path]] = {}
        for path in (each for each in _list_folder(logs) if each.is_dir()):
            found = _ATTEMPT.fullmatch(path.name)
            assert found is not None, "it matches any name"
            of_these[found[1]] = max(of_these.get(found[1], (0, path)), (int(found[2] or 1), path))
        tries |= of_these
    failed = {pack: Failure(pack, each.reason, TRIES) for pack, each in given_up.items()}
    for pack, (count, path) in tries.items():
        try:
            error = path / "error.txt"
            when, reason = error.stat().st_mtime, last_line(error.read_text(errors="replace"))
        except OSError:  # it runs, or has ended well
            continue
        if pack not in failed and not written.get(pack, 0.0) > when:
            failed[pack] = Failure(pack, reason, count)
    return sorted(failed.values(), key=lambda each: each.pack)


def _source(environment: Mapping[str, Any]) -> set[str]:
    """Where the data come from, before there are trials that say it."""
    return {environment["data"]["source"]} if environment else set()


def _list_folder(folder: Path) -> list[Path]:
    """What is in a folder; nothing where it is none, or none any more: a run removes its logs when it ends."""
    try:
        return [folder / name for name in os.listdir(folder)]
    except OSError:
        return []
