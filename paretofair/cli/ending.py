"""How every command ends: messages for people and exit codes."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress

from rich.console import Console

from paretofair.errors import OutageError, ParetofairError
from paretofair.redaction import redact
from paretofair.results.files import STORAGE


def how_to_stop() -> str:
    """What ends this process: Ctrl-C does nothing in a background job of a script, which starts with SIGINT ignored."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    way = f"`kill {os.getpid()}`" if ignored else "Ctrl-C"
    return f"Stop it with {way}; the same command goes on from there."


def run_command(work: Callable[[], int], *, interrupted: str = "", failed: str = "") -> int:
    """The exit code of `work`: its own, 2 for wrong input, 130 for Ctrl-C or a termination signal, 1 for a failure.

    `interrupted` says what the user has of it then, `failed` what there is after a failure.
    """
    errors = Console(stderr=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # What `nohup` has switched off stays so.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        return work()
    except OutageError as error:
        _tell(errors, str(error), failed)
        return 1
    except ParetofairError as error:
        _tell(errors, str(error))
        return 2
    except KeyboardInterrupt:
        # Ray needs a second more to end; a second Ctrl-C would make it print where it was.
        for ending in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ending, signal.SIG_IGN)
        if interrupted:
            with suppress(OSError):  # a terminal that is gone
                errors.print(f"\nInterrupted. {interrupted}", soft_wrap=True)
        return 130
    except Exception as error:
        if isinstance(error, OSError) and error.errno in STORAGE:
            place = f"{error.filename}: " if error.filename else ""
            _tell(errors, f"{place}{error.strerror}", failed)
        else:
            errors.print(redact(traceback.format_exc()), markup=False, highlight=False)
            _tell(errors, "the program failed.", failed)
        return 1


def _tell(errors: Console, message: str, advice: str = "") -> None:
    errors.print(f"error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    if advice:
        errors.print(advice, markup=False, highlight=False, soft_wrap=True)
