"""Errors that a user can cause. Commands print their message without a traceback and exit with code 2."""

from __future__ import annotations

from paretofair.redaction import redact


class ParetofairError(Exception):
    """Base class of every error whose message is written for the user. It holds no secret of a URL."""

    def __init__(self, message: str = "") -> None:
        super().__init__(redact(message))


def first_line(error: Exception) -> str:
    """What an error of somebody else's program says, as a part of a sentence of ours: its first line, or its type where
    it says nothing.

    >>> first_line(ValueError("no such thing.\\nMore of it")), first_line(KeyError())
    ('no such thing', 'KeyError')
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def last_line(text: str) -> str:
    """What a traceback says of its error: its last line, without the secrets of URLs; that nothing is known where it is
    empty, as of a worker that has died without a word.

    >>> last_line("Traceback (most recent call last):\\nValueError: no such thing\\n"), last_line("")
    ('ValueError: no such thing', 'no reason is known')
    """
    lines = redact(text).strip().splitlines()
    return lines[-1] if lines else "no reason is known"


class SpaceError(ParetofairError):
    """A space file or a `--set` override that cannot be run as written."""


class DataError(ParetofairError):
    """A data set that cannot be found, checked, read or used."""


class RunError(ParetofairError):
    """A results folder that cannot be started, resumed or read."""


class OutageError(ParetofairError):
    """What a run needs has gone while it ran: Ray, a disk, a place. Commands exit with code 1."""
