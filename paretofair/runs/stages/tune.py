"""The stage `tune`: which setting of some parameters gives a method its best frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from paretofair.analysis.frontiers import keep_constraints
from paretofair.analysis.results import find_choosing_split
from paretofair.metrics.constraints import Constraint, parse_constraint
from paretofair.pareto.hypervolume import hypervolume
from paretofair.results.files import inside, write_csv
from paretofair.runs.packs import Pack, build_packs, pack_size
from paretofair.runs.stages.stage import Context, Plan, Stage
from paretofair.space.method_space import MethodSpace
from paretofair.space.schema import Settings
from paretofair.space.tune import freeze_parameters, setting_values, trial_values

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
        point, trials = context.space.frontiers.reference_point, context.results_so_far.trials
        constraints = [parse_constraint(text) for text in context.space.constraints]
        tables, tuned = [], {}
        for name in context.methods:
            space = context.space.method(name)
            own = trials[(trials["stage"] == "tune") & (trials["method"] == name)]
            table = compare_settings(space, own, constraints, (point.arfg, point.are))
            if not table["hypervolume"].any():
                words = f"tune: no trial of {name} is better than the reference point (arfg {point.arfg:g}, are "
                words += f"{point.are:g}): its first setting is taken, for want of a better one (tuned.csv)."
                context.console.print(words, style="yellow", soft_wrap=True)
            values = setting_values(space)
            tables.append(table.assign(**values))
            chosen = int(table["chosen"].to_numpy().argmax())
            tuned[name] = freeze_parameters(space, {each: column[chosen].item() for each, column in values.items()})
        write_csv(inside(context.folder, "tuned.csv"), pd.concat(tables, ignore_index=True))
        return replace(context, sweep_spaces=tuned)


def compare_settings(
    space: MethodSpace, rows: pd.DataFrame, constraints: Sequence[Constraint], reference: tuple[float, float]
) -> pd.DataFrame:
    """`tuned.csv` of one method: every setting with the mean over seeds of its ARFG-ARE hypervolume on the split that
    chooses. A seed without a trial that completed within the constraints counts as 0.

    `rows` are the trials of the stage with ARE and ARFG. The largest is chosen, of equal ones the first.
    """
    assert space.tune is not None
    split, _ = find_choosing_split(space.protocol)
    completed = rows[(rows["status"] == "completed") & keep_constraints(constraints, rows, split)]
    setting = completed["index"] // space.tune.trials
    found = []
    for place in range(space.tuned_settings):
        own = completed[setting == place]
        volumes = [
            hypervolume(of_seed[[f"{split}_arfg", f"{split}_are"]].to_numpy(float), reference)
            for _, of_seed in own.groupby("seed")
        ]
        mean = float(np.sum(volumes)) / len(space.tune.seeds)
        found.append((space.method, place, mean, len(volumes), len(own), False))
    table = pd.DataFrame(found, columns=COLUMNS)
    table.loc[table["hypervolume"].idxmax(), "chosen"] = True
    return table
