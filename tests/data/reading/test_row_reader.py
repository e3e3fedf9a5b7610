"""New rows as training read them: columns, texts, pictures, and the blocks of joined sources."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from paretofair.data import CsvSchema, read_frame_dataset, split
from paretofair.data.inputs.joined import Joined
from paretofair.data.joining import join_datasets
from paretofair.data.reading.csv_schema import SourceSchema
from paretofair.data.reading.fitted_rows import make_row_readers
from paretofair.data.reading.row_reader import RowReader, restore_row_reader
from paretofair.errors import DataError
from paretofair.model_json import RowsOfModel
from tests.pictures import pack, write_pictures
from tests.texts import make_texts

ROWS = 60
BASE = {"path": "rows", "tasks": {"label": "label"}, "sensitive": {"sex": "sex"}}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def make_frame(**columns) -> pd.DataFrame:
    return pd.DataFrame({"label": [0, 1] * (ROWS // 2), "sex": ["f", "f", "m", "m"] * (ROWS // 4), **columns})


def of_training(inputs, rows: int) -> np.ndarray:
    """What the network read of every row."""
    on_device = inputs.on(np.arange(rows), torch.device("cpu"), torch.float32)
    return on_device.take(torch.arange(rows)).numpy()


def write_and_restore(reader: RowReader, folder, root=None) -> RowReader:
    if reader.text is not None:
        reader.text.save(folder / "text.npz")
    described = reader.describe()
    RowsOfModel.model_validate(described)
    return restore_row_reader(described, folder / "text.npz", root, trust=False)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_pictures_are_found_by_the_column_that_named_them(tmp_path, packed):
    names = write_pictures(tmp_path / "photos", ROWS, size=10)
    root = pack(tmp_path / "photos", tmp_path / "photos.zip") if packed else tmp_path / "photos"
    frame = make_frame(photo=[name.removesuffix(".png") for name in names])
    said = {"column": "photo", "root": str(root), "size": 8, "suffix": ".png"}
    inputs = split(read_frame_dataset(frame, CsvSchema.model_validate(BASE | {"inputs": {"images": said}}))).inputs
    schema = CsvSchema.model_validate(BASE | {"inputs": {"images": said}})
    reader = make_row_readers(inputs, {"": schema}, ())[""]
    assert reader.inputs == ["photo"]
    expected = of_training(inputs, ROWS)
    np.testing.assert_array_equal(reader.encode(frame), expected)
    np.testing.assert_array_equal(reader.encode(frame[["photo"]][::-1]), expected[::-1])
    again = write_and_restore(reader, tmp_path, str(root))
    np.testing.assert_array_equal(again.encode(frame), expected)
    # Whole paths are taken as they are, wherever the others are looked for.
    whole = frame.assign(photo=[str(tmp_path / "photos" / name) for name in frame["photo"]])
    np.testing.assert_array_equal(reader.encode(whole), expected)
    for photo, words in (("gone", "picture 1 .gone.png. is not in"), (None, "picture 1 is missing"), (" ", "missing")):
        with pytest.raises(DataError, match=words):
            reader.encode(frame.assign(photo=[names[0].removesuffix(".png"), photo] + ["x"] * (ROWS - 2)))
    with pytest.raises(DataError, match="the frame has no column photo, which names the pictures"):
        reader.encode(frame.drop(columns="photo"))


def test_texts_of_a_frame(tmp_path):
    notes = make_texts(ROWS).texts
    frame = make_frame(title=["<b>note</b>", None, "NA"] * (ROWS // 3), note=notes)
    schema = CsvSchema.model_validate(BASE | {"inputs": {"text": {"columns": ["title", "note"], "dimensions": 6}}})
    inputs = split(read_frame_dataset(frame, schema)).inputs
    reader = make_row_readers(inputs, {"": schema}, ())[""]
    np.testing.assert_array_equal(reader.encode(frame), of_training(inputs, ROWS))
    np.testing.assert_array_equal(write_and_restore(reader, tmp_path).encode(frame), of_training(inputs, ROWS))


def test_every_source_of_joined_data_is_read_into_its_block(tmp_path):
    texts = {"note": make_texts(ROWS).texts}
    numbers = {"age": np.arange(ROWS) % 7.0, "kind": ["a", "b", "c"] * (ROWS // 3)}
    names = write_pictures(tmp_path / "photos", ROWS, size=6)
    frames = {"ward": make_frame(**texts), "clinic": make_frame(**numbers), "lab": make_frame(photo=names)}
    said = {
        "ward": {"text": {"columns": "note", "dimensions": 5}},
        "clinic": {"exclude": ["sex"]},
        "lab": {"images": {"column": "photo", "root": str(tmp_path / "photos"), "size": 4}},
    }
    schemas = {
        name: SourceSchema.model_validate(BASE | {"inputs": own, "tasks": {name: "label"}})
        for name, own in said.items()
    }
    joined = join_datasets("all", {name: read_frame_dataset(frames[name], schemas[name]) for name in frames})
    assert isinstance(joined.inputs, Joined)
    inputs = split(joined).inputs
    readers = make_row_readers(inputs, schemas, joined.origin_names)
    expected = of_training(inputs, 3 * ROWS)
    for place, (name, reader) in enumerate(readers.items()):
        own = expected[place * ROWS : (place + 1) * ROWS]
        np.testing.assert_array_equal(reader.encode(frames[name]), own)
        again = write_and_restore(reader, tmp_path, str(tmp_path / "photos"))
        np.testing.assert_array_equal(again.encode(frames[name]), own)


def test_texts_of_one_encoder_in_columns_of_other_names():
    frames = {"ward": make_frame(note=make_texts(ROWS, 1).texts), "clinic": make_frame(text=make_texts(ROWS, 2).texts)}
    schemas = {
        name: SourceSchema.model_validate(
            BASE | {"tasks": {name: "label"}, "inputs": {"text": {"columns": column, "dimensions": 5}}}
        )
        for name, column in (("ward", "note"), ("clinic", "text"))
    }
    joined = join_datasets("all", {name: read_frame_dataset(frames[name], schemas[name]) for name in frames})
    inputs = split(joined).inputs
    readers = make_row_readers(inputs, schemas, joined.origin_names)
    found = [readers[name].encode(frame) for name, frame in frames.items()]
    np.testing.assert_array_equal(np.concatenate(found), of_training(inputs, 2 * ROWS))
