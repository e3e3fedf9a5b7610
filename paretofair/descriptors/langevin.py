"""Langevin dynamics: chains whose states are samples of exp(-U)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from paretofair.descriptors.energy import Energy


def walk(energy: Energy, chains: Tensor, steps: int, step_size: float, generator: torch.Generator) -> Tensor:
    """Chains `(C, *shape)` after so many steps x ← x - ε²/2 · U'(x) + ε Z, Z standard normal, ε the `step_size`.

    The steps are not corrected by acceptance, so that the distribution is off by about ε²/4: of a Gaussian of variance
    σ² it has σ² / (1 - ε² / (4 σ²)). Noise is drawn on the CPU: the same on every device.
    """
    for _ in range(steps):
        noise = torch.randn(chains.shape, generator=generator, dtype=chains.dtype).to(chains.device)
        chains = chains - step_size**2 / 2 * energy.slope(chains) + step_size * noise
    return chains


class Proposal(NamedTuple):
    """One step of chains: where it leads, and the probability with which a corrected walk would take it, `(C,)`."""

    chains: Tensor
    acceptance: Tensor


def propose(energy: Energy, chains: Tensor, step_size: float, generator: torch.Generator) -> Proposal:
    """One step, with its probability of acceptance by Metropolis and Hastings: near 1 where the step is small enough
    not to change the distribution."""
    proposed = walk(energy, chains, 1, step_size, generator)

    def log_density(of: Tensor, given: Tensor) -> Tensor:
        mean = given - step_size**2 / 2 * energy.slope(given)
        return -(of - mean).square().flatten(1).sum(1) / (2 * step_size**2)

    change = energy.energy(chains) - energy.energy(proposed)
    change = change + log_density(chains, proposed) - log_density(proposed, chains)
    return Proposal(proposed, change.clamp(max=0).exp())
