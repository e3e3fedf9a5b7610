"""What an exported model does with the texts of a frame: as training cleaned and encoded them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paretofair.data.inputs.text.cleaning import Cleaning
from paretofair.data.inputs.text.encoders import KNOWN, FittedEncoder, TextEncoder, restore_encoder
from paretofair.errors import DataError


@dataclass(frozen=True)
class TextReader:
    """The columns of texts, how they are cleaned, and the encoder."""

    columns: tuple[str, ...]
    cleaning: Cleaning
    encoder: FittedEncoder

    def read(self, columns: Sequence[Sequence[str]]) -> np.ndarray:
        """`(rows, width)` float32 of the cells of the columns, in the order of `columns`, "" where one is missing."""
        joined = ["\n".join(filter(None, cells)) for cells in zip(*columns, strict=True)]
        return self.encoder.encode(self.cleaning.clean_all(joined)[0])

    def describe(self) -> dict[str, Any]:
        """What `model.json` says of it."""
        form = self.encoder.form
        return {
            "columns": list(self.columns),
            "markup": self.cleaning.markup,
            "longest": self.cleaning.longest,
            "encoder": form.encoder,
            "options": form.given,
            "dimensions": form.dimensions,
            "width": self.encoder.width,
        }

    def save(self, path: Path) -> None:
        """Writes what the encoder has learned, arrays alone."""
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **self.encoder.arrays())


def load_text_reader(described: dict[str, Any], path: Path) -> TextReader:
    """The reader that `describe` and `save` have written. Raises DataError for a file that is none, or another one."""
    if described["encoder"] not in KNOWN:
        raise DataError(f"{path.parent}: text.encoder: found {described['encoder']!r}; accepted: {', '.join(KNOWN)}")
    form = TextEncoder(described["encoder"], json.dumps(described["options"], sort_keys=True), described["dimensions"])
    try:
        with np.load(path) as arrays:
            encoder = restore_encoder(form, dict(arrays))
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(f"{path} holds no encoder of texts ({' '.join(str(error).split())[:100]})") from None
    if encoder.width != described["width"]:
        raise DataError(f"{path} makes {encoder.width} numbers of a text; the model reads {described['width']}")
    cleaning = Cleaning(described["markup"], described["longest"])
    return TextReader(tuple(described["columns"]), cleaning, encoder)
