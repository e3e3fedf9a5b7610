"""A power failure: of a folder is left what had been synced, and at most the names that had not."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest


class PowerFailure(BaseException):
    """The end of everything: what would run afterwards must not count."""


class Disk:
    """Knows what is on the disk by `os.fsync`, and lets the power fail after a number of calls to the disk.

    A file holds what it held when it was synced last, and nothing if it never was. A folder has the names that it had
    then; or, on a file system that is quicker with names than with content, those that it has now.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._content: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {root.stat().st_ino: {}}
        self._left: int | None = None
        self._sync, self._replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", self._count(self.fsync))
        monkeypatch.setattr(os, "replace", self._count(self._replace))
        self.calls = 0

    def fail_after(self, calls: int | None) -> None:
        self._left = calls

    def fsync(self, descriptor: int) -> None:
        about, path = os.fstat(descriptor), Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if stat.S_ISDIR(about.st_mode):
            self._names[about.st_ino] = _list(path)
        else:
            self._content[about.st_ino] = path.read_bytes()
        self._sync(descriptor)

    def rest(self, *, early_names: bool) -> dict[str, bytes]:
        """The files that a restart finds, by path; those that are hidden, left over from writing, do not count."""
        found: dict[str, bytes] = {}
        self._collect(self._root, self._root, early_names, found)
        return found

    def _collect(self, place: Path, folder: Path, early: bool, found: dict[str, bytes]) -> None:
        """`folder` is where the files of a folder stand now, `place` what it is called on the disk."""
        inodes = {path.stat().st_ino: path for path in self._root.rglob("*")}
        names = _list(folder) if early else self._names.get(folder.stat().st_ino, {})
        for name, inode in names.items():
            path = inodes.get(inode)
            if path is not None and path.is_dir():
                self._collect(place / name, path, early, found)
            elif not name.startswith("."):
                found[str((place / name).relative_to(self._root))] = self._content.get(inode, b"")

    def _count(self, call: Callable[..., object]) -> Callable[..., object]:
        def counted(*given: object) -> object:
            self.calls += 1
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    raise PowerFailure
            return call(*given)

        return counted


def _list(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.iterdir()}
