"""How far a long piece of work is: a bar on a terminal and in a notebook, elsewhere a line of the log now and then."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from paretofair.terminal.notebook import NotebookBar

logger = logging.getLogger("paretofair")
_LINE_SECONDS, _BAR_SECONDS = 15.0, 0.5
Tell = Callable[[int], None]


@contextmanager
def show_progress(words: str, total: int, done: int = 0) -> Iterator[Tell]:
    """Gives a function that is told, from any thread, how many more of `total` are done; `done` are from the start."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if console.is_terminal:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(words, total=total, completed=done)
            yield lambda count: progress.advance(task, count)
        return
    bar = NotebookBar(words, total, done) if console.is_jupyter else None
    lock, last = threading.Lock(), time.monotonic()

    def tell(count: int) -> None:
        nonlocal done, last
        with lock:
            done += count
            if bar is not None and (done >= total or time.monotonic() - last > _BAR_SECONDS):
                last = time.monotonic()
                bar.show(done)
            elif bar is None and time.monotonic() - last > _LINE_SECONDS:
                last = time.monotonic()
                logger.info("%s: %s of %s done", words, f"{done:,}", f"{total:,}")

    yield tell
