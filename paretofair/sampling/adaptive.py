"""Samplers that learn from finished trials, all of them Optuna's."""

from __future__ import annotations

import functools
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from paretofair.sampling import sampler
from paretofair.sampling.distributions import (
    Choice,
    Distribution,
    Distributions,
    Fixed,
    Integers,
    LogUniform,
    Simplex,
    Uniform,
    When,
    conditions,
    parts,
    settle,
)

if TYPE_CHECKING:  # imported where it is used: every command reads the space file, few search with Optuna
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


_NOTHING = 1e-12  # what is left of shares that sum to 1 when only rounding is


class AdaptiveOptions(sampler.SamplerOptions):
    """`objectives`: names of `metrics.objectives`, on the split that chooses, told as losses; by default those of the
    first set of `frontiers.objectives`, ARFG and ARE where that is none of the user's own. `batch` trials are asked
    for at a time, without results of each other. `history`: how many of the latest results the sampler sees; None: all.
    `warm_start`: the results folder of an earlier run, relative to the space file: what it knows of the same method is
    told first.
    """

    objectives: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = ("arfg", "are")
    batch: Annotated[int, Field(ge=1)] = 32
    history: Annotated[int, Field(ge=10)] | None = None
    warm_start: str | None = None


class Adaptive(sampler.Sampler):
    """An Optuna study in memory. It is rebuilt from the trial table when a run is resumed, so that what was told always
    equals the table; what was asked and never finished is asked for anew."""

    Options: ClassVar[type[sampler.SamplerOptions]] = AdaptiveOptions
    adaptive = True
    # Seconds of asking for one trial: without results, and more for each result that the sampler sees. Of one core,
    # two objectives and six parameters; the order of magnitude.
    cost: ClassVar[tuple[float, float]]

    def __init__(self, parameters: Distributions, tasks: Sequence[str], seed: int, options: Any = None) -> None:
        super().__init__(parameters, tasks, seed, options)
        self._parts = list(parts(parameters, self.tasks))
        self._conditions = conditions(parameters, self.tasks)
        if not self._space:
            raise ValueError("nothing to sample: every parameter is fixed")
        self._waiting: dict[int, optuna.Trial] = {}
        self._told: list[FrozenTrial] = []
        self._asked = 0

    @property
    def columns(self) -> list[str]:
        """The columns of the trial table that it reads."""
        return [name for names, _ in self._parts for name in names]

    def covers(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Mask of the trials, hyperparameters by column `(n,)`, that this sampler could have asked for."""
        fits = [
            np.ones(len(values[names[0]]), bool) if isinstance(each, Simplex) else each.covers(values[names[0]])
            for names, each in self._parts
        ]
        return np.all(fits, axis=0)

    def asking_seconds(self, count: int) -> float:
        """About how long it takes to ask for so many more trials."""
        base, each = self.cost
        seen = len(self._told) + np.arange(count)
        history = self.options.history
        return float(np.sum(base + each * (seen if history is None else np.minimum(seen, 1.25 * history))))

    @functools.cached_property
    def _study(self) -> optuna.Study:
        return self._new_study()

    @functools.cached_property
    def _space(self) -> dict[str, BaseDistribution]:
        """Optuna's distributions of everything that is not fixed; shares of tasks by what each leaves of the rest."""
        return {name: each for names, own in self._parts for name, each in _optunas(names, own).items()}

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
        always = {name: each for name, each in self._space.items() if name not in self._conditions}
        for index in indices.tolist():
            trial = self._waiting[index] = self._study.ask(always)
            values = self._values([trial.params]) if self._conditions else {}
            for name, (on, each) in self._conditions.items():
                if name in self._space and each.condition.holds(values[on])[0]:
                    _suggest(trial, name, self._space[name])
            params.append(trial.params)
        self._asked += len(indices)
        return self._values(params)

    def tell(
        self, indices: np.ndarray, values: dict[str, np.ndarray], objectives: np.ndarray, violations: np.ndarray
    ) -> None:
        from optuna.trial import TrialState, create_trial

        for row, index in enumerate(indices.tolist()):
            known = bool(np.isfinite(objectives[row]).all() and np.isfinite(violations[row]).all())
            state = TrialState.COMPLETE if known else TrialState.FAIL
            goals = objectives[row].tolist() if known else None
            waiting = self._waiting.pop(index, None)
            params = self._params({name: each[row].item() for name, each in values.items()})
            if waiting is not None and self._readable(waiting.params, params):
                for number, missed in enumerate(violations[row].tolist() if known else ()):
                    waiting.set_constraint(str(number), missed)
                done = self._study.tell(waiting, goals, state=state)
            else:
                attributes = self.attributes(len(self._told))
                if waiting is not None:
                    attributes = self._study.tell(waiting, state=TrialState.FAIL).system_attrs
                done = create_trial(
                    state=state,
                    values=goals,
                    params=params,
                    distributions={name: self._space[name] for name in params},
                    system_attrs=attributes | _constraints(violations[row]),
                )
                self._study.add_trial(done)
            if known:
                self._told.append(done)

    def _new_study(self) -> optuna.Study:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            directions=["minimize"] * len(self.options.objectives),
            sampler=self.optuna_sampler((self.seed * 1_000_003 + self._asked) % 2**32),
        )
        history = self.options.history
        study.add_trials(self._told if history is None else self._told[-history:])
        self._waiting.clear()
        return study

    def _values(self, asked: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
        """Columns of the trial table from what Optuna gave."""
        values: dict[str, np.ndarray] = {}
        for names, distribution in self._parts:
            if isinstance(distribution, Simplex):
                rest = np.ones(len(asked))
                for left, name in zip(reversed(range(len(names))), names, strict=True):
                    # The root: so that uniform numbers give vectors that are uniform over the simplex.
                    kept = np.array([each[_kept(name)] for each in asked]) ** (1 / left) if left else 0
                    values[name] = rest * (1 - kept)
                    rest = rest - values[name]
                continue
            (name,) = names
            middle = distribution.values(np.full(len(asked), 0.5))
            found = [params.get(name, value) for params, value in zip(asked, middle, strict=True)]
            values[name] = np.array(found, dtype=middle.dtype)
        return settle(self.parameters, self.tasks, values)

    def _params(self, row: dict[str, Any]) -> dict[str, Any]:
        """What Optuna would have given for a row of the trial table: one answer, where several numbers give the row."""
        params: dict[str, Any] = {}
        for names, distribution in self._parts:
            if isinstance(distribution, Simplex):
                rest = 1.0
                for left, name in zip(reversed(range(len(names))), names[:-1], strict=False):
                    kept = min(max(1 - row[name] / rest, 0.0), 1.0) if rest > _NOTHING else 1.0
                    params[_kept(name)] = kept**left
                    rest -= row[name]
            elif names[0] in self._space:
                on, each = self._conditions.get(names[0], (names[0], None))
                if each is None or each.condition.holds(np.array(row[on])):
                    params[names[0]] = row[names[0]]
        return params

    def _readable(self, asked: Mapping[str, Any], read: Mapping[str, Any]) -> bool:
        """Whether what was asked for is what was `read` from the table. Where a task takes all that is left it is not:
        what the next ones would have left of nothing stands nowhere, and a study that knew it would differ from the one
        that is rebuilt."""
        shares = [_kept(name) for names, own in self._parts if isinstance(own, Simplex) for name in names[:-1]]
        return all(abs(asked[name] - read[name]) < 1e-9 for name in shares)


class TPEOptions(AdaptiveOptions):
    """`startup` random trials before the first that is chosen."""

    history: Annotated[int, Field(ge=10)] | None = 2000
    startup: Annotated[int, Field(ge=1)] = 64

    @property
    def at_random(self) -> int:
        return self.startup


class TPE(Adaptive):
    """Tree-structured Parzen estimator over all parameters together (Ozaki et al. 2022 for several objectives)."""

    Options = TPEOptions
    cost = (4e-3, 1e-5)

    def optuna_sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        from optuna.samplers import TPESampler

        return TPESampler(
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

    @property
    def at_random(self) -> int:
        return self.startup


class GP(Adaptive):
    """Gaussian processes and expected hypervolume improvement. Seconds for every trial that is asked for."""

    Options = GPOptions
    cost = (0.1, 4e-3)

    def optuna_sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        from optuna.samplers import GPSampler

        return GPSampler(seed=seed, n_startup_trials=self.options.startup)


class GeneticOptions(AdaptiveOptions):
    """`population` of a generation."""

    population: Annotated[int, Field(ge=4)] = 128

    @property
    def at_random(self) -> int:
        return self.population


class NSGA2(Adaptive):
    """The genetic algorithm of Deb et al. 2002."""

    Options = GeneticOptions
    kind: ClassVar[str] = "NSGAIISampler"
    cost = (1e-3, 6e-7)

    def optuna_sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        import optuna

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # NSGA-III
            made: optuna.samplers.BaseSampler = getattr(optuna.samplers, self.kind)(
                population_size=self.options.population, seed=seed
            )
            return made

    def attributes(self, place: int) -> dict[str, Any]:
        return {f"{self.kind}:generation": place // self.options.population}


class NSGA3(NSGA2):
    """The genetic algorithm of Deb and Jain 2014, for more than three objectives."""

    kind = "NSGAIIISampler"


def _constraints(violations: np.ndarray) -> dict[str, Any]:
    """What `optuna.Trial.set_constraint` keeps."""
    return {f"constraints:{number}": missed for number, missed in enumerate(violations.tolist())}


def _kept(name: str) -> str:
    """What is left of the rest, not what is taken: numbers are denser at 0, and so are shares told apart near 1."""
    return f"left by {name}"


def _optunas(names: Sequence[str], distribution: Distribution | Simplex) -> dict[str, BaseDistribution]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    own = distribution.then if isinstance(distribution, When) else distribution
    if isinstance(own, Simplex):
        return {_kept(name): FloatDistribution(0, 1) for name in names[:-1]}
    if isinstance(own, Fixed):
        return {}
    if isinstance(own, Choice):
        return {names[0]: CategoricalDistribution(own.entries)}
    if isinstance(own, Integers):
        return {names[0]: IntDistribution(int(own.low), int(own.high))}
    assert isinstance(own, Uniform | LogUniform)
    return {names[0]: FloatDistribution(own.low, own.high, log=isinstance(own, LogUniform))}


def _suggest(trial: optuna.Trial, name: str, distribution: Any) -> None:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if isinstance(distribution, CategoricalDistribution):
        trial.suggest_categorical(name, distribution.choices)
    elif isinstance(distribution, IntDistribution):
        trial.suggest_int(name, distribution.low, distribution.high)
    else:
        trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)
