"""`inputs: {embeddings: …}`: vectors that another network has made, in a file, looked up by a column of keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from paretofair.data.digest import hash_file
from paretofair.data.inputs.vector_files import VectorFile
from paretofair.data.reading.kinds.kind import GivenInputs, InputKind
from paretofair.naming import show

if TYPE_CHECKING:
    from paretofair.data.reading.cell_table import CellTable


class EmbeddingFile(InputKind):
    """Vectors in an `.npz`, `.npy` or Parquet file.

    Attributes:
        file: The file, relative to the folder of the space file.
        key: The column of the table whose cells are the keys. Several rows may have one key.
        vectors: Name of the array or column with the vectors in the file; not needed where there is only one.
        keys: Name of the array or column with their keys, likewise; of an `.npy` file another file, `.npy` or text with
            a key in each line.
    """

    file: str
    key: str
    vectors: str | None = None
    keys: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The one with the keys."""
        return (self.key,)

    def relative_to(self, folder: Path) -> EmbeddingFile:
        """The same with its files made absolute."""
        paths = {"file": str((folder / self.file).resolve())}
        if self.keys is not None and self.file.endswith(".npy"):
            paths["keys"] = str((folder / self.keys).resolve())
        return self.model_copy(update=paths)

    def read(self, table: CellTable) -> GivenInputs:
        """The vector of every row; a DataError names the row whose key no vector has, and a key that stands twice."""
        from paretofair.data.inputs.embeddings import Embeddings, MissingKey

        file = VectorFile(self.file, self.vectors, self.keys)
        file.read_keys()  # which says what is wrong with the file
        checksum = hash_file(Path(self.file))
        try:
            found = Embeddings.of(file, checksum, table.cells(self.key).tolist())
        except MissingKey as error:
            name = Path(self.file).name
            what = f"no vector in {name} has the key {error.key!r}" if error.key else "the key is missing"
            table.fail(f"{table.place(error.row)}, column {self.key!r}: {what}{error.more}")
        made_by = file.describe_making()
        if made_by is not None:
            table.say(f"{Path(self.file).name} was made by {show(made_by)}.")
        if found.unused:
            are = "vector is" if found.unused == 1 else "vectors are"
            table.say(f"{found.unused:,} {are} in {Path(self.file).name} that no row names.")
        return GivenInputs(found, {Path(self.file).name: checksum})
