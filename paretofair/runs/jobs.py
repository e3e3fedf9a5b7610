"""What is asked of whatever runs packs, and what it tells afterwards."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from paretofair.data.splits import Splits
from paretofair.runs.packs import Pack
from paretofair.space.method_space import MethodSpace

if TYPE_CHECKING:
    from paretofair.metrics.metric import Metric
    from paretofair.training import CurveSettings, Halving

TRIES = 3  # of a pack, before it is given up
EngineName = Literal["auto", "ray", "process"]


@dataclass(frozen=True)
class Job:
    """What every worker of a run knows: the resolved spaces by (stage, method), the data by `split_id`, the results
    folder or where else stacks go, the device, the stack width (`auto`: measured), whether the steps of the sweep are
    compiled, whether products on a GPU are in TF32, whether layers of modules are in bfloat16, how trials of the sweep
    are halved, by `split_id`, what is measured where, of which trials weights are kept: of
    `all`, of `none`, or of those that may stand on a `frontier`, being best in the metrics of one of the `objectives`,
    and how many bytes of them at most, the `version` of the program, after how many seconds an unfinished
    stack is kept, and when (`time.time()`) such a stack stops.
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
    curves: Mapping[str, CurveSettings]
    models: Literal["frontier", "all", "none"]
    objectives: Sequence[Sequence[Metric]] = ()
    version: str = ""
    checkpoint: float | None = None
    deadline: float | None = None
    models_bytes: float = math.inf
    half: bool = False

    @property
    def given(self) -> tuple[str, ...]:
        """The columns that metrics are given."""
        return tuple(dict.fromkeys(name for space in self.spaces.values() for name in space.given))

    def halving_of(self, pack: Pack) -> Halving | None:
        """How the trials of a pack are halved."""
        return self.halving[pack.split_id] if self.halving is not None and pack.stage == "sweep" else None


@dataclass(frozen=True)
class Outcome:
    """How the packs ended: `failed` are those that failed every time, by name, `reasons` the last line of why;
    `narrowed` is the smallest stack to which a lack of memory led, else 0; `left_out` the number of trials
    whose weights were not kept, because they would have been more than `resources.models_gb`."""

    failed: dict[str, Pack]
    reasons: dict[str, str]
    workers: int
    out_of_time: bool
    narrowed: int
    left_out: int = 0


class Source(Protocol):
    """Hands out packs one by one."""

    def next(self) -> Pack | None:
        """The next pack; None where there is none now."""

    def ended(self, pack: Pack) -> None:
        """A pack will not be trained again: its rows are in the table, or it failed for good."""

    def empty(self) -> bool:
        """Whether nothing will come until a running pack ends, if at all."""


class PackList:
    """Packs that are known ahead, in order."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self._left = deque(packs)

    def next(self) -> Pack | None:
        return self._left.popleft() if self._left else None

    def ended(self, pack: Pack) -> None:
        """Nothing is learned from a pack."""

    def empty(self) -> bool:
        return not self._left


class Engine(Protocol):
    """Runs packs: `cluster.engine.RayEngine` on workers, `runs.engines.process.ProcessEngine` in this process."""

    def connect(self, work: Callable[[], float]) -> AbstractContextManager[None]:
        """What packs are run on, from now to the end of the block. Raises RunError where it cannot be reached.

        `work` gives about how many seconds one worker would take for the trials that are left, for an engine that goes
        by it; it takes a moment.
        """

    def run_packs(
        self, job: Job, source: Source, *, cpus: float, gpus: float, deadline: float | None = None
    ) -> Outcome:
        """Trains every pack of `source`, in order, as many at a time as there is room for.

        `cpus` and `gpus` are those of one pack. After `deadline` (`time.monotonic()`) no new pack begins and the
        running ones finish. A pack that fails is tried `TRIES` times in all. Raises OutageError where it
        cannot go on: a full disk, a results folder or a Ray that is gone or stands still.
        """
