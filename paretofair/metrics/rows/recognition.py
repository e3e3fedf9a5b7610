"""How well features tell identities apart: rank-1 accuracy and the angles within and between identities.

Everything is computed in blocks of rows: no n x n matrix is ever whole. Sums over rows are of whole numbers, so that
they are the same in any order and on any device.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

_BLOCK = 1024  # rows whose distances to all others are held at once
_SCALE = float(1 << 32)  # sums of so many numbers of size 1 that they fit 64 bits


class Matches(NamedTuple):
    """`(n,)` each: whether a row is a `probe`, and whether its nearest other row is of its own identity."""

    probe: Tensor
    right: Tensor


class Angles(NamedTuple):
    """In degrees, `(identities,)` each, with the `labels` that they are of, in ascending order.

    `intra` is the mean angle between the features of an identity and their mean direction, `inter` the angle between
    that mean and the nearest mean of another identity (NaN where there is no other).
    """

    labels: Tensor
    intra: Tensor
    inter: Tensor


def match_nearest(features: Tensor, labels: Tensor, block: int = _BLOCK) -> Matches:
    """Rank-1 matches within a split: of every row the nearest other one by Euclidean distance of normalised features,
    of equally near ones the first.

    Rows of unknown label are neither probes nor found; rows that are the only one of their identity are no probes.

    Args:
        features: `(n, D)` floating point, not normalised.
        labels: `(n,)` whole numbers from 0, or -1 for unknown.
        block: rows that are compared with all others at once.

    >>> found = match_nearest(torch.tensor([[1., 0], [.9, .1], [0, 1], [.1, .2]]), torch.tensor([0, 0, 1, 2]))
    >>> found.probe.tolist(), found.right.tolist()
    ([True, True, False, False], [True, True, False, False])
    """
    rows = torch.nonzero(labels >= 0)[:, 0]
    own = labels[rows].long()
    unit = normalize(features[rows], dim=1)
    right = torch.zeros(len(labels), dtype=torch.bool, device=labels.device)
    probe = torch.zeros_like(right)
    if len(rows):
        probe[rows] = own.bincount()[own] > 1
    for start in range(0, len(rows), block):
        part = unit[start : start + block]
        places = torch.arange(len(part), device=labels.device)
        closeness = part @ unit.T
        closeness[places, start + places] = -torch.inf
        right[rows[start : start + block]] = own[closeness.argmax(1)] == own[start : start + block]
    return Matches(probe, right & probe)


def measure_angles(features: Tensor, labels: Tensor, block: int = _BLOCK) -> Angles:
    """Angles of every identity among the rows of known label; arguments as in `match_nearest`. A row of features that
    are all 0 has no direction: it stands at 90 degrees to every other."""
    rows = torch.nonzero(labels >= 0)[:, 0]
    found, place = labels[rows].long().unique(return_inverse=True)
    counts = place.bincount(minlength=len(found))
    sums = torch.zeros(len(found), features.shape[1], dtype=torch.int64, device=features.device)
    for part, of_part in zip(rows.split(block), place.split(block), strict=True):
        unit = normalize(features[part].double(), dim=1)
        sums.index_add_(0, of_part, (unit * _SCALE).round().long())
    means = normalize(sums.double(), dim=1)
    total = torch.zeros(len(found), dtype=torch.int64, device=features.device)
    for part, of_part in zip(rows.split(block), place.split(block), strict=True):
        unit = normalize(features[part].double(), dim=1)
        angles = _degrees((unit * means[of_part]).sum(1))
        total.index_add_(0, of_part, (angles * _SCALE).round().long())
    inter = torch.full((len(found),), torch.nan, dtype=torch.float64, device=features.device)
    for start in range(0, len(found) if len(found) > 1 else 0, block):
        part = means[start : start + block]
        places = torch.arange(len(part), device=features.device)
        closeness = part @ means.T
        closeness[places, start + places] = -torch.inf
        inter[start : start + block] = _degrees(closeness.amax(1))
    return Angles(found, total.double() / _SCALE / counts, inter)


def _degrees(cosines: Tensor) -> Tensor:
    return cosines.clamp(-1, 1).arccos().rad2deg()
