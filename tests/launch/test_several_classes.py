"""A task of three classes beside a binary one, from a CSV file to the page and an exported model."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from paretofair.analysis.results import Results
from paretofair.cli.export import main as export_main
from paretofair.cli.report import main as report_main
from paretofair.exported import load

from .conftest import call

CLASSES = ("low", "middle", "high")
SPACE = """\
name: classes
data:
  csv:
    path: people.csv
    tasks:
      outcome: {column: target, kind: multiclass, classes: [low, middle, high]}
      repaid: repaid
    sensitive: {sex: sex, region: region}
network: {shared: [8], head: [4], embedding: 0}
fairness: {goal: odds}
parameters:
  learning_rate: 0.05
  epochs: 3
  task_weight: simplex
  fairness_weight: {uniform: [0, 5]}
  penalty_weight: {uniform: [0, 2]}
methods:
  vanilla:
  per_task:
  equal_loss:
  max_min:
  oversample: {balance_task: outcome}
  reweigh:
  gcm: {balance_task: outcome}
  adversarial:
  label_flip: {group: f, parameters: {flip: 0.1}}
seeds: [0]
stages: {baselines: {runs: 2}, sweep: {trials: 4}, confirm: {runs: 2}}
constraints: [macro_f1_outcome >= 0.05]
frontiers:
  objectives:
    - arfg_are
    - outcome
    - {name: classes, of: [macro_f1_outcome, prediction_bias_outcome]}
    - {name: accuracy, of: [error_outcome, accuracy_gap_outcome]}
"""


def make_people(rows: int = 600) -> pd.DataFrame:
    random = np.random.default_rng(0)
    sex, region = random.integers(0, 2, rows), random.integers(0, 3, rows)
    numbers = random.normal(size=(rows, 3)) + 0.6 * sex[:, None]
    scores = numbers @ random.normal(size=(3, 3)) + random.gumbel(size=(rows, 3))
    return pd.DataFrame(
        {
            **{f"x{i}": numbers[:, i].round(4) for i in range(3)},
            "kind": random.choice(["a", "b"], rows),
            "sex": np.where(sex == 1, "m", "f"),
            "region": np.array(["n", "s", "w"])[region],
            "target": np.array(CLASSES)[scores.argmax(1)],
            "repaid": (numbers[:, 0] + random.logistic(size=rows) > 0).astype(int),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sweep):
    folder = tmp_path_factory.mktemp("classes")
    make_people().to_csv(folder / "people.csv", index=False)
    (folder / "space.yaml").write_text(SPACE)
    done = sweep("--space", folder / "space.yaml", "--output", folder / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.ray
def test_every_method_has_metrics_of_classes(folder):
    trials = Results(folder / "out").trials
    searched = trials[trials["stage"] == "sweep"]
    assert (searched.groupby("method").size() == 4).all()
    assert (searched["status"] == "completed").all()
    for metric in ("error", "fpr_gap", "tpr_gap", "auc", "average_precision", "macro_f1", "prediction_bias"):
        assert searched[f"test_{metric}_outcome"].between(0, 1).all(), metric
    assert "test_macro_f1_repaid" not in trials
    assert searched["test_arfg"].notna().all()


@pytest.mark.ray
def test_exports_speak_of_classes(folder):
    audit = pd.read_csv(folder / "out" / "audit.csv")
    own = audit[(audit["task"] == "outcome") & (audit["grouping"] == "sex") & (audit["split"] == "test")]
    assert {"fpr_gap", "accuracy_gap", "worst_group_accuracy"} <= set(own["metric"])
    gaps = own[own["metric"] == "accuracy_gap"]["value"]
    assert gaps.between(0, 1).all()
    points = pd.read_csv(folder / "out" / "frontiers" / "all.csv", low_memory=False)
    assert {"arfg_are", "outcome", "classes", "accuracy"} <= set(points["objectives"])
    chosen = points[points["objectives"] == "outcome"]
    # Intervals of resampled rows hold the values themselves.
    assert (chosen["test_error_outcome_low"] <= chosen["test_error_outcome"]).all()
    assert (chosen["test_error_outcome"] <= chosen["test_error_outcome_high"]).all()


@pytest.mark.ray
def test_the_wide_table_has_rates_of_every_class(folder):
    done = call(report_main, folder / "out", "--output", folder / "report", "--wide")
    assert done.returncode == 0, done.stdout + done.stderr
    wide = pd.read_parquet(folder / "report" / "wide.parquet")
    assert {"test_error_outcome_f", "test_accuracy_gap_outcome_by_region", "test_fpr_gap_repaid_by_sex"} <= set(wide)
    assert {f"test_true_positive_rate_outcome_{name}_f" for name in CLASSES} <= set(wide)
    rates = wide[[f"test_true_positive_rate_outcome_{name}_f" for name in CLASSES]]
    others = wide[[f"test_true_positive_rate_outcome_{name}_m" for name in CLASSES]]
    gaps = rates.to_numpy() - others.to_numpy()
    np.testing.assert_allclose(np.abs(gaps).max(1), wide["test_tpr_gap_outcome"], atol=1e-6)
    assert (folder / "report" / "report.html").exists()


@pytest.mark.ray
def test_an_exported_model_predicts_classes(folder):
    run = folder / "out"
    done = call(export_main, run, "--method", "per_task", "--seed", "0", "--rule", "knee", "--output", folder / "model")
    assert done.returncode == 0, done.stdout + done.stderr
    model, people = load(folder / "model"), pd.read_csv(folder / "people.csv")
    scores = model.predict_proba(people)
    assert list(scores) == [*(f"outcome_{name}" for name in CLASSES), "repaid"]
    np.testing.assert_allclose(scores.iloc[:, :3].sum(axis=1), 1, atol=1e-6)
    decisions = model.predict(people)
    assert set(decisions["outcome"]) <= set(CLASSES)
    assert (decisions["outcome"] == np.array(CLASSES)[scores.iloc[:, :3].to_numpy().argmax(1)]).all()
    about = json.loads((folder / "model" / "model.json").read_text())
    found = f1_score(people["target"], decisions["outcome"], average="macro")
    # Of all rows, of which a third is the test split.
    assert found == pytest.approx(about["metrics"]["test_macro_f1_outcome"], abs=0.12)
    assert "outcome" in (folder / "model" / "README.md").read_text()


def test_methods_without_a_meaning_are_refused(folder, sweep):
    text = SPACE.replace("  vanilla:\n", "  vanilla:\n  mtaf:\n")
    (folder / "refused.yaml").write_text(text)
    done = sweep("--space", folder / "refused.yaml", "--dry-run")
    assert done.returncode == 2
    assert (
        "methods.mtaf: has no meaning for task outcome, which is multiclass. Methods that have: vanilla" in done.stderr
    )
    (folder / "refused.yaml").write_text(SPACE.replace("[macro_f1_outcome, pred", "[macro_f1_repaid, pred"))
    done = sweep("--space", folder / "refused.yaml", "--dry-run")
    assert done.returncode == 2
    assert "macro_f1" in done.stderr
    (folder / "refused.yaml").write_text(SPACE + "curves: {stages: [sweep], contribution: true}\n")
    done = sweep("--space", folder / "refused.yaml", "--dry-run")
    assert done.returncode == 2
    assert "curves.contribution: not for task outcome, which is multiclass" in done.stderr


def test_a_class_that_was_not_named_is_told(folder, sweep):
    (folder / "refused.yaml").write_text(SPACE.replace("classes: [low, middle, high]", "classes: [low, middle]"))
    done = sweep("--space", folder / "refused.yaml", "--output", folder / "no")
    assert done.returncode == 2
    assert "column 'target': found 'high'; task 'outcome' has the classes low, middle" in done.stderr
