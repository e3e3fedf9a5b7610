"""`inputs: {text: …}` of a file and of a frame: what is read, what is counted, and every fault."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from paretofair.data import CsvSchema, read_csv_dataset, read_frame_dataset, split
from paretofair.data.inputs.text.texts import Texts
from paretofair.data.sheet import describe_data
from paretofair.errors import DataError
from tests.texts import make_texts

TEXT = {"columns": ["title", "body"], "dimensions": 8}
GIVEN = {"path": "notes.csv", "tasks": {"ill": "ill"}, "sensitive": {"sex": "sex"}, "inputs": {"text": TEXT}}


def change(**text: object) -> CsvSchema:
    return CsvSchema.model_validate(GIVEN | {"inputs": {"text": TEXT | text}})


@pytest.fixture
def frame(tmp_path):
    made = make_texts(80)
    frame = pd.DataFrame(
        {"title": ["note"] * 80, "body": made.texts, "ill": made.labels, "sex": np.array(["f", "m"])[made.groups]}
    )
    frame.to_csv(tmp_path / "notes.csv", index=False)
    return frame


def test_a_file_and_a_frame_are_one_data_set(tmp_path, frame):
    data = read_csv_dataset(change(), tmp_path)
    assert isinstance(data.inputs, Texts)
    assert data.notes == ()
    assert next(data.inputs.packed.take(np.array([3]))) == f"note\n{frame['body'][3]}"
    assert read_frame_dataset(frame, change(), tmp_path).data_id == data.data_id
    assert describe_data(split(data)).other == "Texts (8,)"


def test_every_option_that_networks_see_is_part_of_the_identity(tmp_path, frame):
    ids = {
        read_csv_dataset(change(**own), tmp_path).data_id
        for own in (
            *({}, {"columns": "body"}, {"encoder": "hashing"}, {"encoder": "counts"}, {"dimensions": 9}),
            {"options": {"ngram_range": [1, 2]}},
        )
    }
    assert len(ids) == 6
    assert read_csv_dataset(change(longest=5000), tmp_path).data_id in ids


def test_what_is_odd_is_counted(tmp_path, frame):
    frame["title"] = ""
    frame.loc[0, "body"] = ""
    frame.loc[1, "body"] = "<b>bold</b> &amp; more"
    frame.loc[2, "body"] = "word " * 100
    frame.loc[3, "body"] = "lost \ufffd letter"
    frame.loc[4, "body"] = "NA"
    frame.to_csv(tmp_path / "notes.csv", index=False)
    data = read_csv_dataset(change(longest=200), tmp_path)
    assert [note.split(";")[0] for note in data.notes] == [
        "1 cell of body is 'NA' and counts as missing.",
        "2 of 80 texts are empty",
        "1 of 80 texts is longer than 200 characters",
        "1 of 80 texts is with tags or entities of HTML or XML, which are taken out (markup: keep leaves them).",
        "1 of 80 texts is with letters that were lost before the file was written.",
    ]
    assert list(data.inputs.packed.take(np.array([1]))) == ["bold & more"]
    kept = read_csv_dataset(change(markup="keep"), tmp_path)
    assert list(kept.inputs.packed.take(np.array([1]))) == ["<b>bold</b> &amp; more"]


def test_other_encodings(tmp_path, frame):
    frame["body"] += " größer café"
    frame.to_csv(tmp_path / "notes.csv", index=False, encoding="latin-1")
    schema = CsvSchema.model_validate(GIVEN | {"encoding": "latin-1"})
    assert "größer café" in next(read_csv_dataset(schema, tmp_path).inputs.packed.take(np.array([0])))
    with pytest.raises(DataError, match="encoding"):
        read_csv_dataset(change(), tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ({"columns": "text"}, "has no column 'text', named by inputs"),
        ({"columns": "ill"}, "column 'ill' can't be an input: it makes the labels of 'ill'"),
        ({"options": {"ngrams": 2}}, "tfidf has no option 'ngrams'; accepted: analyzer, "),
        ({"encoder": "nothing:Here"}, "cannot import 'nothing'"),
        ({"encoder": "sentence", "options": {"model": "nowhere"}}, "no folder .*nowhere'; save a model there first"),
    ],
)
def test_faults_are_told_before_any_work(tmp_path, frame, text, words):
    with pytest.raises(DataError, match=words):
        read_csv_dataset(change(**text), tmp_path)


def test_texts_that_are_all_empty(tmp_path, frame):
    frame.assign(title="", body="").to_csv(tmp_path / "notes.csv", index=False)
    with pytest.raises(DataError, match=r"every text of title, body is empty"):
        read_csv_dataset(change(), tmp_path)


def test_words_that_are_none(tmp_path, frame):
    data = read_csv_dataset(change(options={"stop_words": "english", "token_pattern": "zzz"}), tmp_path)
    with pytest.raises(DataError, match=r"the encoder tfidf can't be fitted on .* texts: empty vocabulary"):
        split(data)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"text": TEXT, "exclude": ["id"]}, "exclude is said of inputs that are columns; found text as well"),
        ({"text": {"encoder": "tfidf"}}, "columns"),
        (
            {"text": TEXT | {"encoder": "tfdif"}},
            "found 'tfdif'; accepted: tfidf, hashing, counts, sentence, or package",
        ),
        ({"text": TEXT | {"dimensions": 0}}, "found 0; accepted: 1 to 8,192"),
        ({"text": TEXT | {"dimensions": None}}, "found None; accepted: 1 to 8,192. .* unreduced .*max_features"),
        ({"text": TEXT | {"encodr": 3}}, "encodr"),
    ],
)
def test_wrong_options(inputs, words):
    with pytest.raises(ValidationError, match=words):
        CsvSchema.model_validate(GIVEN | {"inputs": inputs})


def test_what_is_written_is_read_again():
    schema = change(options={"ngram_range": [1, 2]})
    written = schema.model_dump(mode="json", exclude_none=True)
    assert set(written["inputs"]) == {"text"}
    assert written["inputs"]["text"]["columns"] == ["title", "body"]
    assert CsvSchema.model_validate(written) == schema
