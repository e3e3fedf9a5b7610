"""One run of a space: opens its folder, trains what is missing, stage by stage, and writes the exports."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from paretofair.analysis.counts import LEAST_ROWS
from paretofair.analysis.results import Results, read_settings
from paretofair.data import Splits, join_datasets, load, read_csv_dataset, with_intersection, with_tasks
from paretofair.data.cautions import find_cautions
from paretofair.data.splits import SplitsBySeed
from paretofair.errors import SpaceError
from paretofair.redaction import redact
from paretofair.report.write import write_report
from paretofair.results import Store, TrialTable, is_url
from paretofair.results.checkpoints import remove_checkpoints
from paretofair.results.files import FAILED, inside
from paretofair.results.lease import hold_lease
from paretofair.runs.environment import write_settings
from paretofair.runs.folder import LOG, check_place, log_to, open_folder, put_aside
from paretofair.runs.jobs import Engine
from paretofair.runs.rehearsal import describe_samples, estimate_seconds, rehearse_methods
from paretofair.runs.resume import check_same
from paretofair.runs.session import Session, choose_metrics, derive_columns
from paretofair.runs.stages import Context
from paretofair.runs.stages.studies import check_warm_start
from paretofair.space.space import Space

logger = logging.getLogger("paretofair")
_SHOWN = 10  # lines on the data when a run starts; its log has them all


@dataclass(frozen=True)
class RunOptions:
    """What a command may say beside the space: none of it changes the result of a trial. `store`: the URL that workers
    write to where they cannot write to `output`, which then holds copies. `stopping`: said when training begins.
    `exports`: whether to write what follows from the trial table."""

    output: Path
    methods: Sequence[str]
    data_dir: Path | None = None
    require_real_data: bool = False
    time_budget: float | None = None
    retry_failed: bool = False
    store: str | None = None
    stopping: str = ""
    exports: bool = True

    @classmethod
    def of(
        cls, space: Space, output: str | Path | None, methods: Sequence[str] | None = None, **others: Any
    ) -> RunOptions:
        """Those of a command: `output` is a folder or a URL, by default `results/<name>`, `methods` are some of the
        space's, by default all.

        Raises SpaceError for another method, RunError for a URL that no file system has.
        """
        names = list(dict.fromkeys(space.methods if methods is None else methods))
        for name in names:
            if name not in space.methods:
                raise SpaceError(f"--methods: `{name}` is not in the space file. Accepted: {', '.join(space.methods)}")
        if not names:
            raise SpaceError(f"--methods: names no method. Accepted: {', '.join(space.methods)}")
        url = output if isinstance(output, str) and is_url(output) else None
        return cls(cls.find_folder(output or Path("results") / space.name), names, store=url, **others)

    @staticmethod
    def find_folder(output: str | Path) -> Path:
        """The folder of an output; of a URL the one that holds copies. Raises RunError for a URL that no file system
        has."""
        return Path("results") / Store(output).name if isinstance(output, str) and is_url(output) else Path(output)

    @property
    def logs(self) -> str:
        """Where the logs of packs that failed are."""
        return str(self.output / "logs") if self.store is None else redact(Store(self.store).inside("logs"))


@dataclass
class Result:
    """How a run ended. `failed`: packs that failed every time, with the reason; `missing`: trials still to train;
    `given_up`: trials of packs that failed in earlier runs."""

    folder: Path
    report: Results
    source: str
    trained: int = 0
    missing: int = 0
    given_up: int = 0
    workers: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def load_splits(space: Space, options: RunOptions) -> SplitsBySeed:
    """The data of a space, split as its protocol says: under `paper`, no validation and z-scores from all rows."""
    wanted = space.data
    if wanted.csv is not None:
        dataset = read_csv_dataset(wanted.csv, name=wanted.name)
    elif wanted.sources:
        read = {name: read_csv_dataset(each, name=name) for name, each in wanted.sources.items()}
        dataset = join_datasets(wanted.name, read)
    else:
        source = "real" if options.require_real_data else wanted.source
        dataset = load(wanted.name, source=source, data_dir=options.data_dir, options=wanted.options)
    space.check_labels(dataset.tasks, dataset.group_names)
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


def find_cautions_of(space: Space, splits: Splits) -> list[str]:
    """What a user should know of the data of a space before training, a line each: how they were read, and what they
    hold."""
    own_columns = {name: each.column for name, each in space.data.attributes_of_files.items()}
    return [*splits.dataset.notes, *find_cautions(splits, LEAST_ROWS, own_columns, whole=len(space.data.files) == 1)]


def run(space: Space, options: RunOptions, console: Console, engine: Engine) -> Result:
    """Trains everything that is missing on `engine` and writes the exports. Messages and progress go to `console`.

    Raises DataError, or RunError where the folder holds another run's results or is in use.
    """
    deadline = None if options.time_budget is None else time.monotonic() + options.time_budget
    splits = load_splits(space, options)
    first = splits.of(space.seeds[0])
    console.print(_describe(first, space.data.split_of_each), highlight=False, soft_wrap=True)
    if torch.cuda.is_available() and not space.resources.gpus:
        words = "This machine has a GPU that is not used: resources.gpus is 0 (--set resources.gpus=1 uses one a pack)."
        console.print(words, style="yellow")
    cautions = find_cautions_of(space, first)
    for words in [*cautions[:_SHOWN], *space.advice(options.methods)]:
        console.print(words, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if len(cautions) > _SHOWN:
        console.print(f"{len(cautions) - _SHOWN} more such lines are in {LOG} and --dry-run.", style="yellow")
    folder = options.output
    check_warm_start(space)
    context = Context(space, options.methods, splits, folder, console)
    with open_folder(folder), log_to(folder), ExitStack() as entered:
        logger.info("%s: %s, methods %s", space.name, first.dataset.source, ", ".join(options.methods))
        for words in cautions:
            logger.info(words)
        check_place(folder, options.store)
        store = None if options.store is None else Store(options.store)
        if store is not None:
            entered.enter_context(hold_lease(store))
            store.pull_settings(folder)
        table = TrialTable(
            folder,
            metrics=choose_metrics(space),
            derive=derive_columns(space, folder),
            store=store,
            damaged=put_aside(folder, store, console),
        )
        check_same(context, folder, table.read())
        rehearse_methods([space.baselines, *(space.method(name) for name in options.methods)], first)
        describe_samples([space.method(name) for name in options.methods], first, folder)
        write_settings(context, options.store)
        if options.retry_failed:
            inside(folder, FAILED).unlink(missing_ok=True)
        if store is not None:
            store.push_settings(folder)

        @functools.cache
        def connected() -> None:
            entered.enter_context(engine.connect(lambda: estimate_seconds(context, first, table.read())))
            if options.stopping:
                console.print(options.stopping, markup=False, highlight=False, soft_wrap=True)

        state = Session(context, table, options.store, deadline, engine, connected)
        state.train()
        report = export(folder) if options.exports else _read_results(folder)
        if store is not None:
            store.push(folder)
        missing = state.wanted - set(report.trials["trial_id"])
        if not missing and not state.not_begun:
            remove_checkpoints(folder if store is None else store)
        logger.info("done: %d trials trained, %d missing", state.trained, len(missing))
        counts = len(missing - state.given_up) + state.not_begun, len(missing & state.given_up)
        return Result(folder, report, first.dataset.source, state.trained, *counts, state.workers, state.failed)


def export(folder: Path) -> Results:
    """Writes every file of `folder` that follows from its trial table."""
    results = _read_results(folder)
    write_report(results, folder)
    return results


def _read_results(folder: Path) -> Results:
    """The results of a run."""
    table = TrialTable(folder)
    trials = table.read()
    settings = read_settings(folder, table.schema.task_names)
    return Results.of(trials, settings, [folder], schema=table.schema)


def _describe(splits: Splits, of_each: bool) -> str:
    validation = f", {len(splits.validation)} validation" if splits.validation is not None else ""
    drawn = ", drawn anew for each seed" if of_each else ""
    return (
        f"{splits.dataset.name} ({splits.dataset.source} data): {len(splits.train)} training{validation}, "
        f"{len(splits.test)} test rows{drawn}; tasks {', '.join(splits.tasks)}"
    )
