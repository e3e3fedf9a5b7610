"""What a run trains: every pack that follows from the space file alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paretofair.data.splits import SplitsBySeed
from paretofair.sampling import SAMPLERS
from paretofair.space.method_space import MethodSpace
from paretofair.space.space import Space
from paretofair.sweep.build import COMPILE_FROM, PACK
from paretofair.sweep.packs import Pack
from paretofair.sweep.stages import baseline_packs, point_packs, sweep_packs, tune_packs


def planned(space: Space, splits: SplitsBySeed, methods: Sequence[str]) -> list[Pack]:
    """Every pack that needs no result of another: baselines, points, `tune`, and an `independent` sweep."""
    size = pack_size(space)
    split_ids = {seed: splits.id_of(seed) for seed in space.seeds}
    tuned_on = {seed: splits.id_of(seed) for seed in space.stages.tune.seeds} if space.stages.tune is not None else {}
    # ARE and ARFG of every split, also of those that `tune` alone has.
    packs = baseline_packs(space.baselines, split_ids | tuned_on, space.stages.baselines.runs, size)
    for name in methods:
        packs += point_packs(space.method(name), split_ids, size)
    for name in methods if tuned_on else ():
        packs += tune_packs(space.method(name), tuned_on, size)
    if independent(space):
        packs += sweep(space, {name: space.method(name) for name in methods}, split_ids)
    return packs


def independent(space: Space) -> bool:
    """Whether the trials of the sweep follow from the space file alone."""
    adaptive = SAMPLERS[space.stages.sweep.sampler.name].adaptive
    return space.stages.tune is None and space.stages.sweep.successive_halving is None and not adaptive


def sweep(space: Space, spaces: Mapping[str, MethodSpace], split_ids: Mapping[int, str]) -> list[Pack]:
    """The packs of a sweep whose sampler learns nothing, by the methods' `spaces`, for every seed of `split_ids`.

    Seed by seed rather than method by method: a run that is cut short still compares every method.
    """
    packs = []
    for seed, split_id in split_ids.items():
        for of_method in spaces.values():
            packs += sweep_packs(of_method, {seed: split_id}, space.trials_of(of_method.method), pack_size(space))
    return packs


def compiles(space: Space) -> bool:
    """Whether the steps of the sweep are compiled. By what the space plans, not by what is left of it: a resumed run
    has the rows of an undisturbed one."""
    if space.resources.compile is not None:
        return space.resources.compile
    return max(map(space.trials_of, space.methods)) * len(space.seeds) >= COMPILE_FROM


def pack_size(space: Space) -> int:
    """Trials of a pack."""
    return space.resources.pack or PACK["cuda" if space.resources.gpus else "cpu"]
