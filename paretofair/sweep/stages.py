"""The stages of a run, each as the list of packs that it trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from paretofair.sampling.distributions import draw
from paretofair.space.method_space import MethodSpace, trial_id
from paretofair.space.numbering import BASELINE_SEED, BASELINE_STEP, CONFIRM_STEP
from paretofair.space.tune import trial_values
from paretofair.sweep.build import build_sampler
from paretofair.sweep.packs import Pack, split, training_seeds


def baseline_packs(space: MethodSpace, split_ids: Mapping[int, str], runs: int, size: int) -> list[Pack]:
    """Every task trained alone, `runs` times on every split: index is the task.

    `split_ids` are those of the seeds. Seeds of baselines count from 900,000,000, and where each seed has a split of
    its own from 900,000,000 + 1,000 seed.
    """
    packs = []
    tasks = len(space.tasks)
    for split_id, own, part in _by_split(space, split_ids):
        first = BASELINE_SEED + (BASELINE_STEP * own[0] if space.data.split_of_each else 0)
        seeds = np.repeat(first + np.arange(runs), tasks)
        indices = np.tile(np.arange(tasks), runs)
        values = draw(space.parameters, space.tasks, seed=0, first=0, last=len(seeds))
        for task, name in enumerate(space.tasks):
            values[f"task_weight_{name}"] = (indices == task).astype(float)
        # Equal initial weights for the tasks of a run, also where every other trial has its own.
        packs += _packs(space, split_id, "baselines", seeds, indices, values, size, part=part, from_seeds=seeds)
    return packs


def point_packs(space: MethodSpace, split_ids: Mapping[int, str], size: int) -> list[Pack]:
    """The trials that the space file names, for every seed of `split_ids`: index is the place in the list."""
    if not space.points:
        return []
    packs = []
    for split_id, seeds, part in _by_split(space, split_ids):
        indices = np.tile(np.arange(len(space.points)), len(seeds))
        own = np.repeat(np.array(seeds), len(space.points))
        values = {name: np.array([point[name] for point in space.points])[indices] for name in space.points[0]}
        packs += _packs(space, split_id, "points", own, indices, values, size, part=part)
    return packs


def tune_packs(space: MethodSpace, split_ids: Mapping[int, str], size: int) -> list[Pack]:
    """The draws of the stage `tune` under every one of its settings, for every seed of `split_ids`: index is
    setting * trials + draw."""
    values = trial_values(space)
    packs = []
    for seed, split_id in split_ids.items():
        own = np.full(space.tune_trials, seed)
        packs += _packs(space, split_id, "tune", own, np.arange(len(own)), values, size, part=f"-{seed}")
    return packs


def sweep_packs(space: MethodSpace, split_ids: Mapping[int, str], trials: int, size: int) -> list[Pack]:
    """`trials` draws for every seed of `split_ids`, by a sampler that learns nothing: index is the number of the draw.

    A pack holds whole brackets of successive halving.
    """
    if space.bracket is not None:
        size = max(size // space.bracket, 1) * space.bracket
    packs = []
    for seed, split_id in split_ids.items():
        indices = np.arange(trials)
        values = build_sampler(space, seed).ask(indices)
        packs += _packs(space, split_id, "sweep", np.full(trials, seed), indices, values, size, part=f"-{seed}")
    return packs


def sweep_ids(space: MethodSpace, split_id: str, seed: int, trials: int) -> list[str]:
    """Identities of the trials of a sweep, in the order of their indices."""
    space_id = space.space_id("sweep")
    return [trial_id(space_id, split_id, "sweep", space.method, seed, index) for index in range(trials)]


def sample(space: MethodSpace, split_id: str, count: int) -> Pack:
    """Draws as a sweep might have them, for trying a method out; of single-task trainings every task has weight 1."""
    values = draw(space.parameters, space.tasks, seed=0, first=0, last=count)
    values = {f"task_weight_{task}": np.ones(count) for task in space.tasks} | values
    (pack,) = _packs(space, split_id, "sweep", np.zeros(count, dtype=np.int64), np.arange(count), values, count)
    return pack


def sweep_pack(
    space: MethodSpace, split_id: str, seed: int, indices: np.ndarray, values: dict[str, np.ndarray]
) -> Pack:
    """One pack of draws that a sampler gave."""
    seeds, part = np.full(len(indices), seed), f"-{seed}-{indices.min()}"
    (pack,) = _packs(space, split_id, "sweep", seeds, indices, values, len(indices), part=part)
    return pack


def confirm_packs(space: MethodSpace, points: pd.DataFrame, runs: int, size: int) -> list[Pack]:
    """Frontier points of one method trained again with fresh seeds, each on its own split.

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
        own = CONFIRM_STEP * (run + 1) + int(seed)
        values = {name: front[name].to_numpy() for name in names}
        confirms = front["trial_id"].to_numpy(object)
        split_id, part = front["split_id"].iloc[0], f"-{stage}-{seed}"
        packs += _packs(space, split_id, "confirm", own, indices, values, size, part=part, confirms=confirms)
    return packs


def _by_split(space: MethodSpace, split_ids: Mapping[int, str]) -> Iterator[tuple[str, Sequence[int], str]]:
    """Every split with the seeds that have it and what the names of its packs end in."""
    if space.data.split_of_each:
        yield from ((split_id, [seed], f"-{seed}") for seed, split_id in split_ids.items())
    else:
        yield next(iter(split_ids.values())), list(split_ids), ""


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
