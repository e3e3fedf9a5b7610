"""How far a run is: a bar on a terminal or in a notebook, a plain line now and then elsewhere."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from paretofair.interruption import run_beside
from paretofair.terminal.notebook import NotebookBar

logger = logging.getLogger("paretofair")
_LINE_SECONDS = 15.0
_SHARE = 20  # what is shown takes at most one part in so many of a core, which the workers need

# Shows trials done, the rate and a note.
Show = Callable[[int, str, str], None]


class Rate:
    """Trials per second and seconds left. The first stack to finish starts the clock: Ray's start is no rate."""

    def __init__(self, done: int) -> None:
        self._begun_with = done
        self._started: float | None = None

    def text(self, done: int, total: int) -> str:
        """As in `5.1/s, 2:05 left`; empty until something has finished."""
        if self._started is None:
            if done > self._begun_with:
                self._begun_with, self._started = done, time.monotonic()
            return ""
        new, seconds = done - self._begun_with, time.monotonic() - self._started
        if new <= 0:
            return ""
        left = (total - done) * seconds / new
        return f"{new / seconds:.1f}/s, {int(left // 60)}:{int(left % 60):02d} left"


@contextmanager
def watch(console: Console, what: str, total: int, done: Callable[[], int], note: Callable[[], str]) -> Iterator[None]:
    """Shows, while the block runs, how many of `total` trials are done, the rate, the time left and a note.

    `done` and `note` are called from another thread, about once a second; in a large run, where they take long, less
    often.
    """
    rate = Rate(done())

    def follow(show: Show, seconds: float, ended: threading.Event) -> None:
        last, pause = False, seconds
        while not last:
            last = ended.wait(pause)
            started = time.monotonic()
            try:
                now, text = done(), note()
                show(now, rate.text(now, total), text)
            except Exception as error:  # a network that is away for a moment; the run does not depend on what is shown
                logger.warning("progress cannot be shown: %s", error)
            pause = max(seconds, _SHARE * (time.monotonic() - started))

    kind, seconds = (_bar, 1.0) if console.is_terminal else (_lines, _LINE_SECONDS)
    if console.is_jupyter and not console.quiet:
        kind, seconds = _cell, 1.0
    with kind(console, what, total) as show, run_beside(lambda ended: follow(show, seconds, ended)):
        yield


@contextmanager
def _bar(console: Console, what: str, total: int) -> Iterator[Show]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=total, rate="", note="")
        yield lambda now, rate, note: progress.update(task, completed=now, rate=rate, note=note)


@contextmanager
def _cell(console: Console, what: str, total: int) -> Iterator[Show]:
    bar = NotebookBar(what, total)
    yield lambda now, rate, note: bar.show(now, "  ".join(part for part in (rate, note) if part))


@contextmanager
def _lines(console: Console, what: str, total: int) -> Iterator[Show]:
    def show(now: int, rate: str, note: str) -> None:
        parts = (f"{what}: {now}/{total} trials", rate, note)
        console.print("  ".join(part for part in parts if part), soft_wrap=True, highlight=False)

    yield show
