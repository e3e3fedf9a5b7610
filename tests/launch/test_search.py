"""Searching beyond independent draws, through the command: tuning, halving, constraints, curves, samplers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.stacks import read_rows

from .conftest import SPACE

SMALL = [
    *("--space", SPACE, "--seeds", "0,1", "--trials", "12", "--methods", "vanilla,mtaf"),
    *("--set", "data.source=simulated"),
    *("--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 2}}"),
]
HALVED = [
    *SMALL,
    *("--set", "parameters.epochs=3"),
    *("--set", "stages.baselines={runs: 2, tune: {settings: 2, runs: 1}, parameters: {epochs: [1, 2]}}"),
    *("--set", "stages.tune={parameters: [learning_rate, head_ratio], settings: 2, trials: 3}"),
    *("--set", "stages.sweep.successive_halving={bracket: 6, eta: 2, rungs: [1, 2]}"),
    *("--set", "stages.confirm.runs=1"),
    *("--set", "constraints=[error_pass_bar <= 0.225]"),
    *("--set", "curves={contribution: true}"),
    *("--set", "resources.pack=8"),
]
TPE = [
    *SMALL,
    *("--set", "parameters.epochs=2"),
    *("--set", "stages.sweep.sampler={name: tpe, batch: 4, startup: 4, objectives: [are, fpr_gap_high_grade]}"),
    *("--set", "stages.confirm=null"),
]

FAST = ["--set", "parameters.epochs=2", "--set", "stages.confirm=null"]

pytestmark = pytest.mark.ray


def table(folder):
    frames = [read_rows(sorted((folder / "trials").glob("*.parquet")))]
    return pd.concat(frames, ignore_index=True)


def test_tuned_halved_constrained_and_measured(sweep, tmp_path):
    done = sweep(*HALVED, "--output", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    trials = table(tmp_path)
    assert trials.groupby(["stage", "method"]).size()["tune"].to_dict() == {"mtaf": 6, "vanilla": 6}
    tuned = pd.read_csv(tmp_path / "tuned.csv")
    assert tuned.groupby("method")["chosen"].sum().to_dict() == {"mtaf": 1, "single_task": 2, "vanilla": 1}
    assert trials.groupby(["stage", "method"]).size()["tune_baselines"].to_dict() == {"single_task": 4}
    # Baselines, which halving divides by, have the setting with the smallest error of their task.
    for task in ("high_grade", "pass_bar"):
        own = tuned[tuned["task"] == task]
        chosen = own[own["chosen"]].iloc[0]
        assert chosen["error"] == own["error"].min()
        alone = trials[(trials["stage"] == "baselines") & (trials[f"task_weight_{task}"] == 1)]
        assert len(alone) == 2
        for name in ("learning_rate", "epochs"):
            np.testing.assert_allclose(alone[name], chosen[name], rtol=1e-12)
    sweeps = trials[trials["stage"] == "sweep"]
    for name, own in sweeps.groupby("method"):
        chosen = tuned[tuned["chosen"] & (tuned["method"] == name)].iloc[0]
        assert tuned[tuned["method"] == name]["hypervolume"].max() == chosen["hypervolume"]
        np.testing.assert_allclose(own["learning_rate"], chosen["learning_rate"], rtol=1e-12)
    # Of six trials three go on after one epoch and two of these after two.
    for _, bracket in sweeps.groupby(["method", "seed", sweeps["index"] // 6]):
        assert bracket["epochs_trained"].value_counts().to_dict() == {1: 3, 2: 1, 3: 2}
        assert (bracket["status"] == np.where(bracket["epochs_trained"] == 3, "completed", "stopped")).all()
    fronts = pd.read_csv(tmp_path / "frontiers" / "all.csv")
    points = trials.set_index("trial_id").loc[fronts["trial_id"]]
    assert (points["status"] == "completed").all()
    assert (points["validation_error_pass_bar"] <= 0.225).all()
    assert (trials["validation_error_pass_bar"] > 0.225).any(), "the bound must exclude something"

    curves = read_rows((tmp_path / "curves").glob("*.parquet"))
    of_points = trials[trials["stage"] == "points"].set_index("trial_id")
    assert set(curves["trial_id"]) == set(of_points.index)
    assert curves.groupby("trial_id")["epoch"].apply(list).map(sorted).tolist() == [[1, 2, 3]] * 4
    last = curves[curves["epoch"] == 3].set_index("trial_id")
    for name in ("test_error_pass_bar", "validation_fpr_gap_high_grade"):
        np.testing.assert_allclose(last[name], of_points.loc[last.index, name], rtol=1e-6)
    assert np.isfinite(curves["contribution_ratio_of_sums_0_weight_0_high_grade"]).all()

    lost = sorted((tmp_path / "trials").glob("sweep-mtaf-*.parquet"))[0]
    lost.unlink()
    again = sweep(*HALVED, "--output", tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    timed = ["train_seconds"]
    pd.testing.assert_frame_equal(
        table(tmp_path).set_index("trial_id").sort_index().drop(columns=timed),
        trials.set_index("trial_id").sort_index().drop(columns=timed),
    )
    changed = sweep(*HALVED, "--set", "stages.tune.trials=4", "--output", tmp_path)
    assert changed.returncode == 2, changed.stdout
    assert "stages.tune.trials: 3 -> 4" in changed.stderr
    changed = sweep(*HALVED, "--set", "stages.baselines.tune.settings=3", "--output", tmp_path)
    assert "stages.baselines.tune.settings: 2 -> 3 (later stages rest on what was chosen)" in changed.stderr


def test_an_adaptive_search_learns_and_goes_on(sweep, tmp_path):
    done = sweep(*TPE, "--output", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    first = table(tmp_path)
    assert first["trial_id"].is_unique
    assert (
        first[first["stage"] == "sweep"].groupby(["method", "seed"])["index"].apply(sorted).tolist()
        == [list(range(12))] * 4
    )
    more = sweep(*TPE, "--trials", "16", "--output", tmp_path)
    assert more.returncode == 0, more.stdout + more.stderr
    assert "16 trials trained now" in more.stdout
    trials = table(tmp_path)
    assert (trials["stage"] == "sweep").sum() == 4 * 16
    # What stood there stands.
    both = trials[trials["trial_id"].isin(first["trial_id"])].set_index("trial_id").sort_index()
    pd.testing.assert_frame_equal(both, first.set_index("trial_id").sort_index())
    log = (tmp_path / "logs" / "run.log").read_text()
    assert "sweep-mtaf-0-12-0-3 begins: 4 trials, try 1" in log
    assert "sweep-mtaf-0-12-0-3 ended by" in log


@pytest.mark.slow
def test_a_search_starts_from_what_an_earlier_one_knows(sweep, tmp_path):
    earlier = tmp_path / "earlier"
    done = sweep(*SMALL, *FAST, "--methods", "mtaf", "--output", earlier)
    assert done.returncode == 0, done.stdout + done.stderr
    warm = f"{{name: nsga2, batch: 4, population: 4, objectives: [error_pass_bar], warm_start: {earlier}}}"
    again = [*SMALL, *FAST, "--set"]
    some = sweep(*again, f"stages.sweep.sampler={warm}", "--output", tmp_path / "some")
    assert some.returncode == 0, some.stdout + some.stderr
    assert f"Told from {earlier}: 0 trials of vanilla, 26 trials of mtaf" in some.stdout
    missing = sweep(*again, "stages.sweep.sampler={name: tpe, warm_start: nowhere}", "--output", tmp_path / "no")
    assert missing.returncode == 2
    assert "stages.sweep.sampler.warm_start: found " in missing.stderr
    assert "nowhere; expected the results folder" in missing.stderr
    paper = sweep(*again, f"stages.sweep.sampler={warm}", "--set", "protocol=paper", "--output", tmp_path / "no")
    assert paper.returncode == 2
    assert "it was run under the protocol validation, this space has paper" in paper.stderr
    assert not (tmp_path / "no").exists()
