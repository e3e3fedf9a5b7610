"""Pictures as inputs: the contract, their identity, and numbers beside a plain computation."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from paretofair.data.digest import Digest
from paretofair.data.inputs.augmentation import Augmentation
from paretofair.data.inputs.decoding import PictureFaults
from paretofair.data.inputs.images import Images
from paretofair.data.inputs.pictures import PictureForm
from paretofair.errors import DataError
from paretofair.testing import InputsContract
from tests.pictures import pack, write_pictures

FORM = PictureForm(12, 10)
ROWS = [number % 30 for number in range(60)]  # two rows of each picture


def make(root: Path, form: PictureForm = FORM, **augment: object) -> Images:
    names = write_pictures(root, 30)
    return Images.of(root, [names[row] for row in ROWS], form, Augmentation.model_validate(augment))


def identify(images: Images) -> str:
    digest = Digest()
    images.add_to(digest)
    return digest.hexadecimal()


class TestImages(InputsContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.root = tmp_path / "pictures"

    def make(self):
        return make(self.root)


class TestAugmentedImages(TestImages):
    def make(self):
        return make(self.root, PictureForm(8, 8, 1), flip={}, crop={"padding": 2}, affine={})


def test_examples_are_normalised_by_the_training_rows_alone(tmp_path):
    images = make(tmp_path / "a")
    rows = np.arange(0, 50)
    fitted = images.fit(rows)
    plain = []
    for row in ROWS:
        image = Image.open(tmp_path / "a" / f"{row:04d}.png")
        left = (image.width - image.height * 10 / 12) / 2
        box = (left, 0, image.width - left, image.height)
        plain.append(np.asarray(image.resize((10, 12), Image.Resampling.BILINEAR, box=box), dtype=float))
    pixels = np.stack(plain).transpose(0, 3, 1, 2)
    mean, scale = (pixels[rows].mean((0, 2, 3)), pixels[rows].std((0, 2, 3)))
    np.testing.assert_allclose(fitted.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(fitted.scale, scale, rtol=1e-12)
    found = fitted.on(np.arange(50, 60), torch.device("cpu"), torch.float64).take(torch.arange(10))
    expected = (pixels[50:] - mean[:, None, None]) / scale[:, None, None]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_the_identity_is_that_of_the_pictures_and_not_of_their_place(tmp_path):
    images = make(tmp_path / "a")
    files = [f"{row:04d}.png" for row in ROWS]
    same = [make(tmp_path / "b"), Images.of(pack(tmp_path / "a", tmp_path / "a.zip"), files, FORM)]
    assert {identify(each) for each in same} == {identify(images)}
    other = [
        make(tmp_path / "a", flip={}),
        make(tmp_path / "a", PictureForm(12, 11)),
        Images.of(tmp_path / "a", files[1:] + files[:1], FORM),
        Images.of(tmp_path / "c", write_pictures(tmp_path / "c", seed=1), FORM),
    ]
    assert len({identify(each) for each in (images, *other)}) == 5


def test_a_channel_that_is_constant_becomes_zero(tmp_path):
    (tmp_path / "a").mkdir()
    for number in range(4):
        Image.new("RGB", (8, 8), (7, number, 200)).save(tmp_path / "a" / f"{number}.png")
    fitted = Images.of(tmp_path / "a", [f"{n}.png" for n in range(4)], PictureForm(8, 8)).fit(np.arange(4))
    found = fitted.on(np.arange(4), torch.device("cpu"), torch.float32).take(torch.arange(4))
    assert (found[:, 0] == 0).all()
    assert (found[:, 2] == 0).all()
    assert found[:, 1].std() > 0


def test_another_machine_decodes_the_pictures_itself(tmp_path, monkeypatch):
    images = make(tmp_path / "a")
    expected = images.open()[:]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    from paretofair.data.inputs.images import _find_decoded

    _find_decoded.__wrapped__(images.root, images.names.tobytes(), FORM, images.digests.tobytes())
    np.testing.assert_array_equal(images.open(), expected)
    Image.new("RGB", (9, 9)).save(tmp_path / "a" / "0003.png")
    with pytest.raises(DataError, match="have changed since the run began"):
        _find_decoded.__wrapped__(images.root, images.names.tobytes(), FORM, images.digests.tobytes())
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(DataError, match="no such folder or zip archive"):
        _find_decoded.__wrapped__(images.root, images.names.tobytes(), FORM, images.digests.tobytes())


def test_faults_are_told_by_row(tmp_path):
    names = write_pictures(tmp_path / "a", 5)
    (tmp_path / "a" / names[2]).write_bytes(b"no picture")
    files = [names[4], names[3], names[2], names[2]]
    with pytest.raises(PictureFaults) as caught:
        Images.of(tmp_path / "a", files, FORM)
    assert list(caught.value.faults) == [2]
