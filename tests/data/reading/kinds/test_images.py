"""`inputs: {images: …}` of a file and of a frame: what is read, and every fault with its row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from paretofair.data import CsvSchema, read_csv_dataset, read_frame_dataset, split
from paretofair.data.inputs.images import Images
from paretofair.data.sheet import describe_data
from paretofair.errors import DataError
from tests.pictures import pack, write_pictures

IMAGES = {"column": "file", "root": "pictures", "size": 8}
GIVEN = {"path": "faces.csv", "tasks": {"smile": "smile"}, "sensitive": {"sex": "sex"}, "inputs": {"images": IMAGES}}


def change(**images: object) -> CsvSchema:
    return CsvSchema.model_validate(GIVEN | {"inputs": {"images": IMAGES | images}})


@pytest.fixture
def frame(tmp_path):
    names = write_pictures(tmp_path / "pictures", 60)
    frame = pd.DataFrame(
        {"file": names, "smile": np.arange(60) % 2, "sex": np.array(["f", "m"])[np.arange(60) // 2 % 2]}
    )
    frame.to_csv(tmp_path / "faces.csv", index=False)
    return frame


def test_a_file_and_a_frame_are_one_data_set(tmp_path, frame):
    data = read_csv_dataset(change(), tmp_path)
    assert isinstance(data.inputs, Images)
    assert data.inputs.form.shape == (3, 8, 8)
    assert data.notes == ()
    assert list(data.checksums) == ["faces.csv"]
    assert read_frame_dataset(frame, change(), tmp_path).data_id == data.data_id
    packed = read_csv_dataset(change(root=str(pack(tmp_path / "pictures", tmp_path / "p.zip"))), tmp_path)
    assert packed.data_id == data.data_id
    assert describe_data(split(data)).other == "60 pictures of 8 × 8 pixels in 3 channels"


def test_options_reach_the_inputs(tmp_path, frame):
    data = read_csv_dataset(change(size=[8, 6], channels=1, fit="stretch", augment=["flip"]), tmp_path)
    assert data.inputs.form.shape == (1, 8, 6)
    assert data.inputs.form.fit == "stretch"
    assert data.inputs.augmentation.flip is not None


def test_names_without_their_ending_and_numbers_as_they_are_written(tmp_path, frame):
    frame["file"] = frame["file"].str.removesuffix(".png")
    frame.to_csv(tmp_path / "faces.csv", index=False)
    with_suffix = read_csv_dataset(change(suffix=".png"), tmp_path)
    assert len(with_suffix.inputs.digests) == 60
    with pytest.raises(DataError, match=r"line 2, .*picture '0000' is not in .*did you mean '0000.png'\? \(59 more"):
        read_csv_dataset(change(), tmp_path)


def test_unused_pictures_are_counted(tmp_path, frame):
    frame[:58].to_csv(tmp_path / "faces.csv", index=False)
    assert read_csv_dataset(change(), tmp_path).notes == ("2 pictures are in pictures that no row names.",)


@pytest.mark.parametrize(
    ("cell", "content", "words"),
    [
        ("gone.png", None, r"line 5, column 'file': picture 'gone.png' is not in .*pictures$"),
        ("../faces.csv", None, r"line 5, .*picture '../faces.csv' leaves .*; accepted: paths in it"),
        ("", None, r"line 5, .*the name of the picture is missing"),
        ("0003.png", b"", r"line 5, .*picture '0003.png' is empty"),
        ("0003.png", b"\x89PNG\r\n\x1a\nhello", r"line 5, .*picture '0003.png' is (no|a damaged) picture"),
    ],
)
def test_faults_name_the_row_and_the_file(tmp_path, frame, cell, content, words):
    frame.loc[3, "file"] = cell
    frame.to_csv(tmp_path / "faces.csv", index=False)
    if content is not None:
        (tmp_path / "pictures" / cell).write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_csv_dataset(change(), tmp_path)
    with pytest.raises(DataError, match=words.replace("line 5", "row 4")):
        read_frame_dataset(frame, change(), tmp_path)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ({"column": "picture"}, "has no column 'picture', named by inputs"),
        ({"column": "smile"}, "column 'smile' can't be an input: it makes the labels of 'smile'"),
        ({"root": "nowhere"}, "no such folder or zip archive of pictures"),
        ({"root": "faces.csv"}, "expected a folder or a zip archive"),
    ],
)
def test_wrong_columns_and_roots(tmp_path, frame, images, words):
    with pytest.raises(DataError, match=words):
        read_csv_dataset(change(**images), tmp_path)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"images": IMAGES, "exclude": ["id"]}, "exclude is said of inputs that are columns; found images as well"),
        ({"images": {"column": "file", "root": "x"}}, "size"),
        ({"images": IMAGES | {"size": 0}}, "expected the pixels of a side"),
        ({"images": IMAGES | {"size": [8, 8, 8]}}, "expected the pixels of a side"),
        ({"images": IMAGES | {"channels": 2}}, "channels"),
        ({"images": IMAGES | {"sise": 3}}, "sise"),
    ],
)
def test_wrong_options(inputs, words):
    with pytest.raises(ValidationError, match=words):
        CsvSchema.model_validate(GIVEN | {"inputs": inputs})


def test_what_is_written_is_read_again():
    schema = change(size=[8, 6], augment=["flip", {"crop": {"padding": 2}}])
    written = schema.model_dump(mode="json", exclude_none=True)
    assert set(written["inputs"]) == {"images"}
    assert CsvSchema.model_validate(written) == schema
    assert "images" not in CsvSchema.model_validate(GIVEN | {"inputs": {}}).model_dump(mode="json")["inputs"]
