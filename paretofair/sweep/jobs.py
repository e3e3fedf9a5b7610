"""What is asked of whatever runs packs, and what it tells afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from paretofair.data.splits import Splits
from paretofair.space.method_space import MethodSpace
from paretofair.sweep.packs import Pack
from paretofair.sweep.sources import Source
from paretofair.training import Curves, Halving

TRIES = 3  # of a pack, before it is given up


@dataclass(frozen=True)
class Job:
    """What every worker of a run knows: the resolved spaces by (stage, method), the data by `split_id`, the results
    folder or where else stacks go, the device, the stack width (`auto`: measured), whether the steps of the sweep are
    compiled, whether products on a GPU are in TF32, how trials of the sweep are halved, by `split_id`, what is measured
    where, whether weights are kept, after how many seconds an unfinished stack is, and when (`time.time()`) such a
    stack stops.
    """

    spaces: Mapping[tuple[str, str], MethodSpace]
    splits: Mapping[str, Splits]
    sensitive: Mapping[str, str]
    folder: Path
    store: str | None
    device: Literal["cpu", "cuda"]
    stack: int | Literal["auto"]
    compiled: bool
    tf32: bool
    halving: Mapping[str, Halving] | None
    curves: Mapping[str, Curves]
    models: bool
    checkpoint: float | None = None
    deadline: float | None = None

    def halving_of(self, pack: Pack) -> Halving | None:
        """How the trials of a pack are halved."""
        return self.halving[pack.split_id] if self.halving is not None and pack.stage == "sweep" else None


@dataclass(frozen=True)
class Outcome:
    """How the packs ended: `failed` are those that failed every time, by name, `reasons` the last line of why;
    `narrowed` is the smallest stack to which a lack of memory led, else 0."""

    failed: dict[str, Pack]
    reasons: dict[str, str]
    workers: int
    out_of_time: bool
    narrowed: int


class Engine(Protocol):
    """Runs packs on workers: `cluster.engine.RayEngine`."""

    def connect(self) -> AbstractContextManager[None]:
        """What packs are run on, from now to the end of the block. Raises RunError where it cannot be reached."""

    def run_packs(
        self, job: Job, source: Source, *, cpus: float, gpus: float, deadline: float | None = None
    ) -> Outcome:
        """Trains every pack of `source`, in order, as many at a time as there is room for.

        `cpus` and `gpus` are those of one pack. After `deadline` (`time.monotonic()`) no new pack begins and the
        running ones finish. A pack that fails is tried `TRIES` times in all. Raises OSError (ENOSPC) where the
        disk is full.
        """
