"""Pictures as inputs: bytes in a memory map or on the device, normalised by channel when a batch is taken."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from paretofair.data.digest import Digest
from paretofair.data.inputs.augmentation import Augmentation
from paretofair.data.inputs.decoding import DecodedPictures, PictureFaults, decode_pictures
from paretofair.data.inputs.pictures import PictureForm
from paretofair.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_NONE = Augmentation()
_CHUNK = 1000  # pictures whose bytes are summed at a time
_SHARE_OF_DEVICE = 0.5  # of its free memory, which pictures of all parts may take


@dataclass(frozen=True)
class Pictures:
    """Pictures of all rows, wherever their bytes are.

    Attributes:
        form: What each picture is.
        augmentation: What training sees of it.
        sums: `(pictures, channels, 2)` int64, sums of the bytes of each channel and of their squares.
        pictures: `(rows,)` the picture of each row of the data set, int32; several rows may share one.
    """

    form: PictureForm
    augmentation: Augmentation
    sums: np.ndarray
    pictures: np.ndarray

    def __len__(self) -> int:
        return len(self.pictures)

    def add_to(self, digest: Digest) -> None:
        """Adds what the network reads of each row."""
        raise NotImplementedError

    def open(self) -> np.ndarray:
        """The pictures, `(pictures, channels, height, width)` uint8."""
        raise NotImplementedError

    def fit(self, rows: np.ndarray) -> FittedImages:
        """The mean and deviation of each channel over the pixels of these rows."""
        count = len(rows) * self.form.height * self.form.width
        # Of each picture how often; whole numbers are summed exactly, whatever their order.
        often = np.bincount(self.pictures[rows], minlength=len(self.sums))
        total, squares = (often[:, None] * self.sums[:, :, place] for place in (0, 1))
        means, variances = [], []
        for channel in range(self.form.channels):
            sum_, square = int(total[:, channel].sum()), int(squares[:, channel].sum())
            means.append(sum_ / count)
            variances.append((square * count - sum_ * sum_) / (count * count))
        deviations = np.sqrt(variances)
        return FittedImages(self, np.array(means), np.where(deviations > 0, deviations, np.inf))


@dataclass(frozen=True)
class PixelImages(Pictures):
    """Pictures that are made by code or read from one array; make them with `PixelImages.of`. Workers share the array.

    Attributes:
        pixels: `(pictures, channels, height, width)` uint8.
    """

    pixels: np.ndarray

    @staticmethod
    def of(
        pixels: np.ndarray, pictures: np.ndarray | None = None, augmentation: Augmentation | None = None
    ) -> PixelImages:
        """`pixels` as above; `pictures` of each row, by default one each in their order."""
        number, channels, height, width = pixels.shape
        flat = pixels.reshape(number, channels, -1)
        sums = np.zeros((number, channels, 2), dtype=np.int64)
        for first in range(0, number, _CHUNK):
            own = flat[first : first + _CHUNK].astype(np.int64)
            sums[first : first + _CHUNK] = np.stack([own.sum(-1), (own * own).sum(-1)], -1)
        rows = np.arange(number) if pictures is None else pictures
        form = PictureForm(height, width, channels)
        return PixelImages(form, augmentation or _NONE, sums, rows.astype(np.int32), np.ascontiguousarray(pixels))

    def add_to(self, digest: Digest) -> None:
        """Adds the bytes of each row, their form and the augmentation."""
        digest.add("pixels", repr(self.form), self.augmentation.name(self.form))
        digest.add_array(self.pixels[self.pictures], "u1")

    def open(self) -> np.ndarray:
        """`pixels`."""
        return self.pixels


@dataclass(frozen=True)
class Images(Pictures):
    """Pictures in files. Make them with `Images.of`.

    They are decoded in the cache of the machine that uses them; another machine than the one that made this value
    decodes them itself, from the same path.

    Attributes:
        root: Folder or zip archive, an absolute path.
        names: The files in `root`, one after the other with a line break between two, as bytes: workers share arrays.
        digests: `(pictures, 16)` uint8, the first bytes of the SHA-256 of each file.
    """

    root: str
    names: np.ndarray
    digests: np.ndarray

    @staticmethod
    def of(
        root: str | Path, files: Sequence[str], form: PictureForm, augmentation: Augmentation | None = None
    ) -> Images:
        """The pictures in these files, one for each row; several rows may share one.

        Raises:
            PictureFaults: files that are missing or cannot be decoded; `faults` has the first row of each.
            DataError: as `decode_pictures`.
        """
        names, first, pictures = np.unique(np.asarray(files, dtype=str), return_index=True, return_inverse=True)
        try:
            decoded = decode_pictures(root, names.tolist(), form)
        except PictureFaults as error:
            rows = sorted((int(first[place]), words) for place, words in error.faults.items())
            raise PictureFaults(dict(rows)) from None
        return Images(
            root=str(Path(root).resolve()),
            form=form,
            augmentation=augmentation or _NONE,
            names=np.frombuffer("\n".join(names).encode(errors="surrogateescape"), dtype=np.uint8),
            digests=decoded.digests,
            sums=decoded.sums,
            pictures=pictures.reshape(-1).astype(np.int32),
        )

    def read_names(self) -> list[str]:
        """The names of the pictures' files, in the order of the pictures."""
        return _split_names(self.names.tobytes())

    def add_to(self, digest: Digest) -> None:
        """Adds the checksum of each row's file, the form and the augmentation; not where the files are."""
        digest.add("images", repr(self.form), self.augmentation.name(self.form))
        digest.add_array(self.digests[self.pictures], "u1")

    def open(self) -> np.ndarray:
        """The decoded pictures on this machine, `(pictures, channels, height, width)` uint8."""
        return _find_decoded(self.root, self.names.tobytes(), self.form, self.digests.tobytes()).open()


def _split_names(names: bytes) -> list[str]:
    return names.decode(errors="surrogateescape").split("\n")


@cache
def _find_decoded(root: str, names: bytes, form: PictureForm, digests: bytes) -> DecodedPictures:
    files = _split_names(names)
    try:
        found = decode_pictures(root, files, form)
    except PictureFaults as error:
        place, words = next(iter(error.faults.items()))
        raise DataError(f"{root}: on this machine {files[place]!r} {words}") from None
    if found.digests.tobytes() != digests:
        raise DataError(f"{root}: the pictures have changed since the run began, or are others on this machine")
    return found


@dataclass(frozen=True)
class FittedImages:
    """Pictures and how they are normalised: `mean` and `scale` `(channels,)`, in bytes from 0 to 255; the scale of a
    channel that was constant is infinite, so that it becomes 0."""

    images: Pictures
    mean: np.ndarray
    scale: np.ndarray

    categories = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, height, width."""
        return self.images.form.shape

    @property
    def words(self) -> str:
        """What they are, for people."""
        form, files = self.images.form, len(self.images.sums)
        changes = self.images.augmentation.name(form)
        changed = f", in training changed at random by {changes}" if changes else ""
        return f"{files:,} pictures of {form.height} × {form.width} pixels in {form.channels} channels{changed}"

    def on(self, rows: np.ndarray, device: torch.device, dtype: torch.dtype) -> DeviceImages:
        """On a CPU the map itself; on another device a copy in bytes where it fits, else the map as well."""
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that an array cannot be written to, which nobody does
            pixels = torch.from_numpy(self.images.open())
        index = torch.from_numpy(self.images.pictures[rows].astype(np.int64))
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            share = len(rows) / len(self.images)
            if len(rows) * pixels[0].numel() <= _SHARE_OF_DEVICE * free * share:
                pixels, index = pixels[index].to(device), torch.arange(len(rows), device=device)
        mean, scale = (
            torch.tensor(each, dtype=dtype, device=device)[:, None, None] for each in (self.mean, self.scale)
        )
        return DeviceImages(pixels, index, mean, scale, self.images.form, self.images.augmentation)


@dataclass(frozen=True)
class DeviceImages:
    """Pictures of one part of a split: `pixels` `(pictures, channels, height, width)` uint8, of which the row r is
    `index[r]`, on the device or mapped from a file."""

    pixels: Tensor = field(repr=False)
    index: Tensor = field(repr=False)
    mean: Tensor
    scale: Tensor
    form: PictureForm
    augmentation: Augmentation

    def __len__(self) -> int:
        return len(self.index)

    @property
    def augmented(self) -> bool:
        """Whether training sees pictures changed at random."""
        return bool(self.augmentation)

    def take(self, index: Tensor, streams: Sequence[int] | None = None) -> Tensor:
        """`([K,] B, channels, height, width)` of the rows `index` `([K,] B)`, normalised."""
        pixels = self.pixels[self.index[index.to(self.index.device)]].to(self.mean.device)
        if streams is None or not self.augmentation:
            return (pixels.to(self.mean.dtype) - self.mean) / self.scale
        batches = pixels if index.dim() == 2 else pixels[None]
        changed = self.augmentation.apply(batches, streams, self.form, self.mean.dtype)
        return ((changed if index.dim() == 2 else changed[0]) - self.mean) / self.scale
