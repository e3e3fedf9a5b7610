"""Files of a results folder: they appear whole or not at all, and what has appeared stays through a power failure."""

from __future__ import annotations

import errno
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from paretofair.errors import RunError
from paretofair.redaction import redact

# What a run leaves beside its tables: its space file with every default, what it was made with, and which packs failed
# every time.
SPACE = "space.yaml"
ENVIRONMENT = "environment.json"
FAILED = "failed.json"
# A full disk, a used-up quota, a file system that has become read-only.
STORAGE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Where to write what `path`, in a folder that is made if need be, is to hold: when the block ends well it is on
    the disk and gets its name, else it is removed."""
    make_folder(path.parent)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Makes a folder and those above it that are missing, on the disk too."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    _sync(path.parent)


def _sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems of networks cannot do it for folders, and keep names without it.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


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
    """The JSON object in a file; empty where there is no file. Earlier versions left the secrets of URLs in it."""
    try:
        return dict(json.loads(redact(path.read_text())))
    except FileNotFoundError:
        return {}
