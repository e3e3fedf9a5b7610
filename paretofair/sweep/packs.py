"""Packs: what one Ray Tune trial trains. A pure function of the space, so that a resumed run plans the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np

from paretofair.methods import Method
from paretofair.space.method_space import trial_id
from paretofair.training import Trials


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


def split(pack: Pack, size: int) -> Iterable[Pack]:
    """Cuts a stage's trials into packs of `size`, named `<name>-<first>-<last>` by fixed ranges of position."""
    for start in range(0, len(pack), size):
        rows = np.arange(start, min(start + size, len(pack)))
        yield replace(pack.take(rows), name=f"{pack.name}-{start}-{start + size - 1}")


def as_trials(pack: Pack, tasks: Iterable[str], method: type[Method], bracket: int | None = None) -> Trials:
    """The pack's trials for `train_pack`: columns of per-task parameters gathered into `(n, tasks)`. A `bracket` of
    successive halving is a fixed range of so many indices."""
    tasks = list(tasks)
    per_task = [parameter.name for parameter in method.parameters if parameter.per_task]
    values: dict[str, np.ndarray] = {}
    for name in per_task:
        columns = [f"{name}_{task}" for task in tasks]
        if all(column in pack.values for column in columns):
            values[name] = np.stack([pack.values[column] for column in columns], 1)
    spelled = {f"{name}_{task}" for name in values for task in tasks}
    values |= {name: value for name, value in pack.values.items() if name not in spelled}
    return Trials(pack.training_seeds, values, None if bracket is None else pack.indices // bracket)


def training_seeds(protocol: str, seeds: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """What initial weights and batch order come from: the seed, or under `protocol: paper` one for every trial."""
    if protocol != "paper":
        return seeds
    keys = (f"{seed}/{index}".encode() for seed, index in zip(seeds, indices, strict=True))
    return np.array([int.from_bytes(hashlib.sha256(key).digest()[:6], "big") for key in keys], dtype=np.int64)
