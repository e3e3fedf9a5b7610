"""What other threads do beside the main one, and the errors by which they end it. Imports nothing of ours."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from traceback import walk_stack
from types import FrameType, TracebackType
from typing import Any


def end_by_threads() -> AbstractContextManager[Callable[[Exception], None]]:
    """Gives a function by which another thread ends the block with an error, once.

    The main thread is interrupted as by Ctrl-C, the one thing that ends whatever it waits for, Ray included. A block in
    another thread cannot be interrupted: there the error is raised at its end. Blocks may stand in each other.
    """
    return _Block()


@contextmanager
def run_beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Runs `work` in another thread beside the block. The event that it is given says that the block has ended, which
    waits for it."""
    ended = threading.Event()
    thread = threading.Thread(target=work, args=(ended,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class _Block:
    """A block of `end_by_threads`. The signal is SIGUSR2: Ray Tune takes SIGUSR1 for itself."""

    def __init__(self) -> None:
        self._told: list[Exception] = []
        self._lock = threading.Lock()
        self._over = False  # nobody may tell an error any more
        self._due = False  # an interrupt has been sent and was not raised yet
        self._main: int | None = None
        self._before: Any = None

    def __enter__(self) -> Callable[[Exception], None]:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGUSR2)
            signal.signal(signal.SIGUSR2, self._interrupt)
            self._main = threading.get_ident()
        return self._tell

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with self._lock:
            self._over = True
        if self._main is not None:
            put_back(signal.SIGUSR2, self._before)
        if self._told:
            raise self._told[0] from None

    def _tell(self, error: Exception) -> None:
        with self._lock:
            if self._told or self._over:
                return
            self._told.append(error)
            if self._main is not None:
                self._due = True
                signal.pthread_kill(self._main, signal.SIGUSR2)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._due and not self._is_ending(frame):
            self._due = False
            raise KeyboardInterrupt
        if callable(self._before):  # as that of a block around this one
            self._before(number, frame)

    def _is_ending(self, frame: FrameType | None) -> bool:
        """Whether `__exit__` runs, which raises the error itself."""
        code = _Block.__exit__.__code__
        return any(each.f_code is code and each.f_locals["self"] is self for each, _ in walk_stack(frame))


@contextmanager
def keep_handler(number: signal.Signals) -> Iterator[None]:
    """Whatever handles a signal in the block, what handled it before does so afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(number)
    try:
        yield
    finally:
        put_back(number, before)


def put_back(number: signal.Signals, before: Any) -> None:
    """Lets `before`, which `signal.getsignal` gave, handle a signal again; the default in place of a handler of C code,
    which Python cannot install."""
    signal.signal(number, signal.SIG_DFL if before is None else before)
