"""Written is written: also when the power fails."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from paretofair.errors import RunError
from paretofair.results import Store, write_stack
from paretofair.results.checkpoints import PackCheckpoints
from paretofair.results.files import make_folder, write_csv, write_text, write_whole

from .power import Disk, PowerFailure

NAME = "sweep-mtaf-0-0-0.parquet"
STACK = pa.table({"trial_id": ["a"], "seed": [0]})


def keep(folder: Path, epoch: int) -> None:
    def name(_: object) -> str:
        return NAME

    kept = PackCheckpoints(folder, "identity", ["a"], name, frozenset({"sweep-mtaf-0-0"}), 1.0)
    kept.save(np.array([0]), {"parameters": torch.full((3,), float(epoch))}, {"epoch": epoch})


WRITES: dict[str, Callable[[Path, int], object]] = {
    "text": lambda folder, time: write_text(folder / "failed.json", f"{time}" * 100),
    "csv": lambda folder, time: write_csv(folder / "tables" / "summary.csv", pd.DataFrame({"are": [time] * 9})),
    "stack": lambda folder, time: write_stack(folder, NAME, STACK.append_column("time", [[time]])),
    "checkpoint": keep,
    "url": lambda folder, time: write_stack(Store(f"file://{folder}/run"), NAME, STACK.append_column("t", [[time]])),
    "settings": lambda folder, time: Store(f"file://{folder}/run").put("space.yaml", b"%d" % time * 100),
}


@pytest.mark.parametrize("early_names", [False, True])
@pytest.mark.parametrize("kind", WRITES)
def test_a_power_failure_leaves_whole_files(tmp_path, monkeypatch, kind, early_names):
    """At whatever call to the disk the power fails, each file is the last one written or the one before it."""
    calls, whole = 0, read_second(tmp_path / "whole", kind)
    for failure in range(100):
        folder = tmp_path / str(failure)
        folder.mkdir()
        with monkeypatch.context() as patched:
            disk = Disk(folder, patched)
            WRITES[kind](folder, 1)
            (before,) = disk.rest(early_names=early_names).items()
            assert before[1], "what has been written is on the disk"
            after_first = disk.calls
            disk.fail_after(failure)
            try:
                WRITES[kind](folder, 2)
            except PowerFailure:
                (left,) = disk.rest(early_names=early_names).items()
                calls = disk.calls - after_first
                assert left[0] == before[0]
                assert left[1] in (before[1], whole)
                continue
            (last,) = disk.rest(early_names=early_names).items()
            assert last[1] == whole != before[1]
            break
    assert calls == 3, "a file, its name and its folder"


def read_second(folder: Path, kind: str) -> bytes:
    """What the second writing writes."""
    WRITES[kind](folder, 2)
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    return path.read_bytes()


def test_the_shim_notices_a_file_that_is_not_synced(tmp_path, monkeypatch):
    disk = Disk(tmp_path, monkeypatch)
    (tmp_path / ".partial").write_text("content")
    os.replace(tmp_path / ".partial", tmp_path / "file")
    assert disk.rest(early_names=True) == {"file": b""}
    assert disk.rest(early_names=False) == {}


def test_folders_that_are_made_are_on_the_disk(tmp_path, monkeypatch):
    disk = Disk(tmp_path, monkeypatch)
    write_text(tmp_path / "a" / "b" / "c" / "file", "content")
    assert disk.rest(early_names=False) == {"a/b/c/file": b"content"}
    make_folder(tmp_path / "a")


def test_a_file_system_that_cannot_sync_folders(tmp_path, monkeypatch):
    sync = os.fsync

    def refuse(descriptor: int) -> None:
        if os.path.isdir(os.readlink(f"/proc/self/fd/{descriptor}")):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    assert write_text(tmp_path / "folder" / "file", "content").read_text() == "content"


def test_a_disk_that_fails_gives_no_name(tmp_path, monkeypatch):
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    write_text(tmp_path / "file", "before")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write_text(tmp_path / "file", "after")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_nothing_is_left_of_a_block_that_fails(tmp_path):
    def work() -> None:
        with write_whole(tmp_path / "file") as partial:
            partial.write_text("half")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work()
    assert not list(tmp_path.iterdir())


def test_what_is_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "link", "file/under/it"):
        with pytest.raises(RunError, match="is no folder, and one is needed there; move it away"):
            make_folder(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]
