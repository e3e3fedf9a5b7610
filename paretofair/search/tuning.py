"""The stage `tune`: which setting of some parameters gives a method its best frontier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from paretofair.pareto.hypervolume import hypervolume
from paretofair.report.constraints import Constraint, within
from paretofair.report.results import chosen_on
from paretofair.search.distributions import Distribution, Distributions, Fixed, Simplex, When, column, draw, settled
from paretofair.search.method_space import MethodSpace

COLUMNS = ["method", "setting", "hypervolume", "seeds", "trials", "chosen"]


def setting_values(space: MethodSpace) -> dict[str, np.ndarray]:
    """The values of the tuned parameters in every setting, by column: the same for every method that has them."""
    assert space.tune is not None
    tuned = {name: each for name, each in space.parameters.items() if name in space.tune.parameters}
    return draw(tuned, space.tasks, seed=_SEED, first=0, last=space.tuned_settings)


def trial_values(space: MethodSpace) -> dict[str, np.ndarray]:
    """Hyperparameters of all trials of the stage for one seed, by column: the tuned parameters change with the setting,
    the others with the trial, the same in every setting and for every method that has them."""
    assert space.tune is not None
    free = {name: each for name, each in space.parameters.items() if name not in space.tune.parameters}
    of_trial = draw(free, space.tasks, seed=_SEED + 1, first=0, last=space.tune.trials)
    values = {name: np.repeat(each, space.tune.trials) for name, each in setting_values(space).items()}
    values |= {name: np.tile(each, space.tuned_settings) for name, each in of_trial.items()}
    return settled(space.parameters, space.tasks, values)


def compared(
    space: MethodSpace, rows: pd.DataFrame, constraints: Sequence[Constraint], reference: tuple[float, float]
) -> pd.DataFrame:
    """`tuned.csv` of one method: every setting with the mean over seeds of its ARFG-ARE hypervolume on the split that
    chooses. A seed without a trial that completed within the constraints counts as 0.

    `rows` are the trials of the stage with ARE and ARFG. The largest is chosen, of equal ones the first.
    """
    assert space.tune is not None
    split, _ = chosen_on(space.protocol)
    completed = rows[(rows["status"] == "completed") & within(constraints, rows, split)]
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


def frozen(space: MethodSpace, values: Mapping[str, float | int]) -> MethodSpace:
    """The space of a method with these columns of the trial table fixed."""

    def fix(distribution: Distribution, value: float | int) -> Distribution:
        return replace(distribution, then=Fixed(value)) if isinstance(distribution, When) else Fixed(value)

    parameters: dict[str, Distribution | Simplex | Mapping[str, Distribution]] = {}
    for name, distribution in space.parameters.items():
        own = {task: values[column(name, task)] for task in space.tasks if column(name, task) in values}
        if isinstance(distribution, Distribution):
            parameters[name] = fix(distribution, values[name]) if name in values else distribution
        elif own and isinstance(distribution, Simplex):
            parameters[name] = {task: Fixed(value) for task, value in own.items()}
        elif own and isinstance(distribution, Mapping):
            parameters[name] = {task: fix(distribution[task], value) for task, value in own.items()}
        else:
            parameters[name] = distribution
    tuned: Distributions = parameters
    return replace(space, parameters=tuned)


# Draws of their own: a setting must not be the sweep's first.
_SEED = 700_000_000
