"""Fairlearn's reductions: their rows by plain counting, their settings, and a whole run through both commands."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from fairlearn.metrics import MetricFrame, false_positive_rate
from rich.console import Console
from sklearn.metrics import average_precision_score, roc_auc_score

from paretofair.adapters import fairlearn
from paretofair.adapters.fairlearn import CONSTRAINTS, METHODS, FairlearnSettings, add_fairlearn, fit_models, main
from paretofair.adapters.rows import Model, combinations, evaluate_rows, gather_values
from paretofair.data import split
from paretofair.errors import RunError
from paretofair.runs.run import RunOptions, load_splits
from paretofair.space.space import load_space
from paretofair.training import to_device
from tests.stacks import read_rows

from ..conftest import make_dataset
from ..launch.conftest import SMOKE, SPACE, command, environment
from ..launch.processes import TIMEOUT

SMALL = FairlearnSettings("fpr", ("logistic_regression",), (0.01, 0.3), 3, (2.0,), 100)


def make_up_data(unknown: float = 0.0):
    """Splits of made-up data whose tasks favour one sex, on the CPU."""
    splits = split(make_dataset(1500, unknown=unknown))
    return splits, to_device(splits, dict.fromkeys(splits.tasks, "sex"), torch.device("cpu"), torch.float64)


def test_rows_are_all_combinations_or_use_every_model_equally_often() -> None:
    assert combinations([2, 3], 6, 0).tolist() == [[i, j] for i in range(2) for j in range(3)]
    places = combinations([20, 20], 60, 3)
    assert places.shape == (60, 2)
    for task in range(2):
        assert (np.bincount(places[:, task]) == 3).all()
    assert len(np.unique(places, axis=0)) > 50
    assert np.array_equal(places, combinations([20, 20], 60, 3))
    assert not np.array_equal(places, combinations([20, 20], 60, 4))


def test_metrics_by_plain_counting() -> None:
    splits, data = make_up_data(unknown=0.1)
    random = np.random.default_rng(0)
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}

    def model(strength: float) -> Model:
        scores = {name: random.random(len(part)) for name, part in parts.items()}
        return Model({"bound": strength}, {k: (v > 0.6).astype(int) for k, v in scores.items()}, scores, 2.0)

    models = [[model(0.0), model(1.0)], [model(0.0), Model({"bound": 1.0}, {}, {}, 0.0, "it failed")]]
    places = combinations([2, 2], 10, 0)
    found = evaluate_rows(models, places, data)
    assert found["status"] == ["completed", "failed", "completed", "failed"]
    assert gather_values(models, places)["bound"].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    np.testing.assert_allclose(found["train_seconds"], 6 / 4)
    for name, part in parts.items():
        assert np.isnan(found[f"{name}_error"][[1, 3]]).all()
        counts = np.stack(found[f"confusion_{name}"].to_numpy(zero_copy_only=False))
        assert np.isnan(counts[[1, 3]]).all()
        for row, t in ((0, 0), (2, 0), (2, 1)):
            chosen, y = models[t][places[row, t]], part.labels[:, t]
            group, known = part.groups[:, 0], part.labels[:, t] >= 0
            decided, score = chosen.decisions[name], chosen.scores[name]
            rate = [decided[(group == g) & (y == 0)].mean() for g in (0, 1)]
            expected = {
                "error": (decided != y)[known].mean(),
                "realised_positive_rate": decided[known].mean(),
                "auc": roc_auc_score(y[known], score[known]),
                "average_precision": average_precision_score(y[known], score[known]),
                "fpr_gap": abs(rate[0] - rate[1]),
                "fpr_gap_signed": rate[0] - rate[1],
            }
            for metric, value in expected.items():
                assert found[f"{name}_{metric}"][row, t] == pytest.approx(value, abs=1e-9)
            table = counts[row].reshape(2, len(data.cells), 6)[t].sum(0)
            assert table[:4].sum() == known.sum()
            assert table[0] == (decided[y == 1] == 1).sum()


@pytest.mark.parametrize("method", METHODS)
def test_fits_are_those_of_fairlearn(method) -> None:
    """A tight bound has a smaller gap on the training rows than a wide one, and the ends of a grid differ."""
    splits, data = make_up_data(unknown=0.05)
    models = fit_models(method, SMALL, data, seed=0)
    assert [len(each) for each in models] == [len(SMALL.models(method))] * 2
    for t, of_task in enumerate(models):
        assert [dict(model.values) for model in of_task] == SMALL.models(method)
        assert not any(model.error for model in of_task)
        gaps = []
        for model in of_task:
            for name, part in data.splits.items():
                assert set(np.unique(model.decisions[name])) <= {0, 1}
                assert model.scores[name].shape == part.labels[t].shape
                assert (abs(model.scores[name] - 0.5) <= 0.5).all()
            known = (splits.train.groups[:, 0] >= 0) & (splits.train.labels[:, t] == 0)
            frame = MetricFrame(
                metrics=false_positive_rate,
                y_true=splits.train.labels[known, t],
                y_pred=model.decisions["train"][known],
                sensitive_features=splits.train.groups[known, 0],
            )
            gaps.append(frame.by_group[0] - frame.by_group[1])
        if method == "exponentiated_gradient":
            assert abs(gaps[0]) < 0.06
            assert abs(gaps[0]) < abs(gaps[1])
        else:
            assert abs(gaps[0] - gaps[-1]) > 0.1


@pytest.mark.parametrize("goal", CONSTRAINTS)
@pytest.mark.parametrize(
    ("method", "classifier"), [("exponentiated_gradient", "logistic_regression"), ("grid_search", "gradient_boosting")]
)
def test_every_goal_has_fits(goal, method, classifier) -> None:
    _, data = make_up_data()
    models = fit_models(method, FairlearnSettings(goal, (classifier,), (0.3,), 2, (0.1,), 100), data, seed=1)
    assert not any(model.error for each in models for model in each)


def test_a_failing_fit_leaves_the_others(monkeypatch) -> None:
    class Broken:
        def fit(self, *rows, **weights):
            raise ValueError("no luck")

    monkeypatch.setattr(fairlearn, "_estimator", lambda name, seed: Broken())
    _, data = make_up_data()
    models = fit_models("grid_search", SMALL, data, seed=0)
    assert {model.error for each in models for model in each} == {"ValueError: no luck"}
    assert set(evaluate_rows(models, combinations([3, 3], 9, 0), data)["status"]) == {"failed"}


def test_what_is_wrong_is_told(tmp_path, capsys, monkeypatch) -> None:
    assert main([str(tmp_path)]) == 2
    assert "RUN is the results folder that a sweep has written" in " ".join(capsys.readouterr().err.split())
    for wrong in (
        ["--methods", "threshold"],
        ["--bounds", "0"],
        ["--limits", "inf"],
        ["--grid", "x"],
        ["--seeds", "a"],
        ["--rows", "0"],
    ):
        with pytest.raises(SystemExit, match="2"):
            main([str(tmp_path), *wrong])
        assert "found " in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "fairlearn.reductions", None)
    assert main([str(tmp_path)]) == 2
    assert "pip install 'paretofair[fairlearn]'" in capsys.readouterr().err


def test_every_seed_has_its_own_split(tmp_path) -> None:
    """Where seeds draw their test rows; a seed without single-task models of its split is refused."""
    space = load_space(SPACE.with_name("mtaf_german.yaml"), ["data.source=simulated", "data.test_seed=each"])
    splits = load_splits(space, RunOptions(tmp_path, []))
    run = {"methods": ["grid_search"], "console": Console(quiet=True)}
    assert add_fairlearn(tmp_path, space, splits, SMALL, seeds=[0, 1], **run) == 2 * 9
    trials = read_rows((tmp_path / "trials").glob("*.parquet"))
    assert trials["trial_id"].is_unique
    for seed, own in trials.groupby("seed"):
        assert set(own["split_id"]) == {splits.id_of(seed)}
        counts = np.stack(own["confusion_test"]).reshape(9, 2, -1, 6)
        positive = counts[0, :, :, [0, 3]].sum((0, 2))
        np.testing.assert_array_equal(positive, splits.of(seed).test.labels.sum(0))
    assert splits.id_of(0) != splits.id_of(1)
    assert add_fairlearn(tmp_path, space, splits, SMALL, seeds=[0, 1], **run) == 0
    with pytest.raises(RunError, match="no single-task models on the test rows of seed 2"):
        add_fairlearn(tmp_path, space, splits, SMALL, seeds=[0, 2], **run)


@pytest.mark.slow
@pytest.mark.ray
def test_rows_stand_beside_those_of_the_run(tmp_path, capsys) -> None:
    folder = tmp_path / "results"
    smoke = (*SMOKE, "--set", "stages.confirm.runs=1", "--methods", "vanilla", "--set", "data.source=simulated")
    sweep = command("--space", SPACE, *smoke, "--output", folder)
    done = subprocess.run(sweep, env=environment(), capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    arguments = [
        str(folder),
        "--estimators",
        "logistic_regression",
        "--bounds",
        "0.05",
        "--grid",
        "3",
        "--limits",
        "0.1",
        "--jobs",
        "1",
    ]
    assert main(arguments) == 0
    assert "SIMULATED data" in capsys.readouterr().out

    names = {"vanilla", *(f"fairlearn_{method}" for method in METHODS)}
    trials = read_rows((folder / "trials").glob("*.parquet"))
    assert trials["trial_id"].is_unique
    own = trials[trials["method"].str.startswith("fairlearn")].set_index("method")
    assert own.groupby("method").size().to_dict() == {
        "fairlearn_exponentiated_gradient": 1,
        "fairlearn_grid_search": 6,  # of nine combinations: as many as the sweep has trials
    }
    assert own["data_id"].eq(trials["data_id"].iloc[0]).all()
    measured = [name for name in own if re.match("(train|validation|test)_.*_(high_grade|pass_bar)$", name)]
    assert len(measured) == 3 * 10 * 2
    assert own[measured].notna().all().all()
    for table in ("frontiers/all.csv", "tables/hypervolume.csv", "tables/summary.csv", "audit.csv"):
        assert set(pd.read_csv(folder / table)["method"]) >= names, table

    before = sorted(folder.rglob("*.parquet"))
    assert main(arguments) == 0
    assert "0 new rows" in capsys.readouterr().out
    assert sorted(folder.rglob("*.parquet")) == before
    assert main([*arguments, "--rows", "2"]) == 2
    assert "fitted with other settings" in " ".join(capsys.readouterr().err.split())
    written = folder / "space.yaml"
    written.write_text(written.read_text().replace("split_seed: 0", "split_seed: 1"))
    assert main(arguments) == 2
    assert "holds trials of other data (split_id" in " ".join(capsys.readouterr().err.split())
    written.write_text(written.read_text().replace("split_seed: 1", "split_seed: 0"))
    again = subprocess.run([*sweep, "--dry-run"], env=environment(), capture_output=True, text=True, timeout=TIMEOUT)
    assert again.returncode == 0, again.stdout + again.stderr
