"""Identities from a CSV file through a sweep to the report and an exported model; what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from paretofair.analysis.results import Results
from paretofair.cli.export import main as export_main
from paretofair.cli.report import main as report_main
from paretofair.exported import load

from .conftest import call

SPACE = """\
name: identities
data:
  csv:
    path: people.csv
    tasks: {person: {column: person, kind: identity}}
    sensitive: {sex: sex}
network: {shared: [16], head: [], embedding: 0, features: 8}
training: {optimizer: sgd, batch_size: 64, loss: focal, reduction: mean}
parameters: {learning_rate: 0.05, epochs: 3}
methods:
  vanilla:
  equal_loss: {parameters: {penalty_weight: 0.5}}
  max_min:
  label_flip: {group: men, parameters: {flip: 0.1}}
  angular_margin: {parameters: {margin_women: [0.35, 0.75]}}
  oversample:
  adversarial_features: {penalised_group: men, parameters: {penalty_weight: 1}}
metrics:
  intra_angle_women: {of: intra_angle, group: women}
  inter_angle_men: {of: inter_angle, group: men}
frontiers:
  objectives: [arfg_are, person, {name: angles, of: [intra_angle_women_person, inter_angle_men_person]}]
seeds: [0]
stages: {baselines: {runs: 2}, sweep: {trials: 2}}
"""


def make_people() -> pd.DataFrame:
    random = np.random.default_rng(0)
    person = np.repeat(np.arange(40), 12)
    numbers = random.normal(size=(40, 10))[person] + (0.5 + 0.4 * (person % 2))[:, None] * random.normal(size=(480, 10))
    columns = {f"x{place}": column.round(4) for place, column in enumerate(numbers.T)}
    people = pd.DataFrame({**columns, "sex": np.where(person % 2, "women", "men"), "person": person})
    return people.assign(person=[f"p{each:02d}" for each in person]).sample(frac=1, random_state=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sweep):
    folder = tmp_path_factory.mktemp("identities")
    make_people().to_csv(folder / "people.csv", index=False)
    (folder / "space.yaml").write_text(SPACE)
    done = sweep("--space", folder / "space.yaml", "--output", folder / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.ray
def test_every_method_has_rank_one_errors_and_angles(folder):
    results = Results(folder / "out")
    trials = results.trials[results.trials["stage"] == "sweep"]
    assert (trials["status"] == "completed").all()
    assert results.settings.gap == "accuracy_gap"
    assert trials["test_arfg"].notna().all()
    assert trials["test_are"].notna().all()
    assert trials["test_error_person"].between(0, 0.8).all()
    for name in ("intra_angle", "inter_angle", "intra_angle_women", "inter_angle_men"):
        assert trials[f"test_{name}_person"].between(1, 120).all(), name
    assert "test_fpr_gap_person" not in trials
    margins = trials[trials["method"] == "angular_margin"]["margin_women"]
    assert set(margins) == {0.35, 0.75}
    wide = trials.set_index("margin_women").loc[[0.35, 0.75], "train_error_person"]
    assert wide.is_unique


@pytest.mark.ray
def test_tables_speak_of_accuracies(folder):
    assert call(report_main, folder / "out", "--output", folder / "report", "--wide").returncode == 0
    audit = pd.read_csv(folder / "out" / "audit.csv")
    assert set(audit["metric"]) == {"accuracy_gap", "worst_group_accuracy", "group_harm"}
    wide = pd.read_parquet(folder / "report" / "wide.parquet")
    assert {"test_accuracy_person_men", "test_accuracy_person_women"} <= set(wide)
    both = wide[["test_accuracy_person_men", "test_accuracy_person_women"]]
    gap = (both.iloc[:, 0] - both.iloc[:, 1]).abs()
    np.testing.assert_allclose(gap, wide["test_accuracy_gap_person_by_sex"], atol=1e-9)
    findings = (folder / "out" / "findings.md").read_text()
    assert "deciding the same" not in findings


@pytest.mark.ray
def test_an_exported_model_tells_features(folder):
    trials = Results(folder / "out").trials
    trial = trials[trials["method"] == "angular_margin"]["trial_id"].iloc[0]
    done = call(export_main, folder / "out", "--trial", trial, "--output", folder / "model")
    assert done.returncode == 0, done.stdout + done.stderr
    people = pd.read_csv(folder / "people.csv")
    model = load(folder / "model")
    features = model.features(people)
    assert features.shape == (len(people), 8)
    unit = torch.nn.functional.normalize(features, dim=1)
    nearest = (unit @ unit.T).fill_diagonal_(-2).argmax(1).numpy()
    same = people["person"].to_numpy()[nearest] == people["person"].to_numpy()
    assert same.mean() > 0.6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"  vanilla:\n": "  vanilla:\n  gcm:\n"}, "gcm: has no meaning for task person, which is identity"),
        ({"  vanilla:\n": "  vanilla:\n  reweigh:\n"}, "Methods that have: vanilla, equal_loss, max_min, label_flip"),
        ({"margin_women": "margin_wmen"}, "found margin_wmen; expected margin_men, margin_women"),
        ({"loss: focal": "loss: weighted"}, "found weighted; person, which is identity, has no positives"),
        ({"of: intra_angle, group: women": "of: intra_angle, group: girls"}, "found girls; expected men, women"),
        ({"of: intra_angle, group: women": "of: intra_angle"}, "of and group belong together"),
        ({"tasks: {person:": "tasks: {tall: x0 > 0, person:"}, "is trained alone; here beside tall"),
        ({"frontiers:": "constraints: [fpr_gap_person <= 0.1]\nfrontiers:"}, "which is identity, has no fpr_gap"),
    ],
)
def test_what_has_no_meaning_is_refused(tmp_path, sweep, change, words):
    make_people().to_csv(tmp_path / "people.csv", index=False)
    text = SPACE
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "space.yaml").write_text(text)
    done = sweep("--space", tmp_path / "space.yaml", "--output", tmp_path / "out", "--dry-run")
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in " ".join((done.stdout + done.stderr).split())
