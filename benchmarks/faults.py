"""Kills what a sweep runs on at random moments, and says whether its table is that of an undisturbed run.

    PARETOFAIR_DATA=... python benchmarks/faults.py [--kills 60] [--job NAME] [--targets driver,worker,raylet,gcs]

The jobs are sweeps of search_spaces/mtaf_lsac.yaml: `random`, one method and 16 draws, about 20 s on two cores that are
free, `process`, the same without a Ray, and `halving`, all methods with 162 draws for each of two seeds in brackets of
81. First an undisturbed run, which takes T seconds and writes S files. Then the same command in another folder loses
one of its processes (the driver, a worker, Ray's raylet or its head) by SIGKILL: every fourth time at a moment of the
first T seconds, most of which a short job needs to start, else up to a second after a random number of the S files is
there. If the command then ends without having finished, it is given again, at once, until it is done; and so on in
fresh folders until there were as many kills as asked for. After each kill no row may be lost, changed or doubled, and
in the end every table must equal the undisturbed one in all columns but those in `MAY_DIFFER`. Whoever survives must
end by itself, with one sentence and no traceback.

Prints every kill and, whenever a folder is done, adds its kills to those in benchmarks/results/faults.json. Moments are
drawn anew each time, and several of these programs may run at once. Fails where anything was wrong.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from machine import describe, hide_paths  # noqa: E402

from tests.launch.processes import Marked, files, kill, raw, wait_for  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "faults.json"
# Seconds are those of the machine; the width of a stack is measured anew by every worker.
MAY_DIFFER = {"train_seconds", "stack_width"}
_RANDOM = [
    *("--methods", "mtaf", "--seeds", "0", "--trials", "16", "--set", "resources.pack=4"),
    *("--set", "stages.baselines.runs=2", "--set", "resources.stack=2", "--set", "parameters.epochs=[5, 10]"),
]
JOBS = {
    "random": [*_RANDOM, "--set", "resources.engine=ray"],
    "process": [*_RANDOM, "--set", "resources.engine=process"],
    "halving": [
        *("--seeds", "0,1", "--trials", "162", "--set", "resources.pack=81"),
        *("--set", "stages.sweep.successive_halving={bracket: 81, eta: 3, rungs: [7, 20]}"),
    ],
}
# What their programs are called.
TARGETS = {"driver": None, "worker": "paretofair_packs", "raylet": "raylet", "gcs": "gcs_server"}
NOTHING: dict[str, Any] = {"lost": 0, "doubled": 0, "different": []}
PATIENCE = 400  # seconds that a command has to end after something else was killed


def main() -> int:
    """Kills, compares, prints and adds to what is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--job", choices=JOBS, default="random")
    parser.add_argument("--targets", help="what is killed, in turn (default: all that the job has)")
    options = parser.parse_args()
    targets = (options.targets or ("driver" if options.job == "process" else ",".join(TARGETS))).split(",")
    with tempfile.TemporaryDirectory() as folder:
        found = repeat_job(options.job, options.kills, targets, random.Random(), Path(folder))
    result = json.loads(RESULTS.read_text())
    print({name: value for name, value in result.items() if name not in ("kills", "machine")})
    print(f"{len(found)} kills now, written to {RESULTS}")
    return 1 if any(is_wrong(each) for each in found) else 0


def add_to_results(found: list[dict[str, Any]]) -> None:
    """Adds kills to those that are known, and counts all anew."""
    with open(RESULTS, "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        kills = [*json.loads(file.read() or '{"kills": []}')["kills"], *found]
        result = {
            "machine": describe(),
            "may_differ": sorted(MAY_DIFFER),
            "killed": len(kills),
            "by_target": dict(Counter(each["target"] for each in kills)),
            "by_job": dict(Counter(each["job"] for each in kills)),
            "lost": sum(each["lost"] for each in kills),
            "doubled": sum(each["doubled"] for each in kills),
            "different": sum(bool(each["different"]) for each in kills),
            "other_wrongs": [
                f"{each['date']}, {each.get('commit', 'earlier')}, {each['job']}, {each['target']}: {each['wrong']}"
                for each in kills
                if each["wrong"]
            ],
            "kills": kills,
        }
        text = spell(result)
        file.truncate(0)
        file.write(text)


def spell(result: dict[str, Any]) -> str:
    """JSON with a line for each kill, at the end."""
    head = json.dumps({name: value for name, value in result.items() if name != "kills"}, indent=1)
    lines = ",\n".join(f"  {json.dumps(each)}" for each in result["kills"])
    return f'{head[:-2]},\n "kills": [\n{lines}\n ]\n}}\n'


def add_wrongs(each: dict[str, Any], wrong: dict[str, Any]) -> None:
    """Adds to what was wrong after a kill."""
    each["lost"] += wrong["lost"]
    each["doubled"] += wrong["doubled"]
    each["different"] = sorted({*each["different"], *wrong["different"]})


def is_wrong(each: dict[str, Any]) -> bool:
    """Whether anything was wrong after a kill."""
    return bool(each["lost"] or each["doubled"] or each["different"] or each["wrong"])


def repeat_job(name: str, kills: int, targets: list[str], moments: random.Random, folder: Path) -> list[dict[str, Any]]:
    """One job: undisturbed, then killed so many times, `targets` in turn."""
    (folder / "output").mkdir()
    marked, commit = Marked(folder / "output", os.environ), find_commit()
    started = time.monotonic()
    done = marked.finish(marked.start(command(name, folder / "whole")))
    if done.returncode:
        raise SystemExit(f"{name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    whole, seconds, most = raw(folder / "whole"), time.monotonic() - started, len(files(folder / "whole"))
    print(f"{name}: {len(whole)} rows, undisturbed in {seconds:.1f} s", flush=True)
    found: list[dict[str, Any]] = []
    rounds = 0
    try:
        while len(found) < kills:
            rounds += 1
            own, before, finished, already = folder / str(rounds), pd.DataFrame(), False, len(found)
            while not finished:
                target = targets[len(found) % len(targets)] if len(found) < kills else None
                moment = (0, moments.uniform(0, seconds))
                if moments.random() > 1 / 4:
                    moment = (moments.randint(min(len(files(own)), most - 1), most - 1), moments.uniform(0, 1))
                each = run_once(marked, command(name, own), own, target, moment)
                now, finished = raw(own), each["code"] == 0
                if each["target"]:
                    found.append({"date": time.strftime("%Y-%m-%d"), "commit": commit, "job": name, **each, **NOTHING})
                # What is wrong with rows is the doing of the last kill, whose folder may have needed a command more.
                wrong = compare_rows(before, now, whole if finished else None)
                if found:
                    add_wrongs(found[-1], wrong)
                elif any(wrong.values()):
                    raise SystemExit(f"{name}: {wrong} though nothing was killed")
                if each["target"]:
                    print(f"{len(found)}: {found[-1]}", flush=True)
                before = now
            add_to_results(found[already:])
    finally:
        marked.clean()
    return found


def run_once(
    marked: Marked, words: list[str], folder: Path, target: str | None, moment: tuple[int, float]
) -> dict[str, Any]:
    """Starts the command and kills `target` of it so many seconds after so many files are there, or when it first is
    there itself. What was killed and when, the exit code, and what was wrong with the end; `target` None where nothing
    could be killed."""
    process = marked.start(words)
    began = time.monotonic()
    pid: int | None = None
    try:
        if target is None:
            process.wait()
        else:
            stacks, after = moment
            wait_for(lambda: process.poll() is not None or len(files(folder)) >= stacks)
            process.wait(after)
    except subprocess.TimeoutExpired:
        assert target is not None
        wait_for(lambda: process.poll() is not None or bool(find_process(marked, process, target)), PATIENCE)
        pid = find_process(marked, process, target) if process.poll() is None else None
        if pid is not None:
            kill(pid)
    killed_after = time.monotonic() - began
    rows = len(raw(folder))
    wrong = ""
    try:
        process.wait(PATIENCE if target is not None else None)
    except subprocess.TimeoutExpired:
        wrong = f"still there {PATIENCE} s later"
        kill(process.pid)
        process.wait()
    code = process.returncode
    done = marked.finish(process)
    said = done.stdout + done.stderr
    if not wrong and pid is not None and target != "driver":
        if "Traceback" in said:
            wrong = "a traceback"
        elif code not in (0, 1, 3):
            wrong = f"exit code {code}"
    if pid is None and code:
        raise SystemExit(f"exit code {code} though nothing was killed\n{said}")
    return {
        "target": target if pid is not None else None,
        "seconds": round(killed_after, 2),
        "rows": rows,
        "code": code,
        "ended_after": round(time.monotonic() - began - killed_after, 2),
        "left_behind": len(marked.alive(process)),
        "wrong": wrong and f"{wrong}: {' '.join(hide_paths(said).split())[-400:]}",
    }


def find_process(marked: Marked, process: subprocess.Popen[bytes], target: str) -> int | None:
    """The process id of what is to be killed; None where it is not there (yet)."""
    program = TARGETS[target]
    if program is None:
        return process.pid
    return next((pid for pid, name in marked.alive(process).items() if program in name), None)


def compare_rows(before: pd.DataFrame, now: pd.DataFrame, whole: pd.DataFrame | None) -> dict[str, Any]:
    """How many rows of `before` are lost, how many there are twice, and in which columns others are different from
    what they were, or from those of the undisturbed run."""
    differ: set[str] = set() if whole is None else find_differing(now, whole)
    if len(before):
        # Rows of other stages may since have brought columns of their own.
        differ |= find_differing(now.loc[now.index.intersection(before.index), list(before)], before)
    return {
        "lost": len(before.index.difference(now.index)),
        "doubled": int(now.index.duplicated().sum()),
        "different": sorted(differ - MAY_DIFFER),
    }


def find_commit() -> str:
    """The version of the program that is killed."""
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    return said.stdout.strip()


def command(name: str, output: Path) -> list[str]:
    """The command of a job."""
    arguments = [sys.executable, str(ROOT / "launch" / "sweep.py"), "--output", str(output)]
    arguments += ["--space", str(ROOT / "search_spaces" / "mtaf_lsac.yaml"), *JOBS[name]]
    return [*arguments, "--set", "stages.confirm=null"]


def find_differing(found: pd.DataFrame, expected: pd.DataFrame) -> set[str]:
    """The columns in which tables differ, bit for bit; `trial_id` where they have other rows."""
    if not found.index.equals(expected.index):
        return {"trial_id"}
    names = set(found) & set(expected)
    changed = {
        name for name in names if not found[name].map(_make_comparable).equals(expected[name].map(_make_comparable))
    }
    return changed | (set(found) ^ set(expected))


def _make_comparable(value: Any) -> Any:
    return value.tobytes() if hasattr(value, "tobytes") else value


if __name__ == "__main__":
    sys.exit(main())
