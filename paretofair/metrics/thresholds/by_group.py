"""Score thresholds of every group that make the fewest errors while a gap between the groups stays in bounds.

The frontier of such thresholds over the tolerated gap is what post-processing reaches with one trained model (Hardt
et al. 2016, without their randomisation): `error_minimal` with as many positive decisions as it likes,
`share_positives` with as many as a rule of decision makes, so that it can be compared with methods under that rule. All
trials at once, on the tensors' device. Everything that is compared is an integer count or a ratio of two, so a trial's
thresholds do not depend on which other trials are in the stack.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

GOALS = ("fpr", "tpr", "odds", "parity")
ODDS_STEPS = 16

# Two gaps that differ by less are equal: a bound of .05 admits .20 - .15, which floating point makes larger.
_ROUNDING = 1e-9
# Times that every pair of groups exchanges positive decisions; few trials need more than three.
_ROUNDS = 10
# Numbers in the tables of the trials that are searched together (about 1 GB with what is computed from them).
_NUMBERS = 1 << 26


def error_minimal(
    scores: Tensor,
    labels: Tensor,
    groups: Tensor,
    n_groups: int,
    *,
    tolerance: Tensor | float,
    goal: str,
    weights: Tensor | None = None,
) -> Tensor:
    """Thresholds of each group, decisions `scores >= threshold`, with the fewest errors and a gap <= `tolerance`.

    The gap is the largest difference between any two groups of the false positive rate (`fpr`), the true positive
    rate (`tpr`), the positive rate (`parity`), or the larger of the first two (`odds`). Calling every row negative
    has no gap, so there is always a solution. Rows with equal scores stay together. A threshold that calls all rows of
    a group negative, or all positive, is inf or -inf, so that it does so on any other rows.

    Exact for `fpr`, `tpr` and `parity`, and for `odds` with two groups: no tuple of thresholds does better. For `odds`
    with more groups the bounds of the true positive rate lie on a grid, `tolerance` / `ODDS_STEPS` apart. The gap
    stays in bounds, and the errors are no more than the fewest at `tolerance` * (1 - 1 / `ODDS_STEPS`).

    Rows of unknown label or group count nowhere. A group that lacks the labels of a rate that is bounded has no such
    rate and no gap (it is NaN in `rates`): it takes the threshold of the fewest errors of its own. A group without
    any row takes that of all rows of known label together, whatever their group.

    Time is O(rows log rows) per pair of groups, and for `odds` with more than two `ODDS_STEPS` times that.

    Args:
        scores: `(trials, tasks, rows)` floating point; higher means more likely positive. Fewer than 2^24 rows.
        labels: `(tasks, rows)`: 1, 0, or -1 where unknown.
        groups: `(tasks, rows)` group of each row, or -1 where unknown.
        n_groups: number of groups.
        tolerance: `(trials, tasks)`, broadcastable, 0 or greater.
        goal: one of `GOALS`.
        weights: `(rows,)` float64, multiples of a power of two: errors and rates are then those of weight. Rows of
            weight 0 count nowhere.

    Returns:
        `(trials, tasks, n_groups)` in the type of `scores`; NaN where a score of the trial and task is NaN.

    >>> scores, labels = torch.tensor([[[.1, .4, .6, .9, .2, .3, .7, .8]]]), torch.tensor([[0, 0, 1, 1, 0, 1, 0, 1]])
    >>> groups = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1]])
    >>> error_minimal(scores, labels, groups, 2, tolerance=1, goal="fpr")
    tensor([[[0.6000, 0.8000]]])
    """
    bounds = _as_bounds(tolerance, scores, goal)
    found = scores.new_empty(*scores.shape[:2], n_groups)
    for part, task, curves, members in _draw_curves(scores, labels, groups, n_groups, goal, weights):
        bounded = [g for g in range(n_groups) if len(members[g]) and curves[g].has_rates]
        ranges = dict(zip(bounded, _search([curves[g] for g in bounded], bounds[part, task]), strict=True))
        for group, curve in enumerate(curves):
            found[part, task, group] = curve.best_cut(ranges.get(group))
    return found.masked_fill(scores.isnan().any(-1, keepdim=True), torch.nan)


def share_positives(
    scores: Tensor,
    labels: Tensor,
    groups: Tensor,
    n_groups: int,
    common: Tensor,
    *,
    tolerance: Tensor | float,
    goal: str,
    weights: Tensor | None = None,
) -> Tensor:
    """Thresholds of each group that together call as many rows positive as the threshold `common` to all, with a gap <=
    `tolerance` and the fewest errors; where no such thresholds have that gap, those with the smallest.

    Gaps, rows that count nowhere, and thresholds of whole groups are as in `error_minimal`, and so are the arguments;
    `common` is `(trials, tasks)`. Since equal scores stay together there may be fewer positive decisions, but never
    more. Groups without rows, or that lack the labels of a rate that is bounded, keep the common threshold.

    Exact for two groups. With more, positive decisions are exchanged between two groups at a time until no exchange
    makes the gap or, within the tolerance, the errors smaller.

    >>> scores, labels = torch.tensor([[[.1, .4, .6, .9, .2, .3, .7, .8]]]), torch.tensor([[0, 0, 1, 1, 0, 1, 0, 1]])
    >>> groups = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1]])
    >>> share_positives(scores, labels, groups, 2, torch.tensor([[0.7]]), tolerance=1, goal="fpr")
    tensor([[[0.6000, 0.8000]]])
    """
    bounds = _as_bounds(tolerance, scores, goal)
    found = common[..., None].repeat(1, 1, n_groups)
    for part, task, curves, members in _draw_curves(scores, labels, groups, n_groups, goal, weights):
        bounded = [g for g in range(n_groups) if len(members[g]) and curves[g].has_rates]
        own = [curves[g] for g in bounded]
        places = [curve.place(common[part, task]) for curve in own]
        for group, curve, place in zip(bounded, own, _exchange(own, places, bounds[part, task]), strict=True):
            found[part, task, group] = curve.cut(place)
    return found.masked_fill(scores.isnan().any(-1, keepdim=True), torch.nan)


def _as_bounds(tolerance: Tensor | float, scores: Tensor, goal: str) -> Tensor:
    """The tolerance of every trial and task. Raises ValueError for a goal that is none."""
    if goal not in GOALS:
        raise ValueError(f"goal {goal!r} is none of {', '.join(GOALS)}")
    return torch.as_tensor(tolerance, dtype=torch.float64, device=scores.device).expand(scores.shape[:2])


def _draw_curves(
    scores: Tensor, labels: Tensor, groups: Tensor, n_groups: int, goal: str, weights: Tensor | None
) -> Iterator[tuple[slice, int, list[_Curve], list[Tensor]]]:
    """For some trials and one task at a time the curve of every group and the rows behind it; a group without rows has
    the curve of all."""
    trials, tasks, _ = scores.shape
    for task in range(tasks):
        known = labels[task] >= 0 if weights is None else (labels[task] >= 0) & (weights > 0)
        members = [torch.nonzero(known & (groups[task] == group)).squeeze(1) for group in range(n_groups)]
        everyone = torch.nonzero(known).squeeze(1)
        rows = [each if len(each) else everyone for each in members]
        counted = [torch.ones_like(each) if weights is None else weights[each] for each in rows]
        some = max(1, _NUMBERS // (len(everyone) * len(everyone).bit_length() + 1))
        for start in range(0, trials, some):
            part = slice(start, start + some)
            curves = [
                _Curve(scores[part, task, each], labels[task, each] == 1, own, goal)
                for each, own in zip(rows, counted, strict=True)
            ]
            yield part, task, curves, members


class _Curve:
    """The thresholds of one group with m rows in K trials, by the number j = 0 … m of rows that they call positive.

    Every row counts as `counted` `(m,)` says: ones, of type int64, or weights. `errors` `(K, m + 1)` are wrong
    decisions, inf where the j-th score equals the next. `above` `(K, m + 1)` are the positive decisions, `rates` the
    bounded ones, `(K, m + 1)` each; both grow with j.
    """

    def __init__(self, scores: Tensor, positive: Tensor, counted: Tensor, goal: str) -> None:
        ordered, order = scores.sort(dim=-1, descending=True)
        self._ordered = ordered
        trials, rows = ordered.shape
        above, hits = counted.new_zeros(trials, rows + 1), counted.new_zeros(trials, rows + 1)
        above[:, 1:] = counted[order].cumsum(-1)
        self.above = above
        hits[:, 1:] = (positive * counted)[order].cumsum(-1)
        tied = torch.zeros_like(above, dtype=torch.bool)
        tied[:, 1:-1] = ordered[:, :-1] == ordered[:, 1:]
        misses = hits[:, -1:] - hits
        weighted = counted.is_floating_point()
        wrong = above - hits + misses
        self.errors = (wrong if weighted else wrong.float()).masked_fill(tied, torch.inf)
        self._cuts = torch.cat([ordered.new_full((trials, 1), torch.inf), ordered], -1)
        if rows:
            self._cuts[:, -1] = -torch.inf
        counts = {"fpr": [above - hits], "tpr": [hits], "parity": [above], "odds": [above - hits, hits]}[goal]
        size, n_positive = counted.sum().item(), (positive * counted).sum().item()
        n_negative = size - n_positive
        sizes = {"fpr": [n_negative], "tpr": [n_positive], "parity": [size], "odds": [n_negative, n_positive]}
        self._sizes = sizes[goal]
        self.has_rates = all(self._sizes)
        if not self.has_rates:
            return
        self.rates = [count / float(size) for count, size in zip(counts, self._sizes, strict=True)]
        self._counts = [count.contiguous() for count in counts]

    @functools.cached_property
    def exact_rates(self) -> list[Tensor]:
        """`rates` in float64: equal gaps of other rates differ by less than the rounding."""
        return [count.double() / float(size) for count, size in zip(self._counts, self._sizes, strict=True)]

    @functools.cached_property
    def _reach(self) -> list[Tensor | None]:
        """reach[c] is the smallest j that has counted c rows; weights are searched whenever they are asked for."""
        trials, device = len(self.errors), self.errors.device
        return [
            None
            if count.is_floating_point()
            else torch.searchsorted(count, torch.arange(int(size) + 2, device=device).repeat(trials, 1))
            for count, size in zip(self._counts, self._sizes, strict=True)
        ]

    @functools.cached_property
    def _levels(self) -> Tensor:
        return _range_minima(self.errors)

    def place(self, threshold: Tensor) -> Tensor:
        """`(K, 1)` how many rows have scores at or above the thresholds `(K,)`."""
        return (self._ordered >= threshold[:, None]).sum(-1, keepdim=True)

    def fit(self, most: Tensor) -> Tensor:
        """The largest j with at most so many positive decisions `(K, A)` that parts no equal scores; -1 where even
        none are too many."""
        place = torch.arange(self.errors.shape[1], device=self.errors.device).expand_as(self.errors)
        whole = place.masked_fill(self.errors.isinf(), -1).cummax(-1).values
        last = torch.searchsorted(self.above, most.contiguous(), right=True) - 1
        return whole.gather(1, last.clamp(min=0)).masked_fill(last < 0, -1)

    def cut(self, place: Tensor) -> Tensor:
        """`(K,)` the thresholds at the places `(K, 1)`."""
        return self._cuts.gather(1, place).squeeze(1)

    def window(self, bounds: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """The thresholds whose rates lie in `bounds`, (low, high) `(K, A)` each, as ranges first <= j < end."""
        first = end = None
        for (low, high), size, count, reach in zip(bounds, self._sizes, self._counts, self._reach, strict=True):
            if reach is None:
                least, most = (low - _ROUNDING) * size, (high + _ROUNDING) * size
                from_here = torch.searchsorted(count, least.contiguous())
                to_here = torch.searchsorted(count, most.contiguous(), right=True)
            else:
                fewest = ((low - _ROUNDING) * size).ceil().clamp(0, size + 1).long()
                last = ((high + _ROUNDING) * size).floor().clamp(-1, size).long()
                from_here, to_here = reach.gather(1, fewest), reach.gather(1, last + 1)
            first = from_here if first is None else torch.maximum(first, from_here)
            end = to_here if end is None else torch.minimum(end, to_here)
        assert first is not None
        assert end is not None
        return first, end

    def fewest_errors(self, first: Tensor, end: Tensor) -> Tensor:
        """The smallest of `errors` in each range `(K, A)`; inf where it is empty."""
        length = (end - first).clamp(min=0)
        # Two overlapping runs of 2^level thresholds cover the range.
        level = (torch.frexp(length.float()).exponent.long() - 1).clamp(min=0)
        row = level * self.errors.shape[1]
        left = self._levels.gather(1, row + first.clamp(max=self.errors.shape[1] - 1))
        right = self._levels.gather(1, row + (end - (1 << level)).clamp(min=0))
        return torch.minimum(left, right).masked_fill(length == 0, torch.inf)

    def best_cut(self, inside: tuple[Tensor, Tensor] | None) -> Tensor:
        """`(K,)` the threshold of the fewest errors in the range `(K, 1)`, the highest one of equals."""
        errors = self.errors
        if inside is not None:
            place = torch.arange(errors.shape[1], device=errors.device)
            errors = errors.masked_fill((place < inside[0]) | (place >= inside[1]), torch.inf)
        return self._cuts.gather(1, errors.argmin(-1, keepdim=True)).squeeze(1)


def _range_minima(values: Tensor) -> Tensor:
    """`(K, levels * n)` of values `(K, n)`: at level l the minimum of 2^l values, beginning at each."""
    levels = [values]
    width = 1
    while 2 * width <= values.shape[1]:
        longer = levels[-1].clone()
        longer[:, :-width] = torch.minimum(longer[:, :-width], levels[-1][:, width:])
        levels.append(longer)
        width *= 2
    return torch.cat(levels, 1)


def _search(curves: list[_Curve], tolerance: Tensor) -> list[tuple[Tensor, Tensor]]:
    """For each curve the range `(K, 1)` of thresholds in which the best tuple lies: any choice in them is in bounds.

    In every tuple some group, the anchor, has the smallest first rate. Its own threshold is tried at every j; the
    others may then choose by themselves among those with rates in bounds.
    """
    if not curves:
        return []
    best = torch.full_like(tolerance, torch.inf).to(curves[0].errors.dtype)
    ranges = [(torch.zeros_like(best).long()[:, None],) * 2 for _ in curves]
    for a, anchor in enumerate(curves):
        for bounds in _bounds(anchor, tolerance[:, None], len(curves)):
            here = torch.arange(anchor.errors.shape[1], device=best.device).expand_as(anchor.errors)
            windows = [(here, here + 1) if g == a else curve.window(bounds) for g, curve in enumerate(curves)]
            total = anchor.errors
            for curve, window in zip(curves, windows, strict=True):
                if curve is not anchor:
                    total = total + curve.fewest_errors(*window)
            fewest, place = total.min(-1, keepdim=True)
            better = fewest < best[:, None]
            best = torch.where(better, fewest, best[:, None]).squeeze(1)
            for g, (first, end) in enumerate(windows):
                old_first, old_end = ranges[g]
                now = first.gather(1, place), end.gather(1, place)
                ranges[g] = torch.where(better, now[0], old_first), torch.where(better, now[1], old_end)
    return ranges


def _bounds(anchor: _Curve, tolerance: Tensor, n_groups: int) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Bounds of the rates of all groups, given that `anchor` `(K, m + 1)` has the smallest first rate."""
    smallest, *second = anchor.rates
    first = smallest, smallest + tolerance
    if not second:
        yield [first]
        return
    (rate,) = second
    if n_groups <= 2:
        yield [first, (rate - tolerance, rate + tolerance)]
        return
    for step in range(ODDS_STEPS + 1):
        low = (rate - tolerance * (step / ODDS_STEPS)).clamp(min=0.0).minimum((1 - tolerance).clamp(min=0.0))
        yield [first, (low, low + tolerance)]


def _exchange(curves: list[_Curve], places: Sequence[Tensor], tolerance: Tensor) -> list[Tensor]:
    """The places `(K, 1)` on the curves, from `places` on, after positive decisions were exchanged between every two
    groups as long as that makes the gap or, within the tolerance `(K,)`, the errors smaller."""
    places = list(places)
    allowed = _count_positives(curves, places)
    for _ in range(_ROUNDS):
        before = list(places)
        for a, b in itertools.combinations(range(len(curves)), 2):
            one, other, rest = curves[a], curves[b], [g for g in range(len(curves)) if g not in (a, b)]
            left = allowed - _count_positives([curves[g] for g in rest], [places[g] for g in rest]) - one.above
            there = other.fit(left)
            fits, there = (there >= 0) & (left <= other.above[:, -1:]), there.clamp(min=0)
            errors = one.errors + other.errors.gather(1, there)
            excess = torch.zeros_like(errors, dtype=torch.float64)
            for rate, of_one in enumerate(one.exact_rates):
                of_rest = [curves[g].exact_rates[rate].gather(1, places[g]).expand_as(of_one) for g in rest]
                every = torch.stack([of_one, other.exact_rates[rate].gather(1, there), *of_rest])
                excess = torch.maximum(excess, every.amax(0) - every.amin(0) - tolerance[:, None])
            excess = excess.masked_fill(excess <= _ROUNDING, 0).masked_fill(~fits | errors.isinf(), torch.inf)
            least = excess.amin(-1, keepdim=True)
            best = errors.masked_fill(excess > least + _ROUNDING, torch.inf).argmin(-1, keepdim=True)
            # Where equal scores leave nothing to exchange, all stays.
            places[b] = torch.where(least.isinf(), places[b], there.gather(1, best))
            places[a] = torch.where(least.isinf(), places[a], best)
        if all(map(torch.equal, places, before)):
            break
    return places


def _count_positives(curves: Sequence[_Curve], places: Sequence[Tensor]) -> Tensor | int:
    """`(K, 1)` positive decisions at the places on the curves."""
    return sum(curve.above.gather(1, place) for curve, place in zip(curves, places, strict=True))
