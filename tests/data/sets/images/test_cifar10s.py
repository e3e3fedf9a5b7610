"""CIFAR-10S: binary batches and a cut made up for the test, the skew, and Wang et al.'s bias by hand."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from paretofair.data import load, split
from paretofair.data.sets.images.cifar10s import (
    CLASSES,
    IN_COLOR,
    Cifar10sOptions,
    make_grey,
    read_cifar10s,
    simulate_cifar10s,
)
from paretofair.errors import DataError
from paretofair.metrics.counts import class_counts


def write_batches(folder, rows=40):
    random = np.random.default_rng(0)
    folder.mkdir()
    for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"):
        content = random.integers(0, 256, (rows, 3073), dtype=np.uint8)
        content[:, 0] = np.arange(rows) % 10
        (folder / f"{name}.bin").write_bytes(content.tobytes())


def test_binary_batches(tmp_path):
    write_batches(tmp_path / "cifar-10-batches-bin")
    data = load("cifar10s", source="real", data_dir=tmp_path)
    assert len(data) == 200 + 2 * 40
    first = np.frombuffer((tmp_path / "cifar-10-batches-bin" / "test_batch.bin").read_bytes(), np.uint8)
    shown = data.inputs.open()[data.inputs.pictures]
    assert np.array_equal(shown[200], first[1:3073].reshape(3, 32, 32))
    assert np.array_equal(shown[240], make_grey(shown[200:201])[0])
    assert data.together[200] == data.together[240]
    (tmp_path / "cifar-10-batches-bin" / "test_batch.bin").write_bytes(b"\x0b" * 3073)
    with pytest.raises(DataError, match="is no binary batch of CIFAR-10"):
        read_cifar10s(tmp_path / "cifar-10-batches-bin")


def test_a_cut(tmp_path):
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for part, count in (("train", 20), ("test", 5)):
            for place, name in enumerate(CLASSES):
                for number in range(count):
                    file = io.BytesIO()
                    Image.new("RGB", (32, 32), (25 * place, 10 * number, 200)).save(file, "PNG")
                    archive.writestr(f"{part}/{name}/{number:04d}.png", file.getvalue())
    data = read_cifar10s(tmp_path, Cifar10sOptions(skew=0.9))
    assert np.bincount(data.part).tolist() == [200, 0, 100]
    for place, name in enumerate(CLASSES):
        own = (data.labels[:, 0] == place) & ~data.is_test
        assert (data.groups["color"][own] == 0).sum() == (18 if name in IN_COLOR else 2)


def test_a_cut_with_a_file_that_is_no_picture(tmp_path):
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("test/cat/0001.png", b"none")
        archive.writestr("train/cat/0001.png", b"")
    with pytest.raises(
        DataError, match=r"images\.zip: picture 'test/cat/0001\.png' is no picture.*\(1 more such files\)"
    ):
        read_cifar10s(tmp_path)


def test_the_skew_of_training_and_the_two_views_of_a_test_picture():
    data = simulate_cifar10s()
    shown = data.inputs.open()[data.inputs.pictures]
    grey = data.groups["color"] == 1
    assert (shown[grey][:, 0] == shown[grey][:, 1]).all()
    assert not (shown[~grey][:, 0] == shown[~grey][:, 1]).all()
    assert np.bincount(data.groups["color"][data.is_test]).tolist() == [200, 200]
    cut = split(data)
    together = {name: set(part.together.tolist()) for name, part in cut.parts.items()}
    assert not together["train"] & together["test"]
    rows = np.stack([cut.test.labels[:, 0], cut.test.together], 1)
    assert (np.unique(rows, axis=0, return_counts=True)[1] == 2).all()


def test_grey_is_luma():
    assert make_grey(np.full((1, 3, 1, 1), 7, np.uint8)).ravel().tolist() == [7, 7, 7]
    red = np.array([255, 0, 0], np.uint8).reshape(1, 3, 1, 1)
    assert make_grey(red).ravel().tolist() == [76, 76, 76]


def test_the_bias_by_hand():
    """Of three classes: 6 of colour and 2 of grey, 1 and 3, none: (3/4 + 3/4) / 2 - 1/2; the last is left out."""
    counts = np.zeros((2, 2, 3, 3))
    counts[0, 0, :, 0], counts[1, 0, :, 0] = [2, 2, 2], [1, 1, 0]
    counts[0, 0, 0, 1], counts[1, 0, :, 1] = 1, [1, 1, 1]
    assert class_counts.prediction_bias(counts).item() == pytest.approx(0.25)


@pytest.mark.real_data
def test_the_real_cut():
    data = load("cifar10s", source="real")
    assert np.bincount(data.part).tolist() == [10_000, 0, 4_000]
    train = ~data.is_test
    cells = np.bincount(data.groups["color"][train] * 10 + data.labels[train, 0])
    assert sorted(cells.tolist()) == [50] * 10 + [950] * 10
