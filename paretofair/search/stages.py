"""The stages of a run, each as the list of packs that it trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from paretofair.search.distributions import draw
from paretofair.search.method_space import MethodSpace
from paretofair.search.packs import Pack, split, training_seeds

# Seeds of a user are below a million. The stages that need fresh ones take them from above.
_BASELINE_SEED = 900_000_000
_CONFIRM_STEP = 1_000_000


def baseline_packs(space: MethodSpace, split_id: str, runs: int, size: int) -> list[Pack]:
    """Every task trained alone, `runs` times: index is the task, seeds count from 900,000,000."""
    tasks = len(space.tasks)
    seeds = np.repeat(_BASELINE_SEED + np.arange(runs), tasks)
    indices = np.tile(np.arange(tasks), runs)
    values = draw(space.parameters, space.tasks, seed=0, first=0, last=len(seeds))
    for task, name in enumerate(space.tasks):
        values[f"task_weight_{name}"] = (indices == task).astype(float)
    # Equal initial weights for the tasks of a run, also where every other trial has its own.
    return _packs(space, split_id, "baselines", seeds, indices, values, size, from_seeds=seeds)


def point_packs(space: MethodSpace, split_id: str, seeds: Sequence[int], size: int) -> list[Pack]:
    """The trials that the space file names, for every seed: index is the place in the list."""
    if not space.points:
        return []
    indices = np.tile(np.arange(len(space.points)), len(seeds))
    own = np.repeat(np.array(seeds), len(space.points))
    values = {name: np.array([point[name] for point in space.points])[indices] for name in space.points[0]}
    return _packs(space, split_id, "points", own, indices, values, size)


def sweep_packs(space: MethodSpace, split_id: str, seeds: Sequence[int], trials: int, size: int) -> list[Pack]:
    """`trials` draws for every seed: index is the number of the draw."""
    packs = []
    for seed in seeds:
        own = np.full(trials, seed)
        values = draw(space.parameters, space.tasks, seed=seed, first=0, last=trials)
        packs += _packs(space, split_id, "sweep", own, np.arange(trials), values, size, part=f"-{seed}")
    return packs


def confirm_packs(space: MethodSpace, split_id: str, points: pd.DataFrame, runs: int, size: int) -> list[Pack]:
    """Frontier points of one method trained again with fresh seeds.

    `points` are rows of the trial table. Run r of a point of seed s has the seed 1,000,000 (r + 1) + s and the
    point's own index, so that stage, method, seed and index still name one trial.
    """
    packs = []
    names = draw(space.parameters, space.tasks, seed=0, first=0, last=1)
    for (stage, seed), front in points.groupby(["stage", "seed"]):
        front = front.sort_values("index")
        run = np.repeat(np.arange(runs), len(front))
        front = front.iloc[np.tile(np.arange(len(front)), runs)]
        indices = front["index"].to_numpy(np.int64)
        if stage == "points":
            # Points and draws count from 0 each: points go below.
            indices = -1 - indices
        own = _CONFIRM_STEP * (run + 1) + int(seed)
        values = {name: front[name].to_numpy() for name in names}
        confirms = front["trial_id"].to_numpy(object)
        part = f"-{stage}-{seed}"
        packs += _packs(space, split_id, "confirm", own, indices, values, size, part=part, confirms=confirms)
    return packs


def _packs(
    space: MethodSpace,
    split_id: str,
    stage: str,
    seeds: np.ndarray,
    indices: np.ndarray,
    values: dict[str, np.ndarray],
    size: int,
    *,
    part: str = "",
    confirms: np.ndarray | None = None,
    from_seeds: np.ndarray | None = None,
) -> list[Pack]:
    """Packs of these trials; `from_seeds` in place of the training seeds that the protocol gives."""
    if not len(indices):
        return []
    whole = Pack(
        name=f"{stage}-{space.method}{part}",
        stage=stage,
        method=space.method,
        space_id=space.space_id(stage),
        split_id=split_id,
        seeds=seeds,
        indices=indices,
        training_seeds=training_seeds(space.protocol, seeds, indices) if from_seeds is None else from_seeds,
        values=values,
        confirms=confirms,
    )
    return list(split(whole, size))
