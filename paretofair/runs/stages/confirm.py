"""The stage `confirm`: frontier points trained again with fresh seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.analysis.overview import leading_points
from paretofair.analysis.results import Results
from paretofair.runs.packs import Pack, build_packs, pack_size
from paretofair.runs.stages.stage import Context, Plan, Stage
from paretofair.sampling.distributions import draw
from paretofair.space.numbering import decode_seed, encode_seed
from paretofair.space.schema import Settings

if TYPE_CHECKING:
    from paretofair.space.method_space import MethodSpace


class ConfirmStage(Stage):
    """Several runs of every point of the frontiers under the leading set."""

    name = "confirm"
    omission = "The frontiers are not confirmed: the search is not complete."

    def seeds(self, settings: Settings) -> Sequence[int]:
        return settings.seeds if settings.stages.confirm is not None else ()

    def runs(self, settings: Settings) -> int:
        return settings.stages.confirm.runs if settings.stages.confirm is not None else 0

    def count(self, plan: Plan, method: str, results: Results | None = None) -> int | None:
        return None if results is None else self.runs(plan.settings) * len(_points(results, method))

    def match(self, plan: Plan, method: str, rows: pd.DataFrame, results: Results | None = None) -> np.ndarray:
        """All, as long as it cannot be told."""
        if results is None:
            return np.ones(len(rows), dtype=bool)
        _, run = decode_seed(self.name, rows["seed"].to_numpy())
        again = rows["confirms"].isin(_points(results, method)).to_numpy()
        return again & (run < self.runs(plan.settings))

    def waits(self, settings: Settings) -> bool:
        return True

    def packs(self, context: Context) -> list[Pack]:
        points = leading_points(context.results_so_far)
        packs = []
        for name in context.methods:
            own = points[points["method"] == name]
            space, runs, size = context.space.method(name), self.runs(context.space), pack_size(context.space)
            packs += confirm_packs(space, own, runs, size)
        return packs


def _points(results: Results, method: str) -> pd.Series:
    """The trials that are trained again."""
    front = results.frontier(results.leading)
    return front.loc[front["method"] == method, "trial_id"]


def confirm_packs(space: MethodSpace, points: pd.DataFrame, runs: int, size: int) -> list[Pack]:
    """Points of one method, rows of the trial table, trained again, each on its own split and with its own index."""
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
        own = encode_seed("confirm", int(seed), run)
        values = {name: front[name].to_numpy() for name in names}
        confirms = front["trial_id"].to_numpy(object)
        split_id, part = front["split_id"].iloc[0], f"-{stage}-{seed}"
        packs += build_packs(space, split_id, "confirm", own, indices, values, size, part=part, confirms=confirms)
    return packs
