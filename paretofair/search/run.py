"""One run of a space: opens its folder, trains what is missing, stage by stage, and writes the exports."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from rich.console import Console

from paretofair.data import Splits, load, read_csv_dataset, with_intersection, with_tasks
from paretofair.data.splits import SplitsBySeed
from paretofair.errors import RunError
from paretofair.report.constraints import parsed
from paretofair.report.relative import baselines, with_relative
from paretofair.report.write import Report, arfg_are_points, chosen_on, hypervolume_so_far, write_report
from paretofair.results import TrialTable
from paretofair.search.build import COMPILE_FROM, PACK, build_halving, build_sampler
from paretofair.search.engine import Outcome, cluster, run_packs
from paretofair.search.environment import environment, groups
from paretofair.search.method_space import STAGES, MethodSpace
from paretofair.search.packs import Pack
from paretofair.search.progress import watch
from paretofair.search.rehearsal import rehearse_methods
from paretofair.search.resolve import BASELINE_METHOD
from paretofair.search.resume import check_same, check_spaces
from paretofair.search.samplers import SAMPLERS, Adaptive
from paretofair.search.sources import Asked, Planned, Source, Study
from paretofair.search.space import Space, dump
from paretofair.search.stages import (
    baseline_packs,
    confirm_packs,
    own_seed,
    point_packs,
    sweep_ids,
    sweep_packs,
    tune_packs,
)
from paretofair.search.tuning import compared, frozen, setting_values
from paretofair.search.worker import Job
from paretofair.training import Curves, Halving, to_device

FAILED = "failed.json"


@dataclass(frozen=True)
class Options:
    """What a command may say beside the space: none of it changes the result of a trial."""

    output: Path
    methods: Sequence[str]
    address: str | None = None
    data_dir: Path | None = None
    require_real_data: bool = False
    time_budget: float | None = None
    retry_failed: bool = False


@dataclass
class Result:
    """How a run ended. `failed`: packs that failed every time, with the reason; `missing`: trials still to train;
    `given_up`: trials of packs that failed in earlier runs."""

    folder: Path
    report: Report
    source: str
    trained: int = 0
    missing: int = 0
    given_up: int = 0
    workers: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def load_splits(space: Space, options: Options) -> SplitsBySeed:
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
    return SplitsBySeed(
        dataset,
        validation=0 if paper else wanted.validation,
        split_seed=wanted.split_seed,
        scale_with_test=paper,
        test_seed=wanted.test_seed,
    )


def planned(space: Space, splits: SplitsBySeed, methods: Sequence[str]) -> list[Pack]:
    """Every pack that needs no result of another: baselines, points, `tune`, and an `independent` sweep."""
    size = _pack_size(space)
    split_ids = {seed: splits.id_of(seed) for seed in space.seeds}
    packs = baseline_packs(space.baselines, split_ids, space.stages.baselines.runs, size)
    for name in methods:
        packs += point_packs(space.method(name), split_ids, size)
    tune = space.stages.tune
    if tune is not None:
        of_seeds = {seed: splits.id_of(seed) for seed in tune.seeds}
        for name in methods:
            packs += tune_packs(space.method(name), of_seeds, tune.parameters, tune.settings, tune.trials, size)
    if independent(space):
        packs += _sweep(space, {name: space.method(name) for name in methods}, split_ids)
    return packs


def independent(space: Space) -> bool:
    """Whether the trials of the sweep follow from the space file alone."""
    adaptive = SAMPLERS[space.stages.sweep.sampler.name].adaptive
    return space.stages.tune is None and space.stages.sweep.successive_halving is None and not adaptive


def _sweep(space: Space, spaces: Mapping[str, MethodSpace], split_ids: Mapping[int, str]) -> list[Pack]:
    # Seed by seed rather than method by method: a run that is cut short still compares every method.
    packs = []
    for seed, split_id in split_ids.items():
        for of_method in spaces.values():
            packs += sweep_packs(of_method, {seed: split_id}, space.stages.sweep.trials, _pack_size(space))
    return packs


def run(space: Space, options: Options, console: Console) -> Result:
    """Trains everything that is missing and writes the exports. Messages and progress go to `console`.

    Raises DataError, or RunError where the folder holds another run's results or is in use.
    """
    deadline = None if options.time_budget is None else time.monotonic() + options.time_budget
    splits = load_splits(space, options)
    own = {seed: splits.of(seed) for seed in space.seeds}
    first = own[space.seeds[0]]
    console.print(_describe(first, space.data.split_of_each), highlight=False, soft_wrap=True)
    folder = options.output
    packs = planned(space, splits, options.methods)
    with opened(folder), ExitStack() as ray:
        table = TrialTable(folder)
        check_same(space, options.methods, splits, folder, table.read(), packs)
        rehearse_methods([space.baselines, *(space.method(name) for name in options.methods)], first)
        _write_settings(space, own, folder)
        state = _State(space, options, splits, table, console, deadline, ray)
        state.train("search" if independent(space) else "baselines", packs)
        if not independent(space) and state.complete():
            state.search()
        if space.stages.confirm is not None:
            if state.complete():
                again = _confirming(space, options.methods, export(folder, space, table.read()).trials)
                state.train("confirm", again)
            else:
                console.print("The frontiers are not confirmed: the search is not complete.", style="yellow")
        report = export(folder, space, table.read())
        missing = state.wanted - set(report.trials["trial_id"])
        counts = len(missing - state.given_up), len(missing & state.given_up)
        return Result(folder, report, first.source, state.trained, *counts, state.workers, state.failed)


class _State:
    """A run in progress."""

    def __init__(
        self,
        space: Space,
        options: Options,
        splits: SplitsBySeed,
        table: TrialTable,
        console: Console,
        deadline: float | None,
        ray: ExitStack,
    ) -> None:
        self._space, self._options, self._splits = space, options, splits
        self._table, self._console, self._deadline = table, console, deadline
        self._ray, self._connected = ray, False
        self._spaces = _spaces(space, options.methods)
        self._halving: Mapping[str, Halving] | None = None
        # Trials of packs that failed every time are left alone until they are asked for.
        if options.retry_failed:
            (options.output / FAILED).unlink(missing_ok=True)
        self.given_up = {trial for each in _failures(options.output).values() for trial in each["trials"]}
        self.wanted: set[str] = set()
        self.trained = 0
        self.workers = 0
        self.failed: dict[str, str] = {}
        self.out_of_time = False

    def complete(self) -> bool:
        """Whether everything that was to be trained so far has been."""
        return not self.out_of_time and not self.failed

    def train(self, what: str, packs: list[Pack]) -> None:
        """Trains the trials of `packs` that are not in the table."""
        done = self.given_up | set(self._table.read()["trial_id"])
        left = [pack for pack in (each.without(done) for each in packs) if len(pack)]
        ids = {trial for pack in packs for trial in pack.trial_ids}
        splits = {pack.split_id: self._splits.of(own_seed(pack.stage, int(pack.seeds[0]))) for pack in left}
        self._run(what, Planned(left), ids, splits)

    def search(self) -> None:
        """The sweep, where it depends on what was trained before."""
        space, trials = self._space, self._table.read().sort_values(["stage", "method", "seed", "index"])
        denominators = baselines(trials)
        spaces = {name: space.method(name) for name in self._options.methods}
        if space.stages.tune is not None:
            spaces = self._tuned(spaces, with_relative(trials, denominators))
        self._spaces = _spaces(space, self._options.methods, spaces)
        check_spaces(self._options.output, trials, self._spaces, ("sweep",))
        split_ids = {seed: self._splits.id_of(seed) for seed in space.seeds}
        splits = {split_id: self._splits.of(seed) for seed, split_id in split_ids.items()}
        of_any = next(iter(spaces.values()))
        if of_any.halving is not None:
            self._halving = {
                split_id: halving
                for split_id in splits
                if (halving := build_halving(of_any, denominators, split_id)) is not None
            }
        if not SAMPLERS[space.stages.sweep.sampler.name].adaptive:
            self.train("sweep", _sweep(space, spaces, split_ids))
            return
        before = self.given_up | set(trials["trial_id"])
        studies, ids = [], set()
        for seed, split_id in split_ids.items():
            for of_method in spaces.values():
                names = sweep_ids(of_method, split_id, seed, space.stages.sweep.trials)
                left = deque(index for index, name in enumerate(names) if name not in before)
                sampler = build_sampler(of_method, seed)
                assert isinstance(sampler, Adaptive)
                studies.append(Study(of_method, seed, split_id, sampler, left))
                ids |= set(names)
        constraints = tuple(parsed(text) for text in space.constraints)
        selected_on, _ = chosen_on(space.protocol)
        self._run("sweep", Asked(studies, self._table.read, denominators, constraints, selected_on), ids, splits)

    def _tuned(self, spaces: Mapping[str, MethodSpace], trials: pd.DataFrame) -> dict[str, MethodSpace]:
        """The spaces of the sweep, with what `tune` has chosen, which is written to `tuned.csv`."""
        tune, point = self._space.stages.tune, self._space.frontiers.reference_point
        assert tune is not None
        tables, tuned = [], {}
        for name, space in spaces.items():
            own = trials[(trials["stage"] == "tune") & (trials["method"] == name)]
            table = compared(space, own, tune.settings, tune.trials, (point.arfg, point.are))
            values = setting_values(space, tune.parameters, tune.settings)
            tables.append(table.assign(**values))
            chosen = int(table["chosen"].to_numpy().argmax())
            tuned[name] = frozen(space, {each: column[chosen].item() for each, column in values.items()})
        pd.concat(tables, ignore_index=True).to_csv(self._options.output / "tuned.csv", index=False)
        return tuned

    def _run(self, what: str, source: Source, ids: set[str], splits: Mapping[str, Splits]) -> None:
        """Trains what `source` gives; `ids` are the trials that should stand in the table afterwards."""
        self.wanted |= ids
        if source.empty():
            return
        space, before = self._space, set(self._table.read()["trial_id"])
        curves = space.curves
        job = Job(
            spaces=self._spaces,
            splits=splits,
            sensitive=space.baselines.sensitive,
            folder=self._options.output.resolve(),
            stack=space.resources.stack,
            compiled=compiles(space),
            tf32=space.resources.tf32,
            halving=self._halving,
            curves={} if curves is None else dict.fromkeys(curves.stages, Curves(curves.every, curves.contribution)),
        )
        if not self._connected:
            self._ray.enter_context(cluster(self._options.address))
            self._connected = True
        resources = space.resources
        with watch(self._console, what, len(ids), lambda: self._done(ids), self._hypervolume):
            outcome = run_packs(job, source, cpus=resources.cpus, gpus=resources.gpus, deadline=self._deadline)
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
        self.failed |= outcome.reasons
        self._give_up(outcome)
        self.out_of_time |= outcome.out_of_time

    def _give_up(self, outcome: Outcome) -> None:
        """Writes down what failed every time."""
        if not outcome.failed:
            return
        done = set(self._table.read()["trial_id"])
        failures = _failures(self._options.output)
        for name, pack in outcome.failed.items():
            failures[name] = {"reason": outcome.reasons[name], "trials": pack.without(done).trial_ids}
        _replace(self._options.output / FAILED, json.dumps(failures, indent=1) + "\n")

    def _done(self, ids: set[str]) -> int:
        return len(ids.intersection(self._table.read()["trial_id"]))

    def _hypervolume(self) -> str:
        point = self._space.frontiers.reference_point
        own = self._space.protocol, self._space.constraints
        return hypervolume_so_far(self._table.read(), (point.arfg, point.are), *own)


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
        constraints=space.constraints,
    )


def _confirming(space: Space, methods: Sequence[str], trials: pd.DataFrame) -> list[Pack]:
    """Packs that train every point of the ARFG-ARE frontiers again."""
    assert space.stages.confirm is not None
    points = arfg_are_points(trials, space.protocol)
    packs = []
    for name in methods:
        own = points[points["method"] == name]
        packs += confirm_packs(space.method(name), own, space.stages.confirm.runs, _pack_size(space))
    return packs


def _spaces(
    space: Space, methods: Sequence[str], swept: Mapping[str, MethodSpace] | None = None
) -> dict[tuple[str, str], MethodSpace]:
    """The spaces by stage and method; those of the sweep are `swept`, where they are others."""
    of_methods = {(stage, name): space.method(name) for stage in STAGES[1:] for name in methods}
    of_methods |= {("sweep", name): each for name, each in (swept or {}).items()}
    return of_methods | {("baselines", BASELINE_METHOD): space.baselines}


def compiles(space: Space) -> bool:
    """Whether the steps of the sweep are compiled. By what the space plans, not by what is left of it: a resumed run
    has the rows of an undisturbed one."""
    if space.resources.compile is not None:
        return space.resources.compile
    return space.stages.sweep.trials * len(space.seeds) >= COMPILE_FROM


def _pack_size(space: Space) -> int:
    return space.resources.pack or PACK["cuda" if space.resources.gpus else "cpu"]


def _describe(splits: Splits, of_each: bool) -> str:
    validation = f", {len(splits.validation)} validation" if splits.validation is not None else ""
    drawn = ", drawn anew for each seed" if of_each else ""
    return (
        f"{splits.name} ({splits.source} data): {len(splits.train)} training{validation}, "
        f"{len(splits.test)} test rows{drawn}; tasks {', '.join(splits.tasks)}"
    )


def _write_settings(space: Space, splits: Mapping[int, Splits], folder: Path) -> None:
    """The files that say what is run, `splits` being those of the seeds."""
    data = to_device(splits[space.seeds[0]], space.baselines.sensitive, torch.device("cpu"), torch.float32)
    groups(splits, data).to_csv(folder / "groups.csv", index=False)
    for name, text in (
        ("space.yaml", dump(space)),
        ("environment.json", json.dumps(environment(splits), indent=2) + "\n"),
    ):
        _replace(folder / name, text)


def _failures(folder: Path) -> dict[str, dict[str, Any]]:
    """What `failed.json` says of every pack that failed: the `reason` and the ids of its `trials`."""
    try:
        return dict(json.loads((folder / FAILED).read_text()))
    except FileNotFoundError:
        return {}


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    os.replace(partial, path)


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
