"""Trains a search space and writes its accuracy-fairness frontiers."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from paretofair.cli.program import make_parser, name_program
from paretofair.cli.status import duration
from paretofair.redaction import redact
from paretofair.sections import parse_duration

if TYPE_CHECKING:
    from paretofair.data import Splits
    from paretofair.runs.run import Result, RunOptions
    from paretofair.runs.stages import Context
    from paretofair.space.space import Space

EXAMPLES = """
examples:
  python launch/sweep.py --space search_spaces/mtaf_lsac.yaml
  python launch/sweep.py --space search_spaces/mtaf_lsac.yaml --trials 50 --seeds 0 --output results/quick
  python launch/sweep.py --space search_spaces/mtaf_lsac.yaml --methods vanilla,mtaf --time-budget 1h
  python launch/sweep.py --space search_spaces/mtaf_lsac.yaml --set fairness.distance=mmd --set name=mtaf_lsac_mmd
  python launch/sweep.py --space search_spaces/mtaf_lsac.yaml --address head:6379 --require-real-data
  python launch/sweep.py --space search_spaces/mtaf_lsac.yaml --dry-run

The same command again trains only what is missing; more trials, seeds or methods extend a run.
Exit codes: 0 done, 1 a failure of the program, 2 wrong input, 3 some packs failed, 130 interrupted.
"""

WRITTEN = {
    "findings.md": "what a careful reader would say of these, in sentences",
    "frontiers/all.csv": "every frontier; one file each in frontiers/<method>/",
    "tables/summary.csv": "each method at the knee of its frontiers (protocol: paper: the midpoint); more in tables/",
    "tuned.csv": "the settings that were compared, and the chosen one of each method and of each task alone",
    "audit.csv": "the points of the summary measured again for every attribute and intersection",
    "confirm.csv": "frontier points trained again with fresh seeds",
    "curves": "what was measured while trials trained",
    "baselines.csv": "single-task errors and gaps, the denominators of ARE and ARFG",
    "trials": "the trial table, one row per trial (Parquet)",
    "models": "weights of trials (resources.models says of which), for the command export",
}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    # Ray and PyTorch take seconds to import, wrong input is told before.
    from paretofair.cli.ending import run_command

    logging.basicConfig(format="%(levelname)s: %(message)s")
    # The run sets its own logger to INFO for its file: what reaches the terminal is up to this handler.
    logging.getLogger().handlers[0].setLevel(logging.DEBUG if options.verbose else logging.WARNING)
    if options.verbose:
        logging.getLogger("paretofair").setLevel(logging.DEBUG)
    return run_command(
        lambda: sweep(options, Console()),
        interrupted="Every finished stack is on disk; the same command goes on from there.",
        failed="Finished trials are kept; the same command goes on from them.",
    )


def sweep(options: argparse.Namespace, console: Console) -> int:
    """Loads the space, then plans or trains it."""
    from paretofair.space.space import load_space

    overrides = list(options.set)
    if options.trials is not None:
        overrides.append(f"stages.sweep.trials={options.trials}")
    if options.seeds is not None:
        overrides.append(f"seeds=[{options.seeds}]")
    if options.stack_size is not None:
        overrides.append(f"resources.stack={options.stack_size}")
    space = load_space(options.space, overrides)

    import pyarrow

    from paretofair.cli.ending import how_to_stop
    from paretofair.cluster.engine_choice import choose_engine
    from paretofair.runs.run import RunOptions, run

    # Of thousands of small files Arrow's own pool keeps twice what is in them.
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    methods = options.methods and [name.strip() for name in options.methods.split(",") if name.strip()]
    where = RunOptions.of(
        space,
        options.output,
        methods,
        data_dir=options.data_dir,
        require_real_data=options.require_real_data,
        time_budget=options.time_budget,
        retry_failed=options.retry_failed,
        stopping=how_to_stop(),
    )
    if options.dry_run:
        dry_run(space, where, console)
        return 0
    result = run(space, where, console, choose_engine(space.resources.engine, options.address))
    print_summary(result, space, where.methods, console)
    if result.failed:
        console.print(f"{len(result.failed)} packs failed; logs in {where.logs}:", style="red", soft_wrap=True)
        for name, reason in result.failed.items():
            console.print(f"  {name}: {reason}", markup=False, highlight=False)
    return 3 if result.failed or result.given_up else 0


def dry_run(space: Space, where: RunOptions, console: Console) -> None:
    """Prints what would be trained, without starting Ray."""
    from paretofair.cli.data.data_sheet import print_data_sheet
    from paretofair.data.sheet import describe_data
    from paretofair.results import Store, TrialTable
    from paretofair.runs.rehearsal import rehearse_methods
    from paretofair.runs.resume import check_same
    from paretofair.runs.run import find_cautions_of, load_splits
    from paretofair.runs.session import choose_metrics
    from paretofair.runs.stages import STAGE_OF, Context
    from paretofair.runs.stages.studies import check_warm_start

    check_warm_start(space)
    splits = load_splits(space, where)
    context = Context(space, where.methods, splits)
    first = splits.of(space.seeds[0])
    with TemporaryDirectory() as copies:
        folder = where.output
        if where.store is not None:
            folder = Path(copies)
            store = Store(where.store)
            store.pull_settings(folder)
            store.pull(folder, ["trials"])
        trials = TrialTable(folder, metrics=choose_metrics(space)).read()
        check_same(context, folder, trials)
    rehearse_methods([space.baselines, *(space.method(name) for name in where.methods)], first)
    of_seed = f", the split of seed {space.seeds[0]}" if space.data.split_of_each else ""
    print_data_sheet(describe_data(first), f"{first.dataset.name} ({first.dataset.source} data{of_seed})", console)
    finished = set(trials["trial_id"])
    title = f"{space.name}: {redact(where.store or str(where.output))}"
    table = Table("stage", "method", "packs", "trials", "finished", title=title)
    to_train: dict[tuple[str, str], int] = {}
    for stage in (stage for stage in STAGE_OF.values() if stage.seeds(space)):
        known = None if stage.waits(space) else stage.packs(context)
        for method in stage.methods(context.plan):
            count = stage.count(context.plan, method)
            trained = f"{stage.runs(space)} per frontier point" if count is None else f"{count:,}"
            to_train[stage.name, method] = count or 0
            if known is None:
                table.add_row(stage.name, method, "", trained, "")
            elif count:
                packs = [pack for pack in known if pack.method == method]
                left = sum(len(pack.without(finished)) for pack in packs)
                table.add_row(stage.name, method, f"{len(packs):,}", trained, f"{count - left:,}")
                to_train[stage.name, method] = left
    console.print(table)
    console.print(_estimate(context, first, to_train), highlight=False, soft_wrap=True)
    for words in [*find_cautions_of(space, first), *space.advice(where.methods)]:
        console.print(words, style="yellow", markup=False, highlight=False, soft_wrap=True)
    console.print("nothing was trained (--dry-run)")


def _estimate(context: Context, first: Splits, to_train: Mapping[tuple[str, str], int]) -> str:
    """How long the trials, by stage and method, take to train; by a few steps of each method that are timed."""
    from paretofair.runs.rehearsal import measure_epochs

    space = context.space
    if space.resources.gpus:
        return "estimated time: unknown until the first stack (resources.gpus: this command trains nothing on a GPU)"
    seconds = measure_epochs(context, first, to_train)
    workers = max(int((os.cpu_count() or 1) / space.resources.cpus), 1)
    here = f", {duration(seconds / workers)} by {workers} workers" if workers > 1 else ""
    points = "; frontier points that are trained again come on top" if space.stages.confirm is not None else ""
    return (
        f"estimated time: {duration(seconds)} by one worker{here} (a few steps were timed, good to a factor of two or "
        f"three; starting, evaluating and compiling not counted){points}"
    )


def print_summary(result: Result, space: Space, methods: Sequence[str], console: Console) -> None:
    """The table of methods and the paths written."""
    from paretofair.analysis.overview import overview
    from paretofair.cli.findings import print_findings
    from paretofair.report.captions import join_names, reference
    from paretofair.report.labels import Labels

    leading = result.report.objective_set(result.report.leading)
    labels = Labels.of(result.report)
    named = [labels.objective(each) for each in leading.objectives]
    best = [f"best {name}" for name in named]
    table = Table("method", "trials", "diverged", *best, "volume", "on test", box=box.SIMPLE)
    table.columns[0].no_wrap = True
    table.padding = (0, 1, 0, 0)
    for row in overview(result.report, methods).itertuples():
        numbers = ("-" if value != value else f"{value:.4f}" for value in row[4:])
        table.add_row(row.method, f"{row.trials:,}", f"{row.diverged:,}", *numbers)
    kept = " within the constraints" if space.constraints else ""
    table.caption = (
        f"completed trials{kept}; the best {join_names(named)} of any on {result.report.settings.selected_on}"
    )
    console.print(table)
    budgets = {name: space.trials_of(name) for name in methods}
    if len(set(budgets.values())) > 1:
        words = ", ".join(f"{count:,} trials of {name}" for name, count in budgets.items())
        console.print(f"Budgets differ: {words} for each seed; a larger search finds better frontiers.", style="yellow")
    volumes = result.report.hypervolumes_of(leading.name)
    own = volumes.groupby("method")["hypervolume"].max() if len(volumes) else {}
    beyond = [name for name in methods if name in own and not own[name]]
    if beyond:
        words = f"The volume ends at the {reference(labels, leading)} (frontiers); no point of "
        words += f"{', '.join(beyond)} is better."
        console.print(words, style="yellow", soft_wrap=True)
    print_findings(result.report, console)
    if result.missing:
        console.print(f"{result.missing:,} trials are still to be trained; the same command goes on.", style="yellow")
    if result.given_up:
        words = f"{result.given_up:,} trials failed every time and are left alone (failed.json)"
        console.print(f"{words}; --retry-failed tries them again.", style="yellow")
    by = f"{result.workers} workers" if result.workers > 1 else "one worker"
    trained = f"{result.trained:,} trials trained now by {by}" if result.trained else "nothing new"
    console.print(f"{trained}; written to {result.folder}:", highlight=False, soft_wrap=True)
    for name, what in WRITTEN.items():
        if (result.folder / name).exists():
            console.print(f"  {result.folder / name}: {what}", highlight=False, markup=False, soft_wrap=True)
    words = f"{name_program('report')} {result.folder} writes figures, LaTeX tables and report.html from these."
    console.print(words, highlight=False, markup=False, soft_wrap=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = make_parser("sweep", __doc__, EXAMPLES)
    command.add_argument("--space", required=True, type=Path, metavar="FILE", help="the search space, a YAML file")
    command.add_argument("--trials", type=int, metavar="N", help="draws per method and seed (stages.sweep.trials)")
    command.add_argument("--methods", metavar="A,B", help="only these methods of the file")
    command.add_argument("--seeds", metavar="0,1", help="seeds in place of the file's")
    command.add_argument("--stack-size", type=int, metavar="K", help="trials trained side by side (default: measured)")
    what = "results folder (default: results/<name>), or a URL as s3://bucket/run where machines share no folder"
    command.add_argument("--output", metavar="DIR", help=what)
    command.add_argument("--address", help="an existing Ray cluster (default: RAY_ADDRESS, else a local Ray)")
    command.add_argument("--data-dir", type=Path, metavar="DIR", help="where the real data sets are looked for first")
    command.add_argument("--require-real-data", action="store_true", help="fail rather than use simulated data")
    command.add_argument(
        "--time-budget", type=seconds, metavar="1h30m", help="begin no new pack after this time, then finish cleanly"
    )
    command.add_argument("--retry-failed", action="store_true", help="train again what failed every time before")
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of the file, as in a.b=1"
    )
    command.add_argument("--verbose", action="store_true", help="show what logs/run.log gets, and the workers' output")
    command.add_argument("--dry-run", action="store_true", help="say what would be trained, and stop")
    return command


def seconds(text: str) -> float:
    """A duration of the command line."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
