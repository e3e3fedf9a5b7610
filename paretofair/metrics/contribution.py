"""Group contribution disparity: how unequally two groups pull at the parameters (Li et al. 2023, "GCM", eq. 6-9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


class Disparity(NamedTuple):
    """One group's contribution over another's; each field `(trials, labels)`, float64. The best value of a ratio is 1.

    `mean`: the mean over parameters of the ratios of absolute gradients, eq. 8 and 9. It is ruled by denominators near
    zero and infinite with one that is zero: even its direction can change with the seed.
    `median`: their median.
    `ratio_of_sums`: the sum of absolute gradients of the one group over that of the other.
    `excluded`: how many parameters have no gradient in either group, 0/0, which enter neither mean nor median.

    Above 1 the first group contributes more, below 1 less, so disparities are not minimised but led towards 1: compare
    abs(log). NaN where no parameter is left.
    """

    mean: Array
    median: Array
    ratio_of_sums: Array
    excluded: Array


def contribution_disparity(
    gradients: Mapping[str, ArrayLike], *, group: int = 0, reference: int = 1, labels: int = 2
) -> dict[str, Disparity]:
    """The disparity between two groups for each label, over all parameters and by parameter name.

    Args:
        gradients: for each parameter name the *summed* gradients of cells, mean gradient times number of rows,
            `(trials, cells, *shape)`, cells ordered by group, then label.
        group, reference: indices of the group in the numerator and of the one in the denominator.
        labels: number of labels.

    Returns:
        `all` (eq. 8), then every name (eq. 9).

    Raises:
        ValueError: no gradients, numbers of cells that differ or are no multiple of `labels`, or a group without cells.

    >>> bias = [[[1.0, 0.0], [3.0, 3.0], [2.0, 0.0], [-1.0, -3.0]]]
    >>> found = contribution_disparity({"bias_0": bias})["bias_0"]
    >>> found.mean.tolist(), found.median.tolist(), found.ratio_of_sums.tolist(), found.excluded.tolist()
    ([[0.5, 2.0]], [[0.5, 2.0]], [[0.5, 1.5]], [[1.0, 0.0]])
    """
    values = {name: np.abs(np.asarray(value, dtype=float)) for name, value in gradients.items()}
    sizes = {value.shape[:2] if value.ndim > 1 else value.shape for value in values.values()}
    if len(sizes) != 1 or any(len(size) != 2 or size[1] % labels for size in sizes):
        raise ValueError(
            f"got gradients of (trials, cells) {sorted(sizes)}, expected one, cells a multiple of {labels}"
        )
    ((trials, cells),) = sizes
    if not (0 <= group < cells // labels and 0 <= reference < cells // labels):
        raise ValueError(f"got groups {group} and {reference}, expected numbers below {cells // labels}")
    by_group = {name: value.reshape(trials, cells // labels, labels, -1) for name, value in values.items()}
    pairs = {name: (value[:, group], value[:, reference]) for name, value in by_group.items()}
    whole = tuple(np.concatenate(sides, -1) for sides in zip(*pairs.values(), strict=True))
    return {name: _disparity(*sides) for name, sides in {"all": whole, **pairs}.items()}


def _disparity(numerator: Array, denominator: Array) -> Disparity:
    """From absolute gradients `(trials, labels, parameters)`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = numerator / denominator
        ratio_of_sums = numerator.sum(-1) / denominator.sum(-1)
        excluded = (numerator == 0) & (denominator == 0)
        kept = (~excluded).sum(-1)
        mean = np.where(excluded, 0, ratios).sum(-1) / kept
    # What is excluded is put behind everything else.
    ordered = np.sort(np.where(excluded, np.inf, ratios), -1)
    middle = [np.maximum((kept - 1) // 2, 0), np.minimum(kept // 2, ordered.shape[-1] - 1)]
    lower, upper = (np.take_along_axis(ordered, place[..., None], -1)[..., 0] for place in middle)
    median = np.where(kept > 0, (lower + upper) / 2, np.nan)
    return Disparity(mean, median, ratio_of_sums, excluded.sum(-1).astype(float))
