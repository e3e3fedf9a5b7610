"""Faults, with real processes: drivers killed at random moments, a node that goes, a broken file, a full disk, a
read-only folder."""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from optuna.trial import TrialState

from paretofair.analysis.reading.settings import ReportSettings
from paretofair.analysis.relative import baselines, with_relative
from paretofair.results import TrialTable
from paretofair.runs.run import RunOptions, load_splits
from paretofair.runs.stages.studies import Studies, Study, build_sampler
from paretofair.space.space import load_space

from .conftest import SPACE, command, environment
from .processes import TIMEOUT, at_work_on, files, kill, kill_driver, raw, start_ray, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow]

OVERRIDES = [
    "seeds=[0]",
    "stages.sweep.trials=16",
    "data.source=simulated",
    "parameters.epochs=[1, 2, 3]",
    "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 2}}",
    "stages.confirm=null",
    "resources.engine=ray",
    "resources.pack=4",
    "resources.stack=2",
]
HALVED = [
    "stages.sweep.sampler=sobol",
    "stages.sweep.successive_halving={bracket: 4, eta: 2, rungs: [1, 2]}",
    "parameters.epochs=3",
]
TPE = ["stages.sweep.sampler={name: tpe, batch: 4, startup: 4}"]
ROWS = 4 + 1 + 16  # baselines, the point, the sweep


def small(folder: Path, *overrides: str) -> list[str]:
    """The command of a sweep of one method and 16 trials."""
    settings = [part for each in (*OVERRIDES, *overrides) for part in ("--set", each)]
    return command("--space", SPACE, "--methods", "mtaf", *settings, "--output", folder)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Equal bit for bit in every column but the time that trials took."""
    pd.testing.assert_frame_equal(
        found.drop(columns="train_seconds"),
        expected.drop(columns="train_seconds"),
        check_like=True,
        check_exact=True,
    )


def assert_kept(folder: Path, before: pd.DataFrame) -> None:
    """Nothing that was on disk is lost, changed (not even in time) or doubled."""
    now = raw(folder)
    assert now.index.is_unique
    if before.empty:
        return
    pd.testing.assert_frame_equal(now.loc[before.index, before.columns], before, check_exact=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The results folder of an undisturbed random sweep."""
    folder = tmp_path_factory.mktemp("finished")
    done = subprocess.run(small(folder), env=environment(), capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(raw(folder)) == ROWS
    return folder


@pytest.mark.parametrize(
    ("seed", "kills", "overrides"),
    [
        pytest.param(1, 2, [], id="random"),
        pytest.param(9, 1, HALVED, id="sobol_halved"),
        pytest.param(11, 1, ["stages.sweep.sampler={name: grid, points: 3}"], id="grid"),
    ],
)
def test_killed_drivers_leave_the_undisturbed_table(tmp_path, marked, finished, seed, kills, overrides):
    """SIGKILL to the driver at random moments, then the same command. Nothing waits for Ray's processes to end."""
    whole, folder = tmp_path / "whole" if overrides else finished, tmp_path / "killed"
    undisturbed = marked.start(small(whole, *overrides)) if overrides else None
    moments, before = random.Random(seed), raw(folder)
    for _ in range(kills):
        # Baselines and the point are three files, the sweep at least four.
        after = len(files(folder)) + 1 + moments.randrange(4)
        assert kill_driver(marked, small(folder, *overrides), folder, after, moments.uniform(0, 0.3))
        assert_kept(folder, before)
        before = raw(folder)
    # What a worker that died while it wrote leaves behind.
    (folder / "trials").mkdir(exist_ok=True)
    (folder / "trials" / ".sweep-mtaf-0-0-2.parquet.01234567.partial").write_bytes(b"PAR1 and no more")
    done = marked.run(small(folder, *overrides))
    assert done.returncode == 0, done.stdout + done.stderr
    # Workers may have written one stack more each after their driver's death, which may have been the last ones.
    trained = re.search(r"(\d+) trials trained now", done.stdout)
    assert trained or "nothing new; written to" in done.stdout
    assert (int(trained[1]) if trained else 0) <= ROWS - len(before)
    assert_kept(folder, before)
    if undisturbed is not None:
        done = marked.finish(undisturbed)
        assert done.returncode == 0, done.stdout + done.stderr
    assert len(raw(whole)) == ROWS
    assert_same(raw(folder), raw(whole))
    assert sorted(TrialTable(folder).read()["trial_id"]) == list(raw(whole).index)
    for name in ("frontiers/all.csv", "baselines.csv", "tables/summary.csv", "audit.csv"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()


def test_a_worker_that_outlives_its_driver(tmp_path, marked):
    """A worker is frozen, its driver killed; it wakes up when the next command has written and while it works."""
    folder, slow = tmp_path / "out", ["parameters.epochs=[12]"]
    first = marked.start(small(folder, *slow))
    assert wait_for(lambda: first.poll() is not None or len(files(folder)) >= 3)
    workers = marked.workers(first)
    assert workers
    for pid in workers:
        kill(pid, signal.SIGSTOP)
    kill(first.pid)
    first.wait()
    before = raw(folder)
    frozen = set(workers) & set(marked.alive(first))
    print(f"killed driver {first.pid}; frozen workers {workers}, left {frozen}")
    second = marked.start(small(folder, *slow))
    assert wait_for(lambda: second.poll() is not None or len(raw(folder)) > len(before))
    for pid in frozen:
        kill(pid, signal.SIGCONT)
    done = marked.finish(second)
    assert done.returncode == 0, done.stdout + done.stderr
    assert wait_for(lambda: not frozen & set(marked.alive(first)), 30), "a worker goes on without its driver"
    assert_kept(folder, before)
    assert raw(folder).groupby("stage").size().to_dict() == {"baselines": 4, "points": 1, "sweep": 16}


def test_a_killed_adaptive_search_knows_its_table(tmp_path, marked):
    """Every index once, and what a sampler is told on resuming is what stands in the table."""
    folder, moments = tmp_path / "out", random.Random(4)
    # Baselines and the point are three files, a batch of the sweep two.
    assert kill_driver(marked, small(folder, *TPE), folder, 4 + moments.randrange(4), moments.uniform(0, 0.3))
    before = raw(folder)
    assert 0 < (before["stage"] == "sweep").sum() < 16
    done = marked.run(small(folder, *TPE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert_kept(folder, before)
    trials = raw(folder).query("stage == 'sweep'").sort_values("index")
    assert trials["index"].tolist() == list(range(16))

    space = load_space(SPACE, [*OVERRIDES, *TPE])
    splits = load_splits(space, RunOptions(folder, ["mtaf"]))
    table, of_method = TrialTable(folder), space.method("mtaf")
    sampler = build_sampler(of_method, 0)
    denominators = baselines(table.read(), space.tasks)
    asked = Studies(
        [Study(of_method, 0, splits.id_of(0), sampler, deque())], table.read, denominators, ReportSettings()
    )
    assert asked.empty()
    told = sampler._study.get_trials()
    assert [each.state for each in told] == [TrialState.COMPLETE] * 16
    trials = with_relative(trials, denominators, space.tasks)
    for name in set(told[0].params) & set(trials):
        np.testing.assert_array_equal([each.params[name] for each in told], trials[name])
    goals = trials[["validation_arfg", "validation_are"]]
    np.testing.assert_array_equal([each.values for each in told], goals)


def test_a_node_goes_and_another_comes(tmp_path, marked):
    folder = tmp_path / "out"
    with start_ray(1, environment()) as (address, tell):
        assert tell("add 127.0.0.2") == "add 127.0.0.2"
        slow = ["parameters.epochs=[30]", "resources.pack=2"]
        process = marked.start([*small(folder, *slow), "--address", address])
        assert wait_for(lambda: process.poll() is not None or (len(files(folder)) >= 3 and at_work_on("127.0.0.2")))
        assert tell("remove 127.0.0.2") == "remove 127.0.0.2"
        there = len(raw(folder))
        assert tell("add 127.0.0.3") == "add 127.0.0.3"
        assert wait_for(lambda: process.poll() is not None or at_work_on("127.0.0.3"))
        print(f"{there} rows when the node was gone, {len(raw(folder))} when the other was at work")
        assert process.poll() is None
        done = marked.finish(process)
    assert done.returncode == 0, done.stdout + done.stderr
    assert raw(folder).groupby("stage").size().to_dict() == {"baselines": 4, "points": 1, "sweep": 16}
    assert raw(folder).index.is_unique


def test_a_dead_cluster_is_not_waited_for(tmp_path, marked):
    """`ray start` leaves a note of its address, which `ray.init` follows; a head that was killed leaves it there."""
    note = marked.temporary / "ray" / "ray_current_cluster"
    note.parent.mkdir()
    note.write_text("127.0.0.1:1")
    done = marked.finish(marked.start(small(tmp_path / "out", "stages.sweep.trials=0")), 120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(raw(tmp_path / "out")) == 5


def test_a_truncated_file_is_put_aside_and_trained_again(tmp_path, marked, finished):
    folder = tmp_path / "out"
    shutil.copytree(finished, folder)
    broken = files(folder)[-1]
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    done = marked.run(small(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert f"{broken.name}: not a readable Parquet file" in said
    assert "its trials are trained anew" in said
    assert len(list((folder / "trials" / "damaged").glob(f"{broken.name}.*"))) == 1
    assert_same(raw(folder), raw(finished))


@contextmanager
def mount_folder(folder: Path, *arguments: object) -> Iterator[None]:
    """A file system at `folder`; skips the test where that is not allowed."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *map(str, arguments), str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs root and the right to mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.system
def test_a_read_only_folder(tmp_path, marked):
    folder, source = tmp_path / "out", tmp_path / "source"
    source.mkdir()
    with mount_folder(folder, "--bind", "-o", "ro", source):
        done = marked.run(small(folder))
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"--output {folder} cannot be written: Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.system
def test_a_full_disk(tmp_path, marked):
    """Room for a few of the stacks, of 35 kB each. With more room the same command completes."""
    folder = tmp_path / "out"
    with mount_folder(folder, "-t", "tmpfs", "-o", "size=200k", "tmpfs"):
        done = marked.run(small(folder))
        before = raw(folder)
        print(f"{len(before)} rows, exit code {done.returncode}", done.stdout, done.stderr, sep="\n")
        assert done.returncode not in (0, 2), "wrong input it is not"
        assert 0 < len(before) < ROWS
        subprocess.run(["mount", "-o", "remount,size=20m", str(folder)], check=True)
        again = marked.run(small(folder))
        assert again.returncode == 0, again.stdout + again.stderr
        assert_kept(folder, before)
        assert len(raw(folder)) == ROWS
    said = done.stdout + done.stderr
    assert "No space left on device" in said
    assert "Traceback" not in said
