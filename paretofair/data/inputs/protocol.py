"""What the program asks of a kind of input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from paretofair.data.digest import Digest

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Inputs(Protocol):
    """The inputs of every row of a data set, raw and in its order.

    They are pickled with the data set, once for each worker: keep what is large in a file and pickle its path.
    """

    def __len__(self) -> int:
        """How many rows there are."""

    def add_to(self, digest: Digest) -> None:
        """Adds to the identity of the data set everything that changes what a network reads; for rows in a file the
        checksum of the file."""

    def fit(self, rows: np.ndarray) -> FittedInputs:
        """The encoding that follows from the rows with these numbers: those of training, or where the published
        protocol wants it those of training and test. No other row may be looked at."""


class FittedInputs(Protocol):
    """Inputs that know how they are encoded. They are pickled once for each split: keep a reference to the raw inputs
    and what was fitted, never encoded rows."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one encoded example."""

    @property
    def categories(self) -> tuple[int, ...]:
        """Of examples that are one row of numbers: the widths of the one-hot blocks at its end, one for each
        categorical input. () for every other kind."""

    def on(self, rows: np.ndarray, device: torch.device, dtype: torch.dtype) -> DeviceInputs:
        """The rows with these numbers as a device reads them."""


class DeviceInputs(Protocol):
    """The inputs of one part of a split, numbered from 0."""

    def __len__(self) -> int:
        """How many rows there are."""

    @property
    def augmented(self) -> bool:
        """Whether training sees examples that are changed at random, so that `take` reads its `streams`."""

    def take(self, index: Tensor, streams: Sequence[int] | None = None) -> Tensor:
        """Encoded examples, `([K,] B, *shape)`, of the rows `index` `([K,] B)`.

        `streams`: in training, the seeds of all random changes, K numbers, or one where `index` has no K. Equal numbers
        must give equal changes. None, as in evaluation, changes nothing.
        """
