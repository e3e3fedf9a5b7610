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


def test_an_encoder_of_ones_own_comes_with_the_model(patients):
    inputs = {"text": {"columns": "note", "encoder": "tests.data.inputs.text.test_encoders:Lengths"}}
    model = compare(patients, inputs).best()
    probabilities = model.predict_proba(patients)
    with pytest.raises(DataError, match="whose code would run here: give trust=True"):
        paretofair.load(model.folder)
    again = paretofair.load(model.folder, trust=True)
    np.testing.assert_array_equal(again.predict_proba(patients[["note"]]), probabilities)
    assert ", trust=True" in (model.folder / "README.md").read_text()


SPACE = """
name: joined
data:
  sources:
    ward: {path: ward.csv, tasks: {ill: "ill == 'yes'"}, sensitive: {sex: sex}, inputs: {text: {columns: note}}}
    bank: {path: bank.csv, tasks: {repaid: "repaid == 'good'"}, sensitive: {sex: sex}, inputs: {exclude: [large]}}
  sensitive: sex
network: {shared: [4], head: []}
training: {optimizer: adam, batch_size: 64, reduction: mean}
fairness: {goal: odds}
parameters: {learning_rate: 0.01, epochs: 2, task_weight: {ill: 0.5, repaid: 0.5}, fairness_weight: 0.1}
methods: {vanilla: , per_task: }
seeds: [0]
stages: {baselines: {runs: 1}, sweep: {trials: 1}}
resources: {engine: process}
"""


def test_a_model_of_two_files_reads_rows_of_either(patients, tmp_path):
    frames = {"ward": patients[["sex", "note", "ill"]], "bank": make_loans(150)}
    for name, frame in frames.items():
        frame.to_csv(f"{name}.csv", index=False)
    (tmp_path / "joined.yaml").write_text(SPACE)
    paretofair.sweep("joined.yaml", "joined", quiet=True)
    model = paretofair.Comparison("joined").model(paretofair.Results("joined").trials["trial_id"].iloc[-1])
    with pytest.raises(DataError, match=r"rows of several sources, ward, bank: say of which, as in model.of\('ward'\)"):
        model.predict(frames["ward"])
    with pytest.raises(DataError, match="found the source 'shop'; accepted: ward, bank"):
        model.of("shop")
    again = paretofair.load(model.folder)
    for source, task in (("ward", "ill"), ("bank", "repaid")):
        own, frame = model.of(source), frames[source]
        probabilities = own.predict_proba(frame)
        np.testing.assert_array_equal(again.of(source).predict_proba(frame), probabilities)
        np.testing.assert_array_equal(again.of(source).read_csv(f"{source}.csv").index, frame.reset_index().index)
        scores = own.score(frame, frame[task].isin(["yes", "good"]).astype(int))
        assert scores.overall.index.tolist() == [task]
        assert scores.by_group.index.get_level_values("group").tolist() == ["f", "m"]
        # The other file's block is 0: by hand.
        rows = own.exported.encode(frame)
        (second,) = {"ward", "bank"} - {source}
        other = again.readers[second].encode(frames[second])
        assert rows.shape[1] == other.shape[1]
        assert not ((rows != 0).any(0).numpy() & (other != 0).any(0)).any()
    card = (model.folder / "README.md").read_text()
    assert "Inputs of rows of ward: note." in card
    assert "model.of('bank')" in card
