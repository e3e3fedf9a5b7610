"""The numbers that trials are named by and trained from."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import numpy as np

BASELINE_METHOD = "single_task"
# Of one seed, where each has a split of its own.
MOST_BASELINE_RUNS = 1_000
# The column `seed` by stage: what it counts from, and the steps of a seed and of a run. Seeds of a user are below a
# million; stages that train several runs take fresh ones from above.
_STEPS = {
    "tune_baselines": (2_000_000_000, MOST_BASELINE_RUNS, 1),
    "baselines": (900_000_000, MOST_BASELINE_RUNS, 1),
    "confirm": (1_000_000, 1, 1_000_000),
}

Number = TypeVar("Number", int, np.ndarray)


def encode_seed(stage: str, seed: int, run: Number) -> Number:
    """The column `seed` of trials of a stage, which their training starts from: of a seed of the space file and a run.

    >>> encode_seed("baselines", 3, 14), encode_seed("confirm", 3, 4), encode_seed("sweep", 3, 0)
    (900003014, 5000003, 3)
    """
    first, of_seed, of_run = _STEPS.get(stage, (0, 1, 0))
    return first + of_seed * seed + of_run * run


def decode_seed(stage: str, column: Number) -> tuple[Number, Number]:
    """The seed of the space file and the run that a column `seed` says. Where all seeds have one split its baselines
    are of no seed, and the one that is given here is as good as any.

    >>> decode_seed("baselines", 900_003_014), decode_seed("confirm", 5_000_003), decode_seed("sweep", 3)
    ((3, 14), (3, 4), (3, 0))
    """
    first, of_seed, of_run = _STEPS.get(stage, (0, 1, 0))
    left = column - first
    if of_run > of_seed:
        return left % of_run, left // of_run
    return left // of_seed, left % of_seed


def training_seeds(stage: str, protocol: str, seeds: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """What initial weights and batch order come from: the seed, or under `protocol: paper` one for every trial. The
    tasks of a run of the baselines start alike under both."""
    if protocol != "paper" or stage in ("tune_baselines", "baselines"):
        return seeds
    keys = (f"{seed}/{index}".encode() for seed, index in zip(seeds, indices, strict=True))
    return np.array([int.from_bytes(hashlib.sha256(key).digest()[:6], "big") for key in keys], dtype=np.int64)
