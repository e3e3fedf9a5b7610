"""The products of a layer of K stacked networks, and the slope of ReLU.

What enters a layer of `in` inputs and `out` units has an example in each column: `(K, in, B)`, or `(in, B)` where the
examples are common to the trials. Common examples are multiplied once for all trials, with the `out` rows of each below
one another. Matrix products work in tiles of four rows, so that this one flattened product gives a trial's bits, those
that it has alone, only where its rows fill whole tiles. At other widths every trial has its own product.
"""

from __future__ import annotations

import torch
from torch import Tensor

_TILE = 4


def product(weight: Tensor, below: Tensor) -> Tensor:
    """`(K, out, B)`, always a new tensor: weight `(K, out, in)` times below `(K, in, B)` or `(in, B)`."""
    return _times(weight, below)


def outer(above: Tensor, below: Tensor) -> Tensor:
    """`(K, out, in)`, summed over rows: above `(K, out, B)` times the transpose of below `(K, in, B)` or `(in, B)`."""
    return _times(above, below.mT)


def where_active(values: Tensor, activation: Tensor) -> Tensor:
    """The values where the activation, of the same shape, is positive, 0 elsewhere: the slope of ReLU, which does not
    bend, so that a cotangent and a tangent pass alike.
    """
    return torch.ops.aten.threshold_backward(values, activation, 0)


def _times(left: Tensor, right: Tensor) -> Tensor:
    """`(K, m, n)`: left `(K, m, l)` times right `(K, l, n)` or `(l, n)`."""
    if right.dim() == 2 and left.shape[1] % _TILE == 0:
        return (left.flatten(0, 1) @ right).view(*left.shape[:2], -1)
    return torch.bmm(left, right.expand(len(left), -1, -1))
