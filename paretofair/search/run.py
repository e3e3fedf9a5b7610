"""One run of a space: opens its folder, trains what is missing, stage by stage, and writes the exports."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch
from rich.console import Console

from paretofair.data import Splits, load, read_csv_dataset, split, with_intersection, with_tasks
from paretofair.errors import RunError
from paretofair.report.write import Report, arfg_are_points, hypervolume_so_far, write_report
from paretofair.results import TrialTable
from paretofair.search.build import COMPILE_FROM, PACK
from paretofair.search.engine import cluster, run_packs
from paretofair.search.environment import environment, groups
from paretofair.search.method_space import MethodSpace
from paretofair.search.packs import Pack
from paretofair.search.progress import watch
from paretofair.search.rehearsal import rehearse_methods
from paretofair.search.resolve import BASELINE_METHOD
from paretofair.search.resume import check_same
from paretofair.search.space import Space, dump
from paretofair.search.stages import baseline_packs, confirm_packs, point_packs, sweep_packs
from paretofair.search.worker import Job
from paretofair.training import to_device


@dataclass(frozen=True)
class Options:
    """What a command may say beside the space: none of it changes the result of a trial."""

    output: Path
    methods: Sequence[str]
    address: str | None = None
    data_dir: Path | None = None
    require_real_data: bool = False
    time_budget: float | None = None


@dataclass
class Result:
    """How a run ended. `failed`: packs that failed every time, with the reason; `missing`: trials still to train."""

    folder: Path
    report: Report
    source: str
    trained: int = 0
    missing: int = 0
    workers: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def load_splits(space: Space, options: Options) -> Splits:
    """The data of a space, split as its protocol says: under `paper`, no validation and z-scores from all rows."""
    wanted = space.data
    if wanted.csv is not None:
        dataset = read_csv_dataset(wanted.csv.schema_named(wanted.name), Path())
    else:
        source = "real" if options.require_real_data else wanted.source
        dataset = load(wanted.name, source=source, data_dir=options.data_dir)
    if wanted.tasks:
        dataset = with_tasks(dataset, wanted.tasks)
    for attribute in dict.fromkeys(wanted.sensitive_by_task(space.tasks).values()):
        if attribute not in dataset.groups:
            dataset = with_intersection(dataset, attribute)
    paper = space.protocol == "paper"
    return split(
        dataset,
        validation=0 if paper else wanted.validation,
        split_seed=wanted.split_seed,
        scale_with_test=paper,
        test_seed=wanted.test_seed,
    )


def planned(space: Space, split_id: str, methods: Sequence[str]) -> list[Pack]:
    """Every pack of the stages that need no result of another: baselines, points and sweep."""
    size = _pack_size(space)
    packs = baseline_packs(space.baselines, split_id, space.stages.baselines.runs, size)
    for name in methods:
        packs += point_packs(space.method(name), split_id, space.seeds, size)
    # Seed by seed rather than method by method: a run that is cut short still compares every method.
    for seed in space.seeds:
        for name in methods:
            packs += sweep_packs(space.method(name), split_id, [seed], space.stages.sweep.trials, size)
    return packs


def run(space: Space, options: Options, console: Console) -> Result:
    """Trains everything that is missing and writes the exports. Messages and progress go to `console`.

    Raises DataError, or RunError where the folder holds another run's results or is in use.
    """
    deadline = None if options.time_budget is None else time.monotonic() + options.time_budget
    splits = load_splits(space, options)
    console.print(_describe(splits), highlight=False, soft_wrap=True)
    folder = options.output
    packs = planned(space, splits.split_id, options.methods)
    with opened(folder), ExitStack() as ray:
        table = TrialTable(folder)
        check_same(space, options.methods, splits, folder, table.read(), packs)
        rehearse_methods([space.baselines, *(space.method(name) for name in options.methods)], splits, packs)
        _write_settings(space, splits, folder)
        state = _State(space, options, splits, table, console, deadline, ray)
        state.train("search", packs)
        if space.stages.confirm is not None:
            if state.out_of_time or state.failed:
                console.print("The frontiers are not confirmed: the search is not complete.", style="yellow")
            else:
                again = _confirming(space, splits.split_id, options.methods, export(folder, space, table.read()).trials)
                state.train("confirm", again)
                packs = packs + again
        report = export(folder, space, table.read())
        finished = set(report.trials["trial_id"])
        missing = sum(len(pack.without(finished)) for pack in packs)
        return Result(folder, report, splits.source, state.trained, missing, state.workers, state.failed)


class _State:
    """A run in progress."""

    def __init__(
        self,
        space: Space,
        options: Options,
        splits: Splits,
        table: TrialTable,
        console: Console,
        deadline: float | None,
        ray: ExitStack,
    ) -> None:
        self._space, self._options, self._splits = space, options, splits
        self._table, self._console, self._deadline = table, console, deadline
        self._ray, self._connected = ray, False
        self.trained = 0
        self.workers = 0
        self.failed: dict[str, str] = {}
        self.out_of_time = False

    def train(self, what: str, packs: list[Pack]) -> None:
        """Trains the trials of `packs` that are not in the table."""
        before = set(self._table.read()["trial_id"])
        left = [pack for pack in (each.without(before) for each in packs) if len(pack)]
        if not left:
            return
        space = self._space
        job = Job(
            spaces=_spaces(space, self._options.methods),
            splits=self._splits,
            sensitive=space.baselines.sensitive,
            packs={pack.name: pack for pack in left},
            folder=self._options.output.resolve(),
            stack=space.resources.stack,
            compiled=compiles(space),
            tf32=space.resources.tf32,
        )
        if not self._connected:
            self._ray.enter_context(cluster(self._options.address))
            self._connected = True
        ids = {trial for pack in packs for trial in pack.trial_ids}
        with watch(self._console, what, len(ids), lambda: self._done(ids), self._hypervolume):
            outcome = run_packs(job, cpus=space.resources.cpus, gpus=space.resources.gpus, deadline=self._deadline)
        after = self._table.read()
        new = after[~after["trial_id"].isin(before)]
        self.trained += len(new)
        self.workers = max(self.workers, outcome.workers)
        if job.compiled and len(new) and ((new["stage"] == "sweep") & (new["path"] == "eager")).any():
            # Workers log the reason where nobody looks.
            self._console.print("Trials were trained uncompiled: no working C++ compiler on a worker.", style="yellow")
        if outcome.narrowed:
            words = f"A worker ran out of memory and went on with stacks of {outcome.narrowed} trials."
            self._console.print(words, style="yellow")
        self.failed |= outcome.failed
        self.out_of_time |= outcome.out_of_time

    def _done(self, ids: set[str]) -> int:
        return len(ids.intersection(self._table.read()["trial_id"]))

    def _hypervolume(self) -> str:
        point = self._space.frontiers.reference_point
        return hypervolume_so_far(self._table.read(), (point.arfg, point.are), self._space.protocol)


def export(folder: Path, space: Space, trials: pd.DataFrame) -> Report:
    """Writes every file of `folder` that follows from its trial table."""
    point = space.frontiers.reference_point
    return write_report(
        folder,
        trials,
        objectives=space.frontiers.objectives,
        reference=(point.arfg, point.are),
        protocol=space.protocol,
        sensitive=space.baselines.sensitive,
    )


def _confirming(space: Space, split_id: str, methods: Sequence[str], trials: pd.DataFrame) -> list[Pack]:
    """Packs that train every point of the ARFG-ARE frontiers again."""
    assert space.stages.confirm is not None
    points = arfg_are_points(trials, space.protocol)
    packs = []
    for name in methods:
        own = points[points["method"] == name]
        packs += confirm_packs(space.method(name), split_id, own, space.stages.confirm.runs, _pack_size(space))
    return packs


def _spaces(space: Space, methods: Sequence[str]) -> dict[tuple[str, str], MethodSpace]:
    stages = ("points", "sweep", "confirm")
    of_methods = {(stage, name): space.method(name) for stage in stages for name in methods}
    return of_methods | {("baselines", BASELINE_METHOD): space.baselines}


def compiles(space: Space) -> bool:
    """Whether the steps of the sweep are compiled. By what the space plans, not by what is left of it: a resumed run
    has the rows of an undisturbed one."""
    if space.resources.compile is not None:
        return space.resources.compile
    return space.stages.sweep.trials * len(space.seeds) >= COMPILE_FROM


def _pack_size(space: Space) -> int:
    return space.resources.pack or PACK["cuda" if space.resources.gpus else "cpu"]


def _describe(splits: Splits) -> str:
    validation = f", {len(splits.validation)} validation" if splits.validation is not None else ""
    return (
        f"{splits.name} ({splits.source} data): {len(splits.train)} training{validation}, "
        f"{len(splits.test)} test rows; tasks {', '.join(splits.tasks)}"
    )


def _write_settings(space: Space, splits: Splits, folder: Path) -> None:
    data = to_device(splits, space.baselines.sensitive, torch.device("cpu"), torch.float32)
    groups(splits, data).to_csv(folder / "groups.csv", index=False)
    for name, text in (
        ("space.yaml", dump(space)),
        ("environment.json", json.dumps(environment(splits), indent=2) + "\n"),
    ):
        partial = folder / f".{name}.partial"
        partial.write_text(text)
        os.replace(partial, folder / name)


@contextmanager
def opened(folder: Path) -> Iterator[None]:
    """The results folder, made if need be, for this process alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "w")  # noqa: SIM115 (closed below, after what it guards)
    except OSError as error:
        raise RunError(f"--output {folder} cannot be written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(f"{folder} is in use by another run; wait for it or give another --output") from None
        yield
