"""How far a run is: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

_LINE_SECONDS = 15.0


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

    `done` and `note` are called from another thread, about once a second.
    """
    stop = threading.Event()
    show = _bar if console.is_terminal else _lines
    thread = threading.Thread(target=show, args=(console, what, total, done, note, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _bar(
    console: Console,
    what: str,
    total: int,
    done: Callable[[], int],
    note: Callable[[], str],
    stop: threading.Event,
) -> None:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        rate = Rate(done())
        task = progress.add_task(what, total=total, rate="", note="")
        while True:
            ended = stop.wait(1)
            now = done()
            progress.update(task, completed=now, rate=rate.text(now, total), note=note())
            if ended:
                return


def _lines(
    console: Console,
    what: str,
    total: int,
    done: Callable[[], int],
    note: Callable[[], str],
    stop: threading.Event,
) -> None:
    rate = Rate(done())
    while True:
        ended = stop.wait(_LINE_SECONDS)
        now = done()
        parts = [f"{what}: {now}/{total} trials", rate.text(now, total), note()]
        console.print("  ".join(part for part in parts if part), soft_wrap=True, highlight=False)
        if ended:
            return
