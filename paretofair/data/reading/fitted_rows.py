"""The readers of new rows for a model that was trained on fitted inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from paretofair.data.inputs.columns import MISSING, Columns, FittedColumns
from paretofair.data.inputs.images import FittedImages
from paretofair.data.inputs.joined import FittedJoined
from paretofair.data.inputs.picture_reader import PictureReader
from paretofair.data.inputs.protocol import FittedInputs
from paretofair.data.inputs.text.reader import TextReader
from paretofair.data.inputs.text.texts import FittedTexts
from paretofair.data.reading.cells import CellRules
from paretofair.data.reading.csv_schema import CsvSchema
from paretofair.data.reading.row_reader import RowReader, TableOfModel
from paretofair.errors import DataError


def make_row_readers(
    inputs: FittedInputs, files: Mapping[str, CsvSchema], sources: Sequence[str]
) -> dict[str, RowReader]:
    """How new rows are read, by the name of their source; one of the name "" where all rows are read alike.

    Args:
        inputs: What the model was trained on.
        files: The described files by source, one of the name "" where they are no sources; none of a known data set.
        sources: The names of joined data sets, in the order of their rows.

    Raises:
        DataError: Inputs of another kind than columns, texts and pictures, or texts whose encoder cannot be kept.
    """
    if isinstance(inputs, FittedJoined):
        sizes = [math.prod(part.shape) if inputs.in_blocks else 0 for part in inputs.parts]
        return {
            name: _make_reader(part, files.get(name), (sum(sizes[:place]), sum(sizes[place + 1 :])))
            for place, (name, part) in enumerate(zip(sources, inputs.parts, strict=True))
        }
    # Texts that are encoded alike may stand in columns of other names in each file.
    columns = {name: file.inputs.text.columns for name, file in files.items() if file.inputs.text is not None}
    if isinstance(inputs, FittedTexts) and len(set(columns.values())) > 1:
        encoder, cleaning = inputs.read_encoder(), inputs.texts.cleaning
        return {
            name: RowReader(table=describe_table(files[name]), text=TextReader(own, cleaning, encoder))
            for name, own in columns.items()
        }
    return {"": _make_reader(inputs, next(iter(files.values()), None), (0, 0))}


def _make_reader(inputs: FittedInputs, file: CsvSchema | None, around: tuple[int, int]) -> RowReader:
    if isinstance(inputs, FittedColumns):
        columns = inputs.columns
        return RowReader(inputs.encoding, describe_table(file, columns), dict(columns.fills), around=around)
    if isinstance(inputs, FittedTexts):
        return RowReader(table=describe_table(file), text=inputs.make_reader(), around=around)
    if isinstance(inputs, FittedImages):
        kind = None if file is None else file.inputs.images
        named = ("", "", None) if kind is None else (kind.column, kind.suffix, kind.root)
        reader = PictureReader(inputs.images.form, inputs.mean, inputs.scale, *named)
        return RowReader(table=describe_table(file), pictures=reader, around=around)
    raise DataError("only models that read columns, texts or pictures are exported")


def describe_table(csv: CsvSchema | None, columns: Columns | None = None) -> TableOfModel:
    """How the file is written that a model was trained on; `csv` is None for a known data set."""
    said = {}
    rules = CellRules()
    if csv is not None:
        rules = csv.rules
        said = {name: getattr(csv, name) for name in ("separator", "encoding", "decimal", "thousands")}
    numbers = []
    for name, table in zip(columns.categorical_names, columns.tables, strict=True) if columns is not None else ():
        values = [rules.read_number(text) for text in table if text != MISSING]
        # Where equal numbers are two categories the file says that they are texts.
        if not np.isnan(values).any() and len(set(values)) == len(values):
            numbers.append(name)
    return TableOfModel(**said, missing=tuple(sorted(rules.missing)), numbers=tuple(numbers))
