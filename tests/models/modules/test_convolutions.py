"""Convolutions that are differentiated twice, against PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import grad, gradcheck, gradgradcheck
from torch.nn import functional

from paretofair.models.modules.convolutions import TwiceDifferentiable

FORMS = [
    {},
    {"padding": 1},
    {"stride": 2, "padding": (1, 0)},
    {"dilation": 2, "padding": 2},
    {"groups": 2, "stride": (2, 1), "padding": [1]},
]


def draw(groups: int = 1, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    shapes = (2, 4, 7, 6), (6, 4 // groups, 3, 3), (6,)
    return tuple(torch.randn(shape, generator=generator, dtype=dtype, requires_grad=True) for shape in shapes)


def convolve(form):
    def run(images, weight, bias):
        with TwiceDifferentiable():
            return functional.conv2d(images, weight, bias, **form)

    return run


@pytest.mark.parametrize("form", FORMS)
def test_both_derivatives_are_those_of_finite_differences(form):
    tensors = draw(form.get("groups", 1))
    assert gradcheck(convolve(form), tensors)
    assert gradgradcheck(convolve(form), tensors)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("last", [False, True])
def test_values_and_gradients_have_the_bits_of_pytorchs(form, last):
    images, weight, bias = draw(form.get("groups", 1), torch.float32)
    if last:
        images = images.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    own, other = convolve(form)(images, weight, bias), functional.conv2d(images, weight, bias, **form)
    assert torch.equal(own, other)
    for one, expected in zip(*(grad(each.square().sum(), (images, weight)) for each in (own, other)), strict=True):
        assert torch.equal(one, expected)


@pytest.mark.parametrize("of", ["images", "weight", "bias"])
def test_what_needs_no_gradient_gets_none_and_one_gradient_alone_is_enough(of):
    images, weight, bias = draw()
    with TwiceDifferentiable():
        # The first layer of a network: its images are data.
        found = functional.conv2d(images.detach(), weight, bias, padding=1).sigmoid().square().sum()
        whole = functional.conv2d(images, weight, bias, padding=1).sigmoid().square().sum()
    assert [each is None for each in grad(found, (images, weight), allow_unused=True)] == [True, False]
    wanted = {"images": images, "weight": weight, "bias": bias}[of]
    (once,) = grad(whole, wanted, create_graph=True)
    plain = functional.conv2d(images, weight, bias, padding=1).sigmoid().square().sum()
    (expected,) = grad(plain, wanted, create_graph=True)
    for one, other in zip(
        *(grad(each.square().sum(), (images, weight, bias)) for each in (once, expected)), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_other_convolutions_are_left_alone():
    images, weight, bias = draw()
    with TwiceDifferentiable():
        same = functional.conv2d(images, weight, bias, padding="same")
        alone = functional.conv2d(images[0], weight, bias, padding=1)
        line = functional.conv1d(images[0].transpose(0, 1), weight[..., 0], bias)
    torch.testing.assert_close(same[0], alone)
    assert torch.equal(line, functional.conv1d(images[0].transpose(0, 1), weight[..., 0], bias))
