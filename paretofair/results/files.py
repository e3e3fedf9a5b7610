"""Files of a results folder: they appear whole or not at all."""

from __future__ import annotations

import json
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from paretofair.errors import RunError

# What a run leaves beside its tables: its space file with every default, what it was made with, and which packs failed
# every time.
SPACE = "space.yaml"
ENVIRONMENT = "environment.json"
FAILED = "failed.json"


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Where to write what `path`, in a folder that is made if need be, is to hold: it gets its name when the block ends
    well, and is removed otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Writes a file that appears whole or not at all."""
    with write_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def write_csv(path: Path, frame: pd.DataFrame) -> Path:
    """Writes a table without its index, whole or not at all."""
    with write_whole(path) as partial:
        frame.to_csv(partial, index=False)
    return path


def space_file(folder: Path) -> Path:
    """The space file of a results folder. Raises RunError where there is none."""
    path = folder / SPACE
    if not path.exists():
        raise RunError(f"there is no {path}; RUN is the results folder that launch/sweep.py has written")
    return path


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is no file."""
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}


def check_file(path: Path) -> None:
    """Raises RunError for what is no file: a folder, or a pipe, which a reader would wait for."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise RunError(f"{path}: is {what}; expected a file")
