"""Slopes of energies against automatic differentiation, and densities against their form."""

from __future__ import annotations

import pytest
import torch

from paretofair.descriptors.energy import ConvolutionEnergy, FilterEnergy, begin_convolutions, begin_filters

RANDOM = torch.Generator().manual_seed(0)


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=RANDOM, dtype=torch.float64)


ROWS = FilterEnergy(draw(7, 4), draw(7), draw(7), sigma=1.5)
IMAGES = ConvolutionEnergy(draw(3, 2, 3, 3), draw(3), draw(3, 3, 4), sigma=0.8, stride=2)


@pytest.mark.parametrize(("energy", "shape"), [(ROWS, (4,)), (IMAGES, (2, 8, 9))])
def test_slopes_are_derivatives(energy, shape):
    examples = draw(5, *shape).requires_grad_()
    (expected,) = torch.autograd.grad(energy.energy(examples).sum(), examples)
    torch.testing.assert_close(energy.slope(examples.detach()), expected)


def test_the_energy_is_what_the_paper_writes():
    example = draw(1, 2, 8, 9)
    total = example.square().sum() / (2 * 0.8**2)
    for alpha in range(3):
        for row in range(3):
            for column in range(4):
                part = example[0, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
                response = (part * IMAGES.filters[alpha]).sum() + IMAGES.offsets[alpha]
                total = total - IMAGES.weights[alpha, row, column] * response.clamp_min(0)
    torch.testing.assert_close(IMAGES.energy(example)[0], total)


def test_models_begin_as_the_gaussian():
    rows, images = draw(20, 6).float(), draw(20, 1, 10, 11).float()
    of_rows = begin_filters(rows, 9, 2.0, RANDOM)
    of_images = begin_convolutions(images, 4, 3, 2, 1.0, RANDOM)
    torch.testing.assert_close(of_rows.energy(rows), rows.square().sum(1) / 8)
    torch.testing.assert_close(of_images.slope(images), images)
    assert of_rows.responses(rows).shape == (20, 9)
    assert of_images.responses(images).shape == (20, 4, *of_images.weights.shape[1:])
    torch.testing.assert_close(of_rows.filters.norm(dim=1), torch.ones(9))
