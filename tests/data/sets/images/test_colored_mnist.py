"""Colored MNIST: official files and cuts, skews and styles, simulated and real."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from pydantic import ValidationError

from paretofair.data import load, split
from paretofair.data.sets.images import colored_mnist
from paretofair.data.sets.images.colored_mnist import (
    COLORED_MNIST,
    ColoredMnistOptions,
    read_colored_mnist,
    simulate_colored_mnist,
)
from paretofair.data.sets.images.drawing import draw_digits
from paretofair.errors import DataError


@pytest.fixture(scope="module")
def digits():
    (x_train, y_train), (x_test, y_test) = draw_digits(200, 0), draw_digits(60, 1)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def to_idx(array: np.ndarray) -> bytes:
    header = bytes((0, 0, 8, array.ndim)) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_idx(folder, digits, packed: bool) -> None:
    for name, array in zip(colored_mnist._IDX, digits.values(), strict=True):
        content = to_idx(array)
        (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)


def test_every_layout_gives_the_same_rows(tmp_path, digits):
    for name in ("cut", "raw"):
        (tmp_path / name).mkdir()
    np.savez(tmp_path / "cut" / "mnist_24k.npz", **digits)
    write_idx(tmp_path / "raw", digits, packed=False)
    cut, raw = (read_colored_mnist(tmp_path / name) for name in ("cut", "raw"))
    assert cut.data_id == raw.data_id
    assert load("colored_mnist", source="real", data_dir=tmp_path / "raw").data_id == raw.data_id
    assert (len(cut), cut.is_test.sum()) == (260, 60)
    assert set(raw.checksums) == set(colored_mnist._IDX)


def test_packed_files_are_checked(tmp_path, digits):
    write_idx(tmp_path, digits, packed=True)
    with pytest.raises(DataError, match="wrong checksum"):
        read_colored_mnist(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", to_idx(np.zeros((3, 28, 28)))[:-1], b"\x1f\x8b\x08broken"])
def test_damaged_files(tmp_path, digits, content):
    write_idx(tmp_path, digits, packed=False)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte: is (damaged|no idx file)"):
        read_colored_mnist(tmp_path)


def test_damaged_cuts(tmp_path, digits):
    np.savez(tmp_path / "mnist_24k.npz", **{**digits, "x_test": digits["x_test"][:, :14]})
    with pytest.raises(DataError, match=r"x_test is uint8 \(60, 14, 28\); expected bytes \(60, 28, 28\)"):
        read_colored_mnist(tmp_path)
    np.savez(tmp_path / "mnist_24k.npz", x_train=digits["x_train"])
    with pytest.raises(DataError, match="expected arrays x_train, y_train, x_test, y_test"):
        read_colored_mnist(tmp_path)


def test_colors_agree_with_labels_as_often_as_said():
    data = simulate_colored_mnist(ColoredMnistOptions(skew=0.9, test_skew=0.5))
    agrees = data.groups["color"] == data.labels[:, 0]
    # Four deviations of a share of so many rows.
    for part, share in ((~data.is_test, 0.9), (data.is_test, 0.5)):
        assert abs(agrees[part].mean() - share) < 4 * np.sqrt(share * (1 - share) / part.sum())
    assert set(np.unique(data.labels)) == {0, 1}


def test_channels_and_sizes():
    pixels = simulate_colored_mnist().inputs.open()
    assert pixels.shape[1:] == (2, 14, 14)
    data = simulate_colored_mnist(ColoredMnistOptions(size=28))
    rows = np.arange(len(data))
    full = data.inputs.open()
    np.testing.assert_array_equal(full[:, :, ::2, ::2], pixels)
    assert not full[rows, 1 - data.groups["color"]].any()
    assert full[rows, data.groups["color"]].any((1, 2)).all()
    noise = simulate_colored_mnist(ColoredMnistOptions(style="noise")).inputs.open()
    assert noise.shape[1:] == (3, 14, 14)
    red = data.groups["color"] == 0
    assert noise[red, 0].mean() > 4 * noise[red, 1].mean()


@pytest.mark.parametrize("options", [{"skew": 1.5}, {"style": "stripes"}, {"size": 20}, {"skow": 0.9}])
def test_wrong_options(options):
    with pytest.raises(ValidationError):
        load("colored_mnist", source="simulated", options=options)


def test_a_data_set_without_options():
    with pytest.raises(DataError, match="data set 'lsac' has no options"):
        load("lsac", source="simulated", options={"size": 28})


@pytest.mark.real_data
def test_the_real_digits(real_folder):
    data = COLORED_MNIST.read(real_folder("colored_mnist"))
    assert data.is_test.sum() in (4000, 10_000)
    fitted = split(data).inputs
    assert fitted.shape == (2, 14, 14)
    # The mean of grey MNIST is .1307; half of the digits are in either channel.
    np.testing.assert_allclose(fitted.mean / 255, 0.1307 / 2, atol=0.003)
