"""What a table asks of a kind of input that is none of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from paretofair.data.inputs.protocol import Inputs
from paretofair.sections import Section

if TYPE_CHECKING:
    from paretofair.data.reading.cell_table import CellTable


class GivenInputs(NamedTuple):
    """Inputs, one for each row of a table, and the SHA-256 of files that were read whole for them, by name."""

    inputs: Inputs
    checksums: Mapping[str, str] = MappingProxyType({})


class InputKind(Section):
    """The options of a kind of input as a space file gives them, below its name in `inputs:`."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that it reads."""
        raise NotImplementedError

    def relative_to(self, folder: Path) -> InputKind:
        """The same with its paths made absolute; a ValueError for a text that is no path."""
        raise NotImplementedError

    def read(self, table: CellTable) -> GivenInputs:
        """The inputs of every row, in the order of the table, in which all `columns` exist.

        Whatever is wrong with a row is a DataError before any work starts, by `table.fail` with the row
        (`table.place`). What its owner should know is said by `table.say`.
        """
        raise NotImplementedError
