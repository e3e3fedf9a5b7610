"""The stage `tune`: which setting of some parameters gives a method its best frontier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from paretofair.analysis.frontiers import keep_constraints
from paretofair.analysis.results import chosen_on
from paretofair.metrics.constraints import Constraint
from paretofair.pareto.hypervolume import hypervolume
from paretofair.space.method_space import MethodSpace

COLUMNS = ["method", "setting", "hypervolume", "seeds", "trials", "chosen"]


def compared(
    space: MethodSpace, rows: pd.DataFrame, constraints: Sequence[Constraint], reference: tuple[float, float]
) -> pd.DataFrame:
    """`tuned.csv` of one method: every setting with the mean over seeds of its ARFG-ARE hypervolume on the split that
    chooses. A seed without a trial that completed within the constraints counts as 0.

    `rows` are the trials of the stage with ARE and ARFG. The largest is chosen, of equal ones the first.
    """
    assert space.tune is not None
    split, _ = chosen_on(space.protocol)
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
