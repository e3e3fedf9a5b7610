"""Inputs of rows from several sources: one kind of input for all, or blocks side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from paretofair.data.digest import Digest
from paretofair.data.inputs.columns import Columns
from paretofair.data.inputs.protocol import DeviceInputs, FittedInputs, Inputs
from paretofair.data.inputs.text.cleaning import TextCounts
from paretofair.data.inputs.text.packed import PackedTexts
from paretofair.data.inputs.text.texts import Texts
from paretofair.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def join_inputs(parts: Sequence[Inputs]) -> Inputs:
    """The inputs of all rows, source by source.

    Sources whose inputs are described alike are read as one: columns of the same names, texts with the same encoder.
    Any others stand side by side (`Joined`).
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    columns = [each for each in parts if isinstance(each, Columns)]
    if len(columns) == len(parts) and len({_names(each) for each in columns}) == 1:
        return _join_columns(columns)
    texts = [each for each in parts if isinstance(each, Texts)]
    if len(texts) == len(parts) and len({(each.encoder, each.cleaning) for each in texts}) == 1:
        return _join_texts(texts)
    return Joined(tuple(parts))


@dataclass(frozen=True)
class Joined:
    """Inputs that differ from source to source; the rows stand source by source.

    Where all are of one shape that is not a row of numbers, pictures of one size say, an example has this shape and
    each source is normalised by its own training rows. Else each source has a block of an example, in which the rows
    of the others are 0.
    """

    parts: tuple[Inputs, ...]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def starts(self) -> np.ndarray:
        """The number of the first row of each source."""
        return np.cumsum([0, *map(len, self.parts)])[:-1]

    def split_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each of the rows its source and its number there."""
        source = np.searchsorted(self.starts, rows, side="right") - 1
        return source, rows - self.starts[source]

    def add_to(self, digest: Digest) -> None:
        """Adds all sources."""
        digest.add("joined", *(type(part).__name__ for part in self.parts))
        for part in self.parts:
            part.add_to(digest)

    def fit(self, rows: np.ndarray) -> FittedJoined:
        """Each source on those of the rows that are its own. Raises DataError for a source without any."""
        source, own = self.split_rows(np.asarray(rows))
        fitted = []
        for number, part in enumerate(self.parts):
            if not (source == number).any():
                raise DataError(
                    f"source {number + 1} of {len(self.parts)} has no training row; its inputs can't be fitted"
                )
            fitted.append(part.fit(own[source == number]))
        return FittedJoined(self, tuple(fitted))


@dataclass(frozen=True)
class FittedJoined:
    """Inputs of several sources, each fitted on its own training rows."""

    joined: Joined
    parts: tuple[FittedInputs, ...]

    categories = ()

    @property
    def in_blocks(self) -> bool:
        """Whether every source has a block of its own."""
        shapes = {part.shape for part in self.parts}
        return len(shapes) > 1 or len(next(iter(shapes))) == 1

    @property
    def shape(self) -> tuple[int, ...]:
        """That of all sources, or the numbers of all blocks."""
        if self.in_blocks:
            return (sum(math.prod(part.shape) for part in self.parts),)
        return self.parts[0].shape

    def on(self, rows: np.ndarray, device: torch.device, dtype: torch.dtype) -> DeviceJoined:
        """Every source on the device."""
        import torch

        source, own = self.joined.split_rows(rows)
        parts: list[DeviceInputs | None] = []
        place = np.zeros(len(rows), dtype=np.int64)
        for number, part in enumerate(self.parts):
            mine = source == number
            parts.append(part.on(own[mine], device, dtype) if mine.any() else None)
            place[mine] = np.arange(mine.sum())
        sizes = tuple(math.prod(part.shape) for part in self.parts) if self.in_blocks else ()
        of_rows, own_place = (torch.from_numpy(each).to(device) for each in (source, place))
        return DeviceJoined(tuple(parts), of_rows, own_place, sizes)


@dataclass(frozen=True)
class DeviceJoined:
    """Rows of several sources on a device: row r is the row `place[r]` of the part `source[r]`, None where a source has
    no rows here. `sizes` are those of the blocks; () where all sources have one shape."""

    parts: tuple[DeviceInputs | None, ...]
    source: Tensor
    place: Tensor
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.source)

    @property
    def augmented(self) -> bool:
        """Whether training sees any of them changed."""
        return any(part.augmented for part in self.parts if part is not None)

    def take(self, index: Tensor, streams: Sequence[int] | None = None) -> Tensor:
        """`([K,] B, *shape)` of the rows `index` `([K,] B)`."""
        import torch

        source = self.source[index]
        blocks: list[Tensor] = []
        for number, part in enumerate(self.parts):
            if part is None:
                blocks.append(torch.zeros(0))
                continue
            mine = source == number
            # Every place of the batch is taken, so that random changes of a row do not depend on the other sources.
            taken = part.take(torch.where(mine, self.place[index], 0), streams)
            blocks.append(torch.where(mine.view(*mine.shape, *[1] * (taken.dim() - mine.dim())), taken, 0))
        found = [block for block in blocks if block.dim() > 1]
        if not self.sizes:
            return torch.stack(found).sum(0)
        like = found[0]
        every = [
            block.flatten(index.dim()) if block.dim() > 1 else like.new_zeros(*index.shape, size)
            for block, size in zip(blocks, self.sizes, strict=True)
        ]
        return torch.cat(every, -1)


def _names(columns: Columns) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return columns.numeric_names, columns.categorical_names


def _join_columns(parts: Sequence[Columns]) -> Columns:
    numeric = np.concatenate([part.numeric for part in parts])
    texts = np.concatenate([part.categorical for part in parts])
    fills = {name: value for part in reversed(parts) for name, value in part.fills.items()}
    numbers, words = _names(parts[0])
    return Columns.of(dict(zip(numbers, numeric.T, strict=True)), dict(zip(words, texts.T, strict=True)), fills)


def _join_texts(parts: Sequence[Texts]) -> Texts:
    lengths = [int(part.packed.ends[-1]) if len(part) else 0 for part in parts]
    before = np.cumsum([0, *lengths])[:-1]
    packed = PackedTexts(
        np.concatenate([part.packed.content for part in parts]),
        np.concatenate([part.packed.ends + start for part, start in zip(parts, before, strict=True)]),
    )
    counts = TextCounts(*(sum(each) for each in zip(*(part.counts for part in parts), strict=True)))
    columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
    return Texts(columns, packed, parts[0].cleaning, parts[0].encoder, counts)
