"""From a network for identities to its features in a file, and to a search on them, which stay as they are."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import paretofair
from paretofair.cli.export import main as export_main
from paretofair.errors import RunError
from paretofair.exported import load
from paretofair.interface.features import write_features
from tests.pictures import write_pictures

BODY = """
training: {optimizer: sgd, batch_size: 32, reduction: mean, loss: focal}
parameters: {learning_rate: 0.05, epochs: 1}
seeds: [0]
stages: {baselines: {runs: 1}, sweep: {trials: 1}}
resources: {engine: process}
"""
FIRST = """
name: first
data: {name: faces, options: {size: 8, test: 0.3}, sensitive: sex}
network: {name: cnn, features: 5}
methods: {vanilla: , max_min: }
"""
SECOND = """
name: second
data: {name: faces, options: {embeddings: vectors.npz, test: 0.3}, sensitive: sex}
network: {shared: [6, 6, 6], head: [], features: 4}
methods:
  vanilla:
  penalise_men: {class: adversarial_features, penalised_group: Male, parameters: {penalty_weight: 1}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    names = write_pictures(folder / "celeba" / "img_align_celeba", 80, suffix=".jpg")
    person = np.arange(80) % 8
    pairs = zip(names, person, strict=True)
    (folder / "celeba" / "identity_CelebA.txt").write_text("".join(f"{name} {own}\n" for name, own in pairs))
    rows = [f"{name} {1 if own % 2 else -1}" for name, own in zip(names, person, strict=True)]
    (folder / "celeba" / "list_attr_celeba.txt").write_text("\n".join(["80", "Male", *rows]) + "\n")
    for name, text in (("first", FIRST), ("second", SECOND)):
        (folder / f"{name}.yaml").write_text(text + BODY)
    paretofair.sweep(folder / "first.yaml", folder / "first", data_dir=folder, require_real_data=True, quiet=True)
    return folder


def test_features_are_those_of_the_exported_model(folder, capsys):
    words = [str(folder / "first"), "--rule", "knee", "--method", "vanilla", "--data-dir", str(folder)]
    words += ["--output", str(folder / "model"), "--embeddings", str(folder / "vectors.npz")]
    assert export_main(words) == 0
    assert "80 vectors of 5 numbers written to" in " ".join(capsys.readouterr().out.split())
    found = np.load(folder / "vectors.npz")
    assert found["key"].tolist() == [f"{place:04d}.jpg" for place in range(80)]
    pictures = [str(folder / "celeba" / "img_align_celeba" / name) for name in found["key"]]
    expected = load(folder / "model").features(pictures)
    np.testing.assert_allclose(found["embedding"], expected.numpy(), atol=1e-5)

    results = paretofair.sweep(
        folder / "second.yaml", folder / "second", data_dir=folder, require_real_data=True, quiet=True
    )
    trials = results.trials[results.trials["stage"] == "sweep"]
    assert set(trials["method"]) == {"vanilla", "penalise_men"}
    assert (trials["status"] == "completed").all()


def test_what_cannot_be_written_is_refused(folder, tmp_path):
    trials = pd.concat(map(pd.read_parquet, (folder / "first" / "trials").glob("*.parquet")))
    trial = trials.loc[trials["method"] == "max_min", "trial_id"].iloc[0]
    model = paretofair.export.export_trial(folder / "first", trial, folder / "other", data_dir=folder).model
    with pytest.raises(RunError, match=r"expected a name that ends in .npz"):
        write_features(folder / "first", model, folder / "vectors.csv")
    binary = replace(model, about={**model.about, "kinds": {}})
    with pytest.raises(RunError, match="was not trained on identities, whose features these are"):
        write_features(folder / "first", binary, tmp_path / "vectors.npz")
    # Another person is a man.
    shutil.copytree(folder / "celeba", tmp_path / "celeba")
    people = [line.split() for line in (tmp_path / "celeba" / "identity_CelebA.txt").read_text().splitlines()]
    rows = [f"{name} {1 if int(own) % 3 else -1}" for name, own in people]
    (tmp_path / "celeba" / "list_attr_celeba.txt").write_text("\n".join(["80", "Male", *rows]) + "\n")
    with pytest.raises(RunError, match="the data are not those that the trial was trained on"):
        write_features(folder / "first", model, tmp_path / "vectors.npz", tmp_path)
    assert not (tmp_path / "vectors.npz").exists()


def test_features_of_rows_are_named_by_their_numbers(folder, tmp_path):
    run = tmp_path / "run"
    (tmp_path / "space.yaml").write_text(FIRST.replace("sensitive: sex", "source: simulated, sensitive: sex") + BODY)
    results = paretofair.sweep(tmp_path / "space.yaml", run, methods=["vanilla"], quiet=True)
    trial = results.trials["trial_id"].iloc[0]
    model = paretofair.export.export_trial(run, trial, tmp_path / "model").model
    assert write_features(run, model, tmp_path / "vectors.npz") == (480, 5)
    assert np.load(tmp_path / "vectors.npz")["key"].tolist() == list(range(480))
