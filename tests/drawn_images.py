"""Small pictures drawn by code, as the raw inputs of a data set: what networks for images are trained on in tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from paretofair.data import Dataset, split
from paretofair.data.digest import Digest
from paretofair.training import DeviceData, to_device
from tests.conftest import make_dataset


@dataclasses.dataclass(frozen=True)
class Pictures:
    """uint8 `(n, C, H, W)`, scaled to -1 to 1; with `flips` half of the training examples are mirrored."""

    values: np.ndarray
    flips: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def add_to(self, digest: Digest) -> None:
        digest.add_array(self.values, "|u1")

    def fit(self, rows: np.ndarray) -> FittedPictures:
        return FittedPictures(self)


@dataclasses.dataclass(frozen=True)
class FittedPictures:
    """They are encoded alike whatever they were fitted on."""

    raw: Pictures
    categories: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.raw.values.shape[1:]

    def on(self, rows: np.ndarray, device: torch.device, dtype: torch.dtype) -> DevicePictures:
        return DevicePictures(torch.from_numpy(self.raw.values[rows]).to(device), dtype, self.raw.flips)


@dataclasses.dataclass(frozen=True)
class DevicePictures:
    """Pictures of one part of a split."""

    values: Tensor
    dtype: torch.dtype
    augmented: bool

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: Tensor, streams: Sequence[int] | None = None) -> Tensor:
        found = self.values[index].to(self.dtype) / 127.5 - 1
        if not self.augmented or streams is None:
            return found
        if index.dim() == 1:
            return _flip(found, streams[0])
        return torch.stack([_flip(rows, stream) for rows, stream in zip(found, streams, strict=True)])


def _flip(found: Tensor, stream: int) -> Tensor:
    generator = torch.Generator().manual_seed(stream % 2**63)
    mirrored = torch.rand(len(found), generator=generator).to(found.device) < 0.5
    return torch.where(mirrored[:, None, None, None], found.flip(-1), found)


def make_pictures(
    dtype: torch.dtype = torch.float32,
    *,
    shape: tuple[int, int, int] = (3, 8, 8),
    rows: int = 160,
    flips: bool = False,
    device: str = "cpu",
) -> DeviceData:
    """Noise whose brightness depends on the tasks of `make_dataset`, split, on a device."""
    dataset: Dataset = make_dataset(rows)
    random = np.random.default_rng(5)
    bright = 90 + 50 * dataset.labels[:, 0] - 20 * dataset.labels[:, 1]
    values = random.integers(0, 70, (rows, *shape)) + bright[:, None, None, None]
    splits = split(dataclasses.replace(dataset, inputs=Pictures(values.astype(np.uint8), flips)))
    return to_device(splits, dict.fromkeys(splits.tasks, "sex"), torch.device(device), dtype)
