"""`launch/status.py` on the folder of a run: whole, half-finished, with packs that fail, and none at all."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.overview import hypervolume_so_far
from paretofair.analysis.results import ReportSettings
from paretofair.cli.status import main
from paretofair.errors import RunError
from paretofair.results import TrialTable
from paretofair.runs.status import Status, StatusReader
from tests.stacks import change_rows

from .conftest import ROOT, SMOKE, SPACE, call, run

SIMULATED = ["--set", "data.source=simulated"]


def show(*arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
    """Calls `status` in this process."""
    return call(main, *arguments, **changes)


def counts(status: Status) -> dict[tuple[str, str], tuple[int, int | None]]:
    """Finished and planned trials by stage and method."""
    return {(each.stage, each.method): (each.finished, each.planned) for each in status.progress}


def words(output: str) -> list[str]:
    """Lines with single spaces."""
    return [" ".join(line.split()) for line in output.splitlines()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, sweep) -> Path:
    """A finished run of two of the three methods of its space file, on simulated data."""
    folder = tmp_path_factory.mktemp("run") / "results"
    arguments = ["--space", SPACE, *SMOKE, *SIMULATED, "--methods", "vanilla,mtaf", "--output", folder]
    done = sweep(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    """A copy to change, with the times of its files."""
    return shutil.copytree(finished, tmp_path / "copy")


@pytest.mark.ray
def test_numbers_are_those_of_the_table(finished):
    status = StatusReader(finished).status()
    reader = TrialTable(finished)
    table = reader.read()
    sizes = table.groupby(["stage", "method"]).size()
    for place, (count, total) in counts(status).items():
        assert count == total == sizes[place], place
    assert sum(each.finished for each in status.progress) == len(table)
    assert status.others == 0
    assert status.not_asked == ["per_task"]
    assert status.sources == {"simulated"}
    assert status.failures == []
    assert status.driver is False
    front = status.front.sort_values("method")
    volumes = [f"{row.method} {row.hypervolume:.3f}" for row in front.itertuples()]
    assert hypervolume_so_far(table, ReportSettings(), reader.schema) == f"hypervolume {', '.join(volumes)}"
    times = pd.Series({path: path.stat().st_mtime for path in finished.glob("trials/*.parquet")})
    rows = pd.Series({path: len(pd.read_parquet(path)) for path in times.index})
    minutes = (times.max() - (finished / "space.yaml").stat().st_mtime) / 60
    assert status.per_minute == pytest.approx(rows.sum() / minutes)


@pytest.mark.ray
def test_what_it_prints(finished):
    done = run(finished, script="status.py")
    assert done.returncode == 0, done.stderr
    assert "SIMULATED" in done.stdout
    assert "baselines single_task 4 4" in words(done.stdout)
    assert "sweep mtaf 6 6" in words(done.stdout)
    assert "Not asked for so far: per_task (--methods)." in done.stdout
    assert "No driver at work on this machine" in done.stdout
    narrow = show(finished, COLUMNS="40").stdout
    assert any(line.startswith("sweep mtaf 6 6") for line in words(narrow))
    assert "…" not in narrow


@pytest.mark.ray
def test_a_half_finished_run(copied):
    run = StatusReader(copied)
    assert counts(run.status())["sweep", "mtaf"] == (6, 6)
    for path in (copied / "trials").glob("confirm-*.parquet"):
        path.unlink()
    (removed,) = (copied / "trials").glob("sweep-mtaf-0-4-5.parquet")
    away = removed.rename(copied / removed.name)
    run = StatusReader(copied)
    status = run.status()
    assert counts(status)["sweep", "mtaf"] == (4, 6)
    assert counts(status)["sweep", "vanilla"] == (6, 6)
    assert counts(status)["confirm", "mtaf"] == (0, None)
    assert [each.left for each in status.progress if (each.stage, each.method) == ("sweep", "mtaf")] == [2]
    with open(copied / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = show(copied)
    assert done.returncode == 0
    assert "A driver is at work" in done.stdout
    assert "sweep mtaf 4 6" in words(done.stdout)
    assert "confirm mtaf 0 ?" in words(done.stdout)
    # The file comes: what confirm is to train is known.
    away.rename(removed)
    count, total = counts(run.status())["confirm", "mtaf"]
    front = pd.read_csv(copied / "frontiers" / "mtaf" / "arfg_are.csv")
    assert (count, total) == (0, 2 * len(front))


@pytest.mark.ray
def test_trials_that_are_not_planned_and_methods_that_are_not_begun(copied):
    written = copied / "environment.json"
    run = json.loads(written.read_text())
    assert run["trials"] == {"tune": {"vanilla": 0, "mtaf": 0}, "sweep": {"vanilla": 6, "mtaf": 6}}
    asked = {"vanilla": 5, "mtaf": 6, "per_task": 7}
    written.write_text(json.dumps(run | {"trials": {"tune": dict.fromkeys(asked, 0), "sweep": asked}}))
    status = StatusReader(copied).status()
    assert counts(status)["sweep", "vanilla"] == (5, 5)
    assert counts(status)["sweep", "per_task"] == (0, 7)
    assert (status.others >= 1, status.not_asked) == (True, [])
    # A folder that an earlier version of the program has written.
    del run["trials"]
    written.write_text(json.dumps(run))
    status = StatusReader(copied).status()
    assert counts(status)["sweep", "vanilla"] == (6, 6)
    assert status.not_asked == ["per_task"]


@pytest.mark.slow
@pytest.mark.ray
def test_diverged_and_stopped_trials(copied):
    (path,) = (copied / "trials").glob("sweep-vanilla-0-4-5.parquet")
    change_rows(path, status=["diverged", "stopped"])
    own = next(
        each for each in StatusReader(copied).status().progress if (each.stage, each.method) == ("sweep", "vanilla")
    )
    assert (own.finished, own.diverged, own.stopped) == (6, 1, 1)
    assert "sweep vanilla 6 6 1 1" in words(show(copied).stdout)


@pytest.mark.slow
@pytest.mark.ray
def test_a_pack_that_failed_and_then_succeeded(copied):
    path = copied / "trials" / "sweep-mtaf-0-4-5.parquet"
    pack = copied / "logs" / "ray-20260101-000000" / "sweep-mtaf-0-4-7"
    pack.mkdir(parents=True)
    error = pack / "error.txt"
    error.write_text("Failure # 1\nTraceback\nMemoryError: no room\n")
    os.utime(error, times=(path.stat().st_mtime - 5,) * 2)
    assert StatusReader(copied).status().failures == []
    # Its rows are not there: it failed once, and is tried again.
    path.unlink()
    (failure,) = StatusReader(copied).status().failures
    assert (failure.pack, failure.reason, failure.tries) == ("sweep-mtaf-0-4-7", "MemoryError: no room", 1)
    done = show(copied)
    assert done.returncode == 0
    assert "sweep-mtaf-0-4-7 (try 1 of 3): MemoryError: no room" in done.stdout
    # The second try runs.
    pack.with_name("sweep-mtaf-0-4-7-attempt-2").mkdir()
    assert StatusReader(copied).status().failures == []
    third = pack.with_name("sweep-mtaf-0-4-7-attempt-3")
    third.mkdir()
    (third / "error.txt").write_text("ValueError: no\n")
    done = show(copied)
    assert done.returncode == 3
    assert "sweep-mtaf-0-4-7 (failed 3 times): ValueError: no" in done.stdout


@pytest.mark.slow
@pytest.mark.ray
def test_packs_that_fail_every_time(tmp_path, sweep):
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    run.mkdir()
    elsewhere.mkdir()
    # A run reads there, and no worker writes there.
    (run / "trials").symlink_to(elsewhere)
    small = [*SMOKE, *SIMULATED, "--trials", "0", "--set", "points=[]", "--set", "stages.confirm=null"]
    done = sweep("--space", SPACE, *small, "--output", run)
    assert done.returncode == 3, done.stdout + done.stderr
    assert list(elsewhere.iterdir()) == []
    status = StatusReader(run).status()
    assert [(each.pack, each.tries) for each in status.failures] == [("baselines-single_task-0-3", 3)]
    assert np.isnan(status.per_minute)
    done = show(run)
    assert done.returncode == 3
    assert "SIMULATED" in done.stdout
    assert "baselines-single_task-0-3 (failed 3 times): " in done.stdout
    assert f"{run / 'trials'}: is a symbolic link, which is not followed" in done.stdout


def test_it_starts_without_pytorch_and_ray():
    """Which take longer to import than everything that is read."""
    code = "import sys, paretofair.runs.status; sys.exit(bool({'torch', 'ray'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120).returncode == 0


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunError, match="results folder"):
        StatusReader(tmp_path).status()
    for folder in (tmp_path, tmp_path / "none"):
        done = show(folder)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert "space.yaml" in done.stderr


def test_help_and_wrong_options(tmp_path):
    done = run("--help", script="status.py")
    assert done.returncode == 0
    assert "examples:" in done.stdout
    done = show(tmp_path, "--watch", "often")
    assert done.returncode == 2
    assert "expected seconds" in done.stderr
