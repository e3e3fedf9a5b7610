"""Writes the golden table anew, where bits must change for a reason that docs/decisions.md gives.

python -m tests.golden.write
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import torch

from paretofair.runs.rows import fingerprint
from tests.golden.cases import cases, run_case

TABLE = Path(__file__).parent / "trainings.json"


def numerics() -> dict[str, str]:
    """What the bits of a training follow from, beside the program: those of compiled steps also from the compiler."""
    try:
        compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        compiler = "none\n"
    return {
        "numerics": fingerprint(torch.device("cpu")),
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "compiler": compiler.splitlines()[0],
    }


def main() -> None:
    """Trains every case."""
    written = {case.name: run_case(case) for case in cases()}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(row)}" for name, row in written.items())
    TABLE.write_text(f'{{"written_with": {json.dumps(numerics())},\n"cases": {{\n{lines}\n}}}}\n')


if __name__ == "__main__":
    main()
