"""Real processes: started, marked, watched by what they write, and killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from tests.stacks import read_rows

TIMEOUT = 1200  # seconds after which a command is taken to hang, on a machine however busy
MARK = "PARETOFAIR_MARK"
NODES = """
import sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": int(sys.argv[1]), "include_dashboard": False})
nodes = {}
print(cluster.address, flush=True)
for line in sys.stdin:
    what, address = line.split()
    if what == "remove":
        cluster.remove_node(nodes.pop(address), allow_graceful=False)
    else:
        nodes[address] = cluster.add_node(num_cpus=1, node_ip_address=address)
    print(line, end="", flush=True)
cluster.shutdown()
"""


class Marked:
    """Starts commands and finds the processes that descend from them, by a variable of the environment.

    Their output goes to `folder`, the files of their Rays to `temporary`, whose name is short because those of sockets
    are limited: a driver that is killed leaves them there."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self.temporary = Path(tempfile.mkdtemp(prefix="pf"))
        self._environment = {**environment, "RAY_TMPDIR": str(self.temporary)}
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, arguments: list[str], **changes: str) -> subprocess.Popen[bytes]:
        """A command in a session of its own. Its output goes to files: what is left behind would keep pipes open."""
        mark = uuid.uuid4().hex
        with open(self._folder / f"{mark}.out", "wb") as out, open(self._folder / f"{mark}.err", "wb") as err:
            process = subprocess.Popen(
                arguments,
                env={**self._environment, MARK: mark, **changes},
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self._started[mark] = process
        return process

    def finish(
        self, process: subprocess.Popen[bytes], seconds: float | None = TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        """Waits for a command."""
        code = process.wait(seconds)
        (mark,) = (mark for mark, each in self._started.items() if each is process)
        output, errors = ((self._folder / f"{mark}.{kind}").read_text() for kind in ("out", "err"))
        return subprocess.CompletedProcess(process.args, code, output, errors)

    def run(self, arguments: list[str], **changes: str) -> subprocess.CompletedProcess[str]:
        """Starts a command and waits for it."""
        return self.finish(self.start(arguments, **changes))

    def alive(self, of: subprocess.Popen[bytes] | None = None) -> dict[int, str]:
        """Process ids and programs of a command, or of all, and what descends from it."""
        marks = [mark for mark, process in self._started.items() if of in (None, process)]
        wanted, found = {f"{MARK}={mark}".encode() for mark in marks}, {}
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
        return [pid for pid, name in self.alive(of).items() if "paretofair_packs" in name]

    def clean(self) -> None:
        """Kills the groups of the commands and what has left them, and removes the files of their Rays."""
        for process in self._started.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)
        assert wait_for(lambda: not [kill(pid) for pid in self.alive()])
        shutil.rmtree(self.temporary, ignore_errors=True)


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


def files(folder: Path) -> list[Path]:
    """The trials of a folder of results, a file for each stack."""
    return sorted((folder / "trials").glob("*.parquet"))


def raw(folder: Path) -> pd.DataFrame:
    """Every row of every file by trial, doubled ones too."""
    if not files(folder):
        return pd.DataFrame(index=pd.Index([], name="trial_id"))
    return read_rows(files(folder)).set_index("trial_id").sort_index()


def kill_driver(marked: Marked, arguments: list[str], folder: Path, after: int, delay: float) -> bool:
    """Kills a driver some time after there are `after` files; whether it was still at work."""
    process = marked.start(arguments)
    wait_for(lambda: process.poll() is not None or len(files(folder)) >= after)
    time.sleep(delay)
    at_work = process.poll() is None
    kill(process.pid)
    process.wait()
    print(f"killed driver {process.pid}, {len(files(folder))} stacks on disk, left behind: {marked.alive(process)}")
    return at_work


@contextmanager
def start_ray(cpus: int, environment: Mapping[str, str]) -> Iterator[tuple[str, Callable[[str], str]]]:
    """A Ray of its own process: its address, and what it is told, `add ADDRESS` or `remove ADDRESS` of a node with one
    CPU, which it answers by the same words.

    Its files, and with them the note that makes any other `ray.init` of this machine join it, are in a folder of its
    own, whose name is short because those of sockets are limited.
    """
    folder = tempfile.mkdtemp(prefix="pf")
    process = subprocess.Popen(
        [sys.executable, "-c", NODES, str(cpus)],
        env={**environment, "RAY_TMPDIR": folder},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )

    def tell(line: str) -> str:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    try:
        address = process.stdout.readline().strip()
        assert address, "Ray did not start"
        yield address, tell
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
            if b"paretofair_packs" in (folder / "cmdline").read_bytes():
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                if f"--node_ip_address={address}".encode() in Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0"):
                    return True
        except OSError:
            continue
    return False
