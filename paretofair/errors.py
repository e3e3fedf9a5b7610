"""Errors that a user can cause. Commands print their message without a traceback and exit with code 2."""

from __future__ import annotations

from paretofair.redaction import redact


class ParetofairError(Exception):
    """Base class of every error whose message is written for the user. It holds no secret of a URL."""

    def __init__(self, message: str = "") -> None:
        super().__init__(redact(message))


class SpaceError(ParetofairError):
    """A space file or a `--set` override that cannot be run as written."""


class DataError(ParetofairError):
    """A data set that cannot be found, checked, read or used."""


class RunError(ParetofairError):
    """A results folder that cannot be started, resumed or read."""


class OutageError(ParetofairError):
    """What a run needs has gone while it ran: Ray, a disk, a place. Commands exit with code 1."""
