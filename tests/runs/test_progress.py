"""What is shown while a run works."""

from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console

from paretofair.runs import progress
from paretofair.runs.progress import watch
from tests.launch.processes import wait_for


@pytest.fixture
def shown(monkeypatch) -> io.StringIO:
    """What a console that is no terminal gets, a line every few milliseconds."""
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.01)
    return io.StringIO()


def test_lines_tell_how_far_it_is(shown):
    done = iter(range(1000))
    with watch(Console(file=shown, width=200), "search", 1000, lambda: next(done), lambda: "hypervolume a 0.1"):
        assert wait_for(lambda: shown.getvalue().count("\n") >= 3)
    lines = shown.getvalue().splitlines()
    assert lines[0].startswith("search: 1/1000 trials")
    assert "/s, " in lines[-1]
    assert lines[-1].endswith("hypervolume a 0.1")


def test_what_cannot_be_shown_now_is_shown_later(shown, caplog):
    """A network that is away for a moment."""
    calls = 0

    def done() -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError("no route")
        return calls

    with caplog.at_level(logging.WARNING, "paretofair"), watch(Console(file=shown), "search", 9, done, lambda: ""):
        assert wait_for(lambda: "search: 3/9 trials" in shown.getvalue())
    assert "progress cannot be shown: no route" in caplog.text
