"""What a trained network reads of new rows: columns, texts or pictures, as training read them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from paretofair.data.inputs.encoding import Encoding, fit_encoding
from paretofair.data.inputs.picture_reader import PictureReader, list_pictures
from paretofair.data.inputs.pictures import PictureForm, PictureRoot
from paretofair.data.inputs.text.reader import TextReader, load_text_reader
from paretofair.data.reading.cell_table import CellTable, read_raw_table
from paretofair.data.reading.cells import MISSING_WORDS, CellRules, text_of
from paretofair.data.reading.csv_schema import Decimal, Separator, TextEncoding, Thousands
from paretofair.data.reading.frames import Categories, find_column, read_numbers
from paretofair.errors import DataError
from paretofair.sections import Section

NO_COLUMNS = fit_encoding(np.zeros((1, 0)), (), (), ())
_MISSING = "_missing"
_CHUNK = 256  # pictures at a time
_Names = Annotated[tuple[str, ...], Field(strict=False)]
logger = logging.getLogger("paretofair")


class TableOfModel(Section):
    """How the file that a model was trained on is written, for files and frames that it scores.

    Attributes:
        separator: Between fields; None for a model that was not trained on a file of the user's own.
        encoding, decimal, thousands: As in `CsvSchema`.
        missing: All words that count as missing.
        numbers: The categorical inputs whose values are numbers, so that equal ones are one category.
    """

    separator: Separator | None = None
    encoding: TextEncoding | None = None
    decimal: Decimal = "."
    thousands: Thousands = ""
    missing: _Names = MISSING_WORDS
    numbers: _Names = ()

    @property
    def rules(self) -> CellRules:
        """What cells mean."""
        return CellRules(frozenset(self.missing), self.decimal, self.thousands)


@dataclass(frozen=True)
class RowReader:
    """From the rows of a frame to what a network reads of them.

    Attributes:
        encoding: How columns are encoded; of none where texts or pictures are read.
        table: How the file of training is written.
        fills: What stands for missing numbers, by column.
        text: How texts are read, by a model of these.
        pictures: How pictures are read, by a model of these.
        around: How many numbers of other sources stand before and behind those of a row; they are 0.
    """

    encoding: Encoding = NO_COLUMNS
    table: TableOfModel = field(default_factory=TableOfModel)
    fills: Mapping[str, float] = field(default_factory=dict)
    text: TextReader | None = None
    pictures: PictureReader | None = None
    around: tuple[int, int] = (0, 0)

    @property
    def inputs(self) -> list[str]:
        """The columns that a frame must have. Numeric ones are in the units of the data set; others are text."""
        if self.text is not None:
            return list(self.text.columns)
        if self.pictures is not None:
            return [self.pictures.column] if self.pictures.column else []
        numeric = [name for name in self.encoding.numeric_names if name.removesuffix(_MISSING) not in self._fills(name)]
        return [*numeric, *self.encoding.categorical_names]

    def read_csv(self, path: str | Path) -> pd.DataFrame:
        """The named columns of a file, as `ExportedModel.read_csv`, of a model that was trained on a file."""
        file = Path(path)
        raw = read_raw_table(file, self.table.separator or ",", self.table.encoding)
        cells, inputs = CellTable(file, raw, self.table.rules), self.inputs
        # Of other columns those that are one are taken along.
        names = [name for name, places in cells.positions.items() if name in inputs or len(places) == 1]
        numeric = set(self.encoding.numeric_names)
        if self.text is not None or self.pictures is not None:
            return pd.DataFrame({name: cells.cells(name) for name in names})
        return pd.DataFrame({name: cells.numbers(name) if name in numeric else cells.texts(name) for name in names})

    def encode(self, given: Any) -> np.ndarray:
        """Of columns z-scores, then one-hot blocks, `(rows, F)`; of texts the numbers that their encoder makes; of
        pictures `(rows, channels, height, width)`. float32.

        Raises:
            DataError: As `ExportedModel.encode`.
        """
        return np.concatenate(list(self.encode_in_chunks(given)))

    def encode_in_chunks(self, given: Any) -> Iterator[np.ndarray]:
        """The same; pictures, which are large, a few at a time."""
        if self.pictures is None:
            yield self._pad(self._encode_frame(given))
            return
        of_frame = hasattr(given, "columns") and bool(self.pictures.column)
        pictures = self._find_files(given) if of_frame else list_pictures(given)
        root = PictureRoot(self.pictures.root) if of_frame and self.pictures.root is not None else None
        with nullcontext() if root is None else closing(root):
            for first in range(0, max(len(pictures), 1), _CHUNK):
                pixels = self.pictures.read(pictures[first : first + _CHUNK], first, root)
                yield pixels if self.around == (0, 0) else self._pad(pixels.reshape(len(pixels), -1))

    def describe(self) -> dict[str, Any]:
        """What `model.json` says of it."""
        described: dict[str, Any] = {
            "encoding": {
                "numeric_names": self.encoding.numeric_names,
                "mean": self.encoding.mean.tolist(),
                "scale": [make_plain(each) for each in self.encoding.scale.tolist()],
                "categorical_names": self.encoding.categorical_names,
                "categories": self.encoding.categories,
            },
            "fills": dict(self.fills),
            "table": self.table.model_dump(mode="json"),
        }
        if self.around != (0, 0):
            described["around"] = list(self.around)
        if self.text is not None:
            described["text"] = self.text.describe()
        if self.pictures is not None:
            described["pictures"] = self.pictures.describe()
        return described

    def _encode_frame(self, frame: pd.DataFrame) -> np.ndarray:
        columns = {name: find_column(frame, name) for name in self.inputs}
        absent = [name for name, values in columns.items() if values is None]
        if absent:
            raise DataError(f"the frame has no column {', '.join(absent)}; expected {', '.join(self.inputs)}")
        found = {name: values for name, values in columns.items() if values is not None}
        if self.text is not None:
            return self.text.read([self._texts(found[name]) for name in self.inputs])
        numeric = [self._numbers(found, name) for name in self.encoding.numeric_names]
        rows = len(frame)
        codes = np.zeros((rows, len(self.encoding.categorical_names)), dtype=np.int64)
        read: dict[str, np.ndarray] = {}
        for place, name in enumerate(self.encoding.categorical_names):
            known = Categories(name, self.encoding.categories[place], self.table.rules, name in self.table.numbers)
            read[name] = known.read(found[name])
            texts, of_rows = np.unique(read[name], return_inverse=True)
            codes[:, place] = self.encoding.find_codes(place, texts.tolist())[of_rows]
        scores = self.encoding.scale_numbers(np.stack(numeric, 1) if numeric else np.zeros((rows, 0)))
        for place, name in enumerate(self.encoding.categorical_names):
            unseen = int((codes[:, place] == 0).sum())
            if unseen:
                new, seen = np.unique(read[name][codes[:, place] == 0]).tolist(), self.encoding.categories[place]
                words = (
                    "%d of %d rows have a value of %s that was not seen in training (%s), and count as no known one."
                )
                logger.warning(f"{words} Known are %s.", unseen, rows, name, _name_some(new), _name_some(seen))
        return self.encoding.join(scores, codes).astype(np.float32)

    def _pad(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.around == (0, 0) else np.pad(rows, ((0, 0), self.around))

    def _find_files(self, frame: pd.DataFrame) -> list[Any]:
        """The pictures that a frame names: texts as in the table of training, or whatever else is a picture."""
        assert self.pictures is not None, "called of pictures"
        cells = find_column(frame, self.pictures.column)
        if cells is None:
            raise DataError(f"the frame has no column {self.pictures.column}, which names the pictures")
        missing = cells.isna()
        return [
            "" if gone else cell.strip() and cell.strip() + self.pictures.suffix if isinstance(cell, str) else cell
            for cell, gone in zip(cells.astype(object), missing, strict=True)
        ]

    def _fills(self, name: str) -> Mapping[str, float]:
        return self.fills if name.endswith(_MISSING) else {}

    def _texts(self, cells: pd.Series) -> list[str]:
        rules = self.table.rules
        texts = [text_of(value).strip() for value in cells.astype(object)]
        return ["" if rules.is_missing(text) else text for text in texts]

    def _numbers(self, columns: Mapping[str, pd.Series], name: str) -> np.ndarray:
        base = name.removesuffix(_MISSING)
        if base in self._fills(name):
            return np.isnan(read_numbers(columns[base], base, self.table.rules)).astype(float)
        values = read_numbers(columns[name], name, self.table.rules)
        values = np.where(np.isnan(values), self.fills.get(name, np.nan), values)
        wrong = np.flatnonzero(np.isnan(values))
        if len(wrong):
            row = columns[name].index[wrong[0]]
            words = (
                "a missing value; training had none in this column, so nothing stands for it: fill it as you see fit"
            )
            raise DataError(f"column {name}, row {row}: found {words}")
        return values


def _name_some(words: Sequence[str]) -> str:
    return ", ".join(words[:10]) + (f" and {len(words) - 10} more" if len(words) > 10 else "")


def restore_row_reader(said: Mapping[str, Any], text_file: Path, root: str | None, trust: bool) -> RowReader:
    """The reader that `describe` has written; `root` is where pictures are looked for. Raises DataError for a file of
    texts that is none, or whose code would run and is not trusted."""
    encoding = said["encoding"]
    pictures = None
    if said.get("pictures"):
        own = said["pictures"]
        form = PictureForm(own["height"], own["width"], own["channels"], own["fit"], own.get("blur", "none"))
        mean, scale = (np.array([float(each) for each in own[key]]) for key in ("mean", "scale"))
        pictures = PictureReader(form, mean, scale, own.get("column", ""), own.get("suffix", ""), root)
    return RowReader(
        Encoding(
            tuple(encoding["numeric_names"]),
            np.array(encoding["mean"], dtype=float),
            np.array([float(each) for each in encoding["scale"]], dtype=float),
            tuple(encoding["categorical_names"]),
            tuple(map(tuple, encoding["categories"])),
        ),
        TableOfModel.model_validate(said.get("table", {})),
        said["fills"],
        load_text_reader(said["text"], text_file, trust) if said.get("text") else None,
        pictures,
        tuple(said.get("around", (0, 0))),
    )


def make_plain(value: float) -> float | str:
    """A number for JSON, which has no infinity and no NaN: these become text."""
    return value if np.isfinite(value) else str(value)
