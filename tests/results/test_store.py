"""Results at a URL."""

from __future__ import annotations

import pytest
from pyarrow import fs

from paretofair.errors import RunError
from paretofair.results import Store, TrialTable, is_url, write_stack
from paretofair.results.table import find_finished
from tests.stacks import make_stack

NAME = "sweep-mtaf-0-0-1.parquet"


@pytest.fixture
def store(tmp_path):
    return Store(f"file://{tmp_path}/bucket/run")


def test_places():
    assert is_url("s3://bucket/run")
    assert not is_url("results/run")
    assert Store("file:///a/run/").name == "run"
    assert Store("file:///a/run").inside("logs") == "file:///a/run/logs"


def test_what_workers_write_is_read_by_the_driver(store, tmp_path):
    folder = tmp_path / "copies"
    table = TrialTable(folder, store=store)
    assert len(table.read()) == 0
    write_stack(store, NAME, make_stack("a", "b"))
    write_stack(store, NAME, make_stack("a"), into="models")
    assert table.read()["trial_id"].tolist() == ["a", "b"]
    assert find_finished(store, "sweep", "mtaf", [0], [0]) == {"a", "b"}
    assert find_finished(store, "sweep", "mtaf", [0], [7]) == set()
    write_stack(store, "sweep-mtaf-0-2-2.parquet", make_stack("c"))
    assert len(table.read(older=60)) == 2
    assert table.read()["trial_id"].tolist() == ["a", "b", "c"]
    assert (folder / "models" / NAME).exists()
    assert store.names("trials") == [NAME, "sweep-mtaf-0-2-2.parquet"]
    # Partial files are gone, and not taken for stacks while they are there.
    (tmp_path / "bucket" / "run" / "trials" / ".x.parquet.partial").write_text("half")
    assert len(store.names("trials")) == 2


def test_settings_and_exports_are_copied_both_ways(store, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "tables").mkdir(parents=True)
    (here / "logs").mkdir()
    for name in ("space.yaml", "failed.json", "tables/summary.csv", "logs/run.log", ".lock"):
        (here / name).write_text(name)
    store.push(here)
    there.mkdir()
    store.pull_settings(there)
    assert sorted(path.name for path in there.iterdir()) == ["failed.json", "space.yaml"]
    # What is said of a run is changed and taken back, here and there.
    (there / "space.yaml").write_text("another")
    (there / "failed.json").unlink()
    store.push_settings(there)
    store.pull_settings(here)
    assert (here / "space.yaml").read_text() == "another"
    assert not (here / "failed.json").exists()
    root = tmp_path / "bucket" / "run"
    assert (root / "tables" / "summary.csv").read_text() == "tables/summary.csv"
    assert not (root / "logs").exists()
    assert not (root / ".lock").exists()


def test_a_folder_is_removed(store, tmp_path):
    write_stack(store, NAME, make_stack("a"), into="logs/ray")
    store.remove("logs/ray")
    store.remove("logs/none")
    assert not (tmp_path / "bucket" / "run" / "logs" / "ray").exists()


class Hdfs:
    """What HDFS does differently: it gives no name that is taken, and a file is seen while it is written."""

    type_name = "hdfs"

    def __init__(self, files: fs.FileSystem) -> None:
        self._files = files
        self.moves: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._files, name)

    def move(self, source: str, target: str) -> None:
        if self._files.get_file_info(target).is_file:
            raise OSError(17, "File exists")
        self.moves.append((source, target))
        self._files.move(source, target)


def test_a_file_system_without_atomic_writes(store, tmp_path, monkeypatch):
    """A file is written under another name, then moved; half a file is seen by nobody and removed."""
    root = tmp_path / "bucket" / "run"
    store._files = Hdfs(store._files)
    for content in (b"one", b"two"):
        store.put("trials/a.txt", content)
        assert (root / "trials" / "a.txt").read_bytes() == content
        source, target = store._files.moves[-1]
        assert source.rpartition("/")[2].startswith(".a.txt.")
        assert target == str(root / "trials" / "a.txt")
    assert len({source for source, target in store._files.moves if target.endswith("a.txt")}) == 2
    for broken in ("_write", "_move"):
        with monkeypatch.context() as patched:
            patched.setattr(store, broken, fail)
            with pytest.raises(OSError, match="Input/output"):
                store.put("trials/a.txt", b"three")
        assert (root / "trials" / "a.txt").read_bytes() == b"two"
        assert [path.name for path in (root / "trials").iterdir()] == ["a.txt"]


def fail(*_: object) -> None:
    raise OSError(5, "Input/output error")


def test_a_url_without_a_folder():
    with pytest.raises(RunError, match="--output s3://: expected a folder at the URL"):
        Store("s3://")


def test_no_file_system():
    with pytest.raises(RunError, match="--output nonsense://x: no file system that pyarrow knows"):
        Store("nonsense://x")
