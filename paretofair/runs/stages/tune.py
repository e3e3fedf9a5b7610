"""The stage `tune`: which setting of some parameters gives a method its best frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.analysis.frontiers import keep_constraints
from paretofair.analysis.results import find_choosing_split
from paretofair.metrics.constraints import Constraint, parse_constraint
from paretofair.metrics.objectives import ObjectiveSet
from paretofair.pareto.hypervolume import hypervolume
from paretofair.results.files import inside, read_csv, write_csv
from paretofair.runs.packs import Pack, build_packs, pack_size
from paretofair.runs.stages.stage import Context, Plan, Stage
from paretofair.space.method_space import MethodSpace
from paretofair.space.schema import Settings
from paretofair.space.tune import freeze_parameters, setting_values, trial_values

TUNED = "tuned.csv"
COLUMNS = ["method", "setting", "hypervolume", "seeds", "trials", "chosen"]


class TuneStage(Stage):
    """The same draws under every setting, for each of its own seeds: index is setting * trials + draw."""

    name = "tune"

    def seeds(self, settings: Settings) -> Sequence[int]:
        return settings.stages.tune.seeds if settings.stages.tune is not None else ()

    def indices(self, plan: Plan, method: str) -> int:
        return plan.trials["tune"][method]

    def packs(self, context: Context) -> list[Pack]:
        packs = []
        for name in context.methods if self.seeds(context.space) else ():
            space, size = context.space.method(name), pack_size(context.space)
            values, indices = trial_values(space), np.arange(self.indices(context.plan, name))
            for seed in self.seeds(context.space):
                split_id, own = context.splits.id_of(seed), np.full(len(indices), seed)
                packs += build_packs(space, split_id, "tune", own, indices, values, size, part=f"-{seed}")
        return packs

    def conclude(self, context: Context) -> Context:
        """Fixes for the sweep what it has chosen, which is written to `tuned.csv`."""
        results = context.results_so_far
        tune = context.space.stages.tune
        assert tune is not None, "it has packs"
        objectives = results.objective_set(tune.objectives)
        results.derive(objectives.objectives)
        trials = results.trials
        constraints = [parse_constraint(text) for text in context.space.constraints]
        tables, tuned = [], dict(context.tuned)
        for name in context.methods:
            space = context.space.method(name)
            own = trials[(trials["stage"] == "tune") & (trials["method"] == name)]
            table = compare_settings(space, own, constraints, objectives)
            if not table["hypervolume"].any():
                ends = zip(objectives.names, objectives.reference or (), strict=True)
                point = ", ".join(f"{each} {end:g}" for each, end in ends)
                words = f"tune: no trial of {name} is better than the reference point ({point}): its first "
                words += "setting is taken, for want of a better one (tuned.csv)."
                context.console.print(words, style="yellow", soft_wrap=True)
            values = setting_values(space)
            tables.append(table.assign(**values))
            chosen = int(table["chosen"].to_numpy().argmax())
            fixed = {each: column[chosen].item() for each, column in values.items()}
            tuned["sweep", name] = freeze_parameters(space, fixed)
        write_tuned(context.folder, pd.concat(tables, ignore_index=True))
        return replace(context, tuned=tuned)


def write_tuned(folder: Path, settings: pd.DataFrame) -> None:
    """Writes the compared `settings` of some methods to `tuned.csv`; what stands there of other methods is kept."""
    path = inside(folder, TUNED)
    if path.exists():
        before = read_csv(path, {"method": str})
        others = before[~before["method"].isin(settings["method"])].dropna(axis=1, how="all")
        settings = pd.concat([each for each in (others, settings) if len(each)], ignore_index=True)
    write_csv(path, settings)


def compare_settings(
    space: MethodSpace, rows: pd.DataFrame, constraints: Sequence[Constraint], objectives: ObjectiveSet
) -> pd.DataFrame:
    """`tuned.csv` of one method: every setting with the mean over seeds of its hypervolume under the objectives on the
    split that chooses. A seed without a trial that completed within the constraints counts as 0.

    `rows` are the trials of the stage with every objective. The largest is chosen, of equal ones the first.
    """
    assert space.tune is not None
    split, _ = find_choosing_split(space.protocol)
    completed = rows[(rows["status"] == "completed") & keep_constraints(constraints, rows, split)]
    setting = completed["index"] // space.tune.trials
    found, chosen_by = [], [f"{split}_{name}" for name in objectives.names]
    for place in range(space.tuned_settings):
        own = completed[setting == place]
        volumes = [
            hypervolume(objectives.losses(of_seed[chosen_by].to_numpy(float)), objectives.corner)
            for _, of_seed in own.groupby("seed")
        ]
        mean = float(np.sum(volumes)) / len(space.tune.seeds)
        found.append((space.method, place, mean, len(volumes), len(own), False))
    table = pd.DataFrame(found, columns=COLUMNS)
    table.loc[table["hypervolume"].idxmax(), "chosen"] = True
    return table
