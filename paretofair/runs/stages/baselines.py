"""The stage `baselines`: every task trained alone, the denominators of ARE and ARFG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from paretofair.errors import RunError
from paretofair.runs.packs import Pack, build_packs, pack_size
from paretofair.runs.stages.stage import Context, Plan, Stage
from paretofair.sampling.distributions import column, draw
from paretofair.space.numbering import BASELINE_METHOD, encode_seed
from paretofair.space.schema import Settings

if TYPE_CHECKING:
    from paretofair.space.method_space import MethodSpace


class BaselineStage(Stage):
    """Several runs for every split, with one index for each task."""

    name = "baselines"

    def methods(self, plan: Plan) -> Sequence[str]:
        return [BASELINE_METHOD]

    def seeds(self, settings: Settings) -> Sequence[int]:
        """One of each split, also of those that `tune` alone has."""
        tune = settings.stages.tune
        every = (*settings.seeds, *(tune.seeds if tune is not None else ()))
        return every if settings.data.split_of_each else (0,)

    def runs(self, settings: Settings) -> int:
        return settings.stages.baselines.runs

    def indices(self, plan: Plan, method: str) -> int:
        return len(plan.tasks)

    def space(self, context: Context, method: str) -> MethodSpace:
        return context.tuned.get((self.name, method), context.space.baselines)

    def waits(self, settings: Settings) -> bool:
        return settings.stages.baselines.tune is not None

    def check(self, context: Context) -> None:
        if context.results_so_far.trials.empty:
            raise RunError("no training that baselines are tuned by has ended: every pack failed (--retry-failed)")

    def packs(self, context: Context) -> list[Pack]:
        space, runs = self.space(context, BASELINE_METHOD), self.runs(context.space)
        size = pack_size(context.space)
        return [
            pack
            for split_id, (seed,), part in context.by_split(self.seeds(context.space))
            for pack in baseline_packs(space, split_id, seed, runs, size, part)
        ]


def baseline_packs(space: MethodSpace, split_id: str, seed: int, runs: int, size: int, part: str = "") -> list[Pack]:
    """Every task trained alone, `runs` times: index is the task."""
    tasks = len(space.tasks)
    seeds = np.repeat(encode_seed("baselines", seed, np.arange(runs)), tasks)
    indices = np.tile(np.arange(tasks), runs)
    values = draw(space.parameters, space.tasks, seed=0, first=0, last=len(seeds))
    for name in [name for name, each in space.parameters.items() if isinstance(each, Mapping)]:
        # Every task has a tuned value of its own.
        of_tasks = np.stack([values.pop(column(name, task)) for task in space.tasks])
        values[name] = of_tasks[indices, np.arange(len(indices))]
    values |= weigh_alone(space.tasks, indices)
    return build_packs(space, split_id, "baselines", seeds, indices, values, size, part=part)


def weigh_alone(tasks: Sequence[str], places: np.ndarray) -> dict[str, np.ndarray]:
    """The task weights of trainings of one task each, by column: `places` are those of the tasks."""
    return {f"task_weight_{name}": (places == task).astype(float) for task, name in enumerate(tasks)}
