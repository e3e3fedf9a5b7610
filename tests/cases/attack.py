"""An attack is a value: files, then a command. One judge says what is wrong with how it ended."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import paretofair
from paretofair.cli import export, report, status, sweep
from paretofair.errors import ParetofairError
from tests.launch.conftest import ROOT, call, environment
from tests.launch.processes import files

SECRET = "hunter2secret"
BAIT = "nobody may touch this\n"
PATIENCE = 400  # seconds after which a command is taken to hang
_MOST_LINES, _LONGEST = 12, 2_000
_MOST_BYTES = 6 << 30  # of memory, for a process that is run alone
# What a machine without a network or a token says of itself, whatever was asked.
_ASIDE = re.compile(r"^(WARNING|INFO): |^\s*$")


def _in_a_sentence(work: Callable[[list[str]], object]) -> Callable[[list[str]], int]:
    """A function of Python as a command: what users see of its errors."""

    def main(words: list[str]) -> int:
        try:
            print(work(words))
        except ParetofairError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except Exception:
            traceback.print_exc()
            return 1
        return 0

    return main


def _load(words: list[str]) -> object:
    model = paretofair.load(words[0])
    weights = {name: float(tensor.double().sum()) for name, tensor in model.module.state_dict().items()}
    return weights, model.tasks, model.inputs


COMMANDS: Mapping[str, Callable[[list[str]], int]] = {
    "sweep": sweep.main,
    "report": report.main,
    "status": status.main,
    "export": export.main,
    "paretofair.Results": _in_a_sentence(lambda words: paretofair.Results(*words).trials.to_csv()),
    "paretofair.load": _in_a_sentence(_load),
}


@dataclass(frozen=True)
class Attack:
    """What somebody does, by mistake or not, in a folder of their own.

    Attributes:
        name: What is wrong, for people.
        words: A command of `COMMANDS` and its arguments; paths are relative to the folder.
        files: What is written before, by name.
        prepare: What else is done to the folder before. Beside it stands `outside`, with a file that nobody may touch.
        environment: Variables that are set; None: taken out.
        ends: Exit codes that are right.
        says: What the sentence must have in it.
        writes: What in the folder the command may write.
        check: What else is wrong, in words, with the folder afterwards.
        alone: Whether it is run in a process of its own.
    """

    name: str
    words: tuple[str, ...]
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    prepare: Callable[[Path], object] = lambda _: None
    environment: Mapping[str, str | None] = field(default_factory=dict)
    ends: tuple[int, ...] = (2,)
    says: str = ""
    writes: tuple[str, ...] = ("out",)
    check: Callable[[Path, Ending], Iterable[str]] = lambda *_: ()
    alone: bool = False


@dataclass(frozen=True)
class Ending:
    """How a command ended: `code` is None where it did not, in time. `mebibytes` are the most that a process of its
    own has taken."""

    code: int | None
    output: str
    errors: str
    seconds: float
    mebibytes: float | None = None


class _HangError(BaseException):
    pass


def carry_out(attack: Attack, root: Path, ray_address: str | None) -> tuple[Ending, list[str]]:
    """Runs an attack in a fresh folder `root`: how it ended, and what is wrong with that."""
    place = set_up(attack, root)
    before = list_surroundings(root, attack.writes)
    trained = set(files(place / "out"))
    ending = run_alone(attack, place) if attack.alone else run_here(attack, place, ray_address)
    found = judge(attack, ending)
    if ending.code is not None:
        found += attack.check(place, ending)
    found += [f"{what}: {path}" for path, what in compare(before, list_surroundings(root, attack.writes)).items()]
    if ending.code == 2 and set(files(place / "out")) - trained:
        found.append("something was trained before the input was refused")
    if any(SECRET in word for word in attack.words) and any(SECRET in text for text in list_texts(place / "out")):
        found.append("a secret was written")
    return ending, found


def set_up(attack: Attack, root: Path) -> Path:
    """Writes the files of an attack; the folder in which it is run."""
    place = root / "inside"
    place.mkdir(parents=True)
    (root / "outside").mkdir()
    (root / "outside" / "bait.txt").write_text(BAIT)
    for name, content in attack.files.items():
        (place / name).write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    attack.prepare(place)
    return place


def run_here(attack: Attack, place: Path, ray_address: str | None) -> Ending:
    """In this process, which has everything imported, with a Ray that runs already."""
    name, *words = attack.words
    changes = {"PARETOFAIR_DATA": os.environ.get("PARETOFAIR_DATA", "")} | attack.environment
    changes = ({"RAY_ADDRESS": ray_address} if ray_address else {}) | changes
    given = {key: value for key, value in changes.items() if value is not None}
    started = time.monotonic()
    try:
        with _limit(PATIENCE):
            done = call(COMMANDS[name], *words, cwd=place, **given)
    except _HangError:
        return Ending(None, "", "", time.monotonic() - started)
    return Ending(done.returncode, done.stdout, done.stderr, time.monotonic() - started)


def run_alone(attack: Attack, place: Path) -> Ending:
    """In a process of its own, whose time and memory (not that of workers) are measured."""
    name, *words = attack.words
    arguments = [sys.executable, str(ROOT / "launch" / f"{name}.py"), *words]
    variables = {key: value for key, value in environment().items() if key not in ("RAY_ADDRESS", *attack.environment)}
    variables |= {key: value for key, value in attack.environment.items() if value is not None}
    started = time.monotonic()
    with (place.parent / "stdout").open("w+") as out, (place.parent / "stderr").open("w+") as err:
        process = subprocess.Popen(arguments, cwd=place, env=variables, stdout=out, stderr=err, start_new_session=True)
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (_MOST_BYTES, _MOST_BYTES))
        most = 0.0
        while (code := process.poll()) is None and time.monotonic() < started + PATIENCE:
            most = max(most, _measure(process.pid))
            time.sleep(0.02)
        if code is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read())
    for file in ("stdout", "stderr"):
        (place.parent / file).unlink()
    return Ending(code, *texts, time.monotonic() - started, most)


def _measure(pid: int) -> float:
    """The most MiB that a process has had in memory; what `wait4` says begins with those of the process that started
    it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Ends what takes longer, whatever it waits for."""

    def give_up(*_: object) -> None:
        raise _HangError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judge(attack: Attack, ending: Ending) -> list[str]:
    """What is wrong with what a command said and ended with; empty where nothing is."""
    if ending.code is None:
        return [f"still at work after {PATIENCE} seconds"]
    said = ending.output + ending.errors
    found = []
    if ending.code not in attack.ends:
        found.append(f"exit code {ending.code}, expected {' or '.join(map(str, attack.ends))}")
    if "Traceback" in said:
        found.append("a traceback")
    if SECRET in said:
        found.append("a secret was told")
    if ending.code:
        lines = [line for line in ending.errors.splitlines() if not _ASIDE.match(line)]
        if sum("error: " in line for line in lines) < 1 and ending.code != 3:
            found.append("no sentence")
        own = max(map(len, attack.words))
        if len(lines) > _MOST_LINES or any(len(line) > _LONGEST + own for line in lines):
            found.append(f"{len(lines)} lines, the longest of {max(map(len, lines)):,} characters")
        if attack.says not in " ".join(said.split()):
            found.append(f"does not say {attack.says!r}")
    return found


def list_surroundings(root: Path, writes: tuple[str, ...]) -> dict[str, str]:
    """Everything around what a command may write: kind, rights and a checksum or the aim of a link, by path."""
    own = [root / "inside" / name for name in writes]
    found = {}
    for path in _walk(root, own):
        about = path.lstat()
        words = f"{stat.filemode(about.st_mode)} {about.st_uid}"
        if stat.S_ISLNK(about.st_mode):
            words += f" {os.readlink(path)}"
        elif stat.S_ISREG(about.st_mode):
            words += f" {hashlib.sha256(path.read_bytes()).hexdigest()}"
        found[str(path.relative_to(root))] = words
    return found


def _walk(folder: Path, without: list[Path]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path in without:
            continue
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, without)


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """What became of paths that nobody may touch."""
    found = {path: "removed" for path in before if path not in after}
    found |= {path: "written" for path in after if path not in before}
    return found | {path: "changed" for path in before if path in after and before[path] != after[path]}


def list_texts(folder: Path) -> Iterator[str]:
    """The content of every file in a folder, as text."""
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.is_file() and not path.is_symlink():
            yield path.read_text(errors="replace")


def remove(root: Path) -> None:
    """Removes the folder of an attack, read-only parts too."""
    for path in [root, *root.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(root)
