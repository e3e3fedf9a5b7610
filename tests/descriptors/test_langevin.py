"""Samples of distributions that are known, in the energy form of the paper."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import kstest

from paretofair.descriptors.energy import FilterEnergy
from paretofair.descriptors.langevin import propose, walk

CHAINS = 4000


def draw(energy: FilterEnergy, step_size: float, steps: int, width: int, spread: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    begin = spread * torch.randn(CHAINS, width, generator=generator, dtype=torch.float64)
    return walk(energy, begin, steps, step_size, generator)


def test_a_gaussian_with_a_moved_mean():
    """A filter that is on everywhere moves the Gaussian by σ² w F. Step ε adds ε² / (4 σ²) to the variance."""
    filters = torch.tensor([[0.6, -0.8, 0.0]], dtype=torch.float64)
    energy = FilterEnergy(filters, torch.tensor([50.0]).double(), torch.tensor([1.5]).double(), sigma=0.9)
    step = 0.3
    found = draw(energy, step, 300, 3)
    variance = 0.81 / (1 - step**2 / (4 * 0.81))
    error = (variance / CHAINS) ** 0.5
    np.testing.assert_allclose(found.mean(0), 0.81 * 1.5 * filters[0], atol=4.5 * error)
    np.testing.assert_allclose(found.var(0), np.full(3, variance), rtol=4.5 * (2 / CHAINS) ** 0.5)
    for column, mean in zip(found.T, 0.81 * 1.5 * filters[0], strict=True):
        assert kstest((column - mean) / variance**0.5, "norm").pvalue > 1e-4


def test_a_mixture_of_two_with_unequal_weights():
    """max(0, x - .5) and max(0, -x - .5) with unequal weights: two modes, whose weights and moments follow from the
    density by quadrature."""
    weights = (2.2, 2.0)
    energy = FilterEnergy(
        torch.tensor([[1.0], [-1.0]]).double(),
        torch.tensor([-0.5, -0.5]).double(),
        torch.tensor(weights).double(),
    )

    def density(x: float) -> float:
        return float(np.exp(weights[0] * max(0, x - 0.5) + weights[1] * max(0, -x - 0.5) - x**2 / 2))

    total = quad(density, -12, 12, points=[-0.5, 0.5])[0]
    right = quad(density, 0, 12, points=[0.5])[0] / total
    mean = quad(lambda x: x * density(x), -12, 12, points=[-0.5, 0.5])[0] / total
    square = quad(lambda x: x**2 * density(x), -12, 12, points=[-0.5, 0.5])[0] / total
    assert right == pytest.approx(0.59, abs=0.01), "two modes that weigh differently"
    found = draw(energy, 0.15, 3000, 1, spread=2.0)[:, 0].numpy()
    # Standard errors, and what steps of .15 change: about ε²/4 of the variance within a mode.
    assert (found > 0).mean() == pytest.approx(right, abs=4 * (right * (1 - right) / CHAINS) ** 0.5 + 0.005)
    assert found.mean() == pytest.approx(mean, abs=4 * found.std() / CHAINS**0.5 + 0.02)
    assert (found**2).mean() == pytest.approx(square, rel=0.05)


def test_small_steps_are_accepted_and_large_ones_are_not():
    energy = FilterEnergy(torch.eye(5).double(), torch.zeros(5).double(), torch.ones(5).double())
    chains = draw(energy, 0.2, 200, 5)
    generator = torch.Generator().manual_seed(1)
    rates = [float(propose(energy, chains, step, generator).acceptance.mean()) for step in (0.05, 0.3, 1.5)]
    assert rates[0] > 0.99
    assert rates[0] > rates[1] > rates[2]
    assert rates[2] < 0.6
