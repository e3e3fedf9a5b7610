"""Samplers that learn from finished trials, all of them Optuna's."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from pydantic import Field

from paretofair.search.distributions import (
    Choice,
    Distribution,
    Distributions,
    Fixed,
    Integers,
    LogUniform,
    Simplex,
    Uniform,
    column,
)
from paretofair.search.samplers import sampler

optuna.logging.set_verbosity(optuna.logging.WARNING)


class AdaptiveOptions(sampler.Options):
    """`objectives`: metrics on validation, all minimised: `arfg`, `are`, or `<metric>_<task>`. `batch` trials are asked
    for at a time, without results of each other. `history`: how many of the latest results the sampler sees; None: all.
    """

    objectives: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = ("arfg", "are")
    batch: Annotated[int, Field(ge=1)] = 32
    history: Annotated[int, Field(ge=10)] | None = None


class Adaptive(sampler.Sampler):
    """An Optuna study in memory. It is rebuilt from the trial table when a run is resumed, so that what was told always
    equals the table; what was asked and never finished is asked for anew."""

    Options: ClassVar[type[sampler.Options]] = AdaptiveOptions
    adaptive = True

    def __init__(self, parameters: Distributions, tasks: Sequence[str], seed: int, options: Any = None) -> None:
        super().__init__(parameters, tasks, seed, options)
        self._space = _space(parameters, self.tasks)
        if not self._space:
            raise ValueError("nothing to sample: every parameter is fixed")
        self._waiting: dict[int, optuna.Trial] = {}
        self._told: list[FrozenTrial] = []
        self._asked = 0
        self._study = self._new_study()

    @property
    def columns(self) -> list[str]:
        """The columns of the trial table that it reads."""
        return list(_values(self.parameters, self.tasks, []))

    @abstractmethod
    def optuna_sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        """Optuna's sampler with the options of this one."""

    def attributes(self, place: int) -> dict[str, Any]:
        """What Optuna must know of the trial that is told as number `place` without having been asked for."""
        return {}

    def ask(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        history = self.options.history
        # A study does not forget: it is made anew now and then.
        if history is not None and len(self._study.get_trials(deepcopy=False)) > 1.5 * history:
            self._study = self._new_study()
        params = []
        for index in indices.tolist():
            trial = self._waiting[index] = self._study.ask(self._space)
            params.append(trial.params)
        self._asked += len(indices)
        return _values(self.parameters, self.tasks, params)

    def tell(
        self, indices: np.ndarray, values: dict[str, np.ndarray], objectives: np.ndarray, violations: np.ndarray
    ) -> None:
        for row, index in enumerate(indices.tolist()):
            known = bool(np.isfinite(objectives[row]).all() and np.isfinite(violations[row]).all())
            state = TrialState.COMPLETE if known else TrialState.FAIL
            goals = objectives[row].tolist() if known else None
            waiting = self._waiting.pop(index, None)
            if waiting is not None:
                for number, missed in enumerate(violations[row].tolist() if known else ()):
                    waiting.set_constraint(str(number), missed)
                done = self._study.tell(waiting, goals, state=state)
            else:
                done = optuna.trial.create_trial(
                    state=state,
                    values=goals,
                    params=_params(self.parameters, self.tasks, {name: each[row] for name, each in values.items()}),
                    distributions=self._space,
                    system_attrs=self.attributes(len(self._told)) | _constraints(violations[row]),
                )
                self._study.add_trial(done)
            if known:
                self._told.append(done)

    def _new_study(self) -> optuna.Study:
        study = optuna.create_study(
            directions=["minimize"] * len(self.options.objectives),
            sampler=self.optuna_sampler((self.seed * 1_000_003 + self._asked) % 2**32),
        )
        history = self.options.history
        study.add_trials(self._told if history is None else self._told[-history:])
        self._waiting.clear()
        return study


class TPEOptions(AdaptiveOptions):
    """`startup` random trials before the first that is chosen."""

    history: Annotated[int, Field(ge=10)] | None = 2000
    startup: Annotated[int, Field(ge=1)] = 64


class TPE(Adaptive):
    """Tree-structured Parzen estimator over all parameters together (Ozaki et al. 2022 for several objectives)."""

    Options = TPEOptions

    def optuna_sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        return optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=self.options.startup,
            multivariate=True,
            constant_liar=True,
        )


class GPOptions(AdaptiveOptions):
    """`startup` random trials before the first that is chosen."""

    history: Annotated[int, Field(ge=10)] | None = 200
    startup: Annotated[int, Field(ge=1)] = 32
    batch: Annotated[int, Field(ge=1)] = 8


class GP(Adaptive):
    """Gaussian processes and expected hypervolume improvement. Seconds for every trial that is asked for."""

    Options = GPOptions

    def optuna_sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=self.options.startup)


class GeneticOptions(AdaptiveOptions):
    """`population` of a generation."""

    population: Annotated[int, Field(ge=4)] = 128


class NSGA2(Adaptive):
    """The genetic algorithm of Deb et al. 2002."""

    Options = GeneticOptions
    kind: ClassVar[type[Any]] = optuna.samplers.NSGAIISampler

    def optuna_sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        return self.kind(population_size=self.options.population, seed=seed)

    def attributes(self, place: int) -> dict[str, Any]:
        return {f"{self.kind.__name__}:generation": place // self.options.population}


class NSGA3(NSGA2):
    """The genetic algorithm of Deb and Jain 2014, for more than three objectives."""

    kind = optuna.samplers.NSGAIIISampler

    def optuna_sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return super().optuna_sampler(seed)


def _constraints(violations: np.ndarray) -> dict[str, Any]:
    """What `optuna.Trial.set_constraint` keeps."""
    return {f"constraints:{number}": missed for number, missed in enumerate(violations.tolist())}


def _space(parameters: Distributions, tasks: Sequence[str]) -> dict[str, BaseDistribution]:
    """Optuna's distributions of everything that is not fixed; shares of tasks by what each takes of the rest."""
    space: dict[str, BaseDistribution] = {}
    for name, distribution in parameters.items():
        if isinstance(distribution, Simplex):
            space |= {f"{column(name, task)} of the rest": FloatDistribution(0, 1) for task in tasks[:-1]}
            continue
        own = {name: distribution} if isinstance(distribution, Distribution) else _by_column(name, distribution)
        space |= {each: _optunas(one) for each, one in own.items() if not isinstance(one, Fixed)}
    return space


def _optunas(distribution: Distribution) -> BaseDistribution:
    if isinstance(distribution, Choice):
        return CategoricalDistribution(distribution.entries)
    if isinstance(distribution, Integers):
        return IntDistribution(int(distribution.low), int(distribution.high))
    assert isinstance(distribution, Uniform | LogUniform)
    return FloatDistribution(distribution.low, distribution.high, log=isinstance(distribution, LogUniform))


def _values(parameters: Distributions, tasks: Sequence[str], asked: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Columns of the trial table from what Optuna gave."""
    values: dict[str, np.ndarray] = {}
    for name, distribution in parameters.items():
        if isinstance(distribution, Simplex):
            rest = np.ones(len(asked))
            for place, task in enumerate(tasks):
                own, left = column(name, task), len(tasks) - 1 - place
                taken = np.array([each[f"{own} of the rest"] for each in asked]) if left else rest
                # So that equal numbers between 0 and 1 give vectors that are uniform over the simplex.
                values[own] = rest * (1 - (1 - taken) ** (1 / left)) if left else rest
                rest = rest - values[own]
            continue
        own_parts = {name: distribution} if isinstance(distribution, Distribution) else _by_column(name, distribution)
        for each, one in own_parts.items():
            middle = one.values(np.full(len(asked), 0.5))
            found = middle if isinstance(one, Fixed) else np.array([params[each] for params in asked])
            values[each] = found.astype(middle.dtype)
    return values


def _params(parameters: Distributions, tasks: Sequence[str], row: dict[str, Any]) -> dict[str, Any]:
    """What Optuna would have given for a row of the trial table."""
    params: dict[str, Any] = {}
    for name, distribution in parameters.items():
        if isinstance(distribution, Simplex):
            rest = 1.0
            for place, task in enumerate(tasks[:-1]):
                share = float(row[column(name, task)])
                taken = share / rest if rest > 0 else 0.0
                params[f"{column(name, task)} of the rest"] = float(
                    np.clip(1 - (1 - min(taken, 1.0)) ** (len(tasks) - 1 - place), 0, 1)
                )
                rest -= share
            continue
        own = {name: distribution} if isinstance(distribution, Distribution) else _by_column(name, distribution)
        for each, one in own.items():
            if not isinstance(one, Fixed):
                params[each] = row[each].item()
    return params


def _by_column(name: str, distribution: Any) -> dict[str, Distribution]:
    return {column(name, task): each for task, each in distribution.items()}
