"""Small runs: seconds from the command to the first result on disk and to its end, by engine, on a warm disk.

    python benchmarks/small.py [--repeats 3] [--before CHECKOUT_OF_AN_EARLIER_VERSION]

34 tiny trials (10 of each of three methods and 4 baselines, one or two epochs of simulated LSAC). Engines take turns.
The earlier checkout runs in its own .venv where it has one, so that its Ray workers import it too.
Prints the least, the median and the largest of the repeats, and the processor time of the command and its workers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe

ROOT = Path(__file__).parents[1]
SPACE = ROOT / "search_spaces" / "mtaf_lsac.yaml"
TINY = [
    *("--trials", "10", "--seeds", "0", "--set", "points=[]", "--set", "data.source=simulated"),
    *("--set", "parameters.epochs=[1, 2]", "--set", "stages.confirm=null"),
    *("--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 2}}"),
]


def run(engine: str, folder: Path, root: Path) -> dict[str, float]:
    """One run by the program in the checkout `root`: seconds to the first result and to the end."""
    chosen = [] if engine == "before" else ["--set", f"resources.engine={engine}"]
    own = root / ".venv" / "bin" / "python"
    python = str(own) if root != ROOT and own.exists() else sys.executable
    words = [python, str(root / "launch" / "sweep.py"), "--space", str(SPACE), *TINY, *chosen]
    environment = os.environ | {"PARETOFAIR_OFFLINE": "1", "PYTHONPATH": str(root)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(
        [*words, "--output", str(folder)],
        cwd=root,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = float("nan")
    while process.poll() is None:
        if first != first and list(folder.glob("trials/*.parquet")):
            first = time.perf_counter() - started
        time.sleep(0.02)
    whole = time.perf_counter() - started
    assert process.returncode == 0, process.communicate()[1]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))
    return {"first": first, "whole": whole, "processor": cpu}


def main() -> None:
    """Measures and prints."""
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("--repeats", type=int, default=3, metavar="N")
    command.add_argument("--before", type=Path, metavar="DIR", help="checkout of an earlier version, to compare with")
    command.add_argument("--output", type=Path, metavar="FILE", help="results as JSON")
    options = command.parse_args()
    engines = [*(["before"] if options.before else []), "ray", "process"]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in engines}
    loads = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.repeats):
            for name in engines:
                place = Path(folder) / name
                shutil.rmtree(place, ignore_errors=True)
                loads.append(os.getloadavg()[0])
                found[name].append(run(name, place, options.before if name == "before" else ROOT))
                print(name, {key: round(value, 1) for key, value in found[name][-1].items()}, flush=True)
    table = {
        name: {
            key: [round(pick(each[key] for each in runs), 1) for pick in (min, statistics.median, max)]
            for key in ("first", "whole", "processor")
        }
        for name, runs in found.items()
    }
    result = {
        "machine": describe(),
        "load": [round(min(loads), 1), round(max(loads), 1)],
        "seconds (least, median, largest)": table,
    }
    print(json.dumps(result, indent=1))
    if options.output:
        options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
