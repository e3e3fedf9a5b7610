"""What many short texts take: time and memory of reading a CSV file of them, of encoding, and of a second start.

    python benchmarks/texts.py
    python benchmarks/texts.py --rows 1000000

Each start is a process of its own over made-up texts of sixteen words; the second one finds the encoded rows in the
cache. Printed: seconds and the largest memory of the process. The cache is a folder that is removed at the end.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WORDS, LENGTH = 50_000, 16


def write_texts(path: Path, rows: int) -> None:
    """A CSV file of numbers of words, which are as frequent as words are, a label and a group."""
    random = np.random.default_rng(0)
    shares = 1 / np.arange(3, WORDS + 3)
    words = np.char.add("w", np.arange(WORDS).astype(str))
    with path.open("w") as file:
        file.write("text,label,group\n")
        for start in range(0, rows, 10_000):
            count = min(10_000, rows - start)
            drawn = random.choice(words, (count, LENGTH), p=shares / shares.sum())
            labels, groups = random.integers(0, 2, (2, count))
            file.writelines(
                f"{' '.join(own)},{label},{group}\n" for own, label, group in zip(drawn, labels, groups, strict=True)
            )


def measure(path: Path) -> None:
    """Reads and encodes the file, and says what that took."""
    from paretofair.data import CsvSchema, read_csv_dataset, split

    began = time.perf_counter()
    given = {"path": str(path), "tasks": {"label": "label"}, "sensitive": {"group": "group"}}
    schema = CsvSchema.model_validate(given | {"inputs": {"text": {"columns": "text", "dimensions": 128}}})
    data = read_csv_dataset(schema)
    read = time.perf_counter() - began
    cut = split(data)
    shape = cut.inputs.shape
    whole = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"  read {read:6.1f} s, encoded to {shape[0]} numbers {whole - read:6.1f} s, at most {memory:.2f} GiB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.csv"
        write_texts(path, options.rows)
        own = os.environ | {"XDG_CACHE_HOME": folder}
        for start in ("first start", "second start"):
            print(f"{options.rows:,} texts, {start}:", flush=True)
            subprocess.run([sys.executable, __file__, "--measure", str(path)], env=own, check=True)


if __name__ == "__main__":
    main()
