"""Tries networks of the user's own on the driver, so that what stacks cannot do is told before any work starts."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

import numpy as np
import torch

from paretofair.data import Splits
from paretofair.errors import SpaceError
from paretofair.search import code
from paretofair.search.build import build_method, build_network, build_settings
from paretofair.search.method_space import MethodSpace
from paretofair.search.packs import Pack, as_trials
from paretofair.training import rehearse, to_device

HINT = """Stacks run a module for many trials at once with torch.func.vmap, which allows no .item(), no branch on the
value of a tensor and no in-place change of a tensor made in forward. It gets rows (B, inputs) and returns (B, tasks).
docs/networks.md has examples."""


def rehearse_modules(spaces: Sequence[MethodSpace], splits: Splits, packs: Sequence[Pack]) -> None:
    """One gradient of two trials for every method whose network is a module.

    Raises SpaceError with the module, the method, and the line of the module where it failed.
    """
    for space in spaces:
        reference = space.network.module
        pack = next((pack for pack in packs if pack.method == space.method), None)
        if reference is None or pack is None:
            continue
        if code.digest(reference) != space.network.code:
            raise SpaceError(
                f"network.code: the source of {reference} has changed since {space.network.code} was written; "
                "remove `code` from the space file to use it as it is now"
            )
        data = to_device(splits, space.sensitive, torch.device("cpu"), torch.float32)
        trials = as_trials(pack.take(np.arange(min(2, len(pack)))), data.tasks)
        try:
            method = build_method(space)
            rehearse(data, build_network(space, data), method, trials, settings=build_settings(space, compiled=False))
        except Exception as error:
            raise SpaceError(
                f"network.module: {reference} cannot be trained by {space.method}: {type(error).__name__}: "
                f"{_first_line(error)}{_place(error, reference)}\n{HINT}"
            ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or "no message").splitlines()[0]


def _place(error: Exception, reference: str) -> str:
    """Where in the module's own file the error arose, if there."""
    file = code.source_file(reference)
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" ({file}, line {lines[-1].lineno}: {lines[-1].line})" if lines else ""
