"""What a stage of a run is: how many trials it has, what names them, and the packs that they are trained in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd
from rich.console import Console

from paretofair.analysis.results import Results
from paretofair.data.splits import SplitsBySeed
from paretofair.runs.packs import Pack
from paretofair.space.numbering import encode_seed
from paretofair.space.schema import Settings

if TYPE_CHECKING:
    # They import PyTorch, which counting can do without.
    from paretofair.runs.stages.studies import Studies
    from paretofair.space.method_space import MethodSpace
    from paretofair.space.space import Space


@dataclass(frozen=True)
class Plan:
    """What trials are counted from: the space file, its tasks and, for the stages `tune` and `sweep`, by method
    `trials[stage][method]`, the trials of each seed, for the methods that are asked for."""

    settings: Settings
    tasks: Sequence[str]
    trials: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, space: Space, methods: Sequence[str]) -> Plan:
        """The plan of a command that trains these `methods` of a space."""
        of_tune = {name: space.method(name).tune_trials for name in methods}
        return cls(space, space.tasks, {"tune": of_tune, "sweep": {name: space.trials_of(name) for name in methods}})

    @property
    def methods(self) -> Sequence[str]:
        """Those that are asked for."""
        return list(self.trials["sweep"])


@dataclass(frozen=True)
class Context:
    """What packs are made from.

    `methods` are those that are asked for, `folder` is the results folder, `console` is where warnings go. `results`
    are None until a stage needs them; `tuned` are, by stage and method, the spaces that an earlier stage has fixed
    settings of.
    """

    space: Space
    methods: Sequence[str]
    splits: SplitsBySeed
    folder: Path = Path()
    console: Console = field(default_factory=lambda: Console(quiet=True))
    results: Results | None = None
    tuned: Mapping[tuple[str, str], MethodSpace] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """What trials are counted from."""
        return Plan.of(self.space, self.methods)

    @property
    def results_so_far(self) -> Results:
        """The results so far, for a stage that waits for them."""
        assert self.results is not None
        return self.results

    def sweep_space(self, method: str) -> MethodSpace:
        """The space of a method's sweep."""
        return self.tuned.get(("sweep", method)) or self.space.method(method)

    def by_split(self, seeds: Sequence[int]) -> Iterator[tuple[str, Sequence[int], str]]:
        """Split id, the seeds with that split, and the ending of its packs' names, for every split of these seeds."""
        if self.space.data.split_of_each:
            yield from ((self.splits.id_of(seed), [seed], f"-{seed}") for seed in seeds)
        elif seeds:
            yield self.splits.id_of(seeds[0]), seeds, ""


class Stage(ABC):
    """A stage of a run. A trial is named by the stage, its method, a seed of the space file, a run and an index; a
    stage has the trials of every combination of its seeds, runs and indices, unless it overrides `count` and `match`.
    """

    name: ClassVar[str]
    # What a user is told where the stage is not begun because those before it are not complete.
    omission: ClassVar[str] = ""

    def methods(self, plan: Plan) -> Sequence[str]:
        """The methods that it trains."""
        return plan.methods

    @abstractmethod
    def seeds(self, settings: Settings) -> Sequence[int]:
        """The seeds of the space file that it trains; none where a run does not have it."""

    def runs(self, settings: Settings) -> int:
        """How many times each trial is trained, each time with fresh initial weights."""
        return 1

    def indices(self, plan: Plan, method: str) -> int:
        """Trials of one seed and run: their indices count from 0."""
        return 0

    def count(self, plan: Plan, method: str, results: Results | None = None) -> int | None:
        """Trials of a method; None if the number depends on trials that are not finished yet. `results` are those of a
        run that has finished all other stages of the method."""
        return len(self.seeds(plan.settings)) * self.runs(plan.settings) * self.indices(plan, method)

    def match(self, plan: Plan, method: str, rows: pd.DataFrame, results: Results | None = None) -> np.ndarray:
        """Mask of the `rows` of the trial table, all of this stage and method, that `count` counts: those of an
        earlier, larger plan are not."""
        runs = np.arange(self.runs(plan.settings))
        columns = [encode_seed(self.name, seed, runs) for seed in self.seeds(plan.settings)]
        known = rows["seed"].isin(np.concatenate(columns) if columns else [])
        return (known & (rows["index"] < self.indices(plan, method))).to_numpy()

    def space(self, context: Context, method: str) -> MethodSpace:
        """The space of a method's trials."""
        return context.space.method(method)

    def waits(self, settings: Settings) -> bool:
        """Whether its packs depend on results of earlier stages."""
        return False

    def check(self, context: Context) -> None:  # noqa: B027 (most begin with anything)
        """Raises RunError if it cannot start from the results so far."""

    @abstractmethod
    def packs(self, context: Context) -> list[Pack]:
        """The packs of all its trials."""

    def studies(self, context: Context, read: Callable[[], pd.DataFrame], done: Collection[str]) -> Studies | None:
        """The samplers that propose packs while the stage runs; None if all packs are known beforehand. `read` gives
        the trial table; trials that are `done` are not proposed."""
        return None

    def conclude(self, context: Context) -> Context:
        """The context of later stages; called when its trials are finished."""
        return context
