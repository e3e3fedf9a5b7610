"""Where a report writes, and what it removes of an earlier one: nothing that it reads or that somebody else made.

A manifest in the folder lists what reports have written there; nothing else is ever removed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from paretofair.analysis.results import Results
from paretofair.errors import RunError
from paretofair.results.files import inside, read_json, write_text

MANIFEST = ".report.json"
_FILES = "files"


def place_file(results: Results, folder: Path, name: str) -> Path:
    """Where a file of a report goes. Raises RunError where it would take the place of one that the report reads."""
    path = inside(folder, name)
    if path.resolve() in results.inputs:
        raise RunError(f"{path} is read by this report and would be overwritten by it; give another --output")
    return path


def replace_earlier(folder: Path, names: Iterable[str], written: Collection[Path]) -> None:
    """Notes what was `written`, and removes the files of an earlier report with these `names` (patterns) that this one
    has not written, and the folders that are empty then."""
    noted, patterns = _read_manifest(folder), list(names)
    new = {path.relative_to(folder).as_posix() for path in written}
    old = {name for name in noted - new if any(fnmatchcase(name, pattern) for pattern in patterns)}
    for name in sorted(old):
        path = inside(folder, name)
        if path.is_file():
            path.unlink()
        if path.parent != folder and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
    left = (noted - old) | new
    if left != noted:
        write_text(inside(folder, MANIFEST), json.dumps({_FILES: sorted(left)}, indent=0) + "\n")


def _read_manifest(folder: Path) -> set[str]:
    if not os.path.lexists(folder / MANIFEST):
        return set()
    files = read_json(inside(folder, MANIFEST)).get(_FILES)
    if not isinstance(files, list) or not all(isinstance(name, str) for name in files):
        raise RunError(f"{folder / MANIFEST}: expected a list of files; remove it")
    return set(files)
