"""Hashes of values and of files, the same in every process and on every machine."""

import hashlib
from pathlib import Path

import numpy as np

from paretofair.errors import DataError


class Digest:
    """SHA-256 of a sequence of texts and arrays, the same in every process and on every machine."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, *texts: str) -> None:
        """Append texts; their lengths are hashed too, so that ("a", "bc") differs from ("ab", "c")."""
        self._add_bytes(f"{len(texts)} texts".encode())
        for text in texts:
            self._add_bytes(text.encode())

    def add_array(self, values: np.ndarray, dtype: str) -> None:
        """Append an array's shape and its values as `dtype` (with a fixed byte order)."""
        self._add_bytes(repr(tuple(int(size) for size in values.shape)).encode())
        # Adding 0 turns -0.0 into 0.0: equal tables have equal ids.
        fixed = np.ascontiguousarray(values, dtype=dtype)
        self._add_bytes((fixed + 0.0 if dtype == "<f8" else fixed).tobytes())

    def hexadecimal(self) -> str:
        """The first 16 hexadecimal digits."""
        return self._hash.hexdigest()[:16]

    def _add_bytes(self, content: bytes) -> None:
        self._hash.update(len(content).to_bytes(8, "little"))
        self._hash.update(content)


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, 64 hexadecimal digits. Raises DataError for a file that can't be read."""
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror or error}") from error
