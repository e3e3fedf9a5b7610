"""Embeddings: a row of numbers that another network has made of an example, in a file or in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from paretofair.data.digest import Digest
from paretofair.data.inputs.vector_files import VectorFile
from paretofair.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_CHUNK = 8192  # vectors that are looked at at a time


@dataclass(frozen=True)
class Vectors:
    """Vectors in memory, `(rows, width)`, such as made ones. Every value enters the identity."""

    vectors: np.ndarray

    def __len__(self) -> int:
        return len(self.vectors)

    def add_to(self, digest: Digest) -> None:
        """Adds every value."""
        digest.add("vectors")
        digest.add_array(self.vectors, "<f4")

    def read(self, rows: np.ndarray) -> np.ndarray:
        """`(n, width)`."""
        return self.vectors[rows]

    def fit(self, rows: np.ndarray) -> FittedVectors:
        """Means and deviations of these rows."""
        return _fit(self, rows)


@dataclass(frozen=True)
class Embeddings:
    """Vectors in a file, looked up by key; several rows may share one. Make them with `Embeddings.of`.

    Attributes:
        file: Where they are; it must be there for every worker.
        sha256: Of the file, which stands for the vectors in the identity of the data set.
        places: `(rows,)` place of each row's vector in the file.
    """

    file: VectorFile
    sha256: str
    places: np.ndarray

    @staticmethod
    def of(file: VectorFile, sha256: str, keys: Sequence[object]) -> Embeddings:
        """The embeddings of rows with these keys.

        Raises:
            MissingKey: No vector has the key of a row.
            DataError: As by `VectorFile`; a number that is not finite, with its key.
        """
        known = file.read_keys()
        whole = known.dtype.kind in "iu"
        place = {str(key): number for number, key in enumerate(known.tolist())}
        wanted = [_as_integer(key) if whole else str(key) for key in keys]
        missing = [row for row, key in enumerate(wanted) if key not in place]
        if missing:
            raise MissingKey(missing[0], str(keys[missing[0]]), len(missing), file.path)
        found = Embeddings(file, sha256, np.array([place[key] for key in wanted], dtype=np.int64))
        used = np.unique(found.places)
        vectors = file.read_vectors()
        for chunk in np.split(used, range(_CHUNK, len(used), _CHUNK)):
            with np.errstate(over="ignore"):  # what is too large becomes infinite
                wrong = ~np.isfinite(vectors[chunk].astype(np.float32)).all(1)
            if wrong.any():
                key = known[chunk[np.argmax(wrong)]]
                raise DataError(f"{file.path}: the vector of the key {str(key)!r} has a value that is not finite")
        return found

    def __len__(self) -> int:
        return len(self.places)

    @property
    def unused(self) -> int:
        """How many vectors of the file no row has."""
        return len(self.file.read_keys()) - len(np.unique(self.places))

    def add_to(self, digest: Digest) -> None:
        """Adds the checksum of the file, and which vector each row has."""
        digest.add("embeddings", self.sha256, self.file.vectors or "", self.file.keys_in_file or "")
        digest.add_array(self.places, "<i8")

    def read(self, rows: np.ndarray) -> np.ndarray:
        """`(n, width)`, in the type of the file."""
        return np.asarray(self.file.read_vectors()[self.places[rows]])

    def fit(self, rows: np.ndarray) -> FittedVectors:
        """Means and deviations of these rows."""
        return _fit(self, rows)

    def __getstate__(self) -> dict[str, object]:
        # What the file has read stays behind.
        file = VectorFile(self.file.path, self.file.vectors, self.file.keys)
        return {"file": file, "sha256": self.sha256, "places": self.places}


class MissingKey(DataError):
    """A row whose key no vector has: its number, the key, how many such rows there are, and the file."""

    def __init__(self, row: int, key: str, rows: int, path: str) -> None:
        more = f" ({rows - 1:,} more such rows)" if rows > 1 else ""
        super().__init__(f"row {row}: no vector in {path} has the key {key!r}{more}")
        self.row, self.key, self.more, self.path = row, key, more, path


@dataclass(frozen=True)
class FittedVectors:
    """Vectors and what makes them z-scores: `mean` and `scale` `(width,)` float64, of a constant number 1."""

    inputs: Vectors | Embeddings
    mean: np.ndarray
    scale: np.ndarray

    categories: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The width of a vector."""
        return self.mean.shape

    def on(self, rows: np.ndarray, device: torch.device, dtype: torch.dtype) -> DeviceVectors:
        """In the type of the file, so that a device holds no more than it has to; batches are of `dtype`."""
        import torch

        vectors = self.inputs.read(rows)
        if vectors.dtype.kind != "f" or vectors.dtype.itemsize > 8:
            vectors = vectors.astype(np.float32)
        native = np.ascontiguousarray(vectors, dtype=vectors.dtype.newbyteorder("="))
        mean, scale = (torch.tensor(each, dtype=dtype, device=device) for each in (self.mean, self.scale))
        return DeviceVectors(torch.from_numpy(native).to(device), mean, scale)


@dataclass(frozen=True)
class DeviceVectors:
    """Vectors `(n, width)` as they are kept, made z-scores when a batch is taken."""

    vectors: Tensor
    mean: Tensor
    scale: Tensor

    augmented = False

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, index: Tensor, streams: Sequence[int] | None = None) -> Tensor:
        """`([K,] B, width)` of the rows `index` `([K,] B)`."""
        return (self.vectors[index].to(self.mean) - self.mean) / self.scale


def _fit(inputs: Vectors | Embeddings, rows: np.ndarray) -> FittedVectors:
    total, squares = np.float64(0), np.float64(0)
    chunks = np.split(rows, range(_CHUNK, len(rows), _CHUNK))
    for chunk in chunks:
        total = total + inputs.read(chunk).astype(np.float64).sum(0)
    mean = total / len(rows)
    for chunk in chunks:
        squares = squares + ((inputs.read(chunk).astype(np.float64) - mean) ** 2).sum(0)
    deviation = np.sqrt(squares / len(rows))
    return FittedVectors(inputs, np.asarray(mean), np.where(deviation > 0, deviation, 1.0))


def _as_integer(key: object) -> str:
    """A cell as the text of an integer: `1`, `1.0` and `01` are one key. What is none stays as it is."""
    try:
        number = float(str(key))
    except ValueError:
        return str(key)
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else str(key)
