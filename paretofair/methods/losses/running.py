"""Differential fairness of rates that are counted over many batches (Foulds et al. 2020, their stochastic form).

A batch may hold a handful of rows of a small group, whose rate then jumps about. So counts are kept as an exponential
mean over batches: of each group the sum of scores and the number of rows,

    counts <- (1 - rate) counts + rate * rows / batch * counts of this batch,

where `rows / batch` makes the counts of a batch those of all training rows. The gradient goes through the present batch
alone. The counts begin at `rows / (batch * groups)` scores and `rows / batch` rows of every group, as in the published
code; departing from it, a group takes part from the first batch on in which it has rows, so that one whose rows are all
hidden is never compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from paretofair.methods.losses.distances import extremes
from paretofair.methods.losses.subsets import count_parts
from paretofair.methods.method import Hyper, LossSettings, Names, Rows
from paretofair.methods.row_plan import TrainingRows

SCALE = "rows_per_batch"
# What is kept of each group: the sum of scores, the number of rows, and 1 once it has had rows.
_SCORES, _ROWS, _SEEN = range(3)


class Counted(NamedTuple):
    """Distances `(K, S)` summed over parts, how many had no value `(K,)`, and the counts as they are now."""

    distances: Tensor
    undefined: Tensor
    counts: Tensor


def is_running(settings: LossSettings) -> bool:
    """Whether the distance is taken of running counts."""
    return settings.distance == "differential" and settings.rate < 1


def begin_counts(
    settings: LossSettings, names: Names, train: TrainingRows, counts: Sequence[str]
) -> Mapping[str, np.ndarray]:
    """What a method remembers that has running counts of these names; nothing where the distance is of one batch.

    Each array is `(S, parts, groups, 3)`: for every score and part of the goal the counts of every group.
    """
    if not is_running(settings):
        return {}
    scale = len(train) / min(train.batch_size, len(train))
    of_task = [len(task.scored) for task in names.predicted] or [1] * len(train.tasks)
    groups = max(len(own) for own in train.group_names)
    begun = np.zeros((sum(of_task), count_parts(settings.goal), groups, 3))
    sizes = np.repeat([len(own) for own in train.group_names], of_task)
    begun[..., _SCORES] = scale / sizes[:, None, None]
    begun[..., _ROWS] = scale
    return {**dict.fromkeys(counts, begun), SCALE: np.array(scale)}


def compare_counts(
    scores: Tensor, parts: Sequence[Tensor], rows: Rows, settings: LossSettings, hyper: Hyper, name: str
) -> Counted:
    """The distance of the running counts called `name` after this batch, scores `(K, S, B)`, summed over `parts`.

    Of each part the largest absolute log ratio between groups of (scores + c) / (rows + 2 c), c the `concentration`;
    under goal parity also of the rate of negatives, (rows - scores + c) / (rows + 2 c).
    """
    before, scale = hyper[name].to(scores.dtype), hyper[SCALE].to(scores.dtype)
    total, undefined = scores.new_zeros(scores.shape[:2]), scores.new_zeros(scores.shape[:1])
    after = []
    for place, part in enumerate(parts):
        own = _count_batch(scores, part, rows)
        old = before[:, :, place]
        kept = (1 - settings.rate) * old[..., :_SEEN] + settings.rate * scale[:, None, None, None] * own
        seen = torch.maximum(old[..., _SEEN], (own[..., _ROWS] > 0).to(old.dtype))
        distance, missing = _compare(kept[..., _SCORES], kept[..., _ROWS], seen, settings)
        if settings.reduction == "sum":
            distance = distance * part.sum(-1)
        total = total + distance
        undefined = undefined + missing.to(undefined.dtype).sum(-1)
        after.append(torch.cat([kept.detach(), seen[..., None]], -1))
    return Counted(total, undefined, torch.stack(after, 2))


def _count_batch(scores: Tensor, part: Tensor, rows: Rows) -> Tensor:
    """Sums of scores and numbers of rows, `(K, S, groups, 2)`, of one batch."""
    found = []
    for group in range(rows.n_groups):
        own = part * (rows.groups == group)
        found.append(torch.stack([(scores * own).sum(-1), own.sum(-1).expand(scores.shape[:2])], -1))
    return torch.stack(found, 2)


def _compare(scores: Tensor, rows: Tensor, seen: Tensor, settings: LossSettings) -> tuple[Tensor, Tensor]:
    c = settings.concentration
    distance, missing = _log_ratio((scores + c) / (rows + 2 * c), seen)
    if settings.goal == "parity":
        of_negatives, _ = _log_ratio((rows - scores + c) / (rows + 2 * c), seen)
        distance = torch.maximum(distance, of_negatives)
    return distance, missing


def _log_ratio(rates: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    largest, smallest, missing = extremes(rates, seen)
    one = missing.to(largest.dtype)
    return ((largest + one) / (smallest + one)).log(), missing
