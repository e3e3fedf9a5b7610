"""Many texts as two arrays of numbers, which the workers of a machine share; lists of texts they would each copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class PackedTexts:
    """Texts in UTF-8, one after the other: text r is `content[ends[r - 1] : ends[r]]`."""

    content: np.ndarray = field(repr=False)
    ends: np.ndarray = field(repr=False)

    @staticmethod
    def of(texts: Sequence[str]) -> PackedTexts:
        """These texts. What no UTF-8 can say (half of a pair of code units) becomes a question mark."""
        parts = [text.encode("utf-8", errors="replace") for text in texts]
        lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
        return PackedTexts(np.frombuffer(b"".join(parts), dtype=np.uint8), np.cumsum(lengths))

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, rows: np.ndarray) -> Iterator[str]:
        """The texts with these numbers."""
        starts = np.append(0, self.ends[:-1])[rows].tolist()
        content = memoryview(np.ascontiguousarray(self.content).data)
        for start, end in zip(starts, self.ends[rows].tolist(), strict=True):
            yield bytes(content[start:end]).decode("utf-8")
