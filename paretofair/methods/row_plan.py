"""Which rows a batch is made of, how much they count, and what is drawn for them: pure functions of a trial's seed and
the epoch."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from paretofair.errors import DataError
from paretofair.models import align_length

logger = logging.getLogger("paretofair")

# These separate the uses of a seed.
_ORDER = 0x6F72646572
_HOLDOUT = 0x686F6C64
_NOISE = 0x6E6F697365
_UNIFORM = 0x756E69666F
_AUGMENT = 0x6175676D65


def epoch_order(seed: int, epoch: int, rows: int) -> np.ndarray:
    """A permutation of `rows` for one epoch, `(rows,)`; the same whatever was drawn before."""
    return np.random.Generator(np.random.Philox(key=[seed, _ORDER], counter=[0, 0, 0, epoch])).permutation(rows)


def noise_stream(seed: int, epoch: int, step: int) -> int:
    """What the random numbers of one training pass come from."""
    return int(np.random.Philox(key=[seed, _NOISE], counter=[0, 0, step, epoch]).random_raw())


def augmentation_stream(seed: int, epoch: int, step: int) -> int:
    """What the random changes of the examples of one batch come from."""
    return int(np.random.Philox(key=[seed, _AUGMENT], counter=[0, 0, step, epoch]).random_raw())


def draw_each_epoch(seed: int, epoch: int, rows: int) -> np.ndarray:
    """A number in [0, 1) for every row, others in every epoch."""
    return uniform_numbers(seed, epoch, rows)


def draw_once(seed: int, epoch: int, rows: int) -> np.ndarray:
    """A number in [0, 1) for every row, the same in every epoch."""
    return uniform_numbers(seed, None, rows)


def uniform_numbers(seed: int, epoch: int | None, rows: int) -> np.ndarray:
    """A number in [0, 1) for every row, drawn for one epoch, or with None once for a training."""
    counter = [0, 0, 0, 0 if epoch is None else epoch + 1]
    return np.random.Generator(np.random.Philox(key=[seed, _UNIFORM], counter=counter)).random(rows)


class TrainingRows(NamedTuple):
    """What a method may know of the training rows before it plans its batches: `labels` and `groups` `(T, n)`, -1 where
    unknown; `origins` `(n,)`, which of the joined data sets `origin_names` a row is from; task by task, the names of
    tasks, of the attributes that their losses act on, of the groups of these, and of the labels 0, 1, …; `weights`
    `(n,)`, None where all rows count alike; `together` `(n,)`, numbers of the rows that stay together, None where every
    row stands alone; and of the training `batch_size`, the rows of a batch, `steps`, those of an epoch where they are
    given, and whether rows are held out."""

    labels: np.ndarray
    groups: np.ndarray
    origins: np.ndarray
    origin_names: tuple[str, ...]
    tasks: tuple[str, ...]
    attributes: tuple[str, ...]
    group_names: tuple[tuple[str, ...], ...]
    classes: tuple[tuple[str, ...], ...]
    weights: np.ndarray | None = None
    together: np.ndarray | None = None
    batch_size: int = 512
    steps: int | None = None
    holdout: bool = False

    def __len__(self) -> int:
        return len(self.origins)

    @property
    def weight_of_rows(self) -> np.ndarray:
        """`weights`, or ones."""
        return np.ones(len(self)) if self.weights is None else self.weights


@dataclass(frozen=True, eq=False)
class Part:
    """`size` of the rows numbered `rows` in every batch.

    Part 0 is shuffled anew for each epoch, and its last batch may be short. Any other part goes round and round through
    its rows, in another order each time, and is never short.
    """

    number: int
    rows: np.ndarray
    size: int
    in_loss: bool
    in_penalty: bool

    def order(self, seed: int, epoch: int, steps: int) -> np.ndarray:
        """Row numbers `(steps, size)`; -1 where the batch is short."""
        count = len(self.rows)
        if self.number == 0:
            order = np.full(steps * self.size, -1)
            order[:count] = self.rows[epoch_order(seed, epoch, count)]
            return order.reshape(steps, self.size)
        place = epoch * steps * self.size + np.arange(steps * self.size)
        first, last = int(place[0] // count), int(place[-1] // count)
        rounds = [self._round(seed, turn) for turn in range(first, last + 1)]
        return np.concatenate(rounds)[place - first * count].reshape(steps, self.size)

    def _round(self, seed: int, turn: int) -> np.ndarray:
        generator = np.random.Generator(np.random.Philox(key=[seed, _ORDER], counter=[0, 0, self.number, turn]))
        return self.rows[generator.permutation(len(self.rows))]


@dataclass(frozen=True)
class RowPlan:
    """What every batch consists of, part by part. `ordered`: the parts are the cells of a task.

    `weights` `(T, n)` or `(1, n)`: what the own weight of every training row is multiplied by in the loss, or None.
    `draw`: for a seed, an epoch and a number of rows, a number in [0, 1) for every training row, which the method finds
    in `Rows.uniform`.
    """

    parts: tuple[Part, ...]
    steps: int
    ordered: bool = False
    weights: np.ndarray | None = None
    draw: Callable[[int, int, int], np.ndarray] | None = None

    def with_steps(self, steps: int) -> RowPlan:
        """The same batches, `steps` in an epoch: every part then goes round and round through its rows."""
        last = max(part.number for part in self.parts)
        parts = [replace(part, number=last + 1) if part.number == 0 else part for part in self.parts]
        return replace(self, parts=tuple(parts), steps=steps)

    @cached_property
    def width(self) -> int:
        """Places of a batch, a whole number of vectors."""
        return align_length(sum(part.size for part in self.parts))

    @cached_property
    def _arrangement(self) -> np.ndarray:
        """`(steps, places)`: the places of a batch with those of rows first; the same for every seed and epoch."""
        missing = np.concatenate([part.order(0, 0, self.steps) < 0 for part in self.parts], 1)
        filling = np.ones((self.steps, self.width - missing.shape[1]), dtype=bool)
        return np.argsort(np.concatenate([missing, filling], 1), axis=1, kind="stable")

    def rows(self, seed: int, epoch: int) -> np.ndarray:
        """Row numbers `(steps, width)` of one epoch, -1 in the places that are filled up."""
        return self._arrange([part.order(seed, epoch, self.steps) for part in self.parts], -1)

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each batch, `(steps,)`."""
        return (self.rows(0, 0) >= 0).sum(1)

    @cached_property
    def in_loss(self) -> np.ndarray:
        """`(steps, width)`: places whose rows belong to the loss."""
        return self._mask([part.in_loss for part in self.parts])

    @cached_property
    def in_penalty(self) -> np.ndarray:
        """`(steps, width)`: places whose rows belong to the penalty."""
        return self._mask([part.in_penalty for part in self.parts])

    @cached_property
    def cells(self) -> tuple[tuple[int, int], ...]:
        """From and to of the penalty's cells, where the parts are cells."""
        bounds = np.cumsum([0, *(part.size for part in self.parts)]).tolist()
        pairs = zip(self.parts, itertools.pairwise(bounds), strict=True)
        return tuple(pair for part, pair in pairs if part.in_penalty) if self.ordered else ()

    def _mask(self, wanted: Sequence[bool]) -> np.ndarray:
        full = [np.full((self.steps, part.size), yes) for part, yes in zip(self.parts, wanted, strict=True)]
        return self._arrange(full, False) & (self.rows(0, 0) >= 0)

    def _arrange(self, parts: list[np.ndarray], filling: int | bool) -> np.ndarray:
        together = np.concatenate(parts, 1)
        filled = np.full((self.steps, self.width), filling, dtype=together.dtype)
        filled[:, : together.shape[1]] = together
        return np.take_along_axis(filled, self._arrangement, 1)


def shuffle_rows(rows: int, batch_size: int, *, holdout: bool = False, together: np.ndarray | None = None) -> RowPlan:
    """Every row once an epoch, in random order. With `holdout` a tenth of them is kept for the penalty alone; rows of
    one number in `together` `(rows,)` are all kept or none."""
    own, held_out = _cut(rows, holdout, together)
    size = min(batch_size, len(own))
    parts = [Part(0, own, size, True, not holdout)]
    if holdout:
        parts.append(Part(1, held_out, min(size, len(held_out)), False, True))
    return RowPlan(tuple(parts), steps=-(-len(own) // size))


def balance_rows(
    stratum: np.ndarray,
    names: Sequence[str],
    batch_size: int,
    weights: np.ndarray | None = None,
    together: np.ndarray | None = None,
    *,
    holdout: bool = False,
    ordered: bool = False,
) -> RowPlan:
    """As many rows of every stratum in each batch, as many batches as without balance.

    `stratum` `(rows,)` numbers the strata, -1 for rows of none; `names` are for messages. Where rows have `weights`
    `(rows,)`, those of weight 0 are left out, and in the loss every stratum counts alike all the same: the plan divides
    by its mean weight. `together` as in `shuffle_rows`. Raises DataError for a stratum without rows; warns where one
    has fewer than its share of one batch.
    """
    own, held_out = _cut(len(stratum), holdout, together)
    batch_size = min(batch_size, len(own))
    share = batch_size // len(names)
    if not share:
        raise DataError(f"a batch of {batch_size} rows cannot hold one of each of {len(names)}: {', '.join(names)}")
    if weights is not None:
        stratum = np.where(weights > 0, stratum, -1)
    parts: list[Part] = []
    for chosen, in_loss, in_penalty in ((own, True, not holdout), (held_out, False, True)):
        for number, name in enumerate(names) if len(chosen) else ():
            members = chosen[stratum[chosen] == number]
            what = "training" if in_loss else "held-out training"
            if not len(members):
                raise DataError(f"balanced batches: no {what} row with {name}")
            if len(members) < share:
                logger.warning(
                    "Balanced batches: %d %s rows with %s are repeated to %d in every batch.",
                    *(len(members), what, name, share),
                )
            parts.append(Part(len(parts) + 1, members, share, in_loss, in_penalty))
    scale = None
    if weights is not None:
        scale = np.ones((1, len(stratum)))
        for part in parts:
            if part.in_loss:
                scale[0, part.rows] = 1 / weights[part.rows].mean()
    return RowPlan(tuple(parts), steps=-(-len(own) // batch_size), ordered=ordered, weights=scale)


def _cut(rows: int, holdout: bool, together: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the loss, and the tenth that is held out, the same for every trial."""
    if not holdout:
        return np.arange(rows), np.arange(0)
    generator = np.random.Generator(np.random.Philox(key=[0, _HOLDOUT]))
    cut = rows // 10
    if together is None:
        order = generator.permutation(rows)
    else:
        # Cluster by cluster in random order, until a tenth is reached.
        _, cluster = np.unique(together, return_inverse=True)
        cluster = cluster.reshape(-1)
        sizes = np.bincount(cluster)
        drawn = generator.permutation(len(sizes))
        order = np.argsort(np.argsort(drawn)[cluster], kind="stable")
        ends = np.cumsum(sizes[drawn])
        cut = int(ends[np.searchsorted(ends, cut)]) if cut else 0
    if not cut or cut == rows:
        raise DataError(f"penalty_split holdout: {rows} training rows are too few to hold a tenth of them out")
    return np.sort(order[cut:]), np.sort(order[:cut])
