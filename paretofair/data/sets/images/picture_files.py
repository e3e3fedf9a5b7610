"""Pictures of known data sets in a folder or zip archive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paretofair.data.inputs.augmentation import Augmentation
from paretofair.data.inputs.decoding import PictureFaults
from paretofair.data.inputs.images import Images
from paretofair.data.inputs.pictures import PictureForm
from paretofair.errors import DataError


def read_pictures(root: Path, files: Sequence[str], form: PictureForm, augment: Augmentation) -> Images:
    """The pictures of rows; a DataError names the first file that cannot be read."""
    try:
        return Images.of(root, files, form, augment)
    except PictureFaults as error:
        raise DataError(f"{root}: {error.describe(files)}") from None
