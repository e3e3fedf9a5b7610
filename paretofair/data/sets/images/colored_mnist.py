"""Colored MNIST: whether a digit is 5 or more, with a colour that mostly agrees with the label.

Source of the digits: LeCun, Cortes and Burges, MNIST (CC BY-SA 3.0): 60,000 training and 10,000 test pictures, in the
four official idx files, packed or not; or a cut `mnist_24k.npz` (arrays x_train, y_train, x_test, y_test). The colour:
Li et al., "Group contribution matching", Table 5, after Arjovsky et al. 2019, without label noise. The paper does not
say how strong the skew is and on which rows; here it is .95 everywhere.
"""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from paretofair.data.assemble import assemble
from paretofair.data.dataset import Dataset, mark_test_rows
from paretofair.data.digest import hash_file
from paretofair.data.inputs.images import PixelImages
from paretofair.data.sets.images.drawing import draw_digits
from paretofair.data.source import DataFile, DatasetSource, FileForm, Layout
from paretofair.errors import DataError
from paretofair.sections import Section

COLORS = ("red", "green")
_SEED = 42  # of the colours: the same at every call
_MEANS = ((0.9, 0.1, 0.1), (0.1, 0.9, 0.1))  # red, green and blue of `style: noise`
_DEVIATION = 0.1
_MIRROR = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_CUT = DataFile("mnist_24k.npz")
_PARTS = ("x_train", "y_train", "x_test", "y_test")
_IDX = {
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
_Share = Annotated[float, Field(ge=0, le=1)]


class ColoredMnistOptions(Section):
    """How the digits are coloured.

    Attributes:
        skew: The share of training and validation rows whose colour agrees with their label: green for 5 or more.
        test_skew: The same of test rows; by default `skew`.
        style: `channel`: two channels, red and green, of which the other one is zero (Arjovsky et al. 2019). `noise`:
            three channels, the colour of each row normal about a mean (as in Nam et al. 2020).
        size: 14: every other pixel of the 28, as in Arjovsky et al.; or 28.
    """

    skew: _Share = 0.95
    test_skew: _Share | None = None
    style: Literal["channel", "noise"] = "channel"
    size: Literal[14, 28] = 14


_DEFAULTS = ColoredMnistOptions()


def read_colored_mnist(directory: Path, options: ColoredMnistOptions = _DEFAULTS) -> Dataset:
    """Read the digits from `directory`, official or cut, and colour them.

    Raises:
        DataError: A file is missing, is damaged or has another checksum.
    """
    folder = Path(directory)
    cut = folder / _CUT.name
    if cut.exists():
        digits, checksums = _read_cut(cut), {cut.name: hash_file(cut)}
    else:
        found = [_find_idx(folder, name) for name in _IDX]
        checksums = {path.name: _check(path, packed) for path, packed in zip(found, _IDX.values(), strict=True)}
        digits = dict(zip(_PARTS, map(_read_idx, found), strict=True))
    return _color(digits, options, "real", checksums)


def simulate_colored_mnist(options: ColoredMnistOptions = _DEFAULTS) -> Dataset:
    """1,500 training and 300 test digits drawn by code (`draw_digits`), coloured in the same way."""
    x_train, y_train = draw_digits(1500, 0)
    x_test, y_test = draw_digits(300, 1)
    digits = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return _color(digits, options, "simulated", {})


def _color(
    digits: Mapping[str, np.ndarray], options: ColoredMnistOptions, source: str, checksums: dict[str, str]
) -> Dataset:
    random = np.random.default_rng(_SEED)
    grey = np.concatenate([digits["x_train"], digits["x_test"]])
    labels = (np.concatenate([digits["y_train"], digits["y_test"]]) >= 5).astype(np.int8)
    is_test = np.arange(len(labels)) >= len(digits["y_train"])
    test_skew = options.skew if options.test_skew is None else options.test_skew
    agrees = random.random(len(labels)) < np.where(is_test, test_skew, options.skew)
    colors = np.where(agrees, labels, 1 - labels).astype(np.int8)
    small = grey[:, :: 28 // options.size, :: 28 // options.size]
    if options.style == "channel":
        pixels = np.zeros((len(small), 2, options.size, options.size), dtype=np.uint8)
        pixels[np.arange(len(small)), colors] = small
    else:
        drawn = np.array(_MEANS)[colors] + _DEVIATION * random.normal(size=(len(small), 3))
        pixels = np.round(small[:, None] * drawn.clip(0, 1)[:, :, None, None]).astype(np.uint8)
    return assemble(
        "colored_mnist",
        source,
        labels={"five_or_more": labels},
        numeric={},
        categorical={},
        inputs=PixelImages.of(pixels),
        groups={"color": colors},
        group_names={"color": COLORS},
        part=mark_test_rows(is_test),
        checksums=checksums,
    )


def _find_idx(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.exists():
            return path
    raise DataError(f"{folder}: has no {name}.gz, nor {name}")


def _check(path: Path, packed: str) -> str:
    """The checksum of an idx file, of which that of the packed form is known."""
    return DataFile(path.name, (FileForm(packed),)).form_of(path).sha256 if path.suffix == ".gz" else hash_file(path)


def _read_idx(path: Path) -> np.ndarray:
    """An array of bytes in the idx format: two zeros, the type 8, the number of axes, their sizes, and the values."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is damaged: {error}") from None
    axes = content[3] if len(content) > 3 else 0
    first = 4 + 4 * axes
    shape = tuple(int.from_bytes(content[place : place + 4]) for place in range(4, first, 4))
    if content[:3] != b"\0\0\x08" or axes not in (1, 3) or len(content) != first + math.prod(shape):
        raise DataError(f"{path}: is no idx file of bytes, or is cut off")
    return np.frombuffer(content, dtype=np.uint8, offset=first).reshape(shape)


def _read_cut(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            digits = {name: file[name] for name in _PARTS}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: expected arrays {', '.join(_PARTS)}; {error}") from None
    for part in ("train", "test"):
        pictures, labels = digits[f"x_{part}"], digits[f"y_{part}"]
        if pictures.dtype != np.uint8 or pictures.shape != (len(labels), 28, 28) or labels.ndim != 1:
            raise DataError(
                f"{path}: x_{part} is {pictures.dtype} {pictures.shape}; expected bytes ({len(labels)}, 28, 28)"
            )
    return digits


COLORED_MNIST = DatasetSource(
    name="colored_mnist",
    tasks=("five_or_more",),
    group_names={"color": COLORS},
    files=tuple(
        DataFile(f"{name}.gz", (FileForm(sha256, None, f"{_MIRROR}{name}.gz"),)) for name, sha256 in _IDX.items()
    ),
    read=read_colored_mnist,
    simulate=simulate_colored_mnist,
    folder="mnist",
    others=(Layout("mnist", (_CUT,)), Layout("mnist", tuple(map(DataFile, _IDX)))),
    options=ColoredMnistOptions,
)
