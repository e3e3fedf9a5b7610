"""The products of a layer of K stacked networks, and the slope of ReLU.

What enters a layer of `in` inputs and `out` units has an example in each column: `(K, in, B)`, or `(in, B)` where the
examples are common to the trials. Common examples are multiplied once for all trials, with the `out` rows of each below
one another, where this one flattened product gives a trial the bits that it has alone. Whether it does is up to the
shape and to the processor: libraries choose their code by both. So it is tried once for each shape; where a bit differs
every trial has its own product.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from paretofair.models.constants import constant

# Products work in tiles of four rows: a trial whose rows fill no whole tiles has other bits at other places.
_TILE = 4
_TRIED = (1, 2, 3, 8, 16, 32, 64, 128)  # trials
# Multiplications of one trial from which on one product for all is no faster, and trying it would take seconds.
_LARGE = 1 << 24


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
        transposed = right.stride(0) < right.stride(1)
        _, rows, inner = left.shape
        if not left.is_cpu or flattening_keeps_bits(rows, inner, right.shape[1], left.dtype, transposed):
            return (left.flatten(0, 1) @ right).view(*left.shape[:2], -1)
    return torch.bmm(left, right.expand(len(left), -1, -1))


# A compiled step takes what was found before.
@constant
def flattening_keeps_bits(rows: int, inner: int, columns: int, dtype: torch.dtype, transposed: bool) -> bool:
    """Whether `(K * rows, inner)` times `(inner, columns)` has, for every K, the bits of `(rows, inner)` times it, on
    this processor. `transposed`: the right factor stands in memory column by column."""
    return _compare_bits(rows, inner, columns, dtype, transposed)


@functools.cache
def _compare_bits(rows: int, inner: int, columns: int, dtype: torch.dtype, transposed: bool) -> bool:
    if rows * inner * columns > _LARGE:
        return False
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(max(_TRIED), rows, inner, generator=generator, dtype=dtype)
    right = torch.randn(*((columns, inner) if transposed else (inner, columns)), generator=generator, dtype=dtype)
    right = right.T if transposed else right
    for trials in _TRIED:
        together = (left[:trials].flatten(0, 1) @ right).view(trials, rows, columns)
        for place in {0, trials // 2, trials - 1}:
            if not torch.equal(left[place] @ right, together[place]):
                return False
    return True
