"""`inputs: {images: …}`: pictures in a folder or a zip archive, named by a column."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from paretofair.data.inputs.augmentation import Augmentation
from paretofair.data.inputs.pictures import Fit, PictureForm
from paretofair.data.reading.kinds.kind import GivenInputs, InputKind
from paretofair.sections import make_error

if TYPE_CHECKING:
    from paretofair.data.reading.cell_table import CellTable

_LARGEST = 4096  # pixels of a side


def _read_size(value: Any) -> Any:
    sides = (value, value) if isinstance(value, int) else tuple(value) if isinstance(value, list | tuple) else ()
    whole = all(isinstance(side, int) and not isinstance(side, bool) and 1 <= side <= _LARGEST for side in sides)
    if len(sides) != 2 or not whole:
        raise make_error(f"found {value!r}; expected the pixels of a side, as in 64, or [height, width], to {_LARGEST}")
    return sides


class ImageFiles(InputKind):
    """Pictures of the formats JPEG, PNG, WebP, BMP, GIF, TIFF and PPM.

    Attributes:
        column: The column that names the file of each row, by its path in `root`.
        root: A folder or a zip archive, relative to the folder of the space file.
        suffix: What stands behind each cell in the name of its file, as `.jpg` where cells have none.
        size: What every picture is scaled to: the pixels of a side, or [height, width].
        channels: 3 for colours, 1 for grey.
        fit: Of a picture of another form, `crop`: the largest part in its middle that has the form; `stretch`: all.
        augment: The random changes that training sees (`Augmentation`).
    """

    column: str
    root: str
    suffix: str = ""
    # Tuples, which YAML cannot write, are the one type that is read leniently: from lists.
    size: Annotated[tuple[int, int], Field(strict=False), BeforeValidator(_read_size)]
    channels: Literal[1, 3] = 3
    fit: Fit = "crop"
    augment: Augmentation = Augmentation()

    @property
    def columns(self) -> tuple[str, ...]:
        """The one that names the files."""
        return (self.column,)

    @property
    def form(self) -> PictureForm:
        """What every picture becomes."""
        return PictureForm(*self.size, self.channels, self.fit)

    def relative_to(self, folder: Path) -> ImageFiles:
        """The same with the root made absolute."""
        return self.model_copy(update={"root": str((folder / self.root).resolve())})

    def read(self, table: CellTable) -> GivenInputs:
        """The picture of every row; a DataError names the row and the file that cannot be read."""
        from paretofair.data.inputs.decoding import PictureFaults
        from paretofair.data.inputs.images import Images
        from paretofair.data.inputs.pictures import PictureRoot

        files = [cell and cell + self.suffix for cell in table.cells(self.column).tolist()]
        try:
            images = Images.of(self.root, files, self.form, self.augment)
        except PictureFaults as error:
            table.fail(f"{table.place(error.first)}, column {self.column!r}: {error.describe(files)}")
        named = set(files)
        with closing(PictureRoot(self.root)) as root:
            unused = sum(name not in named for name in root.names())
        if unused:
            are = "picture is" if unused == 1 else "pictures are"
            table.say(f"{unused:,} {are} in {Path(self.root).name} that no row names.")
        return GivenInputs(images)
