"""The stage `tune_baselines`: which setting gives each task alone its smallest error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from paretofair.analysis.results import find_choosing_split
from paretofair.runs.packs import Pack, build_packs, pack_size
from paretofair.runs.stages.baselines import BaselineStage, weigh_alone
from paretofair.runs.stages.stage import Context, Plan, Stage
from paretofair.runs.stages.tune import write_tuned
from paretofair.space.numbering import BASELINE_METHOD, encode_seed
from paretofair.space.schema import Settings
from paretofair.space.tune import baseline_settings, free_parameters, freeze_baselines

if TYPE_CHECKING:
    from paretofair.space.method_space import MethodSpace


class TuneBaselinesStage(Stage):
    """The same settings for every task, each trained several times on every split of the baselines: index is
    setting * tasks + task."""

    name = "tune_baselines"

    def methods(self, plan: Plan) -> Sequence[str]:
        return [BASELINE_METHOD]

    def seeds(self, settings: Settings) -> Sequence[int]:
        return BaselineStage().seeds(settings) if settings.stages.baselines.tune is not None else ()

    def runs(self, settings: Settings) -> int:
        return settings.stages.baselines.tune.runs if settings.stages.baselines.tune is not None else 0

    def indices(self, plan: Plan, method: str) -> int:
        tune = plan.settings.stages.baselines.tune
        return tune.settings * len(plan.tasks) if tune is not None else 0

    def space(self, context: Context, method: str) -> MethodSpace:
        return context.space.baselines

    def packs(self, context: Context) -> list[Pack]:
        tune, space = context.space.stages.baselines.tune, context.space.baselines
        if tune is None:
            return []
        settings, tasks = baseline_settings(space, tune.settings), len(space.tasks)
        packs = []
        for split_id, (seed,), part in context.by_split(self.seeds(context.space)):
            # Packs of one task each: whatever else is to be trained waits for them.
            for task in range(tasks):
                own = encode_seed(self.name, seed, np.repeat(np.arange(tune.runs), tune.settings))
                setting = np.tile(np.arange(tune.settings), tune.runs)
                values = {name: each[setting] for name, each in settings.items()}
                values |= weigh_alone(space.tasks, np.full(len(own), task))
                indices, size = setting * tasks + task, pack_size(context.space)
                packs += build_packs(space, split_id, self.name, own, indices, values, size, part=f"{part}-task-{task}")
        return packs

    def conclude(self, context: Context) -> Context:
        """Fixes for the baselines of each task what it has chosen, which is written to `tuned.csv`."""
        tune, space = context.space.stages.baselines.tune, context.space.baselines
        assert tune is not None, "it has packs"
        trials = context.results_so_far.trials
        own = trials[(trials["stage"] == self.name) & self.match(context.plan, BASELINE_METHOD, trials)]
        split, _ = find_choosing_split(space.protocol)
        table = compare_baselines(own, space.tasks, tune.settings, split)
        for task, errors in table.groupby("task", sort=False)["error"]:
            if errors.isna().all():
                words = (
                    f"tune_baselines: no training of {task} alone has an error on {split}; its first setting is taken."
                )
                context.console.print(words, style="yellow", soft_wrap=True)
        values, setting = baseline_settings(space, tune.settings), table["setting"].to_numpy()
        of_settings = {name: values[name][setting] for name in free_parameters(space.parameters)}
        write_tuned(context.folder, table.assign(**of_settings))
        chosen = table[table["chosen"]].set_index("task")["setting"].to_dict()
        frozen = freeze_baselines(space, values, chosen)
        return replace(context, tuned={**context.tuned, ("baselines", BASELINE_METHOD): frozen})


def compare_baselines(rows: pd.DataFrame, tasks: Sequence[str], settings: int, split: str) -> pd.DataFrame:
    """`tuned.csv` of the baselines: every task and setting with the mean of its error on `split` over the completed
    trials, NaN where one was not completed.

    `rows` are the trials of the stage. The smallest is chosen, of equal ones the first, and so is the first where no
    setting has an error.
    """
    errors = rows[[f"{split}_error_{task}" for task in tasks]].to_numpy(float)
    found: list[list[Any]] = []
    for place, task in enumerate(tasks):
        first = len(found)
        for setting in range(settings):
            own = (rows["index"] == setting * len(tasks) + place).to_numpy()
            completed = own & (rows["status"] == "completed").to_numpy()
            whole = own.any() and (completed == own).all()
            mean = float(errors[own, place].mean()) if whole else np.nan
            found.append([BASELINE_METHOD, task, setting, mean, int(completed.sum()), False])
        of_task = np.array([row[3] for row in found[first:]])
        best = 0 if np.isnan(of_task).all() else int(np.nanargmin(of_task))
        found[first + best][-1] = True
    return pd.DataFrame(found, columns=["method", "task", "setting", "error", "trials", "chosen"])
