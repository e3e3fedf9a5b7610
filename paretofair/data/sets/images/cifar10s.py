"""CIFAR-10S: ten kinds of things, of which five are mostly seen in colour and five mostly in grey.

Source: Krizhevsky 2009 (50,000 + 10,000 pictures of 32 x 32), skewed as in Wang et al., "Towards Fairness in Visual
Recognition", CVPR 2020. Of the training pictures of automobile, cat, dog, horse and truck 95 % are in colour and the
others grey, of the other classes the other way round. Every test picture is seen twice, in colour and grey, and the two
rows stay together; training and validation pictures once.

Two layouts are read: the binary version, `cifar-10-batches-bin` with `data_batch_1.bin` to `data_batch_5.bin` and
`test_batch.bin`; and a cut, `images.zip` with `train/<class>/` and `test/<class>/`.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from paretofair.data.assemble import assemble
from paretofair.data.dataset import Dataset, mark_test_rows
from paretofair.data.digest import hash_file
from paretofair.data.inputs.augmentation import Augmentation
from paretofair.data.inputs.decoding import PictureFaults, decode_pictures
from paretofair.data.inputs.images import PixelImages
from paretofair.data.inputs.pictures import PictureForm
from paretofair.data.source import DataFile, DatasetSource, Layout
from paretofair.errors import DataError
from paretofair.sections import Section
from paretofair.tasks import TaskKind

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
IN_COLOR = ("automobile", "cat", "dog", "horse", "truck")
COLORS = ("color", "grey")
_SEED = 42  # of which pictures are seen against the rule: the same at every call
_SIZE = 32
_ROW = 1 + 3 * _SIZE * _SIZE  # bytes of a picture in a binary batch: its class, then three channels
_SITE = "https://www.cs.toronto.edu/~kriz/cifar.html (the binary version)"
_BATCHES = tuple(
    DataFile(f"{name}.bin", origin=_SITE) for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch")
)
_CUT = DataFile("images.zip")


class Cifar10sOptions(Section):
    """How the pictures are skewed.

    Attributes:
        skew: The share of a class's training pictures that are seen as most of it are.
        augment: The random changes that training sees, as in `[flip, crop]`.
    """

    skew: Annotated[float, Field(ge=0.5, le=1)] = 0.95
    augment: Augmentation = Augmentation()


_DEFAULTS = Cifar10sOptions()


def read_cifar10s(directory: Path, options: Cifar10sOptions = _DEFAULTS) -> Dataset:
    """Read the pictures from `directory`, in either layout, and skew them.

    Raises:
        DataError: A file is missing or is none of CIFAR-10's.
    """
    folder = Path(directory)
    if (folder / _CUT.name).exists():
        files = [folder / _CUT.name]
        pixels, labels, is_test = _read_cut(files[0])
    else:
        files = [folder / file.name for file in _BATCHES]
        parts = [_read_batch(path) for path in files]
        is_test = np.concatenate([np.full(len(own), place == len(parts) - 1) for place, (_, own) in enumerate(parts)])
        pixels, labels = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    return _skew(pixels, labels, is_test, options, "real", {path.name: hash_file(path) for path in files})


def simulate_cifar10s(options: Cifar10sOptions = _DEFAULTS) -> Dataset:
    """1,500 training and 200 test pictures drawn by code: noise, and in it waves whose direction is the class."""
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(len(CLASSES)), 170)
    across, down = np.meshgrid(np.arange(_SIZE), np.arange(_SIZE))
    angle = np.pi * labels / len(CLASSES)
    wave = np.cos(angle)[:, None, None] * across + np.sin(angle)[:, None, None] * down
    phase, tint = random.uniform(0, 6.3, (len(labels), 1, 1)), random.uniform(-30, 30, (len(labels), 3, 1, 1))
    drawn = 128 + tint + 35 * np.sin(0.8 * wave + phase)[:, None] + 40 * random.normal(size=(len(labels), 3, 32, 32))
    pixels = drawn.clip(0, 255).astype(np.uint8)
    return _skew(pixels, labels, np.arange(len(labels)) >= 1500, options, "simulated", {})


def make_grey(pixels: np.ndarray) -> np.ndarray:
    """`(n, 3, H, W)` uint8 in grey: the luma of ITU-R 601 in all three channels, rounded."""
    luma = np.tensordot(pixels.astype(np.float32), np.array([0.299, 0.587, 0.114], dtype=np.float32), ((1,), (0,)))
    return np.repeat(np.round(luma).astype(np.uint8)[:, None], 3, 1)


def _skew(
    pixels: np.ndarray,
    labels: np.ndarray,
    is_test: np.ndarray,
    options: Cifar10sOptions,
    source: str,
    checksums: dict[str, str],
) -> Dataset:
    random = np.random.default_rng(_SEED)
    grey = ~np.isin(labels, [CLASSES.index(name) for name in IN_COLOR])
    for label in range(len(CLASSES)):
        own = random.permutation(np.flatnonzero((labels == label) & ~is_test))
        others = own[: round((1 - options.skew) * len(own))]
        grey[others] = ~grey[others]
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    rows = np.concatenate([train, test, test])
    is_grey = np.concatenate([grey[train], np.zeros(len(test), bool), np.ones(len(test), bool)])
    seen = pixels[rows]
    seen[is_grey] = make_grey(seen[is_grey])
    return assemble(
        "cifar10s",
        source,
        labels={"thing": labels[rows]},
        kinds={"thing": TaskKind("multiclass", CLASSES)},
        numeric={},
        categorical={},
        inputs=PixelImages.of(seen, augmentation=options.augment),
        groups={"color": is_grey.astype(np.int8)},
        group_names={"color": COLORS},
        part=mark_test_rows(is_test[rows]),
        together=rows,
        checksums=checksums,
    )


def _read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures `(n, 3, 32, 32)` and classes of a binary batch."""
    try:
        content = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror or error}") from error
    if not len(content) or len(content) % _ROW or content[::_ROW].max() >= len(CLASSES):
        raise DataError(f"{path}: is no binary batch of CIFAR-10: {len(content):,} bytes; expected rows of {_ROW}")
    rows = content.reshape(-1, _ROW)
    return rows[:, 1:].reshape(-1, 3, _SIZE, _SIZE), rows[:, 0].astype(np.int64)


def _read_cut(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures, classes and whether for the test, of a zip archive, in the order of its names."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(each for each in archive.namelist() if not each.endswith("/"))
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: can't be read: {error}") from error
    labels, is_test = [], []
    for name in names:
        part, _, rest = name.partition("/")
        word = rest.partition("/")[0]
        if part not in ("train", "test") or word not in CLASSES:
            raise DataError(f"{path}: found {name!r}; expected train/ or test/ and one of {', '.join(CLASSES)}")
        labels.append(CLASSES.index(word))
        is_test.append(part == "test")
    if not any(is_test) or all(is_test):
        raise DataError(f"{path}: has {sum(is_test):,} pictures under test/ of {len(is_test):,}; both parts are needed")
    try:
        pixels = decode_pictures(path, names, PictureForm(_SIZE, _SIZE)).open()
    except PictureFaults as error:
        raise DataError(f"{path}: {error.describe(names)}") from None
    return pixels, np.array(labels), np.array(is_test)


CIFAR10S = DatasetSource(
    name="cifar10s",
    tasks=("thing",),
    group_names={"color": COLORS},
    files=_BATCHES,
    read=read_cifar10s,
    simulate=simulate_cifar10s,
    folder="cifar-10-batches-bin",
    others=(Layout("cifar10", (_CUT,)),),
    options=Cifar10sOptions,
    of_other_kinds={"thing": "multiclass"},
)
