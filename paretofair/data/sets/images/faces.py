"""What data sets of faces have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from paretofair.data.inputs.augmentation import Augmentation
from paretofair.data.inputs.pictures import PictureForm
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
