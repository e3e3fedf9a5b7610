"""The tables of the papers beside ours.

    PARETOFAIR_DATA=... python benchmarks/published.py [--only mtaf_lsac,gcm_adult] [--seeds 10] [--time-budget 1h]
    python benchmarks/published.py --page

Says for each table how many trials are missing and about how long they take; trains them, by the space files, in
results folders under `--runs`; and adds the numbers of each method and seed that is finished to
benchmarks/results/published/TABLE.csv. These files are kept with the sources: a later command, also in a fresh
checkout, trains only methods and seeds that they lack. What was trained under other settings is dropped and trained
again. At last docs/published.md is written from these files, which `--page` does alone. Points and settings are chosen
on validation, and test is only reported.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "published"
PAGE = ROOT / "docs" / "published.md"
CORES = 2  # of the machine that times are told for

from papers.page import write_page  # noqa: E402
from papers.tables import TABLES  # noqa: E402
from papers.training import Budget, Work  # noqa: E402

from paretofair.cli.ending import run_command  # noqa: E402
from paretofair.errors import SpaceError  # noqa: E402
from paretofair.sections import parse_duration  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    kept = "What was finished is kept; the same command goes on from there."
    return run_command(lambda: publish(options), interrupted=kept, failed=kept)


def publish(options: argparse.Namespace) -> int:
    """Trains what is missing and writes the page; 3 where some is still missing."""
    check(options)
    complete = True
    if not options.page:
        budget = Budget(options.seeds, options.budget)
        every = [Work(TABLES[name], budget, options.results, options.runs, options.methods) for name in options.only]
        complete = train(every, time.time() + options.time_budget, options.dry_run)
    if options.results == RESULTS and not options.dry_run:
        write_page(PAGE, RESULTS)
        print(f"written: {PAGE}")
    return 0 if complete else 3


def check(options: argparse.Namespace) -> None:
    """Raises SpaceError for names that are no table or no method of the tables, and for a budget of nothing."""
    methods = dict.fromkeys(method for name in options.only for method in getattr(TABLES.get(name), "methods", ()))
    for option, names, accepted in (("only", options.only, TABLES), ("methods", options.methods, methods)):
        for name in names:
            if name not in accepted:
                raise SpaceError(f"--{option}: found {name!r}; accepted: {', '.join(accepted)}")
    if options.seeds < 1 or options.budget <= 0:
        raise SpaceError("--seeds and --budget: expected numbers above 0")


def train(every: list[Work], deadline: float, dry_run: bool) -> bool:
    """Says what is missing of every table and what it costs, then trains it; whether nothing is missing."""
    for work in every:
        work.collect()
        trials, seconds = work.estimate()
        words = f"{trials:,} trials to train, about {seconds / CORES:,.0f} s of {CORES} cores" if trials else "complete"
        print(f"{work.table.name}: {words}", flush=True)
    for work in every if not dry_run else ():
        if time.time() < deadline:
            work.train(deadline)
    return not any(work.missing() for work in every)


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    result = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join(TABLES)
    result.add_argument("--only", type=_words, default=list(TABLES), metavar="A,B", help=f"of these tables: {names}")
    result.add_argument("--methods", type=_words, default=[], metavar="A,B", help="only these methods of the tables")
    result.add_argument("--seeds", type=int, default=10, metavar="N", help="how many seeds, from 0 on")
    result.add_argument("--budget", type=float, default=1, metavar="X", help="times the draws of the tables")
    result.add_argument("--time-budget", type=parse_duration, default=1e9, metavar="1h", help="stop then; go on later")
    result.add_argument("--runs", type=Path, default=ROOT / "results" / "published", metavar="FOLDER")
    result.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="elsewhere, and no page")
    result.add_argument("--dry-run", action="store_true", help="only say what is missing and what it costs")
    result.add_argument("--page", action="store_true", help="only write the page")
    return result


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


if __name__ == "__main__":
    sys.exit(main())
