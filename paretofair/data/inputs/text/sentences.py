"""A model of sentences from a folder of this machine, as an encoder of texts; nothing is downloaded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paretofair.errors import DataError


class SentenceEncoder:
    """Embeddings by `sentence-transformers` (the extra `text`).

    Args:
        model: A folder with a saved model of sentence-transformers or transformers.
        batch_size: Texts that go through the model at a time.
        device: Where it runs; by default where sentence-transformers puts it.

    Raises:
        DataError: no such folder, or the extra is not installed.
    """

    def __init__(self, model: str, batch_size: int = 64, device: str | None = None) -> None:
        if not Path(model).is_dir():
            raise DataError(f"model: no folder {model!r}; save a model there first, nothing is downloaded")
        self.model, self.batch_size, self.device = model, batch_size, device
        self._loaded: Any = None

    def fit(self, texts: Sequence[str]) -> SentenceEncoder:
        """It has learned what it knows elsewhere."""
        self._load()
        return self

    def transform(self, texts: Sequence[str]) -> np.ndarray:
        """`(n, width)` float32."""
        found = self._load().encode(list(texts), batch_size=self.batch_size, show_progress_bar=len(texts) > 1000)
        return np.asarray(found, dtype=np.float32)

    def _load(self) -> Any:
        if self._loaded is None:
            try:
                from sentence_transformers import SentenceTransformer
            except ImportError:
                raise DataError("the encoder sentence needs the extra text: pip install 'paretofair[text]'") from None
            self._loaded = SentenceTransformer(self.model, device=self.device, local_files_only=True)
        return self._loaded


def digest_folder(model: str) -> str:
    """16 hexadecimal digits of all files of a model; "" where there is no such folder."""
    folder, known = Path(model), hashlib.sha256()
    if not folder.is_dir():
        return ""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        known.update(file.relative_to(folder).as_posix().encode() + b"\0")
        with file.open("rb") as content:
            known.update(hashlib.file_digest(content, "sha256").digest())
    return known.hexdigest()[:16]
