"""Files of embeddings: `.npz`, `.npy` with the keys in another file, and Parquet; a vector for each key."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np

from paretofair.data.reading.tables import suggest_known
from paretofair.errors import DataError

ENDINGS = (".npz", ".npy", ".parquet")


@dataclass(frozen=True)
class VectorFile:
    """A file with a vector for each key.

    Attributes:
        path: The file, of one of the `ENDINGS`.
        vectors: Name of the array (`.npz`) or the column of lists (Parquet) with the vectors. None where there is only
            one that can be; of a Parquet file without lists, all columns of numbers but the key.
        keys: Name of the array or column with the keys, likewise; of `.npy` the path of a file, `.npy` or text with a
            key in each line.
    """

    path: str
    vectors: str | None = None
    keys: str | None = None

    @property
    def keys_in_file(self) -> str | None:
        """`keys` where it names something in the file itself."""
        return None if self.path.endswith(".npy") else self.keys

    def read_vectors(self) -> np.ndarray:
        """`(n, width)` in the type of the file; of `.npy` as a map of it.

        Raises:
            DataError: The file can't be read or has no vectors, with the names that it has.
        """
        return self._content[0]

    def read_keys(self) -> np.ndarray:
        """`(n,)`, integers or text. Raises DataError as `read_vectors` does, and for a key that stands twice."""
        return self._keys

    def describe_making(self) -> str | None:
        """What made the vectors, in words, where the file says it in an array `about`, as the command embed writes it:
        `resnet34, weights 1a2b3c4d…`. None elsewhere."""
        if not self.path.endswith(".npz"):
            return None
        try:
            with np.load(self.path, allow_pickle=False) as file:
                about = json.loads(str(file["about"])) if "about" in file.files and file["about"].ndim == 0 else None
        except (OSError, ValueError, zipfile.BadZipFile, zlib.error):
            return None
        if not isinstance(about, dict) or not isinstance(about.get("network"), str):
            return None
        weights = about.get("weights_sha256")
        return about["network"] + (f", weights {weights[:12]}" if isinstance(weights, str) else "")

    @cached_property
    def _keys(self) -> np.ndarray:
        keys = self._content[1]
        different, counts = np.unique(keys, return_counts=True)
        if len(different) < len(keys):
            key = different[np.argmax(counts > 1)]
            places = np.flatnonzero(keys == key)[:2].tolist()
            self._fail(f"the key {str(key)!r} stands twice, at places {places[0]} and {places[1]} (from 0)")
        return keys

    @cached_property
    def _content(self) -> tuple[np.ndarray, np.ndarray]:
        path = Path(self.path)
        try:
            read = {".npz": self._read_npz, ".npy": self._read_npy, ".parquet": self._read_parquet}[path.suffix]
        except KeyError:
            self._fail(f"its name ends in {path.suffix or 'nothing'!r}; accepted: {', '.join(ENDINGS)}")
        try:
            vectors, keys = read()
        except OSError as error:
            self._fail(f"can't be read: {error.strerror or error}")
        except (ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            self._fail(f"can't be read: {error}")
        if vectors.ndim != 2 or vectors.dtype.kind not in "fiu" or 0 in vectors.shape:
            self._fail(f"vectors are {vectors.dtype} of shape {vectors.shape}; expected numbers (keys, width)")
        if keys.shape != vectors.shape[:1]:
            self._fail(f"there are keys of shape {keys.shape} for {len(vectors)} vectors; expected one for each")
        return vectors, keys if keys.dtype.kind in "iu" else keys.astype(str)

    def _read_npz(self) -> tuple[np.ndarray, np.ndarray]:
        # NumPy leaves a file open that is no archive, and reads an array alone whatever its name.
        with open(self.path, "rb") as handle, zipfile.ZipFile(handle), np.load(handle, allow_pickle=False) as file:
            # Headers alone would do, but NumPy has no public way to them; arrays that are not wanted are small.
            arrays = {name: file[name] for name in file.files}
        of_keys = {name: each for name, each in arrays.items() if each.ndim == 1}
        of_vectors = {name: each for name, each in arrays.items() if each.ndim == 2}
        vectors = of_vectors[self._choose("vectors", self.vectors, of_vectors)]
        return vectors, of_keys[self._choose("keys", self.keys, of_keys)]

    def _read_npy(self) -> tuple[np.ndarray, np.ndarray]:
        if self.keys is None:
            self._fail("an .npy file has no keys; give `keys`, an .npy file or a text file with one in each line")
        try:
            keys = _read_key_file(Path(self.keys))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            self._fail(f"its keys in {self.keys} can't be read: {reason}")
        return np.lib.format.open_memmap(self.path, mode="r"), keys

    def _read_parquet(self) -> tuple[np.ndarray, np.ndarray]:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        table = pq.read_table(self.path)
        lists = [each.name for each in table.schema if _is_list(each.type)]
        plain = [each.name for each in table.schema if not _is_list(each.type)]
        rest = [name for name in plain if pa.types.is_floating(table.schema.field(name).type)]
        name = self._choose("keys", self.keys, [each for each in plain if each not in rest] or plain)
        if table.column(name).null_count:
            self._fail(f"{table.column(name).null_count:,} of {len(table):,} rows have no key in the column {name!r}")
        keys = np.asarray(table.column(name).to_numpy(zero_copy_only=False))
        if self.vectors is None and not lists:
            if not rest:
                self._fail(f"has no vectors: neither a column of lists nor columns of numbers beside {name!r}")
            return np.stack([table.column(each).to_numpy() for each in rest if each != name], 1), keys
        chosen = table.column(self._choose("vectors", self.vectors, lists)).combine_chunks()
        widths = pc.unique(pc.list_value_length(chosen)).to_pylist()
        if len(widths) > 1:
            self._fail("its vectors are not all of one width")
        values = chosen.flatten().to_numpy(zero_copy_only=False)
        return values.reshape(len(chosen), widths[0] if widths else 0), keys

    def _choose(self, what: str, given: str | None, known: dict[str, np.ndarray] | list[str]) -> str:
        names = list(known)
        if given is None and len(names) == 1:
            return names[0]
        if given is None:
            self._fail(f"has {len(names) or 'no'} candidates for `{what}` ({', '.join(names)}); name one")
        if given not in names:
            self._fail(f"has no {what} {given!r}; {suggest_known(given, names)}")
        return given

    def _fail(self, words: str) -> NoReturn:
        raise DataError(f"{self.path}: {words}")


def _read_key_file(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.lib.format.open_memmap(path, mode="r")
    return np.array([line.strip() for line in path.read_text(encoding="utf-8").split("\n") if line.strip()])


def _is_list(type_: object) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))
