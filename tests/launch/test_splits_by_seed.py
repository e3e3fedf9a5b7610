"""A run whose seeds draw their own test rows (`data.test_seed: each`), end to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretofair.space.numbering import decode_seed
from tests.stacks import read_rows

from .conftest import ROOT, SMOKE

pytestmark = pytest.mark.ray

TASKS = ("good_loan", "high_credit")
RUN = [
    *("--space", ROOT / "search_spaces" / "mtaf_german.yaml", *SMOKE, "--seeds", "0,1", "--methods", "vanilla,mtaf"),
    *("--set", "data.source=simulated"),
]


def table(folder: Path) -> pd.DataFrame:
    """The trial table, with the seed of the space file that each row belongs to."""
    frames = [read_rows((folder / "trials").glob("*.parquet"))]
    trials = pd.concat(frames).sort_values(["stage", "method", "seed", "index"], ignore_index=True)
    own = [decode_seed(stage, seed)[0] for stage, seed in zip(trials["stage"], trials["seed"], strict=True)]
    return trials.assign(own_seed=own)


def exports(folder: Path) -> dict[Path, str]:
    """What follows from the trials and holds no times."""
    paths = [*folder.glob("*/**/*.csv"), folder / "baselines.csv", folder / "audit.csv", folder / "groups.csv"]
    return {path: path.read_text() for path in paths}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, sweep) -> Path:
    """The results folder of a run of two seeds on simulated data."""
    folder = tmp_path_factory.mktemp("run") / "results"
    done = sweep(*RUN, "--output", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 test rows, drawn anew for each seed" in done.stdout
    return folder


def test_every_trial_has_the_split_of_its_seed(finished):
    trials = table(finished)
    written = json.loads((finished / "environment.json").read_text())["data"]["split_ids"]
    assert written["0"] != written["1"]
    assert trials["split_id"].tolist() == [written[str(seed)] for seed in trials["own_seed"]]
    assert set(trials["stage"]) == {"baselines", "points", "sweep", "confirm"}
    assert trials.groupby(["stage", "own_seed"]).size().unstack().loc["baselines"].tolist() == [4, 4]
    again = trials[trials["stage"] == "confirm"]
    points = trials.set_index("trial_id").loc[again["confirms"]]
    assert (points["split_id"].to_numpy() == again["split_id"].to_numpy()).all()


def test_splits_hold_the_same_rows_and_other_test_rows(finished):
    """By the rows with label 1 of each task and cell that the counts of trials tell."""
    searched = table(finished).query("stage == 'sweep'").groupby("seed").first()
    cells = pd.read_csv(finished / "groups.csv")
    positive = {}
    for name in ("train", "validation", "test"):
        counts = np.stack(searched[f"confusion_{name}"]).reshape(2, len(TASKS), len(cells), 6)
        np.testing.assert_array_equal(counts[0, 0, :, :4].sum(-1), cells[f"rows_{name}"])
        positive[name] = counts[..., [0, 3]].sum(-1)
    every = sum(positive.values())
    np.testing.assert_array_equal(every[0], every[1])
    assert not np.array_equal(positive["test"][0], positive["test"][1])


def test_errors_are_relative_to_the_baselines_of_the_same_split(finished):
    trials = table(finished).set_index("trial_id")
    alone = trials[trials["stage"] == "baselines"]
    single = {
        (split_id, name, task): own[own[f"task_weight_{task}"] == 1][f"test_{name}_{task}"].mean()
        for split_id, own in alone.groupby("split_id")
        for name in ("error", "fpr_gap")
        for task in TASKS
    }
    written = pd.read_csv(finished / "baselines.csv").query("split == 'test'")
    written = written.set_index(["split_id", "metric", "task"])["mean"]
    for key, value in single.items():
        assert written[key] == pytest.approx(value)
    first, other = alone["split_id"].unique()
    assert single[first, "error", "good_loan"] != pytest.approx(single[other, "error", "good_loan"])
    front = pd.read_csv(finished / "frontiers" / "all.csv").query("objectives == 'arfg_are'")
    confirmed = pd.read_csv(finished / "confirm.csv")
    assert set(front["seed"]) == {0, 1}
    for points in (front, confirmed):
        for point in points.itertuples():
            own = trials.loc[point.trial_id]
            for found, name in ((point.test_are, "error"), (point.test_arfg, "fpr_gap")):
                ratios = [own[f"test_{name}_{task}"] / single[own["split_id"], name, task] for task in TASKS]
                assert found == pytest.approx(np.mean(ratios))
    for point in front.itertuples():
        again = confirmed[confirmed["confirms"] == point.trial_id]
        assert point.confirmed_are_mean == pytest.approx(again["test_are"].mean())
        assert point.confirmed_runs == 2


@pytest.mark.slow
def test_deleted_trials_are_trained_again_and_no_others(finished, sweep):
    """One file of every stage, two of seed 1; and a command for one of the seeds finds nothing to do."""
    before, text = table(finished), exports(finished)
    files = sorted((finished / "trials").iterdir())
    chosen = ("baselines-single_task-900001000", "points-vanilla-1", "sweep-mtaf-0", "confirm-")
    deleted = [next(path for path in files if path.name.startswith(start)) for start in chosen]
    times = {path: path.stat().st_mtime_ns for path in files if path not in deleted}
    lost = len(read_rows(deleted))
    for path in deleted:
        path.unlink()
    done = sweep(*RUN, "--output", finished)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{lost} trials trained now" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in times} == times
    pd.testing.assert_frame_equal(table(finished).drop(columns="train_seconds"), before.drop(columns="train_seconds"))
    assert exports(finished) == text
    done = sweep(*RUN, "--seeds", "1", "--output", finished)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing new" in done.stdout


def test_another_choice_of_test_rows_is_refused(finished, sweep, tmp_path):
    """By the words of the space file, and without it by the rows."""
    done = sweep(*RUN, "--output", finished, "--set", "data.test_seed=1")
    assert done.returncode == 2, done.stdout
    assert "data.test_seed: 'each' -> 1" in done.stderr
    shutil.copytree(finished / "trials", tmp_path / "trials")
    done = sweep(*RUN, "--output", tmp_path, "--set", "data.test_seed=1")
    assert done.returncode == 2, done.stdout
    assert "holds trials of other data (split_id" in done.stderr
