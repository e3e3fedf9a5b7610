"""Counts of decisions drawn anew: groups permuted among rows, or rows drawn with replacement (numpy).

Counts are `(runs, groups, decisions)`: models (`runs`) that decided on the same rows, the groups of these rows, and the
possible decisions. Only counts are known, not which row got which decision from which model. Rows are therefore put in
one order for all models, by decision: models then agree on as many rows as their counts allow. Were they to agree on
fewer, a mean over models would vary less than it does here, so that tests and intervals are rather too careful.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def permute_groups(counts: ArrayLike, /, *, resamples: int, seed: int | Sequence[int] = 0) -> Array:
    """The counts as they could have been, had the decisions nothing to do with the groups.

    Every resample gives the rows other groups, the same for all models; how many rows each group has, and how often
    each model takes each decision, stay. For one model these are draws from the multivariate hypergeometric
    distribution, as in Fisher's exact test.

    Args:
        counts: `(runs, groups, decisions)`, whole numbers; the sums over decisions are the same for all runs.
        resamples: how many are drawn.
        seed: what they are drawn from.

    Returns:
        `(resamples, runs, groups, decisions)`.

    Raises:
        ValueError: another shape, counts below 0 or not whole, or models with other numbers of rows.

    >>> permute_groups([[[2, 0], [0, 3]]], resamples=1).sum(-1).tolist()
    [[[2, 3]]]
    """
    table = _check_counts(counts)
    random = np.random.default_rng(seed)
    ends, places = _find_segments(table.sum(1))
    left = np.broadcast_to(table[0].sum(-1), (resamples, table.shape[1])).copy()
    drawn = np.zeros((resamples, len(ends), table.shape[1]), dtype=np.int64)
    for segment, size in enumerate(np.diff(ends, prepend=0)):
        taken = _draw_from_groups(random, left, int(size))
        left -= taken
        drawn[:, segment] = taken
    return _count_up(drawn, places)


def resample_rows(counts: ArrayLike, /, *, resamples: int, seed: int | Sequence[int] = 0) -> Array:
    """The counts of rows drawn with replacement, of every group as many as it has and the same for all models.

    For one model these are draws from a multinomial distribution for each group.

    Args:
        counts, resamples, seed: as of `permute_groups`.

    Returns:
        `(resamples, runs, groups, decisions)`.

    Raises:
        ValueError: as `permute_groups`.
    """
    table = _check_counts(counts)
    random = np.random.default_rng(seed)
    rows = table[0].sum(-1)
    if len(table) == 1:
        shares = table[0] / np.maximum(rows, 1)[:, None]
        # A group without rows has no shares; none are drawn of it.
        shares[rows == 0, 0] = 1
        return random.multinomial(rows, shares, (resamples, len(rows)))[:, None]
    groups = []
    for own in np.moveaxis(table, 1, 0):
        ends, places = _find_segments(own)
        sizes = np.diff(ends, prepend=0)
        drawn = np.zeros((resamples, len(ends)), dtype=np.int64)
        if len(ends):
            drawn = random.multinomial(ends[-1], sizes / ends[-1], resamples)
        groups.append(_count_up(drawn[..., None], places))
    return np.concatenate(groups, -2)


def round_counts(counts: ArrayLike, rows: ArrayLike, /) -> Array:
    """Whole counts `(..., groups, decisions)` in the proportions of these, of `rows` `(groups,)` rows, rounded.

    >>> round_counts([[3.0, 1.0]], [10]).tolist()
    [[8, 2]]
    """
    values = np.asarray(counts, dtype=float)
    shares = np.cumsum(values, -1) / np.maximum(values.sum(-1, keepdims=True), np.finfo(float).tiny)
    upto = np.rint(shares * np.rint(np.asarray(rows, dtype=float))[:, None]).astype(np.int64)
    return np.diff(upto, axis=-1, prepend=0)


def _check_counts(counts: ArrayLike) -> Array:
    table = np.asarray(counts)
    if table.ndim != 3 or not table.size:
        raise ValueError(f"got counts of shape {table.shape}, expected (runs, groups, decisions)")
    whole = np.rint(table).astype(np.int64)
    if (whole < 0).any() or not np.array_equal(whole, table):
        raise ValueError("got counts that are not whole or below 0")
    if (whole.sum(-1) != whole[0].sum(-1)).any():
        raise ValueError("got models with different numbers of rows in a group, expected the same rows for all")
    return whole


def _find_segments(counts: Array) -> tuple[Array, Array]:
    """Where rows in the order of decisions `(runs, decisions)` change theirs: the ends of segments in which every model
    decides alike, and by run and decision the number of segments up to its last row."""
    upto = counts.cumsum(-1)
    ends = np.unique(upto[upto > 0])
    return ends, np.searchsorted(ends, upto, side="right")


def _draw_from_groups(random: np.random.Generator, left: Array, size: int) -> Array:
    """How many of `size` rows come from each group, drawn without replacement from the rows `left`
    `(resamples, groups)`."""
    taken = np.zeros_like(left)
    need, others = np.full(len(left), size), left.sum(-1)
    if size == others[0]:
        return left.copy()
    for group in range(left.shape[1] - 1):
        others = others - left[:, group]
        taken[:, group] = random.hypergeometric(left[:, group], others, need)
        need = need - taken[:, group]
    taken[:, -1] = need
    return taken


def _count_up(drawn: Array, places: Array) -> Array:
    """Counts by decision `(resamples, runs, groups, decisions)` of segments `(resamples, segments, groups)`, which end
    with decisions at `places` `(runs, decisions)`."""
    nothing = np.zeros((len(drawn), 1, drawn.shape[2]), dtype=np.int64)
    upto = np.concatenate([nothing, drawn.cumsum(1)], 1)[:, places]
    return np.moveaxis(np.diff(upto, axis=2, prepend=0), 2, 3)
