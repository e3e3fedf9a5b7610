"""Faults, with real processes: drivers killed at random moments, a node that goes, a broken file, a full disk, a
read-only folder."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from optuna.trial import TrialState

from paretofair.report.relative import baselines, with_relative
from paretofair.results import TrialTable
from paretofair.search.build import build_sampler
from paretofair.search.run import Options, load_splits
from paretofair.search.sources import Asked, Study
from paretofair.search.space import load_space

from .conftest import SPACE, command, environment

pytestmark = [pytest.mark.ray, pytest.mark.slow]

TIMEOUT = 300
OVERRIDES = [
    "seeds=[0]",
    "stages.sweep.trials=16",
    "data.source=simulated",
    "parameters.epochs=[1, 2, 3]",
    "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 2}}",
    "stages.confirm=null",
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


class Marked:
    """Starts commands and finds the processes that descend from them, by a variable of the environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, arguments: list[str], **changes: str) -> subprocess.Popen[bytes]:
        """A command in a session of its own. Its output goes to files: what is left behind would keep pipes open."""
        mark = uuid.uuid4().hex
        with open(self._folder / f"{mark}.out", "wb") as out, open(self._folder / f"{mark}.err", "wb") as err:
            process = subprocess.Popen(
                arguments,
                env=environment(PARETOFAIR_TEST=mark, **changes),
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self._started[mark] = process
        return process

    def finish(self, process: subprocess.Popen[bytes], seconds: float = TIMEOUT) -> subprocess.CompletedProcess[str]:
        """Waits for a command."""
        code = process.wait(seconds)
        (mark,) = (mark for mark, each in self._started.items() if each is process)
        output, errors = ((self._folder / f"{mark}.{kind}").read_text() for kind in ("out", "err"))
        return subprocess.CompletedProcess(process.args, code, output, errors)

    def run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """Starts a command and waits for it."""
        return self.finish(self.start(arguments))

    def alive(self, of: subprocess.Popen[bytes] | None = None) -> dict[int, str]:
        """Process ids and programs of a command, or of all, and what descends from it."""
        marks = [mark for mark, process in self._started.items() if of in (None, process)]
        wanted, found = {f"PARETOFAIR_TEST={mark}".encode() for mark in marks}, {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if wanted.intersection((folder / "environ").read_bytes().split(b"\0")):
                    words = (folder / "cmdline").read_bytes().split(b"\0")
                    found[int(folder.name)] = words[0].decode(errors="replace").rpartition("/")[2]
            except OSError:
                continue
        return found

    def workers(self, of: subprocess.Popen[bytes]) -> list[int]:
        """Process ids of the workers that train for a command."""
        return [pid for pid, name in self.alive(of).items() if "Trainable" in name]

    def clean(self) -> None:
        """Kills the groups of the commands and what has left them."""
        for process in self._started.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)
        assert wait_for(lambda: not [kill(pid) for pid in self.alive()], 30)


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Sends a signal to a process that may be gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_for(condition: Callable[[], bool], seconds: float = TIMEOUT) -> bool:
    """Whether a condition came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def marked(tmp_path) -> Iterator[Marked]:
    """Commands that are killed with all their processes at the end of the test."""
    (tmp_path / "output").mkdir()
    found = Marked(tmp_path / "output")
    yield found
    found.clean()


def files(folder: Path) -> list[Path]:
    return sorted((folder / "trials").glob("*.parquet"))


def raw(folder: Path) -> pd.DataFrame:
    """Every row of every file by trial, doubled ones too."""
    if not files(folder):
        return pd.DataFrame(index=pd.Index([], name="trial_id"))
    return pd.concat([pd.read_parquet(path) for path in files(folder)]).set_index("trial_id").sort_index()


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


def killed(marked: Marked, arguments: list[str], folder: Path, after: int, delay: float) -> bool:
    """Kills a driver some time after there are `after` files; whether it was still at work."""
    process = marked.start(arguments)
    wait_for(lambda: process.poll() is not None or len(files(folder)) >= after)
    time.sleep(delay)
    at_work = process.poll() is None
    kill(process.pid)
    process.wait()
    print(f"killed driver {process.pid}, {len(files(folder))} stacks on disk, left behind: {marked.alive(process)}")
    return at_work


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
        assert killed(marked, small(folder, *overrides), folder, after, moments.uniform(0, 0.3))
        assert_kept(folder, before)
        before = raw(folder)
    # What a worker that died while it wrote leaves behind.
    (folder / "trials").mkdir(exist_ok=True)
    (folder / "trials" / ".sweep-mtaf-0-0-2.parquet.01234567.partial").write_bytes(b"PAR1 and no more")
    done = marked.run(small(folder, *overrides))
    assert done.returncode == 0, done.stdout + done.stderr
    # A worker may have written one stack more after its driver's death.
    assert 0 < int(re.search(r"(\d+) trials trained now", done.stdout)[1]) <= ROWS - len(before)
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
    assert killed(marked, small(folder, *TPE), folder, 4 + moments.randrange(4), moments.uniform(0, 0.3))
    before = raw(folder)
    assert 0 < (before["stage"] == "sweep").sum() < 16
    done = marked.run(small(folder, *TPE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert_kept(folder, before)
    trials = raw(folder).query("stage == 'sweep'").sort_values("index")
    assert trials["index"].tolist() == list(range(16))

    space = load_space(SPACE, [*OVERRIDES, *TPE])
    splits = load_splits(space, Options(folder, ["mtaf"]))
    table, of_method = TrialTable(folder), space.method("mtaf")
    sampler = build_sampler(of_method, 0)
    denominators = baselines(table.read())
    asked = Asked([Study(of_method, 0, splits.id_of(0), sampler, deque())], table.read, denominators, (), "validation")
    assert asked.empty()
    told = sampler._study.get_trials()
    assert [each.state for each in told] == [TrialState.COMPLETE] * 16
    trials = with_relative(trials, denominators)
    for name in set(told[0].params) & set(trials):
        np.testing.assert_array_equal([each.params[name] for each in told], trials[name])
    goals = trials[["validation_arfg", "validation_are"]]
    np.testing.assert_array_equal([each.values for each in told], goals)


NODES = """
import sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
node = cluster.add_node(num_cpus=1, node_ip_address="127.0.0.2")
print(cluster.address, flush=True)
for line in sys.stdin:
    if line.strip() == "remove":
        cluster.remove_node(node, allow_graceful=False)
    else:
        cluster.add_node(num_cpus=1, node_ip_address="127.0.0.3")
    print(line, end="", flush=True)
cluster.shutdown()
"""


@contextmanager
def nodes() -> Iterator[Callable[[str], str]]:
    """A cluster of two nodes in another process, which is told `remove` and `add` and answers; first with its address.

    Its files, and with them the note that makes any other `ray.init` of this machine join it, are in a folder of its
    own, whose name is short because those of sockets are limited.
    """
    folder = tempfile.mkdtemp(prefix="pf")
    process = subprocess.Popen(
        [sys.executable, "-c", NODES],
        env=environment(RAY_TMPDIR=folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )

    def tell(line: str) -> str:
        if line:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
        return process.stdout.readline().strip()

    try:
        yield tell
    finally:
        process.stdin.close()
        try:
            process.wait(60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)
            process.stdout.close()
            shutil.rmtree(folder, ignore_errors=True)


def at_work_on(address: str) -> bool:
    """Whether a worker that trains is a child of the raylet with this address."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"Trainable" in (folder / "cmdline").read_bytes():
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                if f"--node_ip_address={address}".encode() in Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0"):
                    return True
        except OSError:
            continue
    return False


def test_a_node_goes_and_another_comes(tmp_path, marked):
    folder = tmp_path / "out"
    with nodes() as tell:
        address = tell("")
        assert address
        slow = ["parameters.epochs=[30]", "resources.pack=2"]
        process = marked.start([*small(folder, *slow), "--address", address])
        assert wait_for(lambda: process.poll() is not None or (len(files(folder)) >= 3 and at_work_on("127.0.0.2")))
        assert tell("remove") == "remove"
        there = len(raw(folder))
        assert tell("add") == "add"
        assert wait_for(lambda: process.poll() is not None or at_work_on("127.0.0.3"))
        print(f"{there} rows when the node was gone, {len(raw(folder))} when the other was at work")
        assert process.poll() is None
        done = marked.finish(process)
    assert done.returncode == 0, done.stdout + done.stderr
    assert raw(folder).groupby("stage").size().to_dict() == {"baselines": 4, "points": 1, "sweep": 16}
    assert raw(folder).index.is_unique


def test_a_dead_cluster_is_not_waited_for(tmp_path, marked):
    """`ray start` leaves a note of its address, which `ray.init` follows; a head that was killed leaves it there."""
    folder = tempfile.mkdtemp(prefix="pf")
    try:
        note = Path(folder) / "ray" / "ray_current_cluster"
        note.parent.mkdir()
        note.write_text("127.0.0.1:1")
        process = marked.start(small(tmp_path / "out", "stages.sweep.trials=0"), RAY_TMPDIR=folder)
        done = marked.finish(process, 120)
    finally:
        marked.clean()
        shutil.rmtree(folder, ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(raw(tmp_path / "out")) == 5


def test_a_truncated_file_is_named(tmp_path, marked, finished):
    folder = tmp_path / "out"
    shutil.copytree(finished, folder)
    broken = files(folder)[-1]
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    done = marked.run(small(folder))
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"{broken}: not a readable Parquet file" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 10
    # As the message says.
    broken.rename(tmp_path / broken.name)
    done = marked.run(small(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(raw(folder), raw(finished))


@contextmanager
def mounted(folder: Path, *arguments: object) -> Iterator[None]:
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
    with mounted(folder, "--bind", "-o", "ro", source):
        done = marked.run(small(folder))
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"--output {folder} cannot be written: Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.system
def test_a_full_disk(tmp_path, marked):
    """Room for a few of the stacks, of 35 kB each. With more room the same command completes."""
    folder = tmp_path / "out"
    with mounted(folder, "-t", "tmpfs", "-o", "size=200k", "tmpfs"):
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
