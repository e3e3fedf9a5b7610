"""What an earlier report left in the same folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path


def remove_earlier(folder: Path, names: Iterable[str], written: Collection[Path]) -> None:
    """Removes the files of `folder` that a report could have written by these `names` (glob patterns) and this one has
    not `written`, and the folders that are empty then."""
    found = {path for name in names for path in folder.glob(name) if path.is_file()}
    for path in found.difference(written):
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
