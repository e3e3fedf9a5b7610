"""What a run was made with, for `space.yaml`, `environment.json` and `groups.csv`."""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from paretofair.analysis.counts import GROUPS
from paretofair.data import Splits
from paretofair.data.sheet import describe_data
from paretofair.redaction import redact
from paretofair.results.files import ENVIRONMENT, SPACE, inside, write_csv, write_text
from paretofair.runs.folder import read_environment
from paretofair.runs.stages import Context
from paretofair.space.space import dump
from paretofair.training import DeviceData, to_device

_PACKAGES = ("paretofair", "torch", "ray", "numpy", "pandas", "pyarrow", "pymoo", "moocore")


def write_settings(context: Context, store: str | None = None) -> None:
    """The files of a results folder that say what is run; `store` is the URL that the folder holds copies from. What is
    written there of methods that are not asked for now is kept."""
    space, splits, folder = context.space, context.splits, context.folder
    first = splits.of(space.seeds[0])
    data = to_device(first, space.baselines.sensitive, torch.device("cpu"), torch.float32)
    write_csv(inside(folder, GROUPS), groups(data))
    split_ids = {seed: splits.id_of(seed) for seed in space.seeds}
    write_text(inside(folder, SPACE), dump(space))
    before = read_environment(folder).get("trials", {})
    trials = {stage: before.get(stage, {}) | of_methods for stage, of_methods in context.plan.trials.items()}
    written = {"store": store and redact(store), "trials": trials} | environment(first, split_ids)
    write_text(inside(folder, ENVIRONMENT), json.dumps(written, indent=2) + "\n")


def environment(first: Splits, split_ids: Mapping[int, str]) -> dict[str, Any]:
    """Versions, hardware, data with the split of every seed, and the commit of the program, as plain JSON data.

    `first` is the split of the first seed.
    """
    return {
        "data": {
            "name": first.dataset.name,
            "source": first.dataset.source,
            "data_id": first.dataset.data_id,
            "split_ids": {str(seed): split_id for seed, split_id in split_ids.items()},
            "sha256": first.dataset.checksums,
            "sheet": asdict(describe_data(first)),
        },
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in _PACKAGES},
        "git_commit": read_commit(),
        "machine": {
            "platform": platform.platform(),
            "processor": _processor(),
            "cpus": os.cpu_count(),
            "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        },
    }


def groups(data: DeviceData) -> pd.DataFrame:
    """`groups.csv`: the finest cells of all attributes, in the order of the confusion lists, with their rows.

    Columns `cell`, one per attribute (empty where the group is unknown), `code_<attribute>`, the group's place in the
    schema's order (-1 unknown), by which signed gaps and ratios are taken, and `rows_<split>`, those of `data`. Where
    rows have weights or stay together, `independent_<split>` says how many independent rows of equal weight they are
    worth. All seeds have the same cells, since splits only part the same rows.
    """
    table = pd.DataFrame({"cell": range(len(data.cells))})
    for column, attribute in enumerate(data.attributes):
        names = data.group_names[attribute]
        table[attribute] = [names[code] if code >= 0 else "" for code in data.cells[:, column]]
        table[f"code_{attribute}"] = data.cells[:, column]
    for split, counts in data.counts.items():
        table[f"rows_{split}"] = counts
    for split, worth in (data.independent or {}).items():
        table[f"independent_{split}"] = worth
    return table


@functools.cache
def read_commit() -> str | None:
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
