"""Errors that other threads find end the main one."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import pytest

from paretofair.interruption import end_by_threads


def later(work: Callable[[], object], seconds: float = 0.05) -> None:
    threading.Timer(seconds, work).start()


def test_what_the_main_thread_waits_for_is_interrupted():
    before = signal.getsignal(signal.SIGUSR1)

    def work() -> None:
        with end_by_threads() as end:
            later(lambda: end(ValueError("the network is gone")))
            time.sleep(600)

    with pytest.raises(ValueError, match="the network is gone"):
        work()
    assert signal.getsignal(signal.SIGUSR1) is before


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
