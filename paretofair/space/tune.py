"""The settings that the stages `tune` and `tune_baselines` compare, and a space with one of them fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from paretofair.sampling.distributions import (
    Choice,
    Distribution,
    Distributions,
    Fixed,
    Simplex,
    When,
    column,
    draw,
    settle,
)
from paretofair.sampling.grid import Grid
from paretofair.sampling.sobol import Sobol
from paretofair.space.method_space import MethodSpace

# Draws of their own: a setting must not be the sweep's first.
_SEED = 700_000_000


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
    return settle(space.parameters, space.tasks, values)


def freeze_parameters(space: MethodSpace, values: Mapping[str, float | int]) -> MethodSpace:
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


def free_parameters(parameters: Distributions) -> list[str]:
    """The parameters that are not one number."""
    return [name for name, each in parameters.items() if not isinstance(each, Fixed)]


def count_settings(space: MethodSpace, most: int) -> int:
    """How many settings of the baselines are compared: all combinations of their lists, where there are no ranges and
    these are no more than `most`."""
    grid = _listed(space)
    return most if grid is None else min(grid.size, most)


def baseline_settings(space: MethodSpace, settings: int) -> dict[str, np.ndarray]:
    """The values of the parameters of the baselines in every setting, by column: all combinations of their lists, or
    else a Sobol sequence."""
    grid, places = _listed(space), np.arange(settings)
    if grid is not None and grid.size == settings:
        return grid.ask(places)
    return Sobol(space.parameters, space.tasks, _SEED).ask(places)


def _listed(space: MethodSpace) -> Grid | None:
    """All combinations of the listed values; None where a parameter has a range."""
    every = (each.then if isinstance(each, When) else each for each in space.parameters.values())
    listed = all(isinstance(each, Fixed | Choice) for each in every)
    try:
        return Grid(space.parameters, space.tasks, _SEED) if listed else None
    except ValueError:  # far more than are ever compared
        return None


def freeze_baselines(space: MethodSpace, values: Mapping[str, np.ndarray], chosen: Mapping[str, int]) -> MethodSpace:
    """The space of the baselines in which every task has the setting that is `chosen` for it, a place in `values`."""
    parameters: dict[str, Distribution | Simplex | Mapping[str, Distribution]] = dict(space.parameters)
    for name in free_parameters(space.parameters):
        parameters[name] = {task: Fixed(values[name][place].item()) for task, place in chosen.items()}
    return replace(space, parameters=parameters)
