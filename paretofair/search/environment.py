"""What a run was made with, for `environment.json` and `groups.csv`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from paretofair.data import Splits
from paretofair.training import DeviceData

_PACKAGES = ("paretofair", "torch", "ray", "numpy", "pandas", "pyarrow", "pymoo", "moocore")


def environment(splits: Mapping[int, Splits]) -> dict[str, Any]:
    """Versions, hardware, data with the split of every seed, and the commit of the program, as plain JSON data."""
    first = next(iter(splits.values()))
    return {
        "data": {
            "name": first.name,
            "source": first.source,
            "data_id": first.data_id,
            "split_ids": {str(seed): own.split_id for seed, own in splits.items()},
            "sha256": first.checksums,
        },
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in _PACKAGES},
        "git_commit": _commit(),
        "machine": {
            "platform": platform.platform(),
            "processor": _processor(),
            "cpus": os.cpu_count(),
            "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        },
    }


def groups(splits: Mapping[int, Splits], data: DeviceData) -> pd.DataFrame:
    """`groups.csv`: the finest cells of all attributes, in the order of the confusion lists, with their rows.

    Columns `cell`, one per attribute (empty where the group is unknown), `code_<attribute>`, the group's place in the
    schema's order (-1 unknown), by which signed gaps and ratios are taken, and `rows_<split>`.

    `splits` are those of the seeds. Cells are the same in all of them; rows are those of `data`, the first seed's.
    """
    for own in {own.split_id: own for own in splits.values()}.values():
        if not np.array_equal(_cells(own), data.cells):
            raise RuntimeError(f"the cells of groups of split {own.split_id} are not those of the first seed's split")
    table = pd.DataFrame({"cell": range(len(data.cells))})
    for column, attribute in enumerate(data.attributes):
        names = data.group_names[attribute]
        table[attribute] = [names[code] if code >= 0 else "" for code in data.cells[:, column]]
        table[f"code_{attribute}"] = data.cells[:, column]
    for split, counts in data.counts.items():
        table[f"rows_{split}"] = counts
    return table


def _cells(splits: Splits) -> np.ndarray:
    parts = (splits.train, splits.validation, splits.test)
    return np.unique(np.concatenate([part.groups for part in parts if part is not None]), axis=0)


def _commit() -> str | None:
    """The commit of the checkout that the program runs from; None where it was installed without one."""
    here = Path(__file__).parent
    done = subprocess.run(
        ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40"], capture_output=True, text=True
    )
    return done.stdout.strip() or None if done.returncode == 0 else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
