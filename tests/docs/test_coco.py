"""docs/coco.md, run as it stands on annotations made by code: from the two files to the report."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from paretofair.data.coco.table import OBJECTS
from paretofair.models import vision
from tests.data.coco import conftest as made
from tests.stacks import read_rows

from .test_examples import ROOT, blocks, run

SMALL = ["--set", "parameters={learning_rate: 0.01, epochs: 1}", "--trials", "2", "--set", "seeds=[0]"]
SMALL += ["--set", "stages={baselines: {runs: 2}, sweep: {trials: 2}}", "--set", "resources.engine=process"]
SMALL += ["--set", "methods.bias_alignment.weight_updates=2", "--set", "methods.bias_alignment.filter_updates=1"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Annotations of 400 images with the names of the official files."""
    random = np.random.default_rng(0)
    monkeypatch.setattr(made, "CATEGORIES", {1: "person", **{place + 2: name for place, name in enumerate(OBJECTS)}})
    images = {}
    for image in range(400):
        man = random.random() < 0.6
        objects = [place + 2 for place in range(len(OBJECTS)) if random.random() < 0.7]
        images[image + 1] = ([1, *objects], [f"a {'man' if man else 'woman'} outside", "a picture"])
    files = made.write_annotations(tmp_path, images)
    files.instances.rename(tmp_path / "instances_train2014.json")
    files.captions.rename(tmp_path / "captions_train2014.json")
    return tmp_path


def draw_pictures(folder, names):
    """A picture of one colour under each name."""
    random = np.random.default_rng(2)
    folder.mkdir()
    for name in names:
        Image.new("RGB", (40, 32), tuple(random.integers(0, 256, 3).tolist())).save(folder / name)


def test_from_annotations_to_figures(folder):
    commands = [line.split() for block in blocks("coco.md", "bash") for line in block.strip().splitlines()]
    assert [words[:2] for words in commands] == [
        ["paretofair", each] for each in ("coco", "embed", "sweep", "report", "export")
    ]
    environment = {"XDG_CACHE_HOME": str(folder / "cache")}
    run(folder, str(ROOT / "launch" / "coco.py"), *commands[0][2:], **environment)
    table = pd.read_csv(folder / "coco.csv")
    draw_pictures(folder / "train2014", table["file_name"])
    torch.save(vision.import_models().resnet34().state_dict(), folder / "resnet34.pth")
    run(folder, str(ROOT / "launch" / "embed.py"), *commands[1][2:], "--size", "32", **environment)
    keys = table["image_id"].to_numpy()
    vectors, _ = blocks("coco.md", "python")
    written = re.sub(r"make_vectors\(\)", "made", vectors)
    random = np.random.default_rng(1)
    source = f"import os; os.chdir({str(folder)!r})\n{written}"
    exec(source, {"made": (keys, random.normal(size=(len(keys), 12)))})
    (folder / "coco.yaml").write_text(blocks("coco.md", "yaml")[0])
    assert np.load(folder / "other_vectors.npz")["embedding"].dtype == np.float16
    run(folder, str(ROOT / "launch" / "sweep.py"), *commands[2][2:], *SMALL, **environment)
    run(folder, str(ROOT / "launch" / "report.py"), *commands[3][2:], **environment)
    run(folder, str(ROOT / "launch" / "export.py"), *commands[4][2:], **environment)
    trials = read_rows((folder / "results" / "coco" / "trials").glob("*.parquet"))
    own = trials[trials["method"] == "bias_alignment"]
    assert own["test_predicted_bias_tie"].between(0, 1).all()
    assert own["test_predicted_bias_man"].isna().all()
    check_intervals(pd.read_csv(folder / "results" / "coco" / "amplification.csv"), trials.set_index("trial_id"))
    assert (folder / "results" / "coco" / "figures" / "amplification.pdf").exists()
    assert "predicted share" in (folder / "results" / "coco" / "figures" / "captions.md").read_text()


def check_intervals(table, trials):
    """Values are those that training has measured; most intervals hold them."""
    assert set(table["split"]) == {"validation", "test"}
    assert "man" not in set(table["object"])
    towards = table[(table["metric"] == "bias_amplification_towards") & (table["object"] != "mean")]
    assert towards["value"].notna().any()
    for line in towards.itertuples():
        column = f"{line.split}_bias_amplification_towards_{line.object}"
        assert line.value == pytest.approx(trials.loc[line.trial_id, column], nan_ok=True)
    means = table[(table["object"] == "mean") & (table["metric"] == "bias_amplification_absolute")]
    assert means["low"].notna().any()
    assert ((means["low"] <= means["high"]) | means["low"].isna()).all()
    known = table.dropna(subset=["value", "low"])
    assert known["value"].between(known["low"] - 1e-9, known["high"] + 1e-9).mean() > 0.8


def test_the_diagnostics_run():
    _, diagnostics = blocks("coco.md", "python")
    known: dict = {}
    exec(diagnostics, known)
    assert known["found"].mismatch < 0.2
