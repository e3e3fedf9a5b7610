"""Convolutions of images whose second derivatives are ordinary convolutions.

PyTorch derives a pass back through a convolution by transposed and grouped ones, which take about twice as long on a
CPU as the four products that they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_convolve = torch.ops.aten.convolution
_convolve_back = torch.ops.aten.convolution_backward


class TwiceDifferentiable(TorchFunctionMode):
    """Within it `conv2d` of batches has the same values and gradients, the latter faster to differentiate once more.

    For trials that run one after another in full precision: neither `vmap` nor autocast know it.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.conv2d:
            return _conv2d(*args, **kwargs)
        return func(*args, **kwargs)


class _Arrangement(NamedTuple):
    stride: list[int]
    padding: list[int]
    dilation: list[int]
    groups: int

    def convolve(self, images: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return _convolve(images, weight, bias, self.stride, self.padding, self.dilation, False, [0, 0], self.groups)

    def pass_back(
        self, gradient: Tensor, images: Tensor, weight: Tensor, wanted: tuple[bool, bool]
    ) -> tuple[Tensor | None, Tensor | None]:
        """The gradients of images and weight, those that are wanted."""
        form = (self.stride, self.padding, self.dilation, False, [0, 0], self.groups)
        of_images, of_weight, _ = _convolve_back(gradient, images, weight, None, *form, [*wanted, False])
        return of_images, of_weight


def _conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """As torch.conv2d, whose names these are."""
    if isinstance(padding, str) or input.dim() != 4:
        return torch.conv2d(input, weight, bias, stride, padding, dilation, groups)
    form = _Arrangement(_of_both(stride), _of_both(padding), _of_both(dilation), groups)
    return _Convolution.apply(input, weight, bias, form)


def _of_both(value: int | Sequence[int]) -> list[int]:
    """A number for height and one for width."""
    values = [value] if isinstance(value, int) else list(value)
    return values * 2 if len(values) == 1 else values


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, form: _Arrangement) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.form = form
        return form.convolve(images, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, weight = ctx.saved_tensors
        to_images, to_weight, to_bias, _ = ctx.needs_input_grad
        of_images, of_weight = _PassBack.apply(gradient, images, weight, ctx.form, (to_images, to_weight))
        return of_images, of_weight, gradient.sum((0, 2, 3)) if to_bias else None, None


class _PassBack(torch.autograd.Function):
    """The gradients of a convolution, of which each is a product of two: so are theirs."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, images: Tensor, weight: Tensor, form: _Arrangement, wanted: tuple[bool, bool]
    ) -> tuple[Tensor | None, Tensor | None]:
        ctx.save_for_backward(gradient, images, weight)
        ctx.form = form
        ctx.set_materialize_grads(False)
        return form.pass_back(gradient, images, weight, wanted)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, to_images: Tensor | None, to_weight: Tensor | None) -> tuple[Tensor | None, ...]:
        gradient, images, weight = ctx.saved_tensors
        needs, form = ctx.needs_input_grad, ctx.form
        of_gradient = of_images = of_weight = None
        if to_weight is not None:
            of_gradient = form.convolve(images, to_weight) if needs[0] else None
            of_images = form.pass_back(gradient, images, to_weight, (True, False))[0] if needs[1] else None
        if to_images is not None:
            if needs[0]:
                own = form.convolve(to_images, weight)
                # The sum is laid out as its first term, which is as the images are.
                of_gradient = own if of_gradient is None else of_gradient + own
            of_weight = form.pass_back(gradient, to_images, weight, (False, True))[1] if needs[2] else None
        return of_gradient, of_images, of_weight, None, None
