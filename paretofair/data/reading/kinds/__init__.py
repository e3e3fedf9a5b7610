"""Kinds of input that a table may describe in place of columns: one file for each.

To add a kind, write a file with a subclass of `InputKind`, which has its options and makes `Inputs` of the cells of a
table, and list it in `InputKinds`.
"""

from __future__ import annotations

from paretofair.data.reading.kinds.embeddings import EmbeddingFile
from paretofair.data.reading.kinds.images import ImageFiles
from paretofair.data.reading.kinds.kind import GivenInputs, InputKind
from paretofair.data.reading.kinds.text import TextColumns
from paretofair.sections import Section


class InputKinds(Section):
    """Every kind by its name in a space file; at most one is given."""

    images: ImageFiles | None = None
    text: TextColumns | None = None
    embeddings: EmbeddingFile | None = None

    @property
    def given_kinds(self) -> dict[str, InputKind]:
        """Those that are given, by name."""
        found = {name: getattr(self, name) for name in InputKinds.model_fields}
        return {name: kind for name, kind in found.items() if kind is not None}

    @property
    def kind(self) -> InputKind | None:
        """The given one; None where inputs are columns."""
        return next(iter(self.given_kinds.values()), None)


__all__ = ["EmbeddingFile", "GivenInputs", "ImageFiles", "InputKind", "InputKinds", "TextColumns"]
