"""One picture: found in a folder or a zip archive, and decoded to bytes of one size."""

from __future__ import annotations

import io
import os
import posixpath
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np

from paretofair.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

# Formats that are read. Others, as EPS, would start other programs.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
MOST_PIXELS = 89_478_485  # of one picture; a file of a few bytes may claim any number
_MOST_BYTES = 1 << 28  # of one file
_EIGHT_BITS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")
Fit = Literal["crop", "stretch"]
Blur = Literal["none", "paper", "code"]
_SIGMA = 3  # pixels, of "paper"


class PictureError(Exception):
    """What is wrong with one picture, in words that are read behind its name."""


@dataclass(frozen=True)
class PictureForm:
    """What every picture becomes.

    Attributes:
        height, width: In pixels.
        channels: 3 (red, green, blue) or 1 (grey by ITU-R 601).
        fit: "crop": the largest part in the middle that has the form is scaled; "stretch": the whole picture is.
        blur: "paper": the scaled picture is blurred by a Gaussian with a deviation of 3 pixels, as "Technical
            Challenges" says; "code": the histogram of the picture is equalised and a kernel of 3 x 3 laid over it
            before it is scaled, as the code does that the paper names.
    """

    height: int
    width: int
    channels: int = 3
    fit: Fit = "crop"
    blur: Blur = "none"

    def __repr__(self) -> str:
        """Without a blur that is none: what stood in identities before there was any."""
        blur = "" if self.blur == "none" else f", blur={self.blur!r}"
        size = f"height={self.height}, width={self.width}, channels={self.channels}, fit={self.fit!r}"
        return f"PictureForm({size}{blur})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return self.channels, self.height, self.width

    def decode(self, content: bytes) -> np.ndarray:
        """The picture in a file's content, `(channels, height, width)` uint8.

        It is turned as its EXIF data say, transparency is laid on black, and it is scaled bilinearly.

        Raises:
            PictureError: no picture of the known formats, a damaged one, one of more than 8 bits a channel, or one with
                more than `MOST_PIXELS`.
        """
        check_pillow()
        from PIL import Image, UnidentifiedImageError

        if not content:
            raise PictureError("is empty")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd metadata, and of many pixels, which are counted here
                with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                    return self.convert(image)
        except Image.DecompressionBombError:
            _refuse_pixels("more")
        except UnidentifiedImageError:
            raise PictureError(f"is no picture; accepted: {', '.join(FORMATS)}") from None
        except (
            OSError,
            ValueError,
            SyntaxError,
            EOFError,
            IndexError,
            zlib.error,
            MemoryError,
            OverflowError,
        ) as error:
            reason = " ".join(str(error).split())[:100] or type(error).__name__
            raise PictureError(f"is a damaged picture ({reason})") from None

    def convert(self, image: Image.Image) -> np.ndarray:
        """An opened picture, `(channels, height, width)` uint8; a PictureError as from `decode`."""
        from PIL import Image, ImageFilter, ImageOps

        if image.width * image.height > MOST_PIXELS:
            _refuse_pixels(f"{image.width:,} × {image.height:,}")
        if image.mode not in _EIGHT_BITS:
            raise PictureError(f"has more than 8 bits a channel (mode {image.mode}); save it with 8")
        found = ImageOps.exif_transpose(image)
        if found.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in found.info:
            found = found.convert("RGBA")
            found = Image.alpha_composite(Image.new("RGBA", found.size, (0, 0, 0, 255)), found)
        found = found.convert("RGB" if self.channels == 3 else "L")
        if self.blur == "code":
            found = ImageOps.equalize(found).filter(ImageFilter.Kernel((3, 3), [1, 2, 1, 2, 4, 2, 1, 2, 1]))
        size = self.width, self.height
        if self.fit == "crop" and found.size != size:
            found = ImageOps.fit(found, size, Image.Resampling.BILINEAR)
        elif found.size != size:
            found = found.resize(size, Image.Resampling.BILINEAR)
        if self.blur == "paper":
            found = found.filter(ImageFilter.GaussianBlur(_SIGMA))
        return np.asarray(found, dtype=np.uint8).reshape(self.height, self.width, -1).transpose(2, 0, 1)


def check_pillow() -> None:
    """Raises DataError, which says what to install, where Pillow is missing."""
    try:
        import PIL.Image
    except ImportError:
        raise DataError(
            "pictures are read by Pillow, which is not installed: pip install 'paretofair[images]'"
        ) from None
    assert PIL.Image


def _refuse_pixels(count: str) -> NoReturn:
    raise PictureError(f"has {count} pixels; accepted: up to {MOST_PIXELS:,}")


class PictureRoot:
    """A folder or zip archive of pictures, which are named by their paths in it, with `/` between folders.

    Raises:
        DataError: neither a folder nor a zip archive.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            self._archive = None
            return
        try:
            self._archive = zipfile.ZipFile(self.path)
        except FileNotFoundError:
            raise DataError(f"{self.path}: no such folder or zip archive of pictures") from None
        except (zipfile.BadZipFile, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise DataError(
                f"{self.path}: expected a folder or a zip archive of pictures; found neither ({reason})"
            ) from None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self._archive is None

    @cached_property
    def _members(self) -> dict[str, zipfile.ZipInfo]:
        assert self._archive is not None
        return {info.filename: info for info in self._archive.infolist() if not info.is_dir()}

    def close(self) -> None:
        """Lets go of the archive."""
        if self._archive is not None:
            self._archive.close()

    def find_fault(self, name: str) -> str | None:
        """Why there is no such picture, in words behind its name; None where it is there."""
        if not name:
            return "is missing"
        plain = name.replace("\\", "/")
        if any(ord(letter) < 32 for letter in name):
            return "has a line break or another control character in its name"
        if plain.startswith("/") or plain[1:2] == ":" or ".." in plain.split("/"):
            return f"leaves {self.path}; accepted: paths in it"
        if self._archive is not None:
            return None if name in self._members else f"is not in {self.path}"
        try:
            return None if (self.path / name).is_file() else f"is not in {self.path}"
        except OSError as error:
            return f"can't be looked for ({error.strerror or error})"

    def suggest(self, name: str) -> str:
        """A name of the root's that was probably meant by one that it has not, as a sentence's end; "" for none."""
        bare, stem = posixpath.basename(name), posixpath.splitext(posixpath.basename(name))[0]
        found = [each for each in self.names() if posixpath.basename(each) == bare]
        found = found or [each for each in self.names() if posixpath.splitext(posixpath.basename(each))[0] == stem]
        return f"; did you mean {found[0]!r}?" if len(found) == 1 and found[0] != name else ""

    def names(self) -> Iterable[str]:
        """Every file in it that is named as a picture."""
        if self._archive is not None:
            own = (name for name in self._members if not name.startswith("__MACOSX/"))
        else:
            own = (
                Path(folder, file).relative_to(self.path).as_posix()
                for folder, _, files in os.walk(self.path)
                for file in files
            )
        return (name for name in own if name.lower().endswith(SUFFIXES))

    def stamp(self, names: Sequence[str]) -> Iterable[str]:
        """What changes with one of these files: of a folder the size and time of each, else those of the archive."""
        if self._archive is not None:
            stat = self.path.stat()
            return (f"{stat.st_size} {stat.st_mtime_ns}", *names)
        return (f"{name} {stat.st_size} {stat.st_mtime_ns}" for name in names for stat in [(self.path / name).stat()])

    def read(self, name: str) -> bytes:
        """The content of a file; a PictureError where it can't be read."""
        try:
            if self._archive is None:
                with (self.path / name).open("rb") as file:
                    content = file.read(_MOST_BYTES + 1)
            else:
                with self._archive.open(self._members[name]) as member:
                    content = member.read(_MOST_BYTES + 1)
        except KeyError:
            raise PictureError(f"is not in {self.path}") from None
        except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise PictureError(f"can't be read ({' '.join(str(error).split())[:100]})") from None
        if len(content) > _MOST_BYTES:
            raise PictureError(f"has more than {_MOST_BYTES >> 20} MiB")
        return content
