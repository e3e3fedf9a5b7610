"""The stage `points`: the trials that the space file names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paretofair.runs.packs import Pack, build_packs, pack_size
from paretofair.runs.stages.stage import Context, Plan, Stage
from paretofair.space.schema import Settings


class PointStage(Stage):
    """Every point for every seed: index is the place in the list."""

    name = "points"

    def seeds(self, settings: Settings) -> Sequence[int]:
        return settings.seeds if settings.points else ()

    def indices(self, plan: Plan, method: str) -> int:
        return len(plan.settings.points)

    def packs(self, context: Context) -> list[Pack]:
        packs = []
        for name in context.methods:
            space = context.space.method(name)
            for split_id, seeds, part in context.by_split(self.seeds(context.space)):
                indices = np.tile(np.arange(len(space.points)), len(seeds))
                own = np.repeat(np.array(seeds), len(space.points))
                values = {key: np.array([point[key] for point in space.points])[indices] for key in space.points[0]}
                size = pack_size(context.space)
                packs += build_packs(space, split_id, "points", own, indices, values, size, part=part)
        return packs
