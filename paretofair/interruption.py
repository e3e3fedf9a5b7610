"""Errors that a thread finds, and that end what the main thread is at. Imports nothing of ours."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def end_by_threads() -> Iterator[Callable[[Exception], None]]:
    """Gives a function by which another thread ends the block with an error, once.

    The main thread is interrupted as by Ctrl-C, the one thing that ends whatever it waits for, Ray included. A block in
    another thread cannot be interrupted: there the error is raised at its end. Blocks may stand in each other.
    """
    interruptible = threading.current_thread() is threading.main_thread()
    main = threading.main_thread().ident
    told: list[Exception] = []
    lock, ended = threading.Lock(), False

    def tell(error: Exception) -> None:
        with lock:
            if told or ended:
                return
            told.append(error)
            if interruptible and main is not None:
                signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, signal.default_int_handler) if interruptible else None
    try:
        yield tell
    except BaseException:
        if told:
            raise told[0] from None
        raise
    finally:
        with lock:
            ended = True
        if interruptible:
            signal.signal(signal.SIGUSR1, before)
    if told:
        raise told[0]
