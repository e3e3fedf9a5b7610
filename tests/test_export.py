"""From Python: a small sweep, its results, and models out of it that score pandas frames."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import paretofair
from paretofair.cli.export import main
from paretofair.data import load
from paretofair.errors import DataError, RunError
from paretofair.export import choose_trial, export_trial
from paretofair.interface.multiplicity import multiplicity_table
from paretofair.results import TrialTable, weights_of

from .launch import conftest as launch

SPACE = """\
name: small
data: {name: german, source: simulated, sensitive: sex, audit: [age]}
network: {shared: [8], head: [4], embedding: 3}
training: {batch_size: 128}
fairness: {distance: correlation}
parameters: {learning_rate: {uniform: [0.02, 0.1]}, epochs: [2, 3], task_weight: simplex}
methods:
  mtaf: {parameters: {fairness_weight: {uniform: [0, 3]}, head_ratio: 1}}
  threshold_frontier: {parameters: {tolerance: {uniform: [0, 0.2]}}}
seeds: [0, 1]
stages:
  baselines: {runs: 2, parameters: {learning_rate: 0.06, epochs: 2}}
  sweep: {trials: 6}
metrics: {brier: , within: {given: job}}
constraints: [abroca_good_loan <= 0.9]
resources: {stack: 4}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory, ray_address):
    folder = tmp_path_factory.mktemp("export")
    (folder / "small.yaml").write_text(SPACE)
    results = paretofair.sweep(folder / "small.yaml", folder / "run", address=ray_address, quiet=True)
    assert results.folders == (folder / "run",)
    return folder / "run"


@pytest.fixture(scope="module")
def german():
    """The data set as a frame in its own units, and everything else of it."""
    data = load("german", source="simulated")
    frame = pd.DataFrame(data.inputs.numeric, columns=data.inputs.numeric_names)
    for place, name in enumerate(data.inputs.categorical_names):
        frame[name] = data.inputs.categorical[:, place]
    return frame, data


def errors(decisions, data, rows):
    labels = data.labels[rows]
    return [float((decisions[task].to_numpy() != labels[:, t]).mean()) for t, task in enumerate(data.tasks)]


@pytest.mark.ray
def test_results_are_frames(run):
    results = paretofair.Results(run)
    front = results.frontier("arfg", "are")
    assert set(front["method"]) == {"mtaf", "threshold_frontier"}
    pd.testing.assert_frame_equal(
        front.drop(columns="objectives"), results.frontier("arfg_are").drop(columns="objectives")
    )
    # Nothing on the front is beaten, every other trial is.
    for (method, seed), own in results.searched.groupby(["method", "seed"]):
        values = own[["validation_arfg", "validation_are"]].to_numpy()
        beaten = [((values <= each).all(1) & (values < each).any(1)).any() for each in values]
        points = front[(front["method"] == method) & (front["seed"] == seed)]
        assert set(own["trial_id"][~np.array(beaten)]) == set(points["trial_id"])
    best = results.frontier("auc_good_loan")
    top = results.searched.groupby(["method", "seed"])["validation_auc_good_loan"].max()
    assert sorted(best["validation_auc_good_loan"]) == sorted(top)
    with pytest.raises(ValueError, match=r"no metric 'aré'\. Did you mean `are`"):
        results.frontier("aré")
    with pytest.raises(ValueError, match="neither more nor less of it is better"):
        results.frontier("realised_positive_rate_good_loan")


@pytest.mark.ray
@pytest.mark.parametrize("method", ["mtaf", "threshold_frontier"])
def test_a_frontier_point_scores_a_frame_as_the_table_says(run, german, method):
    frame, data = german
    front = paretofair.Results(run).frontier("arfg_are")
    trial = front[front["method"] == method]["trial_id"].iloc[-1]
    done = paretofair.export_trial(run, trial[:10])
    assert (done.retrained, done.difference) == (False, 0)
    row = TrialTable(run).read().set_index("trial_id").loc[trial]
    model = paretofair.load(run / "exported" / trial)
    test = frame[data.is_test]
    groups = {"sex": [data.group_names["sex"][code] for code in data.groups["sex"][data.is_test]]}
    decisions = model.predict(test, groups)
    assert decisions.index.equals(test.index)
    assert errors(decisions, data, data.is_test) == [row[f"test_error_{task}"] for task in data.tasks]
    # The false-positive rates of the two groups by plain counting.
    for t, task in enumerate(data.tasks):
        labels, sex = data.labels[data.is_test][:, t], data.groups["sex"][data.is_test]
        found = [decisions[task].to_numpy()[(labels == 0) & (sex == group)].mean() for group in (0, 1)]
        assert abs(found[0] - found[1]) == pytest.approx(row[f"test_fpr_gap_{task}"], abs=1e-12)
    probabilities = model.predict_proba(test.sample(frac=1, random_state=0)).loc[test.index]
    logits = model.module(model.encode(test)).detach().numpy()
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-logits)), atol=1e-6)
    if method == "threshold_frontier":
        with pytest.raises(DataError, match="differ by sex: give groups="):
            model.predict(test)
    card = (run / "exported" / trial / "README.md").read_text()
    assert "SIMULATED" in card
    assert f"| good_loan | error | {row['train_error_good_loan']:.4f} |" in card


@pytest.mark.ray
def test_a_trial_without_weights_is_trained_again(run, tmp_path):
    trials = TrialTable(run).read()
    searched = trials[trials["stage"].isin(["points", "sweep"])]
    kept = {trial for trial in searched["trial_id"] if weights_of(run, trial) is not None}
    front = set(paretofair.Results(run).frontier("all")["trial_id"])
    assert front <= kept
    left = sorted(set(searched["trial_id"]) - kept)
    again = [*left, trials[trials["stage"] == "baselines"]["trial_id"].iloc[0]][:2]
    for trial in again:
        done = paretofair.export_trial(run, trial, tmp_path / trial)
        assert done.retrained
        assert done.difference == 0
    assert "trained again" in (tmp_path / again[0] / "README.md").read_text()


@pytest.mark.ray
def test_the_command(run, tmp_path):
    trial = paretofair.Results(run).frontier("arfg_are")["trial_id"].iloc[0]
    done = launch.run(run, "--trial", trial, "--output", tmp_path, script="export.py")
    assert done.returncode == 0, done.stderr
    assert "weights as the run has kept them; its metrics are those of the table, bit for bit" in done.stdout
    assert "SIMULATED" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "model.json", "weights.pt"}
    by_rule = launch.call(main, run, "--rule", "smallest arfg + are", "--method", "mtaf", "--seed", 1)
    assert by_rule.returncode == 0, by_rule.stderr
    front = paretofair.Results(run).frontier("arfg_are").query("method == 'mtaf' and seed == 1")
    sums = front["validation_arfg"] + front["validation_are"]
    assert front["trial_id"][sums.idxmin()] in by_rule.stdout
    wrong = launch.call(main, run, "--trial", "zzz")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "no trial with the id 'zzz'" in wrong.stderr


@pytest.mark.ray
def test_metrics_that_the_run_asks_for_are_columns_and_objectives(run):
    results = paretofair.Results(run)
    columns = [f"test_{metric}_{task}" for metric in ("brier", "within", "abroca") for task in results.tasks]
    # A single-task model has values of its task alone.
    values = results.trials.loc[results.trials["stage"] == "sweep", columns]
    assert values.notna().all(axis=None)
    assert ((values >= 0) & (values <= 1)).all(axis=None)
    assert len(results.frontier("brier", "within_good_loan"))
    assert "test_calibration_gap_good_loan" not in results.trials
    with pytest.raises(ValueError, match="the table has no validation_calibration_gap_good_loan"):
        results.frontier("calibration_gap_good_loan", "error_good_loan")


@pytest.mark.ray
def test_multiplicity_of_fronts(run, german, tmp_path):
    frame, data = german
    table = multiplicity_table(run, tolerance=1.0)
    front = paretofair.Results(run).frontier("arfg_are")
    assert (table["without_weights"] == 0).all()
    assert set(table["split"]) == {"validation", "test"}
    for (method, seed), own in table.groupby(["method", "seed"]):
        points = front[(front["method"] == method) & (front["seed"] == seed)]
        assert (own["models"] == len(points) - 1).all()
        if len(points) == 1:
            assert own["ambiguity"].isna().all()
            continue
        assert (own["discrepancy"] <= own["ambiguity"]).all()
        if method == "mtaf":
            # By hand, from the models as they are exported.
            decided = {}
            for trial in points["trial_id"]:
                model = export_trial(run, trial, tmp_path / trial).model
                decided[trial] = model.predict(frame[data.is_test])["good_loan"].to_numpy()
            line = own[(own["split"] == "test") & (own["task"] == "good_loan")].iloc[0]
            changed = np.array([each != decided[line["reference"]] for each in decided.values()])
            assert line["rows"] == data.is_test.sum()
            assert line["ambiguity"] == pytest.approx(changed.any(0).mean())
            assert line["discrepancy"] == pytest.approx(changed.mean(1).max())
    # No other model is as good as the best itself, but for equal ones.
    strict, results = multiplicity_table(run, tolerance=0.0), paretofair.Results(run)
    fronts = results.frontier("arfg_are")
    for line in strict.itertuples():
        points = fronts[(fronts["method"] == line.method) & (fronts["seed"] == line.seed)]
        errors = results.rows_of(points["trial_id"])[f"validation_error_{line.task}"]
        assert line.models == (errors == errors.min()).sum() - 1
    assert (strict["models"] < table["models"]).any()
    done = launch.call(main, run, "--multiplicity")
    assert done.returncode == 0, done.stderr
    assert list(pd.read_csv(run / "multiplicity.csv")) == list(table)
    wrong = launch.call(main, run, "--multiplicity", "--objectives", "x")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "objectives: found 'x'; accepted: arfg_are" in wrong.stderr


@pytest.mark.ray
@pytest.mark.parametrize(
    ("rule", "method", "seed", "message"),
    [
        ("knee", "mtaf", 7, "seed: found 7; accepted: 0, 1"),
        ("knee", "vanilla", 0, "method: found 'vanilla'; accepted: mtaf, threshold_frontier"),
        ("kneee", "mtaf", 0, "rule: found the rule 'kneee'; accepted: knee; midpoint; "),
        (
            "smallest arfg, are <= 0.01",
            "mtaf",
            0,
            "keeps the bound of 'smallest arfg, are <= 0.01' on validation; the nearest has are ",
        ),
    ],
)
def test_a_rule_that_takes_nothing(run, rule, method, seed, message):
    with pytest.raises(RunError, match=re.escape(message)):
        choose_trial(run, rule, method, seed)


@pytest.mark.ray
def test_rules_are_listed(run):
    done = launch.call(main, run, "--rules", "--method", "mtaf", "--seed", "1")
    assert done.returncode == 0, done.stderr
    (knee,) = [line.split() for line in done.stdout.splitlines() if line.split()[:1] == ["knee"]]
    assert knee[1:4] == ["mtaf", "1", choose_trial(run, "knee", "mtaf", 1)]
    wrong = launch.call(main, run, "--rules", "--method", "vanilla")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "method: found 'vanilla'; accepted: mtaf, threshold_frontier" in wrong.stderr


@pytest.mark.ray
def test_what_a_user_may_get_wrong(run, german, tmp_path):
    frame, data = german
    trial = paretofair.Results(run).frontier("arfg_are")["trial_id"].iloc[0]
    model = paretofair.export_trial(run, trial, tmp_path / "model").model
    name = model.inputs[0]
    with pytest.raises(DataError, match=f"the frame has no column {name}; expected {name}, "):
        model.predict_proba(frame.drop(columns=name))
    with pytest.raises(DataError, match=f"column {name}, row 3: found 'many'; expected a number"):
        model.predict_proba(
            frame.astype(object).assign(**{name: frame[name].astype(object).where(frame.index != 3, "many")})
        )
    assert model.predict_proba(frame.iloc[:0]).shape == (0, len(data.tasks))
    with pytest.raises(RunError, match="no trial with the id 'zzzz'"):
        paretofair.export_trial(run, "zzzz")
    with pytest.raises(RunError, match="no trial with the id ''"):
        paretofair.export_trial(run, "")
    with pytest.raises(RunError, match=r"no .*space.yaml; RUN is the results folder"):
        paretofair.export_trial(tmp_path, trial)
    with pytest.raises(DataError, match="holds no exported model"):
        paretofair.load(tmp_path)
