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
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from machine import describe  # noqa: E402

from tests.launch.processes import Marked, kill, raw  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "faults.json"
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
                result[name] = repeat_job(name, kills, random.Random(options.seed), Path(folder))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    wrong = [name for name in JOBS if name in result and not result[name]["equal"]]
    print(f"written to {RESULTS}; " + (f"tables differ: {', '.join(wrong)}" if wrong else "every table is equal"))
    return 1 if wrong else 0


def repeat_job(name: str, kills: int, moments: random.Random, folder: Path) -> dict[str, Any]:
    """One job: undisturbed, then killed so many times."""
    (folder / "output").mkdir()
    marked = Marked(folder / "output", os.environ)
    started = time.monotonic()
    check(name, marked.finish(marked.start(command(name, folder / "whole")), None))
    whole, undisturbed = raw(folder / "whole"), time.monotonic() - started
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
            process = marked.start(command(name, own))
            began = time.monotonic()
            try:
                code = process.wait(None if last else moments.uniform(0, seconds))
            except subprocess.TimeoutExpired:
                kill(process.pid)
                code = process.wait()
            after = time.monotonic() - began
            done = code == 0
            if code != -signal.SIGKILL:
                check(name, marked.finish(process))
            if done and before.empty:
                # Nobody killed it: on a shared machine the first run may have been slow.
                seconds = min(seconds, after)
            now = raw(own)
            lost += len(before.index.difference(now.index))
            doubled += int(now.index.duplicated().sum())
            if len(before):
                # Rows of other stages may since have brought columns of their own.
                same = now.loc[now.index.intersection(before.index), list(before)]
                differ |= find_differing(same, before) - MAY_DIFFER
            if not done:
                left = marked.alive(process)
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
        differ |= find_differing(raw(own), whole)
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


def command(name: str, output: Path) -> list[str]:
    """The command of a job."""
    arguments = [sys.executable, str(ROOT / "launch" / "sweep.py"), "--output", str(output)]
    arguments += ["--space", str(ROOT / "search_spaces" / "mtaf_lsac.yaml"), *JOBS[name]]
    return [*arguments, "--set", "stages.confirm=null"]


def check(name: str, done: subprocess.CompletedProcess[str]) -> None:
    """Ends the benchmark where a command that nobody killed has failed."""
    if done.returncode:
        raise SystemExit(f"{name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


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
