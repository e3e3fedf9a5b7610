"""Results at a URL."""

from __future__ import annotations

import pytest

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


def test_a_url_without_a_folder():
    with pytest.raises(RunError, match="--output s3://: expected a folder at the URL"):
        Store("s3://")


def test_no_file_system():
    with pytest.raises(RunError, match="--output nonsense://x: no file system that pyarrow knows"):
        Store("nonsense://x")
