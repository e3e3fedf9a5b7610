"""The results folder of a run: one driver at a time, and the files that say what was run and what failed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from paretofair.data import Splits
from paretofair.errors import RunError
from paretofair.search.environment import environment, groups
from paretofair.search.space import Space, dump
from paretofair.training import to_device

FAILED = "failed.json"


def write_settings(space: Space, splits: Mapping[int, Splits], folder: Path) -> None:
    """The files that say what is run, `splits` being those of the seeds."""
    data = to_device(splits[space.seeds[0]], space.baselines.sensitive, torch.device("cpu"), torch.float32)
    groups(splits, data).to_csv(folder / "groups.csv", index=False)
    for name, text in (
        ("space.yaml", dump(space)),
        ("environment.json", json.dumps(environment(splits), indent=2) + "\n"),
    ):
        replace(folder / name, text)


def failures(folder: Path) -> dict[str, dict[str, Any]]:
    """What `failed.json` says of every pack that failed: the `reason` and the ids of its `trials`."""
    try:
        return dict(json.loads((folder / FAILED).read_text()))
    except FileNotFoundError:
        return {}


def replace(path: Path, text: str) -> None:
    """Writes a file that appears whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    os.replace(partial, path)


@contextmanager
def opened(folder: Path) -> Iterator[None]:
    """The results folder, made if need be, for this process alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "w")  # noqa: SIM115 (closed below, after what it guards)
    except OSError as error:
        raise RunError(f"--output {folder} cannot be written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(f"{folder} is in use by another run; wait for it or give another --output") from None
        yield
