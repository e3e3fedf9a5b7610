"""What an exported model does with the texts of a frame: as training cleaned and encoded them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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


def load_text_reader(described: Mapping[str, Any], path: Path, trust: bool = False) -> TextReader:
    """The reader that `describe` and `save` have written.

    Raises DataError for a file that is none, or another one, and where `trust` is missing for an encoder of the user's
    own, whose code runs when it is read.
    """
    encoder, options = described["encoder"], json.dumps(described["options"], sort_keys=True)
    if encoder not in KNOWN and not trust:
        what = f"names the encoder {encoder!r}, whose code would run here: give trust=True to run it"
        if ":" not in encoder:
            what = f"text.encoder: found {encoder!r}; accepted: {', '.join(KNOWN)}, or package.module:Encoder"
        raise DataError(f"{path.parent}: {what}")
    form = TextEncoder(encoder, options, described["dimensions"])
    try:
        with np.load(path) as arrays:
            fitted = restore_encoder(form, dict(arrays))
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(f"{path} holds no encoder of texts ({' '.join(str(error).split())[:100]})") from None
    if fitted.width != described["width"]:
        raise DataError(f"{path} makes {fitted.width} numbers of a text; the model reads {described['width']}")
    cleaning = Cleaning(described["markup"], described["longest"])
    return TextReader(tuple(described["columns"]), cleaning, fitted)
