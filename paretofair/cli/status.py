"""Shows how far a run is, from its results folder alone: while it runs or after, from another machine too."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from paretofair.cli.program import make_parser

if TYPE_CHECKING:
    from paretofair.runs.status import Status

EXAMPLES = """
examples:
  python launch/status.py results/mtaf_lsac
  python launch/status.py results/mtaf_lsac --watch 10

Exit codes: 0 no pack has failed for good, 1 a failure of the program, 2 wrong input, 3 some packs failed every time,
130 interrupted, as is the end of --watch.
"""

_MOST_FAILURES = 10


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    # It takes half a second to import; wrong options are told before.
    from paretofair.cli.ending import run_command

    return run_command(lambda: show(options, Console()), failed="The run is not touched by it.")


def show(options: argparse.Namespace, console: Console) -> int:
    """Prints the status, with `--watch` again and again; the exit code."""
    from paretofair.runs.status import StatusReader

    run = StatusReader(options.run)
    status = run.status()
    if options.watch is None:
        # What is read by another program is not cut into lines.
        console.print(view(status, options.run), soft_wrap=not console.is_terminal)
    elif console.is_terminal:
        with Live(view(status, options.run), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(options.watch)
                live.update(view(run.status(), options.run), refresh=True)
    else:
        while True:
            console.print(view(run.status(), options.run), soft_wrap=True)
            time.sleep(options.watch)
    return 3 if status.given_up else 0


def view(status: Status, folder: Path) -> Group:
    """Everything that is known, what matters most first."""
    parts: list[RenderableType] = [Text.assemble((status.name, "bold"), f" in {folder}")]
    if "simulated" in status.sources:
        parts.append(Text("SIMULATED data: these numbers say nothing about real people.", style="bold yellow"))
    parts += [Text(driver(status)), Text(tell_progress(status)), stages(status)]
    if status.not_asked:
        parts.append(Text(f"Not asked for so far: {', '.join(status.not_asked)} (--methods)."))
    if status.others:
        parts.append(Text(f"{status.others:,} more trials in the table are not, or no longer, planned."))
    if len(status.front):
        from paretofair.report.captions import frontiers, join_names
        from paretofair.report.labels import PLAIN

        best = join_names([PLAIN.objective(each) for each in status.leading.objectives])
        words = (
            f"Fronts so far: hypervolume of {frontiers(PLAIN, status.leading)}, and the best {best} of any trial, on"
        )
        parts += [Text(f"{words} {status.selected_on}."), front(status)]
    failures = status.failures[:_MOST_FAILURES]
    if failures:
        parts.append(Text(f"{len(status.failures)} packs failed; logs in {folder / 'logs'}:", style="red"))
        parts += [Text(f"  {each.pack} ({tries(each.tries)}): {each.reason}") for each in failures]
        if len(status.failures) > len(failures):
            parts.append(Text(f"  and {len(status.failures) - len(failures)} more"))
    return Group(*parts)


def driver(status: Status) -> str:
    """Whether somebody works on the folder."""
    at_work = {True: "A driver is at work", False: "No driver at work on this machine", None: "The folder has no lock"}
    newest = f"the newest trial is {duration(status.age)} old" if status.age == status.age else "no trial has ended yet"
    return f"{at_work[status.driver]}; {newest}."


def tell_progress(status: Status) -> str:
    """Trials, rate and time left on one line."""
    finished, planned = (sum(getattr(each, name) or 0 for each in status.progress) for name in ("finished", "planned"))
    parts = [f"{finished:,} of {planned:,} trials"]
    diverged = sum(each.diverged for each in status.progress)
    if diverged:
        parts.append(f"{diverged:,} diverged")
    left = sum(each.left for each in status.progress)
    if status.per_minute == status.per_minute:
        parts.append(f"{status.per_minute:,.1f} per minute")
        parts += [f"{duration(left * 60 / status.per_minute)} left"] if left else []
    if any(each.planned is None for each in status.progress):
        parts.append("confirm comes on top")
    return ", ".join(parts) + "."


def stages(status: Status) -> Table:
    """Trials by stage and method; columns of nothing but zeros are left out."""
    names = ["finished", "planned", "diverged", "stopped", "failed"]
    rows = []
    for each in status.progress:
        planned = "?" if each.planned is None else each.planned
        rows.append((each.stage, each.method, each.finished, planned, each.diverged, each.stopped, each.failed))
    used = [place for place, name in enumerate(names, 2) if place < 4 or any(row[place] for row in rows)]
    table = _table("stage", "method", *(names[place - 2] for place in used))
    for row in rows:
        table.add_row(*row[:2], *(f"{row[place]:,}" if row[place] != "?" else "?" for place in used))
    return table


def front(status: Status) -> Table:
    """What the front of every method has come to."""
    from paretofair.report.labels import PLAIN

    table = _table("method", "volume", "on test", *map(PLAIN.objective, status.leading.objectives))
    numbers = status.front.set_index("method")[["hypervolume", "test_hypervolume", *status.leading.names]]
    for method, values in numbers.iterrows():
        table.add_row(str(method), *(f"{value:.3f}" for value in values))
    return table


def _table(*columns: str) -> Table:
    """A table that narrows by folding the names of methods."""
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, collapse_padding=True)
    for name in columns:
        words = name in ("stage", "method")
        table.add_column(name, no_wrap=name != "method", overflow="fold", justify="left" if words else "right")
    return table


def tries(count: int) -> str:
    """How often a pack was tried, and what comes."""
    from paretofair.runs.jobs import TRIES

    return f"failed {count} times" if count >= TRIES else f"try {count} of {TRIES}"


def duration(seconds: float) -> str:
    """`12 s`, `12 min` or `3 h 05 min`.

    >>> duration(11_100)
    '3 h 05 min'
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60:02d} min"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = make_parser("status", __doc__, EXAMPLES)
    command.add_argument("run", type=Path, metavar="RUN", help="results folder of a sweep")
    command.add_argument("--watch", type=period, metavar="SECONDS", help="show it again and again, until Ctrl-C")
    return command


def period(text: str) -> float:
    """A number of seconds, at least 1."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected seconds from 1 to 86400, as in 10")
    return seconds
