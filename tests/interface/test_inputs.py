"""Frames of texts and pictures, of pandas and polars, from a comparison to the decisions of a chosen model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest

import paretofair
from paretofair.errors import DataError
from tests.pictures import write_pictures
from tests.texts import make_texts

from .conftest import SHORT, make_loans

ROWS = 120


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def patients(tmp_path) -> pd.DataFrame:
    """People with a note, a title that may be missing, and a picture."""
    made = make_texts(ROWS)
    files = write_pictures(tmp_path / "photos", ROWS, size=6)
    part = np.array(["train", "train", "train", "validation", "test"])[np.arange(ROWS) % 5]
    frame = pd.DataFrame({"sex": np.array(["f", "m"])[made.groups], "note": made.texts, "photo": files, "part": part})
    frame["title"] = ["<i>seen</i>", None, "again"] * (ROWS // 3)
    frame["ill"] = np.array(["no", "yes"])[made.labels]
    return frame


INPUTS = {
    "texts": {"text": {"columns": ["title", "note"], "dimensions": 6}},
    "pictures": {"images": {"column": "photo", "root": "photos", "size": 4}},
}


def compare(data, inputs, **changes):
    given = {
        "tasks": "ill",
        "sensitive": "sex",
        "split": "part",
        "methods": ["vanilla", "eor"],
        "trials": 2,
        "seeds": 1,
    }
    given |= {"seeds": 1, "settings": SHORT, "inputs": inputs, "engine": "process", "quiet": True, "output": "run"}
    return paretofair.compare(data, **(given | changes))


@pytest.mark.parametrize("kind", INPUTS)
def test_the_chosen_model_reads_a_frame_as_training_did(patients, kind):
    model = compare(patients, INPUTS[kind]).best()
    test = patients[patients["part"] == "test"].sample(frac=1, random_state=0)
    decided = model.predict(test)
    assert decided.index.equals(test.index)
    assert (decided["ill"] != test["ill"]).mean() == pytest.approx(model.about["metrics"]["test_error_ill"], abs=1e-6)
    assert model.score(test).overall.loc["ill", "error"] == (decided["ill"] != test["ill"]).mean()
    probabilities = model.predict_proba(test)
    for other in (polars.from_pandas(test), pa.Table.from_pandas(test)):
        np.testing.assert_array_equal(model.predict_proba(other), probabilities)
        assert model.score(other).gaps.equals(model.score(test).gaps)
    # The folder alone, from anywhere.
    where = {"pictures": "photos"} if kind == "pictures" else {}
    np.testing.assert_array_equal(paretofair.load(model.folder, **where).predict_proba(test), probabilities)
    assert model.inputs == {"texts": ["title", "note"], "pictures": ["photo"]}[kind]
    with pytest.raises(DataError, match=f"the frame has no column {model.inputs[-1]}"):
        model.predict(test.drop(columns=model.inputs[-1]))


@pytest.mark.parametrize("kind", INPUTS)
def test_a_classifier_of_texts_or_pictures(patients, kind):
    model = paretofair.FairClassifier(["vanilla"], trials=1, settings=SHORT, inputs=INPUTS[kind], engine="process")
    data = patients.drop(columns=["sex", "ill", "part"])
    decided = model.fit(data, patients["ill"], sensitive_features=patients["sex"]).predict(data)
    assert set(decided) <= {"no", "yes"}
    np.testing.assert_array_equal(model.predict(polars.from_pandas(data)), decided)
    assert model.predict_proba(data).shape == (ROWS, 2)


def test_frames_of_polars_and_arrow_give_the_run_of_pandas(tmp_path):
    loans = make_loans(150)
    found = []
    for name, data in (
        ("pandas", loans),
        ("polars", polars.from_pandas(loans)),
        ("arrow", pa.Table.from_pandas(loans)),
    ):
        run = compare(
            *(data, None), tasks=["repaid", "large"], split=None, methods=["vanilla"], output=name, name="loans"
        )
        found.append(run.trials.filter(regex="trial_id|data_id|error"))
        model = run.best()
        assert model.predict(data)["repaid"].tolist() == model.predict(loans)["repaid"].tolist()
    for other in found[1:]:
        pd.testing.assert_frame_equal(other, found[0])


def test_labels_and_groups_of_polars_in_fairlearns_way():
    loans = polars.from_pandas(make_loans(150))
    data = loans.drop("sex", "repaid", "large")
    run = compare(
        *(data, None),
        labels=loans["repaid"],
        tasks=None,
        sensitive=None,
        sensitive_features=loans["sex"],
        split=None,
        methods=["vanilla"],
    )
    scores = run.best().score(data, loans["repaid"], sensitive_features=loans["sex"])
    assert scores.by_group.index.get_level_values("group").tolist() == ["f", "m"]
    one = paretofair.FairClassifier(["vanilla"], trials=1, settings=SHORT, engine="process")
    one.fit(data, loans["repaid"], sensitive_features=loans["sex"])
    other = one.predict(data.to_pandas())
    np.testing.assert_array_equal(one.predict(data), other)
