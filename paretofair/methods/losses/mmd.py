"""Squared maximum mean discrepancy of scalar scores in time and memory linear in the rows of a batch.

Between scores at most 1 apart the kernel exp(-d²/ℓ²) equals, to rounding, its periodic repetition with period L > 1,
whose Fourier series is known in closed form (Poisson's formula) and decays as fast as the kernel itself:

    k(x - y) = Σ_j c_j exp(iω_j(x - y)),    ω_j = 2πj/L,    c_j = (√π ℓ/L) exp(-(πjℓ/L)²),    -J <= j <= J.

With weights v that sum to 0 the discrepancy vᵀKv is then Σ_{j=1..J} 2c_j |Σ_i v_i exp(iω_j x_i)|²: a sum of squares,
never negative, of moments that take one pass over the rows; its gradient is a trigonometric polynomial in x_i times
v_i. These are Fourier features with equispaced in place of random frequencies: Kunis, Potts and Steidl (2006), "Fast
Gauss transforms with complex parameters using NFFTs", for the expansion; Zhao and Meng (2015), "FastMMD", for its use
in the discrepancy (there with random frequencies).

Error: L and J are such that the neighbouring period and the tail cut off are both below exp(-36) = 2e-16 of the
kernel, and everything is computed in float64, whatever the type of the scores. A search over narrow, saturated and
mixed scores found no value further than 1e-13 from the definition's, and no gradient further than 1e-12 |v_i|/ℓ, for
ℓ >= .005 (the rounding of ω_j x grows as 1/ℓ). The gradient needs that room: of two clusters of spread 1e-6 far apart,
each moves by differences 1e-5 of the moments' size, which float32 would lose.

Cost: J = 11.5 + 1.9/ℓ frequencies, 31 for ℓ = .1. They are not tabulated for every row: j = ng + s with
0 <= g <= 3, |s| <= 4, n = 9, so that 4 + 5 cosines and sines per row and one small matrix product per trial and task
give all moments. Time is bound by these products and by passes over the 18 tables of B float64 numbers.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from paretofair.models.constants import constant

_CUT = 6.0  # exp(-36) is the rounding of float64


def squared_mmd(scores: Tensor, weights: Tensor, bandwidth: float) -> Tensor:
    """vᵀKv, the biased V-statistic of the squared MMD (Gretton et al. 2012), `(K, T)`, >= 0 and minimised.

    `scores`, `(K, T, B)`, lie at most 1 apart and are measured from the score of one row, so that a constant score is
    exactly 0: it gives exactly 0 with zero gradient, and so do weights of 0. `weights` v, `([K,] T, B)`, are 1/n on
    one group, -1/m on the other and 0 elsewhere; they must sum to 0 (the frequency 0 is left out). K has the entries
    exp(-(x-y)²/bandwidth²). Differentiable once, with respect to the scores.
    """
    differentiable = scores.requires_grad and torch.is_grad_enabled()
    with torch.no_grad():
        value, gradient = _value_and_gradient(scores, weights, bandwidth, differentiable)
    if gradient is None:
        return value
    # Adds 0, whose derivative is the gradient: autograd keeps nothing else. (The compiler cannot trace a
    # torch.autograd.Function without a warning.)
    return value + (gradient * (scores - scores.detach())).sum(-1)


class _Series(NamedTuple):
    """The Fourier series of one kernel, as forms in moments of products of a coarse and a fine wave.

    The moments M, `(2, coarse + 1, 2, fine + 1)`, are Σv cos or sin(ngx) cos or sin(sx), cosines first. With M_c, M_f
    and M_cf for M with sine and cosine exchanged in the coarse wave, the fine one and both: the value is
    Σ M (square M + cross M_cf), the coefficients of the gradient in the same products by_coarse M_c + by_fine M_f.
    """

    fundamental: float  # ω_1
    coarse: int  # the largest g
    fine: int  # the largest s
    square: Tensor
    cross: Tensor
    by_coarse: Tensor
    by_fine: Tensor


@constant
def _series(bandwidth: float, device: torch.device) -> _Series:
    """A constant to the compiler, which would look through the cache and trace the arithmetic."""
    return _compute_series(bandwidth, device)


@lru_cache(maxsize=16)
def _compute_series(bandwidth: float, device: torch.device) -> _Series:
    """The period L and cut-off J with (L - 1)/ℓ = πJℓ/L = q >= `_CUT`: both errors are exp(-q²)."""
    needed = math.ceil(_CUT * (1 + _CUT * bandwidth) / (math.pi * bandwidth))
    fine = math.ceil((math.sqrt(2 * needed + 1) - 1) / 2)
    step = 2 * fine + 1
    coarse = math.ceil(((2 * needed + 1) / step - 1) / 2)
    highest = step * coarse + fine  # whatever exceeds `needed` makes both errors smaller
    q = (math.sqrt(1 + 4 * math.pi * highest * bandwidth**2) - 1) / (2 * bandwidth)
    period = 1 + q * bandwidth

    def weights(j: np.ndarray) -> np.ndarray:
        return 2 * math.sqrt(math.pi) * bandwidth / period * np.exp(-((math.pi * j * bandwidth / period) ** 2))

    # Σ_j 2c_j (C_j² + S_j²) over j = ng ± s, where C = cc ∓ ss and S = sc ± cs; and its derivative,
    # Σ_j 4c_jω_j (S_j cos ω_jx - C_j sin ω_jx), in the same products.
    g, s = np.arange(coarse + 1)[:, None], np.arange(fine + 1)
    plus, minus = weights(step * g + s), weights(step * g - s)
    plus[0, 0] = minus[0, :] = minus[:, 0] = 0  # the frequency 0, and those that stand for the second time
    slope_plus, slope_minus = (4 * math.pi / period * w * j for w, j in ((plus, step * g + s), (minus, step * g - s)))
    forms = (
        _form(plus + minus, [[1, 1], [1, 1]]),
        _form(plus - minus, [[-1, 1], [1, -1]]),
        _form(slope_plus + slope_minus, [[1, 1], [-1, -1]]),
        _form(slope_plus - slope_minus, [[1, -1], [1, -1]]),
    )
    return _Series(2 * math.pi / period, coarse, fine, *(torch.from_numpy(form).to(device) for form in forms))


def _form(coefficients: np.ndarray, signs: list[list[int]]) -> np.ndarray:
    """`(g, s)` coefficients with a sign for cos·cos, cos·sin; sin·cos, sin·sin: `(2, g, 2, s)`."""
    return np.array(signs)[:, None, :, None] * coefficients[:, None, :]


def _value_and_gradient(
    scores: Tensor, weights: Tensor, bandwidth: float, with_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """The value `(K, T)` and its gradient `(K, T, B)`, of the type of the scores."""
    series = _series(bandwidth, scores.device)
    trials, tasks, rows = scores.shape
    weights = weights.to(torch.float64)
    # Without this the rounding of Σv would be left of a constant score.
    varies = (scores * weights != 0).any(-1).to(torch.float64)

    coarse, fine = _waves(scores.to(torch.float64) * series.fundamental, weights, series.coarse, series.fine)
    coarse, fine = coarse.view(trials * tasks, -1, rows), fine.view(trials * tasks, -1, rows)
    # Products of one trial and task each: as rows of one large product they would depend on their number.
    products = torch.bmm(coarse, fine.transpose(1, 2)) * varies.view(-1, 1, 1)
    moments = products.view(-1, 2, series.coarse + 1, 2, series.fine + 1)
    value = (moments * (series.square * moments + series.cross * moments.flip(1, 3))).flatten(1).sum(-1)
    # A sum of squares, up to its rounding.
    value = value.clamp_min(0).view(trials, tasks).to(scores.dtype)
    if not with_gradient:
        return value, None

    polynomial = series.by_coarse * moments.flip(1) + series.by_fine * moments.flip(3)
    gradient = torch.bmm(polynomial.view_as(products), fine).mul_(coarse).sum(-2)
    return value, gradient.view(scores.shape).to(scores.dtype)


def _waves(angle: Tensor, weights: Tensor, coarse: int, fine: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of 0, n, ..., `coarse`·n times the angle, times the weights, `(K, T, 2, coarse + 1, B)`; and of
    0, 1, ..., `fine` times the angle, `(K, T, 2, fine + 1, B)`.
    """
    none = torch.stack([torch.ones_like(angle), torch.zeros_like(angle)], 2)
    first = torch.stack([angle.cos(), angle.sin()], 2)
    small = _multiples(none, first, first, fine + 1)
    step = 2 * small[fine][:, :, :1] * small[fine + 1] - first  # n = fine + (fine + 1)
    weights = weights[..., None, :]
    large = _multiples(weights * none, weights * step, step, coarse)
    return torch.stack(large, 3), torch.stack(small[:-1], 3)


def _multiples(zeroth: Tensor, first: Tensor, wave: Tensor, highest: int) -> list[Tensor]:
    """The multiples 0, 1, ..., `highest` of a wave, `(K, T, 2, B)` each, from the first two, which may have weights.

    A sine costs as much as ten products, hence exp(i(p+q)θ) = 2cos(qθ) exp(ipθ) - exp(i(p-q)θ).
    """
    waves = [zeroth, first]
    twice = 2 * wave[:, :, :1]
    for _ in range(2, highest + 1):
        waves.append((twice * waves[-1]).sub_(waves[-2]))
    return waves
