"""Pictures for a model that is there: read as those that it was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paretofair.data.inputs.pictures import PictureError, PictureForm, PictureRoot, check_pillow
from paretofair.errors import DataError

_ACCEPTED = "paths, Pillow images, or arrays of bytes (height, width) or (height, width, channels)"


@dataclass(frozen=True)
class PictureReader:
    """What becomes of a picture before a network reads it.

    Attributes:
        form: Size and channels.
        mean, scale: `(channels,)` float64, in bytes; the scale of a channel that was constant is infinite.
        column: The column of a frame that names files; "" for a model that was trained on no table.
        suffix: What stands behind every name in it.
        root: The folder or zip archive of these files; None: their names are paths.
    """

    form: PictureForm
    mean: np.ndarray
    scale: np.ndarray
    column: str = ""
    suffix: str = ""
    root: str | None = None

    @property
    def words(self) -> str:
        """The pictures in words."""
        colors = {1: "grey", 3: "red, green and blue"}.get(self.form.channels, f"{self.form.channels} channels")
        fit = "the middle of a picture of another form" if self.form.fit == "crop" else "stretched"
        return f"pictures of {self.form.height} × {self.form.width} pixels, {colors} ({fit})"

    def describe(self) -> dict[str, Any]:
        """Plain data for `model.json`."""
        scale = [each if np.isfinite(each) else str(each) for each in self.scale.tolist()]
        named = {"column": self.column, "suffix": self.suffix} if self.column else {}
        return {**asdict(self.form), "mean": self.mean.tolist(), "scale": scale, **named}

    def read(self, pictures: Sequence[Any], first: int = 0, root: PictureRoot | None = None) -> np.ndarray:
        """`(pictures, channels, height, width)` float32 of paths, images or arrays, as training normalises them.

        `first` is the number of the first one in errors; names that are no whole paths are looked for in `root`.

        Raises:
            DataError: one that cannot be read, by its place from 0.
        """
        pixels = np.empty((len(pictures), *self.form.shape), dtype=np.uint8)
        for place, picture in enumerate(pictures):
            try:
                pixels[place] = self._decode(picture, root)
            except PictureError as error:
                name = f" ({picture})" if isinstance(picture, str | Path) and str(picture) else ""
                raise DataError(f"picture {place + first}{name} {error}") from None
        return self.normalise(pixels)

    def normalise(self, pixels: np.ndarray) -> np.ndarray:
        """What a network reads of bytes `(pictures, channels, height, width)`, float32."""
        mean, scale = (each.astype(np.float32)[:, None, None] for each in (self.mean, self.scale))
        return np.asarray((pixels.astype(np.float32) - mean) / scale)

    def _decode(self, picture: Any, root: PictureRoot | None) -> np.ndarray:
        if isinstance(picture, str) and not picture:
            raise PictureError("is missing")
        if isinstance(picture, str) and root is not None and not Path(picture).is_absolute():
            fault = root.find_fault(picture)
            if fault is not None:
                raise PictureError(fault)
            return self.form.decode(root.read(picture))
        if isinstance(picture, str | Path):
            try:
                content = Path(picture).read_bytes()
            except OSError as error:
                raise PictureError(f"can't be read: {error.strerror or error}") from None
            return self.form.decode(content)
        if isinstance(picture, np.ndarray):
            return self._convert(picture)
        if hasattr(picture, "convert") and hasattr(picture, "size"):
            return self.form.convert(picture)
        raise PictureError(f"is a {type(picture).__name__}; accepted: {_ACCEPTED}")

    def _convert(self, array: np.ndarray) -> np.ndarray:
        pixels = array if array.ndim == 3 else array[..., None]
        if array.dtype != np.uint8 or array.ndim not in (2, 3) or not array.size:
            raise PictureError(f"is {array.dtype} {array.shape}; accepted: {_ACCEPTED}")
        if pixels.shape == (self.form.height, self.form.width, self.form.channels) and self.form.blur == "none":
            return pixels.transpose(2, 0, 1)
        if self.form.channels == 2 or pixels.shape[2] not in (1, 3, 4):
            wanted = (self.form.height, self.form.width, self.form.channels)
            raise PictureError(f"has the shape {array.shape}; expected {wanted}")
        check_pillow()
        from PIL import Image

        return self.form.convert(Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))


def list_pictures(given: Any) -> list[Any]:
    """One picture, a list, a column of paths, or an array of several pictures, as a list.

    Raises:
        DataError: anything else.
    """
    if isinstance(given, str | Path) or (hasattr(given, "convert") and hasattr(given, "mode")):
        return [given]
    if isinstance(given, np.ndarray) and given.ndim in (2, 3) and given.dtype == np.uint8:
        return [given]
    if hasattr(given, "columns"):
        raise DataError(f'found a frame; the model reads pictures: give {_ACCEPTED}, as "folder/" + frame["file"]')
    if isinstance(given, Iterable):
        return list(given)
    raise DataError(f"found a {type(given).__name__}; accepted: {_ACCEPTED}, one or several")
