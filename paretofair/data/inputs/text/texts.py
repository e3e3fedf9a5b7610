"""The texts of a data set as inputs: encoded once, and found again in the cache by what they are."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import platformdirs
from rich.console import Console

from paretofair.data.digest import Digest
from paretofair.data.inputs.columns import DeviceRows
from paretofair.data.inputs.text.cleaning import Cleaning, TextCounts, describe_counts
from paretofair.data.inputs.text.encoders import FittedEncoder, TextEncoder, restore_encoder
from paretofair.data.inputs.text.packed import PackedTexts
from paretofair.data.inputs.text.reader import TextReader
from paretofair.errors import DataError
from paretofair.terminal.progress import show_progress

if TYPE_CHECKING:
    import torch

_VERSION = "1"  # to be raised when the same texts become other numbers
_ROWS, _ENCODER = "rows.npy", "encoder.npz"
_MANY = 20_000  # texts whose encoding is announced
_NOTHING = TextCounts()


def text_cache() -> Path:
    """The folder of encoded texts in the user's cache; it may be removed whenever nothing runs."""
    return Path(platformdirs.user_cache_dir("paretofair")) / "texts"


@dataclass(frozen=True)
class Texts:
    """The texts of every row of a data set, cleaned.

    Attributes:
        columns: The columns that they are from, joined by line breaks.
        packed: The texts.
        cleaning: What was done with them.
        encoder: How they become numbers.
        counts: What was counted when they were cleaned.
    """

    columns: tuple[str, ...]
    packed: PackedTexts
    cleaning: Cleaning
    encoder: TextEncoder
    counts: TextCounts = _NOTHING

    @staticmethod
    def of(
        columns: Mapping[str, Sequence[str]], encoder: TextEncoder | None = None, cleaning: Cleaning | None = None
    ) -> Texts:
        """The texts of one or several columns, each of one text for every row."""
        cleaning = cleaning or Cleaning()
        joined = ["\n".join(filter(None, cells)) for cells in zip(*columns.values(), strict=True)]
        texts, counts = cleaning.clean_all(joined)
        return Texts(tuple(columns), PackedTexts.of(texts), cleaning, encoder or TextEncoder(), counts)

    def __len__(self) -> int:
        return len(self.packed)

    def describe_oddities(self) -> tuple[str, ...]:
        """Sentences on what was counted, for the notes of a data set."""
        return tuple(describe_counts(self.counts, len(self), self.cleaning))

    @cached_property
    def digest(self) -> str:
        """Of every text and of how they are encoded."""
        digest = Digest()
        self.add_to(digest)
        return digest.hexadecimal()

    def add_to(self, digest: Digest) -> None:
        """Adds every text and the encoder; not the names of columns, which no network reads."""
        digest.add("texts", self.encoder.name)
        digest.add_array(self.packed.content, "u1")
        digest.add_array(self.packed.ends, "<i8")

    def fit(self, rows: np.ndarray) -> FittedTexts:
        """The encoder that follows from these rows. All rows are encoded by it, once: a second fit on the same rows of
        the same texts finds them in the cache."""
        fitted = FittedTexts(self, np.asarray(rows, dtype=np.int64))
        fitted.prepare()
        return fitted


@dataclass(frozen=True)
class FittedTexts:
    """Texts and the rows that their encoder is fitted on; what it has learned and the encoded rows are files of the
    cache, made anew where they are gone or on another machine."""

    texts: Texts
    fitted_on: np.ndarray = field(repr=False)

    categories = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """How many numbers a text becomes."""
        return (self.open().shape[1],)

    @property
    def folder(self) -> Path:
        """Of the cache, named by everything that its numbers follow from."""
        known = hashlib.sha256()
        for part in (_VERSION, version("scikit-learn"), self.texts.digest):
            known.update(part.encode() + b"\0")
        known.update(np.sort(self.fitted_on).astype("<i8").tobytes())
        return text_cache() / known.hexdigest()[:32]

    def open(self) -> np.ndarray:
        """Every row encoded, `(rows, width)` float32, mapped from a file."""
        self.prepare()
        found: np.ndarray = np.load(self.folder / _ROWS, mmap_mode="r")
        return found

    def make_reader(self) -> TextReader:
        """What reads other texts as these were read. Raises DataError as `read_encoder`."""
        return TextReader(self.texts.columns, self.texts.cleaning, self.read_encoder())

    def read_encoder(self) -> FittedEncoder:
        """The encoder, for texts that are not among these. Raises DataError for one of the user's own that pickle could
        not write."""
        form = self.texts.encoder
        self.prepare()
        path = self.folder / _ENCODER
        if not path.exists():
            raise DataError(
                f"the encoder {form.encoder} was not kept, since pickle cannot write it; models that read texts by it "
                f"are not exported (where pickle now can, remove {self.folder} and try again)"
            )
        with np.load(path) as arrays:
            return restore_encoder(form, dict(arrays))

    def on(self, rows: np.ndarray, device: torch.device, dtype: torch.dtype) -> DeviceRows:
        """Rows as the cache has them."""
        import torch

        return DeviceRows(torch.tensor(self.open()[rows], dtype=dtype, device=device))

    def prepare(self) -> None:
        """Encodes all rows where the cache has them not. Several processes may do so at a time; one of them wins."""
        if (self.folder / _ROWS).exists():
            return
        count = len(self.texts)
        if count >= _MANY:
            Console(stderr=True).print(
                f"Encoding {count:,} texts ({self.texts.encoder.encoder}); kept in {self.folder}"
            )
        encoder = self.texts.encoder.fit(list(self.texts.packed.take(np.sort(self.fitted_on))))
        try:
            text_cache().mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=text_cache(), prefix="writing-"))
            try:
                self._write(partial, encoder)
                try:
                    os.replace(partial, self.folder)
                except OSError:
                    if not (self.folder / _ROWS).exists():
                        raise
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        except OSError as error:
            where = error.filename or text_cache()
            raise DataError(f"encoded texts cannot be kept in {where}: {error.strerror or error}") from None

    def _write(self, folder: Path, encoder: FittedEncoder) -> None:
        shape = (len(self.texts), encoder.width)
        rows = np.lib.format.open_memmap(folder / _ROWS, mode="w+", dtype=np.float32, shape=shape)
        many = shape[0] >= _MANY
        with show_progress("Encoding texts", shape[0]) if many else nullcontext(None) as tell:
            for start in range(0, shape[0], _MANY):
                own = np.arange(start, min(start + _MANY, shape[0]))
                rows[own] = encoder.encode(list(self.texts.packed.take(own)))
                if tell is not None:
                    tell(len(own))
        rows.flush()
        with suppress(DataError):  # which `read_encoder` tells whoever needs it
            np.savez(folder / _ENCODER, allow_pickle=False, **encoder.arrays())
        about = {"encoder": asdict(self.texts.encoder), "columns": self.texts.columns, "rows": shape[0]}
        (folder / "about.json").write_text(json.dumps(about))
