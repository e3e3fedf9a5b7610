"""Random changes of pictures in training: what a space file says of them, and how they are drawn and made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from paretofair.data.inputs.pictures import PictureForm
from paretofair.sections import Section, make_error

if TYPE_CHECKING:
    from torch import Tensor

_DRAWS = 7  # uniform numbers of each picture: flip, two of crop, four of affine; behind them one for its share


class Flip(Section):
    """Each picture is mirrored, left and right exchanged, with probability one half."""


class Crop(Section):
    """Each picture is moved by up to `padding` pixels in both directions; black moves in. By default an eighth of its
    smaller side."""

    padding: Annotated[int, Field(ge=1, le=1000)] | None = None


class Affine(Section):
    """Each picture is turned by up to `degrees` either way, moved by up to the share `shift` of its sides and scaled by
    a factor between the two of `scale`, all uniformly, and interpolated bilinearly; `fill` is what moves in, from 0
    (black) to 255. Of a `share` below 1 each picture is changed with this probability, and else seen as it is: with .5
    and twice the steps an epoch shows each picture about once as it is and once changed."""

    degrees: Annotated[float, Field(ge=0, le=180)] = 15.0
    shift: Annotated[float, Field(ge=0, lt=1)] = 0.05
    # Tuples, which YAML cannot write, are the one type that is read leniently: from lists.
    scale: Annotated[tuple[float, float], Field(strict=False)] = (0.95, 1.05)
    fill: Annotated[int, Field(ge=0, le=255)] = 128
    share: Annotated[float, Field(gt=0, le=1)] = 1.0

    def __repr_args__(self) -> Any:
        """Without the `share` of all: what stood in identities before there was one."""
        return [(name, value) for name, value in super().__repr_args__() if (name, value) != ("share", 1.0)]

    @model_validator(mode="after")
    def _check_scale(self) -> Affine:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise make_error(f"scale: found {list(self.scale)}; expected two numbers above 0 that ascend")
        return self


class Augmentation(Section):
    """The random changes that training sees, each made of the picture anew; evaluation sees pictures as they are.

    In a space file a list, as in `[flip, crop, {affine: {degrees: 10}}]`. They are made in the order flip, crop,
    affine, whatever that of the list.
    """

    flip: Flip | None = None
    crop: Crop | None = None
    affine: Affine | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_list(cls, given: Any) -> Any:
        if not isinstance(given, list | tuple):
            return given
        found: dict[str, Any] = {}
        for each in given:
            named = {each: {}} if isinstance(each, str) else each
            if not isinstance(named, dict) or len(named) != 1:
                raise make_error(f"found {each!r}; expected a name, as flip, or one name with its options")
            if next(iter(named)) in found:
                raise make_error(f"{next(iter(named))!r} stands in the list more than once")
            found |= named
        return found

    def __bool__(self) -> bool:
        return any((self.flip, self.crop, self.affine))

    def name(self, form: PictureForm) -> str:
        """What it does to pictures of a form, for the identity of a data set."""
        padding = f"crop {self._padding(form)}" if self.crop else ""
        return ", ".join(filter(None, ("flip" if self.flip else "", padding, repr(self.affine) if self.affine else "")))

    def apply(self, pictures: Tensor, streams: Sequence[int], form: PictureForm, dtype: Any) -> Tensor:
        """Pictures `(K, B, C, H, W)` of uint8, changed, as `dtype` from 0 to 255.

        What a picture goes through follows from its trial's stream and its place in the batch alone; of a stream that
        several trials have it is drawn once.
        """
        import torch

        trials, rows = pictures.shape[:2]
        drawn = {stream: _draw(rows, stream) for stream in set(streams)}
        uniform = torch.stack([drawn[stream] for stream in streams]).flatten(0, 1)
        flat = pictures.flatten(0, 1)
        if self.flip or self.crop:
            flat = self._move(flat, uniform, form)
        changed = flat.to(dtype)
        if self.affine is not None:
            turned = _transform(changed, uniform[:, 3:], self.affine)
            stays = uniform[:, -1] >= self.affine.share
            changed = torch.where(stays.to(changed.device)[:, None, None, None], changed, turned)
        return changed.unflatten(0, (trials, rows))

    def _padding(self, form: PictureForm) -> int:
        assert self.crop is not None
        return self.crop.padding or max(1, min(form.height, form.width) // 8)

    def _move(self, pictures: Tensor, uniform: Tensor, form: PictureForm) -> Tensor:
        """Flips and crops `(N, C, H, W)` at once, by the place that each pixel is taken from."""
        import torch

        device = pictures.device
        vertical = torch.arange(form.height).repeat(len(pictures), 1)
        horizontal = torch.arange(form.width).repeat(len(pictures), 1)
        if self.crop is not None:
            padding = self._padding(form)
            offsets = (uniform[:, 1:3] * (2 * padding + 1)).long()
            vertical, horizontal = vertical + offsets[:, :1], horizontal + offsets[:, 1:]
            pictures = torch.nn.functional.pad(pictures, (padding,) * 4)
        if self.flip is not None:
            horizontal = torch.where(uniform[:, :1] < 0.5, horizontal.flip(1), horizontal)
        of_row = torch.arange(len(pictures), device=device)[:, None, None, None]
        of_channel = torch.arange(pictures.shape[1], device=device)[None, :, None, None]
        rows, columns = vertical[:, None, :, None].to(device), horizontal[:, None, None, :].to(device)
        return pictures[of_row, of_channel, rows, columns]


def _draw(rows: int, stream: int) -> Tensor:
    """`(rows, _DRAWS + 1)`; the last column is drawn after the others, which were there before it."""
    import torch

    generator = torch.Generator().manual_seed(stream % 2**63)
    parts = [torch.rand(rows, count, generator=generator, dtype=torch.float64) for count in (_DRAWS, 1)]
    return torch.cat(parts, 1)


def _transform(pictures: Tensor, uniform: Tensor, affine: Affine) -> Tensor:
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    turned = (2 * uniform[:, 0] - 1) * affine.degrees * torch.pi / 180
    moved = (2 * uniform[:, 1:3] - 1) * 2 * affine.shift  # a side is 2 long in the coordinates of a grid
    low, high = affine.scale
    scale = low + uniform[:, 3] * (high - low)
    height, width = pictures.shape[-2:]
    cosine, sine = turned.cos() / scale, turned.sin() / scale
    # From places in the result to places in the picture, in which a pixel is no square where the sides differ.
    linear = torch.stack([cosine, -sine * height / width, sine * width / height, cosine], -1).view(-1, 2, 2)
    matrix = torch.cat([linear, -(linear @ moved[:, :, None])], -1).to(pictures)
    grid = affine_grid(matrix, list(pictures.shape), align_corners=False)
    return grid_sample(pictures - affine.fill, grid, align_corners=False) + affine.fill
