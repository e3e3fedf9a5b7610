"""Score thresholds that give each trial the positive rate of the training labels, or its fewest errors.

Decisions are `scores >= threshold` for every rule. All trials at once, on the tensors' device; only
sorting, comparing and correctly rounded division are used, so a trial's threshold does not depend on
which other trials are in the stack.
"""

import numpy as np
import torch
from torch import Tensor

from paretofair.metrics.thresholds.by_group import error_minimal


def base_rate(
    scores: Tensor, positive_rate: Tensor | float, *, known: Tensor | None = None, weights: Tensor | None = None
) -> Tensor:
    """Smallest score at which the share of rows at or above it does not exceed `positive_rate`.

    Rows with equal scores stay together: a tie group that does not fit under the rate is negative as a
    whole, so the realised positive rate can be lower than `positive_rate` (and is worth reporting).

    Args:
        scores: `(..., rows)` floating point; higher means more likely positive.
        positive_rate: `(...)`, broadcastable against the leading axes of `scores`, in [0, 1]. The share
            is compared in this tensor's own type, so a rate computed as count / rows is met exactly.
        known: `(..., rows)` mask, broadcastable, of the rows that count: those whose label is known where
            `positive_rate` is that of known labels. Default: every row.
        weights: `(rows,)` float64, multiples of a power of two: the share is then one of weight. Default: 1.

    Returns:
        `(...)` thresholds in the type of `scores`; +inf where no score qualifies (so nothing is
        positive), NaN where a counted score or the rate is NaN (a diverged trial).

    >>> base_rate(torch.tensor([.1, .7, .7, .9]), .5)
    tensor(0.9000)
    """
    scores, rate, known, rows = _prepare(scores, positive_rate, known)
    if scores.shape[-1] == 0:
        return scores.new_full(rate.shape, torch.inf)
    descending, order = scores.masked_fill(~known, -torch.inf).sort(dim=-1, descending=True)
    if weights is None:
        allowed = _largest_count(rate, rows)
    else:
        above = (weights * known).gather(-1, order).cumsum(-1)
        allowed = (above / above[..., -1:] <= rate.unsqueeze(-1)).sum(-1).minimum(rows)
    # The first score that must stay negative; it takes its whole tie group with it.
    boundary = descending.gather(-1, allowed.clamp(max=scores.shape[-1] - 1).unsqueeze(-1))
    positive = known & ((scores > boundary) | (allowed >= rows).unsqueeze(-1))
    threshold = scores.masked_fill(~positive, torch.inf).amin(dim=-1)
    return threshold.masked_fill(_mark_undefined(scores, rate, known), torch.nan)


def published_rule(
    scores: Tensor, positive_rate: Tensor | float, *, known: Tensor | None = None, weights: Tensor | None = None
) -> Tensor:
    """The rule of the published MTA-F code: an element of the sorted scores, whatever its ties.

    With scores sorted ascending the threshold is the element with index
    `max(0, int((1 - positive_rate) * rows) - 1)`. The realised rate usually exceeds `positive_rate` (by
    one row or more without ties, by a whole tie group with them). Arguments and result are those of
    `base_rate`; the index is computed in float64, as Python does. With `weights`, on average 1, it is
    the score that stands there where every row stands as often as it counts.

    >>> published_rule(torch.tensor([.1, .7, .7, .9]), .5)
    tensor(0.7000)
    """
    scores, rate, known, rows = _prepare(scores, positive_rate, known)
    if scores.shape[-1] == 0:
        return scores.new_full(rate.shape, torch.inf)
    ascending, order = scores.masked_fill(~known, torch.inf).sort(dim=-1)
    if weights is None:
        wanted = ((1.0 - rate.double()) * rows).nan_to_num(0.0).long() - 1
    else:
        below = (weights * known).gather(-1, order).cumsum(-1)
        start = (1.0 - rate.double()).unsqueeze(-1) * below[..., -1:] - 1
        wanted = (below <= start.clamp(min=0)).sum(-1)
    index = wanted.clamp(min=0).minimum((rows - 1).clamp(min=0))
    threshold = ascending.gather(-1, index.unsqueeze(-1)).squeeze(-1)
    return threshold.masked_fill(_mark_undefined(scores, rate, known), torch.nan)


def least_error(scores: Tensor, labels: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """The threshold with the fewest errors, `(trials, tasks)`, the highest one of equals; rows of unknown label count
    nowhere. Inf or -inf where it calls no row positive or every row, so that it does so on any other rows.

    Args: `scores` `(trials, tasks, rows)`, `labels` `(tasks, rows)` and `weights` as in `by_group`.

    >>> least_error(torch.tensor([[[.1, .7, .3, .9]]]), torch.tensor([[0, 0, 1, 1]]))
    tensor([[0.9000]])
    """
    one_group = torch.zeros_like(labels)
    return error_minimal(scores, labels, one_group, 1, tolerance=1, goal="parity", weights=weights).squeeze(-1)


def _prepare(
    scores: Tensor, positive_rate: Tensor | float, known: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Everything broadcast to the common leading axes, with the number of counted rows."""
    if not isinstance(positive_rate, Tensor):
        # `full` fills on the device; `as_tensor` would copy from the host and wait for it.
        positive_rate = torch.full((), positive_rate, dtype=torch.float64, device=scores.device)
    elif not positive_rate.is_floating_point():
        positive_rate = positive_rate.double()
    if known is None:
        known = torch.ones((), dtype=torch.bool, device=scores.device).expand(scores.shape[-1:])
    # PyTorch's own would first import what takes a second.
    leading = np.broadcast_shapes(scores.shape[:-1], positive_rate.shape, known.shape[:-1])
    shape = (*leading, scores.shape[-1])
    known = known.expand(shape)
    return scores.expand(shape), positive_rate.expand(leading), known, known.sum(dim=-1)


def _largest_count(rate: Tensor, rows: Tensor) -> Tensor:
    """Largest count with count / rows <= rate, exact although rate * rows is rounded."""
    guess = (rate * rows).floor()
    count = torch.where((guess + 1) / rows <= rate, guess + 1, torch.where(guess / rows <= rate, guess, guess - 1))
    return count.nan_to_num(0.0).clamp(min=0).long().minimum(rows)


def _mark_undefined(scores: Tensor, rate: Tensor, known: Tensor) -> Tensor:
    return (scores.isnan() & known).any(dim=-1) | rate.isnan()
