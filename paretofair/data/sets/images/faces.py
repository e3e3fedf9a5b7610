"""What data sets of faces have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from paretofair.data.inputs.augmentation import Augmentation
from paretofair.data.inputs.decoding import PictureFaults
from paretofair.data.inputs.images import Images
from paretofair.data.inputs.pictures import PictureForm
from paretofair.errors import DataError
from paretofair.sections import Section


class FaceOptions(Section):
    """What is made of the pictures of faces.

    Attributes:
        size: Pixels of a side; the middle of a picture that is no square is taken.
        augment: The random changes that training sees, as in `[flip]`.
    """

    size: Annotated[int, Field(ge=8, le=512)] = 64
    augment: Augmentation = Augmentation()

    @property
    def form(self) -> PictureForm:
        """What every picture becomes."""
        return PictureForm(self.size, self.size)


def read_faces(root: Path, files: Sequence[str], options: FaceOptions) -> Images:
    """The pictures of rows in a folder or zip archive; a DataError names the file that cannot be read."""
    try:
        return Images.of(root, files, options.form, options.augment)
    except PictureFaults as error:
        row, words = next(iter(error.faults.items()))
        more = f" ({len(error.faults) - 1:,} more such files)" if len(error.faults) > 1 else ""
        raise DataError(f"{root}: picture {files[row]!r} {words}{more}") from None
