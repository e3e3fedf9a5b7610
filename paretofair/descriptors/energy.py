"""Energies with rectified filters: log-densities that are a sum of filter responses and a Gaussian.

    p(x) ∝ exp( Σ_α Σ_i w_αi · max(0, [F_α ∗ x](i) + b_α) ) · exp( -|x|² / (2 σ²) )

Without the rectifier the sum would be linear in x and could do no more than move the Gaussian (Lu, Zhu and Wu,
"Learning FRAME Models Using CNN Filters", AAAI 2016).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


class Energy(Protocol):
    """U(x) of examples `(C, *shape)`, which a model gives the density exp(-U(x)) up to a constant."""

    def energy(self, examples: Tensor) -> Tensor:
        """U, `(C,)`."""

    def slope(self, examples: Tensor) -> Tensor:
        """The derivative of U by each example, `(C, *shape)`."""


@dataclass(frozen=True)
class FilterEnergy:
    """A model of rows of numbers: `filters` `(A, width)`, their `offsets` b and `weights` w `(A,)`, and `sigma`."""

    filters: Tensor
    offsets: Tensor
    weights: Tensor
    sigma: float = 1.0

    @property
    def parameters(self) -> tuple[Tensor, Tensor, Tensor]:
        """What is learned."""
        return self.filters, self.offsets, self.weights

    def with_parameters(self, filters: Tensor, offsets: Tensor, weights: Tensor) -> FilterEnergy:
        """Another model of the same σ."""
        return replace(self, filters=filters, offsets=offsets, weights=weights)

    def responses(self, examples: Tensor) -> Tensor:
        """The rectified responses, `(C, A)`: what learning matches."""
        return functional.relu(functional.linear(examples, self.filters, self.offsets))

    def energy(self, examples: Tensor) -> Tensor:
        return examples.square().sum(1) / (2 * self.sigma**2) - self.responses(examples) @ self.weights

    def slope(self, examples: Tensor) -> Tensor:
        on = functional.linear(examples, self.filters, self.offsets) > 0
        return examples / self.sigma**2 - (on * self.weights) @ self.filters


@dataclass(frozen=True)
class ConvolutionEnergy:
    """A model of small images `(channels, height, width)`: `filters` `(A, channels, k, k)` at every `stride`-th place,
    their `offsets` `(A,)`, and a weight for each filter and place, `weights` `(A, rows, columns)`."""

    filters: Tensor
    offsets: Tensor
    weights: Tensor
    sigma: float = 1.0
    stride: int = 1

    @property
    def parameters(self) -> tuple[Tensor, Tensor, Tensor]:
        """What is learned."""
        return self.filters, self.offsets, self.weights

    def with_parameters(self, filters: Tensor, offsets: Tensor, weights: Tensor) -> ConvolutionEnergy:
        """Another model of the same σ and stride."""
        return replace(self, filters=filters, offsets=offsets, weights=weights)

    def responses(self, examples: Tensor) -> Tensor:
        """The rectified responses, `(C, A, rows, columns)`."""
        return functional.relu(functional.conv2d(examples, self.filters, self.offsets, stride=self.stride))

    def energy(self, examples: Tensor) -> Tensor:
        weighted = (self.responses(examples) * self.weights).flatten(1).sum(1)
        return examples.square().flatten(1).sum(1) / (2 * self.sigma**2) - weighted

    def slope(self, examples: Tensor) -> Tensor:
        on = functional.conv2d(examples, self.filters, self.offsets, stride=self.stride) > 0
        left = [
            size - (rows - 1) * self.stride - self.filters.shape[-1]
            for size, rows in zip(examples.shape[-2:], on.shape[-2:], strict=True)
        ]
        back = functional.conv_transpose2d(
            on * self.weights, self.filters, stride=self.stride, output_padding=(left[0], left[1])
        )
        return examples / self.sigma**2 - back


def begin_filters(examples: Tensor, filters: int, sigma: float, generator: torch.Generator) -> FilterEnergy:
    """A model of weight 0 of rows of numbers `(n, width)`, from which learning goes on: random unit vectors, each also
    turned round."""
    width = examples.shape[1]
    random = torch.randn(-(-filters // 2), width, generator=generator, dtype=torch.float64).to(examples)
    random = random / random.norm(dim=1, keepdim=True)
    every = torch.cat([random, -random])[:filters]
    zeros = torch.zeros(filters, dtype=examples.dtype, device=examples.device)
    return FilterEnergy(every.contiguous(), zeros, zeros.clone(), sigma)


def begin_convolutions(
    examples: Tensor, filters: int, size: int, stride: int, sigma: float, generator: torch.Generator
) -> ConvolutionEnergy:
    """A model of weight 0 of images `(n, channels, height, width)` with random filters of `size` × `size` pixels."""
    channels = examples.shape[1]
    random = torch.randn(filters, channels, size, size, generator=generator, dtype=torch.float64).to(examples)
    random = random / random.flatten(1).norm(dim=1)[:, None, None, None]
    zeros = torch.zeros(filters, dtype=examples.dtype, device=examples.device)
    rows, columns = ((side - size) // stride + 1 for side in examples.shape[-2:])
    weights = torch.zeros(filters, rows, columns, dtype=examples.dtype, device=examples.device)
    return ConvolutionEnergy(random, zeros, weights, sigma, stride)
