"""From a frame to frontiers and a model."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

import paretofair
from paretofair.errors import DataError, RunError, SpaceError

from .conftest import SHORT

MORE = {"methods": ["vanilla"], "trials": 2, "seeds": 1, "settings": SHORT, "engine": "process", "quiet": True}


def test_every_trial_is_there_and_the_space_says_what_was_compared(comparison):
    sizes = comparison.trials.query("stage == 'sweep'").groupby(["method", "seed"], observed=True).size()
    assert sizes.tolist() == [3, 3, 3, 3]
    space = yaml.safe_load(comparison.space)
    assert space["data"]["csv"]["tasks"] == {
        "repaid": {"column": "repaid", "kind": "binary", "classes": ["bad", "good"]},
        "large": "large",
    }
    assert space["methods"]["eor"]["parameters"] == {"fairness_weight": {"log_uniform": [0.01, 30]}}
    assert space["fairness"]["goal"] == "odds"


def test_the_frontier_is_that_of_the_objectives(comparison):
    front = comparison.frontier()
    assert {"method", "seed", "trial_id", "test_error", "test_equalized_odds_max"} <= set(front)
    assert front["trial_id"].tolist() == comparison.results.frontier("error", "equalized_odds_max")["trial_id"].tolist()


def test_it_shows_itself(comparison):
    assert comparison.findings()[0].startswith("Compared: ")
    figure = comparison.plot()
    assert figure._repr_png_().startswith(b"\x89PNG")
    shown = comparison._repr_html_()
    assert "data:image/png" in shown
    assert "eor" in shown
    assert "12 trials" not in repr(comparison)
    assert "vanilla, eor" in repr(comparison)
    assert list(comparison.summary["method"]) == ["vanilla", "eor"]


def test_a_report_is_written_where_it_is_wanted(comparison, tmp_path):
    page = comparison.report(tmp_path / "out")
    assert page == tmp_path / "out" / "report.html"
    assert (tmp_path / "out" / "frontiers" / "all.csv").exists()


def test_the_best_of_all_methods_and_seeds_is_the_best_point_of_any_frontier(comparison):
    front = comparison.frontier()
    bound = front["validation_error"].median()
    allowed = front[front["validation_error"] <= bound]
    model = comparison.best(f"smallest equalized_odds_max, error <= {bound}")
    found = allowed.set_index("trial_id").loc[model.about["trial_id"], "validation_equalized_odds_max"]
    assert found == allowed["validation_equalized_odds_max"].min()
    chosen = comparison.best("knee", method="eor", seed=1)
    own = chosen.about
    said = f"eor, seed 1, trial {own['trial_id']}; tasks repaid, large"
    assert repr(chosen) == f"ChosenModel({str(chosen.folder)!r}): {said}"
    assert repr(chosen.exported) == f"ExportedModel: {said}"
    assert (own["method"], own["seed"]) == ("eor", 1)
    with pytest.raises(RunError, match="no point of any frontier keeps the bound"):
        comparison.best("smallest equalized_odds_max, error <= 0.0001")


def test_the_same_call_trains_nothing_and_more_trials_extend_it(loans, tmp_path):
    given = {"tasks": "large", "sensitive": "sex", "output": tmp_path / "run", **MORE}
    first = paretofair.compare(loans, **given)
    files = {path: path.stat().st_mtime_ns for path in (first.folder / "trials").iterdir()}
    again = paretofair.compare(loans, **given)
    assert {path: path.stat().st_mtime_ns for path in (again.folder / "trials").iterdir()} == files
    more = paretofair.compare(loans, **given | {"trials": 4})
    assert set(first.trials["trial_id"]) < set(more.trials["trial_id"])
    with pytest.raises(RunError, match="holds trials of other data"):
        paretofair.compare(loans.iloc[::-1], **given)
    assert paretofair.Comparison(more.folder).space == more.space


def test_without_an_output_the_folder_follows_from_data_and_settings(loans, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"tasks": "large", "sensitive": "sex", **MORE}
    first = paretofair.compare(loans, **given)
    assert first.folder.parent.name == "results"
    assert paretofair.compare(loans, **given | {"trials": 3}).folder == first.folder
    other = paretofair.compare(loans, **given | {"settings": SHORT | {"network": {"shared": [5], "head": []}}})
    assert other.folder != first.folder


def test_labels_and_groups_beside_the_data_as_in_fairlearn(loans, tmp_path):
    inputs = loans[["income", "years"]].to_numpy()
    made = paretofair.compare(
        *(inputs, tuple(loans["repaid"])),
        sensitive_features=pa.array(loans["sex"]),
        positive="bad",
        output=tmp_path / "run",
        **MORE,
    )
    model = made.best()
    assert model.inputs == ["x0", "x1"]
    decided = model.predict(inputs)
    assert list(decided) == ["label"]
    assert set(decided["label"]) <= {"good", "bad"}
    probabilities = model.predict_proba(inputs)["label"].to_numpy()
    # The positive value is the one that was named: where it is likelier, it is decided.
    assert probabilities[decided["label"] == "bad"].min() > probabilities[decided["label"] == "good"].max()
    scores = model.score(inputs, loans["repaid"], sensitive_features=loans["sex"])
    assert scores.overall.loc["label", "error"] == pytest.approx((decided["label"] != loans["repaid"]).mean())


def test_several_classes_own_parts_and_weights(loans, tmp_path):
    random = np.random.default_rng(1)
    part = random.choice(["train", "validation", "test"], len(loans))
    region = np.array([30, 10, 20])[(loans["income"] > 0).astype(int) + (loans["years"] > 20)]
    made = paretofair.compare(
        *(loans[["income", "years", "sex"]], pd.Series(region, name="region")),
        sensitive="sex",
        split=part,
        sample_weight=random.uniform(0, 1, len(loans)),
        output=tmp_path / "run",
        **MORE,
    )
    space = yaml.safe_load(made.space)["data"]["csv"]
    assert space["tasks"] == {"region": {"column": "region", "kind": "multiclass", "classes": []}}
    assert (space["split"]["column"], space["weights"]) == ("split", "sample_weight")
    model = made.best()
    assert set(model.predict(loans)["region"]) <= {10, 20, 30}
    assert list(model.predict_proba(loans)) == ["region_10", "region_20", "region_30"]
    rows = made.results.cells
    assert rows is not None


def test_settings_of_the_caller_stay_as_they_are(loans, tmp_path):
    settings = {**SHORT, "resources": {"pack": 8}}
    given = MORE | {"tasks": "large", "sensitive": "sex", "settings": settings, "output": tmp_path / "run"}
    paretofair.compare(loans, **given)
    assert settings == {**SHORT, "resources": {"pack": 8}}
    with pytest.raises(SpaceError, match=r"resources\.engine: found 'thread'"):
        paretofair.compare(loans, **given | {"engine": "thread"})


def test_a_known_data_set_and_a_thread(tmp_path, monkeypatch):
    monkeypatch.setenv("PARETOFAIR_OFFLINE", "1")
    found: list[paretofair.Comparison] = []
    given = MORE | {"settings": SHORT | {"data": {"source": "simulated"}}}

    def train() -> None:
        found.append(paretofair.compare("german", tasks=["good_loan"], output=tmp_path / "run", **given))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found[0].results.source == "simulated"


@pytest.mark.parametrize(
    "given", [{"labels": [0, 1]}, {"exclude": ["sex"]}, {"inputs": ["age"]}, {"positive": 1}, {"sample_weight": [1.0]}]
)
def test_what_a_known_data_set_cannot_be_told_is_not_passed_over(tmp_path, given):
    with pytest.raises(
        DataError, match=f"{next(iter(given))} is of tables; the known data set german is taken as it is"
    ):
        paretofair.compare("german", output=tmp_path / "run", **MORE | given)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({}, DataError, r"say what is predicted: tasks=\[...\], columns of sex, income"),
        ({"tasks": "large"}, DataError, "say whose groups are compared: sensitive='COLUMN'"),
        ({"tasks": "lage", "sensitive": "sex"}, DataError, "no column 'lage', named by tasks; did you mean 'large'"),
        ({"tasks": "income", "sensitive": "sex"}, DataError, "different numbers, which are no classes; say what is"),
        ({"tasks": "large", "sensitive": "sx"}, DataError, "no column 'sx', named by sensitive; did you mean 'sex'"),
        (
            {"tasks": "large", "sensitive": "sex", "methods": ["eorr"]},
            SpaceError,
            "methods: found 'eorr'; did you mean",
        ),
        (
            {"tasks": "large", "sensitive": "sex", "split": ["train"]},
            DataError,
            "split has 1 values, the data have 400",
        ),
        ({"tasks": "repaid", "sensitive": "sex", "positive": "god"}, DataError, "no value of 'repaid' is 'god'"),
        (
            {"tasks": "large", "sensitive": "sex", "objectives": ["error", "eod"]},
            SpaceError,
            r"compare: objectives\[1\]: no metric 'eod'",
        ),
        (
            {"tasks": "large", "sensitive": pd.Series(["f"])},
            DataError,
            "sensitive: found Series; expected names of col",
        ),
        ({"tasks": "large", "sensitive": "sex", "settings": "x"}, SpaceError, "settings: found str; expected sections"),
        (
            {"tasks": "large", "sensitive": "sex", "trials": "many"},
            SpaceError,
            "trials: found 'many'; expected how many",
        ),
        ({"tasks": "large", "sensitive": "sex", "trials": 0}, SpaceError, "trials: found 0; expected how many"),
        ({"tasks": "large", "sensitive": "sex", "seeds": None}, SpaceError, "seeds: found None; expected how many"),
        ({"tasks": "large", "sensitive": "sex", "objectives": "error"}, SpaceError, "found the text 'error'; expected"),
    ],
)
def test_what_does_not_fit_is_one_sentence(loans, tmp_path, given, error, message):
    with pytest.raises(error, match=message):
        paretofair.compare(loans, output=tmp_path / "run", **MORE | given)


@pytest.mark.parametrize("given", [{"trials": 0}, {"seeds": None}, {"objectives": "error"}])
def test_a_search_that_is_none_is_told_before_data_are_read(tmp_path, given):
    with pytest.raises(SpaceError, match=f"{next(iter(given))}: found"):
        paretofair.compare(tmp_path / "missing.csv", tasks="large", sensitive="sex", **given)


def test_every_method_that_needs_no_choice_is_trained(loans, tmp_path, capsys):
    run = paretofair.compare(
        loans,
        tasks=["repaid"],
        sensitive="sex",
        trials=1,
        seeds=1,
        settings=SHORT,
        engine="process",
        output=tmp_path / "out",
    )
    assert {"vanilla", "eor", "adversarial", "threshold_frontier", "gcm"} <= set(run.trials["method"])
    told = " ".join(capsys.readouterr().out.split())
    assert "bias_alignment (needs group_task, the task that predicts the group)" in told
    assert "label_flip (needs " in told


@pytest.mark.parametrize("sampler", ["tpe", {"name": "tpe", "objectives": ["arfg", "are"]}])
def test_an_adaptive_sampler_is_led_by_the_objectives(loans, tmp_path, sampler):
    settings = {**SHORT, "stages": {**SHORT.get("stages", {}), "sweep": {"sampler": sampler}}}
    arguments = {**MORE, "settings": settings, "trials": 3}
    run = paretofair.compare(loans, tasks=["repaid"], sensitive="sex", output=tmp_path / "out", **arguments)
    assert len(run.trials.query("stage == 'sweep'")) == 3
    wanted = ["error", "equalized_odds_max"] if sampler == "tpe" else ["arfg", "are"]
    space = yaml.safe_load((tmp_path / "out" / "space.yaml").read_text())
    assert space["stages"]["sweep"]["sampler"]["objectives"] == wanted


def test_two_numbers_are_told_to_be_no_range(loans, tmp_path, capsys):
    settings = {**SHORT, "parameters": {**SHORT.get("parameters", {}), "learning_rate": [0.001, 0.1]}}
    arguments = {**MORE, "settings": settings, "trials": 1, "quiet": False}
    paretofair.compare(loans, tasks=["repaid"], sensitive="sex", output=tmp_path / "out", **arguments)
    told = " ".join(capsys.readouterr().out.split())
    assert "learning_rate: two values, [0.001, 0.1], of which one is drawn; a range is {'uniform'" in told


def test_a_sweep_of_a_frame_says_what_to_call(loans):
    with pytest.raises(SpaceError, match=r"found DataFrame; for data in memory call paretofair.compare\("):
        paretofair.sweep(loans)
