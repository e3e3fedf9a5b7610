"""Packs: what one Ray Tune trial trains. A pure function of the space, so that a resumed run plans the same ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from paretofair.space.method_space import MethodSpace, trial_id
from paretofair.space.numbering import training_seeds
from paretofair.space.schema import Settings

if TYPE_CHECKING:
    from paretofair.methods import Method
    from paretofair.training import Trials

# Trials of a pack where the space file does not say: half a minute and more.
PACK = {"cpu": 256, "cuda": 4096}
# The same of networks for images, whose trials take minutes each.
PACK_OF_IMAGES = {"cpu": 4, "cuda": 32}


@dataclass(frozen=True)
class Pack:
    """Trials of one stage and method that are trained by one worker, one row per trial in every array.

    `seeds` and `indices` are those of the trial table, `training_seeds` what initial weights and batch order come
    from. `values` are hyperparameters by column name. `confirms` (confirm only) names the trial that is trained again.
    """

    name: str
    stage: str
    method: str
    space_id: str
    split_id: str
    seeds: np.ndarray
    indices: np.ndarray
    training_seeds: np.ndarray
    values: dict[str, np.ndarray]
    confirms: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def trial_ids(self) -> list[str]:
        """Identity of every trial, in order."""
        return [
            trial_id(self.space_id, self.split_id, self.stage, self.method, int(seed), int(index))
            for seed, index in zip(self.seeds, self.indices, strict=True)
        ]

    def take(self, rows: np.ndarray) -> Pack:
        """The same pack with these of its trials alone."""
        return replace(
            self,
            seeds=self.seeds[rows],
            indices=self.indices[rows],
            training_seeds=self.training_seeds[rows],
            values={name: value[rows] for name, value in self.values.items()},
            confirms=None if self.confirms is None else self.confirms[rows],
        )

    def without(self, finished: Collection[str]) -> Pack:
        """The same pack without the trials that are in the table."""
        return self.take(np.array([trial not in finished for trial in self.trial_ids], dtype=bool))


def build_packs(
    space: MethodSpace,
    split_id: str,
    stage: str,
    seeds: np.ndarray,
    indices: np.ndarray,
    values: dict[str, np.ndarray],
    size: int,
    *,
    part: str = "",
    confirms: np.ndarray | None = None,
) -> list[Pack]:
    """These trials in packs of `size`, named `<stage>-<method><part>-<first>-<last>` by fixed ranges of position."""
    whole = Pack(
        name=f"{stage}-{space.method}{part}",
        stage=stage,
        method=space.method,
        space_id=space.space_id(stage),
        split_id=split_id,
        seeds=seeds,
        indices=indices,
        training_seeds=training_seeds(stage, space.protocol, seeds, indices),
        values=values,
        confirms=confirms,
    )
    packs = []
    for start in range(0, len(whole), size):
        rows = np.arange(start, min(start + size, len(whole)))
        packs.append(replace(whole.take(rows), name=f"{whole.name}-{start}-{start + size - 1}"))
    return packs


def pack_size(settings: Settings) -> int:
    """Trials of a pack."""
    usual = PACK_OF_IMAGES if settings.network.named else PACK
    return settings.resources.pack or usual["cuda" if settings.resources.gpus else "cpu"]


def as_trials(pack: Pack, tasks: Iterable[str], method: type[Method], bracket: int | None = None) -> Trials:
    """The pack's trials for `train_pack`. A `bracket` of successive halving is a fixed range of so many indices."""
    # It takes seconds to import, which whoever counts packs can do without.
    from paretofair.training import Trials

    values = gather_values(pack, tasks, method)
    return Trials(pack.training_seeds, values, None if bracket is None else pack.indices // bracket)


def gather_values(pack: Pack, tasks: Iterable[str], method: type[Method]) -> dict[str, np.ndarray]:
    """Hyperparameters by name: one per trial `(n,)`, or of each task `(n, tasks)`."""
    tasks = list(tasks)
    per_task = [parameter.name for parameter in method.parameters if parameter.per_task]
    values: dict[str, np.ndarray] = {}
    for name in per_task:
        columns = [f"{name}_{task}" for task in tasks]
        if all(column in pack.values for column in columns):
            values[name] = np.stack([pack.values[column] for column in columns], 1)
    spelled = {f"{name}_{task}" for name in values for task in tasks}
    return values | {name: value for name, value in pack.values.items() if name not in spelled}
