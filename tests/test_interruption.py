"""Errors that other threads find end the main one."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from paretofair.interruption import end_by_threads, keep_handler


def later(work: Callable[[], object], seconds: float = 0.05) -> None:
    threading.Timer(seconds, work).start()


def test_what_the_main_thread_waits_for_is_interrupted():
    before = signal.getsignal(signal.SIGUSR2)

    def work() -> None:
        with end_by_threads() as end:
            later(lambda: end(ValueError("the network is gone")))
            time.sleep(600)

    with pytest.raises(ValueError, match="the network is gone"):
        work()
    assert signal.getsignal(signal.SIGUSR2) is before


def test_only_the_first_error_counts_and_none_after_the_end():
    kept = []

    def work() -> None:
        with end_by_threads() as end:
            kept.append(end)
            later(lambda: [end(ValueError("first")), end(ValueError("second"))])
            time.sleep(600)

    with pytest.raises(ValueError, match="first"):
        work()
    kept[0](ValueError("too late"))
    time.sleep(0.05)


def test_blocks_in_each_other():
    inner_ended = []

    def work() -> None:
        with end_by_threads() as end, end_by_threads():
            later(lambda: end(ValueError("of the outer one")))
            try:
                time.sleep(600)
            finally:
                inner_ended.append(True)

    with pytest.raises(ValueError, match="of the outer one"):
        work()
    assert inner_ended


def test_ctrl_c_and_errors_of_the_block_stay_what_they_are():
    with pytest.raises(KeyboardInterrupt), end_by_threads():
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyError), end_by_threads():
        raise KeyError("own")


def test_in_another_thread_the_error_is_raised_at_the_end():
    found = []

    def work() -> None:
        try:
            with end_by_threads() as end:
                end(ValueError("told"))
                found.append("went on")
        except ValueError as error:
            found.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == ["went on", "told"]


@pytest.mark.parametrize("moment", range(40))
def test_an_error_that_is_told_while_the_block_ends(moment):
    """At every line that Python runs from the end of the block on: the error is raised or comes too late."""
    before, count, ending = signal.getsignal(signal.SIGUSR2), 0, False
    block = end_by_threads()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if not ending or "interruption" not in frame.f_code.co_filename:
            return trace
        if count == moment:
            sys.settrace(None)
            thread = threading.Thread(target=tell, args=(ValueError("told"),))
            thread.start()
            thread.join(0.2)
        count += 1
        return trace

    with contextlib.suppress(ValueError):
        try:
            with block as tell:
                sys.settrace(trace)
                ending = True
        finally:
            sys.settrace(None)
    time.sleep(0.01)
    assert signal.getsignal(signal.SIGUSR2) is before
    tell(ValueError("too late"))
    time.sleep(0.01)


def test_what_handled_a_signal_does_so_again():
    def work(*_: object) -> None:
        pass

    with keep_handler(signal.SIGUSR2):
        signal.signal(signal.SIGUSR2, work)
        with keep_handler(signal.SIGUSR2):
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGUSR2) is work


def test_a_handler_of_c_code_cannot_be_put_back(monkeypatch):
    """Python knows no name for it."""
    before = signal.getsignal(signal.SIGUSR2)
    try:
        monkeypatch.setattr(signal, "getsignal", lambda _: None)
        with end_by_threads():
            pass
        with keep_handler(signal.SIGTERM), keep_handler(signal.SIGUSR2):
            pass
        monkeypatch.undo()
        assert signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGUSR2, before)
