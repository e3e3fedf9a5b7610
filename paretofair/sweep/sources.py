"""Where the packs of a stage come from: planned ahead, or asked of samplers that learn from those that ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from paretofair.analysis.relative import with_relative
from paretofair.analysis.results import Results
from paretofair.analysis.settings import read_settings
from paretofair.errors import RunError
from paretofair.metrics.constraints import Constraint
from paretofair.results import TRIALS
from paretofair.sampling import Adaptive
from paretofair.space.method_space import MethodSpace
from paretofair.space.space import Space
from paretofair.sweep.packs import Pack
from paretofair.sweep.stages import sweep_pack


class Source(Protocol):
    """Hands out packs one by one."""

    def next(self) -> Pack | None:
        """The next pack; None where there is none now."""

    def ended(self, pack: Pack) -> None:
        """A pack will not be trained again: its rows are in the table, or it failed for good."""

    def empty(self) -> bool:
        """Whether nothing will come until a running pack ends, if at all."""


class Planned:
    """Packs that are known ahead, in order."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self._left = deque(packs)

    def next(self) -> Pack | None:
        return self._left.popleft() if self._left else None

    def ended(self, pack: Pack) -> None:
        """Nothing is learned from a pack."""

    def empty(self) -> bool:
        return not self._left


@dataclass
class Study:
    """The adaptive search of one method and seed: `left` are the indices that are still to be asked for."""

    space: MethodSpace
    seed: int
    split_id: str
    sampler: Adaptive
    left: deque[int]


class Asked:
    """Packs of one batch each, of the study with the most left to do."""

    def __init__(
        self,
        studies: Sequence[Study],
        read: Callable[[], pd.DataFrame],
        denominators: pd.DataFrame,
        constraints: tuple[Constraint, ...],
        selected_on: str,
    ) -> None:
        """`read` gives the trial table, `denominators` are those of ARE and ARFG. What the table holds is told."""
        self._studies = {(study.space.method, study.seed): study for study in studies}
        self._read, self._denominators = read, denominators
        self._constraints, self._selected_on = constraints, selected_on
        table = read()
        if "stage" not in table:
            return
        for study in studies:
            own = table[(table["stage"] == "sweep") & (table["method"] == study.space.method)]
            self._tell(study, own[own["seed"] == study.seed])

    def asking_seconds(self) -> float:
        """About how long it takes to ask for everything that is left."""
        return sum(study.sampler.asking_seconds(len(study.left)) for study in self._studies.values())

    def next(self) -> Pack | None:
        study = max(self._studies.values(), key=lambda each: len(each.left))
        if not study.left:
            return None
        count = min(study.sampler.options.batch, len(study.left))
        indices = np.array([study.left.popleft() for _ in range(count)])
        values = study.sampler.ask(indices)
        return sweep_pack(study.space, study.split_id, study.seed, indices, values)

    def ended(self, pack: Pack) -> None:
        study = self._studies[pack.method, int(pack.seeds[0])]
        table = self._read()
        self._tell(study, table[table["trial_id"].isin(pack.trial_ids)])

    def empty(self) -> bool:
        return not any(study.left for study in self._studies.values())

    def _tell(self, study: Study, rows: pd.DataFrame) -> None:
        if rows.empty:
            return
        rows = with_relative(rows.sort_values("index"), self._denominators)
        told(study.sampler, rows, rows["index"].to_numpy(np.int64), self._constraints, self._selected_on)


def told(
    sampler: Adaptive, rows: pd.DataFrame, indices: np.ndarray, constraints: Sequence[Constraint], selected_on: str
) -> None:
    """Tells a sampler the results of `rows`, the trial table with ARE and ARFG, as those of the trials `indices`."""
    goals = rows[[f"{selected_on}_{name}" for name in sampler.options.objectives]].to_numpy(float)
    missed = [each.violations(rows[f"{selected_on}_{each.name}"].to_numpy(float)) for each in constraints]
    values = {name: rows[name].to_numpy() for name in sampler.columns}
    sampler.tell(indices, values, goals, np.stack(missed, 1) if missed else np.empty((len(rows), 0)))


def check_warm_start(space: Space) -> None:
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


def warmed(study: Study, earlier: Results, constraints: Sequence[Constraint], selected_on: str) -> int:
    """Tells a study the finished trials of its method in an earlier run that it could have asked for itself; how many
    these were."""
    rows = earlier.searched
    # On another split the rows that choose may be test rows of this one.
    own = (rows["method"] == study.space.method) & (rows["split_id"] == study.split_id)
    rows = rows[own].sort_values(["seed", "stage", "index"])
    names = study.sampler.columns
    if rows.empty or not set(names) <= set(rows):
        return 0
    rows = rows[study.sampler.covers({name: rows[name].to_numpy() for name in names})]
    # Below 0 are no trials of this run.
    told(study.sampler, rows, -1 - np.arange(len(rows)), constraints, selected_on)
    return len(rows)
