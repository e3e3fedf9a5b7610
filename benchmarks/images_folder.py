"""A folder of many small pictures made by code: seconds of the first and of the second start, and memory.

    python benchmarks/images_folder.py         # 200,000 pictures; writes benchmarks/results/images_folder.json
    python benchmarks/images_folder.py --pictures 20000

`decode`: reading the table, decoding all pictures into the cache and hashing them. `second`: the same again. `worker`:
a process that opens the split and takes 200 batches of 128 rows: its memory without the pages of the map, which all
processes share, and the share of a step that reading takes beside a small network's.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from machine import describe
from PIL import Image

RESULTS = Path(__file__).parent / "results" / "images_folder.json"
SIZE, CUT = 80, 64
MIB = 1 << 20


def main() -> None:
    """Makes the pictures, measures in processes of their own, and writes what was found."""
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("--pictures", type=int, default=200_000)
    command.add_argument("--output", type=Path, default=RESULTS)
    command.add_argument("--part", choices=("start", "worker"), help=argparse.SUPPRESS)
    command.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = command.parse_args()
    if options.part is not None:
        print(json.dumps({"start": start, "worker": work}[options.part](options.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_pictures(folder, options.pictures)
        found = {"decode": run("start", folder), "second": run("start", folder), "worker": run("worker", folder)}
        assert found["decode"].pop("data_id") == found["second"].pop("data_id")
        found["map_mib"] = sum(path.stat().st_size for path in folder.rglob("pixels.npy")) / MIB
        found["per_picture_ms"] = 1000 * found["decode"]["seconds"] / options.pictures
    found |= {"pictures": options.pictures, "load": os.getloadavg()[0], "machine": describe()}
    options.output.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def make_pictures(folder: Path, count: int) -> None:
    """JPEG files of noise below soft colours, in folders of a thousand, and their table."""
    random = np.random.default_rng(0)
    names = [f"{number // 1000:03d}/{number:06d}.jpg" for number in range(count)]
    for name in names:
        path = folder / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(random.integers(0, 256, (10, 10, 3)).astype(np.uint8))
        small.resize((SIZE, SIZE)).save(path, quality=85)
    rows = np.arange(count)
    table = pd.DataFrame({"file": names, "smile": rows % 2, "sex": np.array(["f", "m"])[rows // 2 % 2]})
    table.to_csv(folder / "faces.csv", index=False)


def run(part: str, folder: Path) -> dict[str, Any]:
    """What a part prints, from a process of its own whose cache is in the folder."""
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, __file__, "--part", part, "--folder", str(folder)]
    done = subprocess.run(arguments, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def start(folder: Path) -> dict[str, Any]:
    """Reads the data set as a sweep does before it trains."""
    from paretofair.data import CsvSchema, read_csv_dataset, split

    schema = CsvSchema.model_validate(
        {
            "path": "faces.csv",
            "tasks": {"smile": "smile"},
            "sensitive": {"sex": "sex"},
            "inputs": {"images": {"column": "file", "root": "pictures", "size": CUT, "augment": ["flip", "crop"]}},
        }
    )
    begun = time.perf_counter()
    data = read_csv_dataset(schema, folder)
    splits = split(data)
    data_id = data.data_id
    seconds = time.perf_counter() - begun
    content = pickle.dumps(splits)
    (folder / "splits.pickle").write_bytes(content)
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "seconds": seconds,
        "processor_seconds": own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
        "driver_mib": own.ru_maxrss / 1024,
        "largest_child_mib": children.ru_maxrss / 1024,
        "pickled_mib": len(content) / MIB,
        "data_id": data_id,
    }


def work(folder: Path) -> dict[str, float]:
    """Takes batches as a worker does, and compares with steps of a small network."""
    import torch

    from paretofair.training import to_device

    torch.set_num_threads(1)
    before = read_private_memory()
    splits = pickle.loads((folder / "splits.pickle").read_bytes())
    data = to_device(splits, {"smile": "sex"}, torch.device("cpu"), torch.float32)
    inputs = data.splits["train"].inputs
    layers = [torch.nn.Conv2d(3, 32, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Conv2d(32, 64, 3)]
    network = torch.nn.Sequential(*layers, torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))
    taken = stepped = 0.0
    batches = order.split(128)[:200]
    for place, rows in enumerate(batches):
        begun = time.process_time()
        examples = inputs.take(rows, (place,))
        taken += time.process_time() - begun
        if place < 20:
            begun = time.process_time()
            network(examples).sum().backward()
            stepped += time.process_time() - begun
    return {
        "memory_mib": read_private_memory(),
        "memory_before_mib": before,
        "batch_ms": 1000 * taken / len(batches),
        "step_ms": 1000 * stepped / min(20, len(batches)),
    }


def read_private_memory() -> float:
    """MiB of this process that no file backs."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


if __name__ == "__main__":
    main()
