"""Files of a results folder: where they stand, that they appear whole or not at all, and that what has appeared stays
through a power failure.

What is read may stand anywhere, also behind a symbolic link; what is written or removed stands in the folder itself.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pandas as pd

from paretofair.errors import RunError, first_line
from paretofair.redaction import redact

# What a run leaves beside its tables: its space file with every default, what it was made with, and which packs failed
# every time.
SPACE = "space.yaml"
ENVIRONMENT = "environment.json"
FAILED = "failed.json"
# How far the samples of methods that train on samples are like the training rows.
DESCRIPTORS = "descriptors.csv"
# A full disk, a used-up quota, a file system that has become read-only.
STORAGE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_MOST = 64_000_000  # bytes of a text file


def inside(folder: Path, name: str) -> Path:
    """The place of a file in a results folder that is to be written or removed, by its name with `/`.

    Every path in an output is decided here. Raises RunError for a name that leads elsewhere: by itself, or because a
    symbolic link stands in the way, which is never followed.
    """
    parts = PurePosixPath(name).parts
    if not parts or any(part in ("/", "..") or "\\" in part or "\0" in part for part in parts):
        raise RunError(f"{folder}: found {name!r}; expected the name of a file in the folder")
    path = folder
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise RunError(f"{path}: is a symbolic link, which is not followed; remove it")
    return path


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Where to write what `path`, in a folder that is made if need be, is to hold: when the block ends well it is on
    the disk and gets its name, else it is removed. Raises RunError where a folder or a pipe has that name."""
    if os.path.lexists(path) and not path.is_symlink():
        check_file(path)
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
    """Makes a folder and those above it that are missing, on the disk too.

    Raises RunError where a file, a pipe or a link to nowhere has that name.
    """
    if path.is_dir():
        return
    if os.path.lexists(path):
        raise RunError(f"{path}: is no folder, and one is needed there; move it away")
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    _sync(path.parent)


def open_lock(path: Path) -> IO[str]:
    """A file to be locked, made if need be. It is neither followed where it is a link, nor truncated: it may be
    somebody's file. Raises OSError."""
    return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666))


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
    if not os.path.lexists(path):
        raise RunError(f"there is no {path}; RUN is the results folder that a sweep has written")
    check_file(path)
    return path


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is no file. Earlier versions left the secrets of URLs in it.

    Raises RunError for a file with anything else.
    """
    text = read_text(path)
    if text is None:
        return {}
    try:
        found = json.loads(redact(text))
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: not readable JSON ({first_line(error)})") from None
    if not isinstance(found, dict):
        raise RunError(f"{path}: found {_name(found)}; expected a JSON object")
    return found


def read_text(path: Path) -> str | None:
    """The text of a file; None where there is no file. Raises RunError for what is none."""
    try:
        check_file(path)
        if path.stat().st_size > _MOST:
            raise RunError(f"{path}: has {path.stat().st_size:,} bytes; at most {_MOST:,} are read")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read ({first_line(error)})") from None


def read_csv(path: Path, columns: dict[str, type | str], **options: Any) -> pd.DataFrame:
    """A CSV file with at least these `columns`, each of the type that it is given here.

    Raises RunError for a file that is none, lacks a column or has other values in it.
    """
    try:
        check_file(path)
        table = pd.read_csv(path, **options)
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: not a readable CSV file ({first_line(error)})") from None
    missing = [name for name in columns if name not in table]
    if missing:
        raise RunError(f"{path} has no column {', '.join(missing)}")
    for name, kind in columns.items():
        try:
            table[name] = table[name].astype(kind)
        except (ValueError, TypeError) as error:
            raise RunError(f"{path}: column {name}: {first_line(error)}") from None
    return table


def check_file(path: Path) -> None:
    """Raises RunError for what is no file: a folder, a link that leads nowhere, or a pipe, which a reader would wait
    for."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        if path.is_symlink():
            raise RunError(f"{path}: is a symbolic link that leads nowhere") from None
        raise
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise RunError(f"{path}: is {what}; expected a file")


def _name(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")
