"""Random changes of pictures beside plain ones, picture by picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from paretofair.data.inputs.augmentation import Augmentation
from paretofair.data.inputs.pictures import PictureForm


def draw(rows: int, stream: int) -> np.ndarray:
    return torch.rand(rows, 7, generator=torch.Generator().manual_seed(stream), dtype=torch.float64).numpy()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(0, 2**40), st.booleans(), st.integers(0, 4))
def test_flip_and_crop_are_a_plain_loop(height, width, channels, stream, flip, padding):
    form = PictureForm(height, width, channels)
    said = ({"flip": {}} if flip else {}) | ({"crop": {"padding": padding}} if padding else {})
    augmentation = Augmentation.model_validate(said)
    pictures = torch.randint(0, 256, (1, 4, channels, height, width), dtype=torch.uint8)
    found = augmentation.apply(pictures, (stream,), form, torch.float32)
    for row, uniform in enumerate(draw(4, stream)):
        moved = np.pad(pictures[0, row].numpy(), ((0, 0), (padding, padding), (padding, padding)))
        down, right = (int(number * (2 * padding + 1)) for number in uniform[1:3])
        moved = moved[:, down : down + height, right : right + width]
        expected = moved[:, :, ::-1] if flip and uniform[0] < 0.5 else moved
        np.testing.assert_array_equal(found[0, row].numpy(), expected)


def test_of_a_share_the_others_stay_as_they_are():
    form, pictures = PictureForm(9, 9, 1), torch.randint(0, 256, (1, 200, 1, 9, 9), dtype=torch.uint8)
    every, some = (
        Augmentation.model_validate([{"affine": {"share": share}}]).apply(pictures, (5,), form, torch.float32)
        for share in (1.0, 0.5)
    )
    generator = torch.Generator().manual_seed(5)
    torch.rand(200, 7, generator=generator, dtype=torch.float64)
    turned = torch.rand(200, 1, generator=generator, dtype=torch.float64)[:, 0] < 0.5
    assert 70 < turned.sum() < 130
    torch.testing.assert_close(some[0], torch.where(turned[:, None, None, None], every[0], pictures[0].float()))
    names = [Augmentation.model_validate([{"affine": said}]).name(form) for said in ({}, {"share": 1}, {"share": 0.5})]
    assert names[0] == names[1] == "Affine(degrees=15.0, shift=0.05, scale=(0.95, 1.05), fill=128)"
    assert "share=0.5" in names[2]


def test_affine_is_that_of_pillow():
    """Away from the borders, where Pillow takes the nearest pixel in place of the filling."""
    height, width = 33, 41
    smooth = np.add.outer(np.arange(height) * 3, np.arange(width) * 2) % 256 / 1.0
    pictures = torch.from_numpy(smooth.clip(0, 200).astype(np.uint8))[None, None, None].repeat(1, 6, 1, 1, 1)
    augmentation = Augmentation.model_validate({"affine": {"degrees": 10, "shift": 0.1, "scale": [0.8, 1.3]}})
    found = augmentation.apply(pictures, (5,), PictureForm(height, width, 1), torch.float64)
    for row, uniform in enumerate(draw(6, 5)):
        angle = (2 * uniform[3] - 1) * math.radians(10)
        right, down = (2 * uniform[4] - 1) * 0.1 * width, (2 * uniform[5] - 1) * 0.1 * height
        scale = 0.8 + uniform[6] * 0.5
        cosine, sine = math.cos(angle) / scale, math.sin(angle) / scale
        x, y = width / 2, height / 2
        # Of a place in the result the place in the picture.
        matrix = (cosine, -sine, x - cosine * (x + right) + sine * (y + down))
        matrix += (sine, cosine, y - sine * (x + right) - cosine * (y + down))
        image = Image.fromarray(pictures[0, row, 0].numpy().astype(np.float32))
        turned = image.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        inner = (slice(12, -12), slice(12, -12))
        np.testing.assert_allclose(found[0, row, 0].numpy()[inner], np.asarray(turned)[inner], atol=1e-3)


def test_what_moves_in():
    pictures = torch.full((1, 20, 1, 16, 16), 255, dtype=torch.uint8)
    form = PictureForm(16, 16, 1)
    crop = Augmentation.model_validate(["crop"]).apply(pictures, (1,), form, torch.float32)
    assert set(crop.unique().tolist()) == {0, 255}
    affine = Augmentation.model_validate([{"affine": {"degrees": 45, "fill": 7}}])
    changed = affine.apply(pictures, (1,), form, torch.float32)
    np.testing.assert_allclose((changed.min(), changed.max()), (7, 255), rtol=1e-6)


def test_a_list_in_the_file():
    assert Augmentation.model_validate(["flip", {"crop": {"padding": 4}}]).crop.padding == 4
    assert Augmentation.model_validate([]).name(PictureForm(8, 8)) == ""
    form = PictureForm(64, 64)
    assert Augmentation.model_validate(["crop", "flip"]).name(form) == "flip, crop 8"
    assert Augmentation.model_validate({"crop": {}}) == Augmentation.model_validate(["crop"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["flop"], "flop"),
        (["flip", "flip"], "'flip' stands in the list more than once"),
        ([3], "found 3; expected a name, as flip"),
        ([{"flip": {}, "crop": {}}], "expected a name, as flip"),
        ([{"crop": {"padding": 0}}], "greater than or equal to 1"),
        ([{"affine": {"scale": [1.2, 0.9]}}], "expected two numbers above 0 that ascend"),
    ],
)
def test_wrong_lists(given, words):
    with pytest.raises(ValidationError, match=words):
        Augmentation.model_validate(given)
