"""Packs that samplers are asked for, which learn from those that ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.analysis.derived import with_objectives
from paretofair.analysis.reading.settings import ReportSettings, read_settings
from paretofair.analysis.relative import with_relative
from paretofair.analysis.results import Results
from paretofair.errors import RunError
from paretofair.metrics.constraints import parse_constraint
from paretofair.metrics.objectives import Objective, parse_objective
from paretofair.results import TRIALS
from paretofair.runs.packs import Pack, build_packs
from paretofair.sampling import Adaptive, Sampler, find_sampler
from paretofair.space.method_space import MethodSpace, trial_id
from paretofair.space.schema import Settings


def build_sampler(space: MethodSpace, seed: int) -> Sampler:
    """The sampler of a method's sweep for one seed."""
    kind = find_sampler(space.sampler.name)
    return kind(space.parameters, space.tasks, seed, kind.Options(**space.sampler.options))


@dataclass
class Study:
    """The adaptive search of one method and seed: `left` are the indices that are still to be asked for."""

    space: MethodSpace
    seed: int
    split_id: str
    sampler: Adaptive
    left: deque[int]

    def trial_ids(self, indices: Iterable[int]) -> list[str]:
        """Identities of trials, before anything else of them is known."""
        space_id, method = self.space.space_id("sweep"), self.space.method
        return [trial_id(space_id, self.split_id, "sweep", method, self.seed, index) for index in indices]


class Studies:
    """Packs of one batch each, of the study with the most left to do."""

    def __init__(
        self,
        studies: Sequence[Study],
        read: Callable[[], pd.DataFrame],
        denominators: pd.DataFrame,
        settings: ReportSettings,
        trial_ids: set[str] | None = None,
    ) -> None:
        """`read` gives the trial table, `denominators` are those of ARE and ARFG, `settings` say which gap, which
        constraints and which split. What the table holds is told.
        `trial_ids` are all trials of the studies, finished or not."""
        self.trial_ids = trial_ids or set()
        self._studies = {(study.space.method, study.seed): study for study in studies}
        self._read, self._denominators = read, denominators
        self._settings = settings
        table = read()
        if "stage" not in table:
            return
        for study in studies:
            own = table[(table["stage"] == "sweep") & (table["method"] == study.space.method)]
            self._tell(study, own[own["seed"] == study.seed])

    def asking_seconds(self) -> float:
        """About how long it takes to ask for everything that is left."""
        return sum(study.sampler.asking_seconds(len(study.left)) for study in self._studies.values())

    def left(self) -> int:
        """Trials that are still to be asked for."""
        return sum(len(study.left) for study in self._studies.values())

    def next(self) -> Pack | None:
        study = max(self._studies.values(), key=lambda each: len(each.left))
        if not study.left:
            return None
        count = min(study.sampler.options.batch, len(study.left))
        indices = np.array([study.left.popleft() for _ in range(count)])
        values = study.sampler.ask(indices)
        seeds, part = np.full(count, study.seed), f"-{study.seed}-{indices.min()}"
        (pack,) = build_packs(study.space, study.split_id, "sweep", seeds, indices, values, count, part=part)
        return pack

    def ended(self, pack: Pack) -> None:
        study = self._studies[pack.method, int(pack.seeds[0])]
        table = self._read()
        self._tell(study, table[table["trial_id"].isin(pack.trial_ids)])

    def empty(self) -> bool:
        return not any(study.left for study in self._studies.values())

    def _tell(self, study: Study, rows: pd.DataFrame) -> None:
        if rows.empty:
            return
        tasks, settings = study.space.tasks, self._settings
        # ARFG divides the gaps of all tasks, which may follow from others.
        gaps = [parse_objective(f"{settings.gap}_{task}", tasks, settings.metrics) for task in tasks]
        rows = with_objectives(rows.sort_values("index"), tasks, gaps, settings)
        rows = with_relative(rows, self._denominators, tasks, settings.gap)
        rows = with_objectives(rows, tasks, read_objectives(study.sampler, settings, tasks), settings)
        tell_rows(study.sampler, rows, rows["index"].to_numpy(np.int64), settings, tasks)


def read_objectives(sampler: Adaptive, settings: ReportSettings, tasks: Sequence[str]) -> list[Objective]:
    """What a sampler is told of: its objectives, and what is bounded."""
    names = *sampler.options.objectives, *settings.bounded
    return [parse_objective(name, tasks, settings.metrics) for name in names]


def tell_rows(
    sampler: Adaptive, rows: pd.DataFrame, indices: np.ndarray, settings: ReportSettings, tasks: Sequence[str]
) -> None:
    """Tells a sampler the results of `rows`, the trial table with every objective, as those of the trials `indices`."""
    goals = settings.build_set(sampler.options.objectives, tasks)
    constraints = [parse_constraint(text) for text in settings.constraints]
    split = settings.selected_on
    losses = goals.losses(rows[[f"{split}_{name}" for name in goals.names]].to_numpy(float))
    missed = [each.violations(rows[f"{split}_{each.name}"].to_numpy(float)) for each in constraints]
    values = {name: rows[name].to_numpy() for name in sampler.columns}
    sampler.tell(indices, values, losses, np.stack(missed, 1) if missed else np.empty((len(rows), 0)))


def check_warm_start(space: Settings) -> None:
    """Raises RunError where the run that the sampler is to learn from first is not there, or of another protocol."""
    earlier = space.stages.sweep.sampler.options.get("warm_start")
    if earlier is None:
        return
    words = ""
    if not (Path(earlier) / TRIALS).is_dir():
        words = f"expected the results folder of an earlier run ({Path(earlier) / TRIALS} is missing)"
    else:
        before = read_settings(Path(earlier))
        if before.protocol != space.protocol:
            words = f"it was run under the protocol {before.protocol}, this space has {space.protocol}"
        elif before.sensitive not in (None, space.data.sensitive):
            words = f"its losses act on {before.sensitive}, those of this space on {space.data.sensitive}"
    if words:
        raise RunError(f"stages.sweep.sampler.warm_start: found {earlier}; {words}")


def warm(studies: Sequence[Study], earlier: Results, settings: ReportSettings) -> dict[str, int]:
    """Tells studies the finished trials of their method in an earlier run that they could have asked for themselves;
    how many these were, by method. `settings` are those of this run."""
    known = dict.fromkeys((study.space.method for study in studies), 0)
    for study in studies:
        wanted = read_objectives(study.sampler, settings, study.space.tasks)
        earlier.derive(wanted)
    for study in studies:
        rows = earlier.searched
        # On another split the rows that choose may be test rows of this one.
        own = (rows["method"] == study.space.method) & (rows["split_id"] == study.split_id)
        rows = rows[own].sort_values(["seed", "stage", "index"])
        names = study.sampler.columns
        measured = {f"{settings.selected_on}_{each.name}" for each in wanted}
        if rows.empty or not {*names, *measured} <= set(rows):
            continue
        rows = rows[study.sampler.covers({name: rows[name].to_numpy() for name in names})]
        # Below 0 are no trials of this run.
        tell_rows(study.sampler, rows, -1 - np.arange(len(rows)), settings, study.space.tasks)
        # Seeds of one split are told the same.
        known[study.space.method] = max(known[study.space.method], len(rows))
    return known
