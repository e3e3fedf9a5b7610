"""docs/images.md, run as it stands on pictures made by code: from the dry run to the page and the model."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import paretofair
from paretofair.errors import DataError
from paretofair.results import TrialTable

from .test_examples import ROOT, blocks, run

SMALL = ["--set", "parameters.epochs=2", "--trials", "4", "--set", "resources.engine=process"]


def write_people(folder):
    """Photos of two sizes, whose brightness tells a smile at times, and the table of them."""
    random = np.random.default_rng(0)
    (folder / "photos" / "2021").mkdir(parents=True)
    rows = []
    for number in range(240):
        gender, smiles, age = random.integers(0, 2), random.random() < 0.5, int(random.integers(18, 80))
        pixels = random.normal(110, 40, (30, 26 + number % 2, 3)) + 15 * smiles * (random.random() < 0.8)
        pixels[:, :, 0] += 20 * gender
        pixels[20:] += 10 * (age > 45)
        name = f"2021/p{number}.jpg"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "photos" / name)
        words = "yes" if smiles else "no", "fm"[gender]
        rows.append((f"id{number // 3}", name, *words, age))
    pd.DataFrame(rows, columns=["person", "photo", "smiling", "gender", "age"]).to_csv(
        folder / "people.csv", index=False
    )


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """The folder, with a run in it and the exported model."""
    folder = tmp_path_factory.mktemp("people")
    write_people(folder)
    (folder / "people.yaml").write_text(blocks("images.md", "yaml")[0])
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    sweep = [str(ROOT / "launch" / "sweep.py"), "--space", "people.yaml", *SMALL]
    run(folder, *sweep, "--dry-run", **cache)
    run(folder, *sweep, **cache)
    run(folder, str(ROOT / "launch" / "report.py"), "results/people", **cache)
    trials = TrialTable(folder / "results" / "people").read()
    trial = trials[(trials["stage"] == "sweep") & (trials["method"] == "mtaf")].iloc[0]
    run(
        folder,
        str(ROOT / "launch/export.py"),
        "results/people",
        "--trial",
        trial["trial_id"],
        "--output",
        "model",
        **cache,
    )
    return folder, trial


def test_from_a_folder_of_pictures_to_the_page(people):
    folder, _ = people
    trials = TrialTable(folder / "results" / "people").read()
    assert set(trials["status"]) == {"completed"}
    assert set(trials["source"]) == {"real"}
    page = (folder / "results" / "people" / "report.html").read_text()
    assert "2021/p" not in page
    assert "data:image/jpeg" not in page


def test_the_exported_model_scores_as_training_did(people, monkeypatch):
    folder, trial = people
    monkeypatch.chdir(folder)
    model = paretofair.load("model")
    frame = pd.read_csv("people.csv")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    namespace: dict[str, object] = {}
    export, own_frame = blocks("images.md", "python")
    exec(export + own_frame, namespace)
    for other in ("same", "again"):
        pd.testing.assert_frame_equal(namespace["one"], namespace[other])
    assert namespace["data"].inputs.form.shape == (3, 24, 24)
    probabilities = model.predict_proba("photos/" + frame["photo"])
    assert probabilities.index.equals(frame.index)
    assert list(probabilities) == ["smiling", "older"]
    # A plain computation of the same: the network's layers by hand on pictures read one by one.
    pixels = torch.from_numpy(model.rows.pictures.read([f"photos/{name}" for name in frame["photo"]])).flatten(1)
    hidden = model.module.shared[0](pixels).relu()
    for place, task in enumerate(probabilities):
        deep, last = model.module.heads[place]
        expected = torch.sigmoid(last(deep(hidden).relu())[:, 0]).detach().numpy()
        np.testing.assert_allclose(probabilities[task], expected, rtol=1e-4)
    # The error on test rows is that of the trial table; the split is that of the run.
    from paretofair.runs.run import RunOptions, load_splits
    from paretofair.space.space import load_space

    splits = load_splits(load_space("people.yaml"), RunOptions(folder, ())).of(0)
    decisions = model.predict("photos/" + frame["photo"]).to_numpy()[splits.test.rows]
    errors = (decisions != splits.test.labels).mean(0)
    np.testing.assert_allclose(errors, [trial["test_error_smiling"], trial["test_error_older"]], atol=1e-9)
    card = (folder / "model" / "README.md").read_text()
    assert "Inputs: pictures of 24 × 24 pixels, red, green and blue" in card
    # A frame names the files as the table of training does.
    with pytest.raises(DataError, match=r"picture 0 \(2021/p0.jpg\) can't be read: No such file"):
        model.predict(frame)
    of_frame = paretofair.load("model", pictures="photos").predict_proba(frame.set_index("photo", drop=False))
    np.testing.assert_array_equal(of_frame.to_numpy(), probabilities.to_numpy())
    assert list(of_frame.index) == frame["photo"].tolist()


def test_wrong_pictures_end_before_any_work(people):
    folder, _ = people
    (folder / "people_wrong.csv").write_text(
        (folder / "people.csv").read_text().replace("2021/p7.jpg", "2021/gone.jpg")
    )
    settings = ["--set", "data.csv.path=people_wrong.csv", "--dry-run"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "launch" / "sweep.py"), "--space", "people.yaml", *settings],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "line 9, column 'photo': picture '2021/gone.jpg' is not in" in done.stderr
    assert "Traceback" not in done.stderr
