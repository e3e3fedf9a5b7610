"""Kills drivers at random moments, and says whether the tables are those of undisturbed runs.

    PARETOFAIR_DATA=... python benchmarks/faults.py [--kills 20] [--halving-kills 10] [--seed 0]

Two jobs on search_spaces/mtaf_lsac.yaml: `random`, one method and 64 draws, and `halving`, all methods with 162 draws
for each of two seeds in brackets of 81. Of each an undisturbed run, which takes T seconds. Then the same command in
another folder gets SIGKILL between 0 and T seconds after its start and is given again, at once, until it is done; and
so on in fresh folders until there were as many kills as asked for. After each kill no row may be lost, changed or
doubled, and in the end every table must equal the undisturbed one in all columns but those in `may_differ`. Prints the
process and moment of every kill and writes benchmarks/results/faults.json. Fails where a table differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import pandas as pd
from machine import describe

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "faults.json"
MARK = "PARETOFAIR_FAULTS"
# Seconds are those of the machine; the width of a stack is measured anew by every worker.
MAY_DIFFER = {"train_seconds", "stack_width"}
JOBS = {
    "random": ["--methods", "mtaf", "--seeds", "0", "--trials", "64", "--set", "resources.pack=8"],
    "halving": [
        *("--seeds", "0,1", "--trials", "162", "--set", "resources.pack=81"),
        *("--set", "stages.sweep.successive_halving={bracket: 81, eta: 3, rungs: [7, 20]}"),
    ],
}


def main() -> int:
    """Kills, compares, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="kills of the random sweep")
    parser.add_argument("--halving-kills", type=int, default=10, help="kills of the sweep with successive halving")
    parser.add_argument("--seed", type=int, default=0, help="what the moments are drawn from")
    options = parser.parse_args()
    result: dict[str, Any] = {"machine": describe(), "seed": options.seed, "may_differ": sorted(MAY_DIFFER)}
    for name, kills in (("random", options.kills), ("halving", options.halving_kills)):
        if kills:
            with tempfile.TemporaryDirectory() as folder:
                result[name] = repeated(name, kills, random.Random(options.seed), Path(folder))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    wrong = [name for name in JOBS if name in result and not result[name]["equal"]]
    print(f"written to {RESULTS}; " + (f"tables differ: {', '.join(wrong)}" if wrong else "every table is equal"))
    return 1 if wrong else 0


def repeated(name: str, kills: int, moments: random.Random, folder: Path) -> dict[str, Any]:
    """One job: undisturbed, then killed so many times."""
    started = time.monotonic()
    finish(start(name, folder / "whole"), folder)
    whole, undisturbed = read(folder / "whole"), time.monotonic() - started
    seconds = undisturbed
    print(f"{name}: {len(whole)} rows, undisturbed in {undisturbed:.1f} s")
    found: list[dict[str, Any]] = []
    differ: set[str] = set()
    rounds = lost = doubled = 0
    while len(found) < kills:
        rounds += 1
        own, before, done = folder / str(rounds), pd.DataFrame(), False
        while not done:
            last = len(found) == kills
            process, mark = start(name, own)
            began = time.monotonic()
            try:
                code = process.wait(None if last else moments.uniform(0, seconds))
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                code = process.wait()
            after = time.monotonic() - began
            done = code == 0
            if not done and code != -signal.SIGKILL:
                raise SystemExit(f"{name}: exit code {code}\n{log(folder)}")
            if done and before.empty:
                # Nobody killed it: on a shared machine the first run may have been slow.
                seconds = min(seconds, after)
            now = read(own)
            lost += len(before.index.difference(now.index))
            doubled += int(now.index.duplicated().sum())
            if len(before):
                differ |= differing(now.loc[now.index.intersection(before.index)], before) - MAY_DIFFER
            if not done:
                left = processes(mark)
                found.append(
                    {
                        "round": rounds,
                        "pid": process.pid,
                        "seconds": round(after, 2),
                        "rows": len(now),
                        "left_behind": len(left),
                    }
                )
                print(
                    f"{name}: kill {len(found)} of round {rounds}: driver {process.pid} after {after:.2f} s with "
                    f"{len(now)} rows, {len(left)} processes left behind",
                    flush=True,
                )
            before = now
        differ |= differing(read(own), whole)
        print(f"{name}: round {rounds} is done; other columns than in the undisturbed run: {sorted(differ)}")
    return {
        "rows": len(whole),
        "data": whole["source"].iloc[0],
        "undisturbed_seconds": undisturbed,
        "kills": found,
        "rounds": rounds,
        "lost": lost,
        "doubled": doubled,
        "columns_that_differ": sorted(differ),
        "equal": not (lost or doubled or differ - MAY_DIFFER),
    }


def start(name: str, output: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The command of a job, marked by a variable that its descendants inherit."""
    mark = uuid.uuid4().hex
    command = [sys.executable, str(ROOT / "launch" / "sweep.py"), "--output", str(output)]
    command += ["--space", str(ROOT / "search_spaces" / "mtaf_lsac.yaml"), *JOBS[name], "--set", "stages.confirm=null"]
    with open(output.parent / "log", "wb") as file:
        process = subprocess.Popen(
            command, env=os.environ | {MARK: mark}, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    return process, mark


def finish(started: tuple[subprocess.Popen[bytes], str], folder: Path) -> None:
    """Waits for a command that nobody kills."""
    code = started[0].wait()
    if code:
        raise SystemExit(f"exit code {code}\n{log(folder)}")


def log(folder: Path) -> str:
    """What the last command said."""
    return (folder / "log").read_text()


def processes(mark: str) -> list[int]:
    """Process ids of what descends from a command and is still there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={mark}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def read(folder: Path) -> pd.DataFrame:
    """Every row of every file, by trial."""
    frames = [pd.read_parquet(path) for path in sorted((folder / "trials").glob("*.parquet"))]
    return pd.concat(frames).set_index("trial_id").sort_index() if frames else pd.DataFrame()


def differing(found: pd.DataFrame, expected: pd.DataFrame) -> set[str]:
    """The columns in which tables differ, bit for bit; `trial_id` where they have other rows."""
    if not found.index.equals(expected.index):
        return {"trial_id"}
    names = set(found) & set(expected)
    changed = {name for name in names if not found[name].map(_plain).equals(expected[name].map(_plain))}
    return changed | (set(found) ^ set(expected))


def _plain(value: Any) -> Any:
    return value.tobytes() if hasattr(value, "tobytes") else value


if __name__ == "__main__":
    sys.exit(main())
