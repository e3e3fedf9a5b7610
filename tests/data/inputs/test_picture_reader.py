"""Pictures for exported models: paths, images and arrays give one and the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from paretofair.data.inputs.picture_reader import PictureReader, list_pictures
from paretofair.data.inputs.pictures import PictureForm
from paretofair.errors import DataError
from tests.pictures import write_pictures

MEAN, SCALE = np.array([100.0, 110.0, 120.0]), np.array([50.0, 60.0, np.inf])
READER = PictureReader(PictureForm(8, 8), MEAN, SCALE)


def test_paths_images_and_arrays_are_one(tmp_path):
    names = write_pictures(tmp_path, 3)
    paths = [tmp_path / name for name in names]
    images = [Image.open(path) for path in paths]
    found = READER.read(paths)
    assert found.shape == (3, 3, 8, 8)
    assert found.dtype == np.float32
    assert (found[:, 2] == 0).all()
    np.testing.assert_array_equal(READER.read(images), found)
    np.testing.assert_array_equal(READER.read([np.asarray(image) for image in images]), found)
    np.testing.assert_array_equal(READER.read([str(path) for path in paths]), found)


def test_two_channels_are_read_from_arrays_alone():
    reader = PictureReader(PictureForm(4, 4, 2), MEAN[:2], SCALE[:2])
    array = np.arange(32, dtype=np.uint8).reshape(4, 4, 2)
    np.testing.assert_allclose(reader.read([array])[0, 0], (array[..., 0] - 100.0) / 50, rtol=1e-6)
    with pytest.raises(DataError, match=r"picture 0 has the shape \(4, 4, 3\); expected \(4, 4, 2\)"):
        reader.read([np.zeros((4, 4, 3), dtype=np.uint8)])


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("gone.png", r"picture 0 \(gone.png\) can't be read: No such file"),
        (np.zeros((8, 8, 3)), r"picture 0 is float64 \(8, 8, 3\); accepted: paths, Pillow images"),
        (np.zeros((8, 8, 5), dtype=np.uint8), "has the shape"),
        (3, "picture 0 is a int; accepted"),
        (Image.new("F", (9, 9)), "has more than 8 bits a channel"),
    ],
)
def test_what_is_refused(picture, words):
    with pytest.raises(DataError, match=words):
        READER.read([picture])


def test_one_or_several():
    image, array = Image.new("RGB", (9, 9)), np.zeros((9, 9, 3), dtype=np.uint8)
    for one in ("a.png", image, array):
        assert len(list_pictures(one)) == 1
    assert list_pictures(pd.Series(["a.png", "b.png"])) == ["a.png", "b.png"]
    assert len(list_pictures(np.zeros((4, 9, 9, 3), dtype=np.uint8))) == 4
    for wrong in (pd.DataFrame({"file": ["a.png"]}), 3):
        with pytest.raises(DataError, match=r"accepted|found a frame"):
            list_pictures(wrong)
