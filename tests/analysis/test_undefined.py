"""Why there is no ARE or ARFG: each reason its own sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.overview import overview
from paretofair.analysis.reading.settings import ReportSettings
from paretofair.analysis.results import Results
from paretofair.analysis.undefined import explain_undefined, keep_usable

SETTINGS = ReportSettings(methods=("vanilla", "mtaf"), objectives=("arfg_are",))


def make_trials(**changes: float) -> pd.DataFrame:
    """Two single-task trials of each of two tasks, and three of each method; `changes` are columns of the former."""
    rows = []
    for number in range(4):
        task = ("one", "two")[number % 2]
        own = {f"{split}_{metric}_{task}": 0.2 for split in ("validation", "test") for metric in ("error", "fpr_gap")}
        own |= {name: value for name, value in changes.items() if name.endswith(task)}
        rows.append(row("baselines", "single_task", number, **own) | {f"task_weight_{task}": 1.0})
    for method in ("vanilla", "mtaf"):
        for number in range(3):
            values = {
                f"{split}_{metric}_{task}": 0.1 + 0.02 * number
                for split in ("validation", "test")
                for metric in ("error", "fpr_gap")
                for task in ("one", "two")
            }
            rows.append(row("sweep", method, number, **values))
    return pd.DataFrame(rows).assign(split_id="s")


def row(stage: str, method: str, number: int, **values: float) -> dict[str, object]:
    keys = {"trial_id": f"{stage}-{method}-{number}", "stage": stage, "method": method, "seed": 0, "index": number}
    return keys | {"status": "completed", "source": "real", "protocol": "validation"} | values


def explain(trials: pd.DataFrame) -> list[str]:
    return explain_undefined(Results.of(trials, SETTINGS))


def test_nothing_is_said_where_everything_has_a_value():
    assert explain(make_trials()) == []
    assert explain(make_trials().iloc[:0]) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "the single-task FPR gap of two is 0 on validation"),
        (np.nan, "the single-task FPR gap of two has no value on validation"),
    ],
)
def test_a_denominator_that_is_none(value, words):
    trials = make_trials(validation_fpr_gap_two=value, test_fpr_gap_two=value)
    assert explain(trials) == [f"ARFG has no value: {words}; no ARFG-ARE frontier."]
    results = Results.of(trials, SETTINGS)
    assert results.hypervolumes.empty
    assert "two" not in results.unreliable
    table = overview(results, ["vanilla", "mtaf"])
    assert table["are"].notna().all()
    assert table[["arfg", "hypervolume", "test_hypervolume"]].isna().all(axis=None)


def test_a_denominator_that_is_none_on_test_alone():
    trials = make_trials(test_error_one=0.0)
    assert explain(trials) == [
        "ARE has no value on test: the single-task error of one is 0 on test; frontiers have none there."
    ]
    volumes = Results.of(trials, SETTINGS).hypervolumes
    assert (volumes["hypervolume"] > 0).all()
    assert volumes["test_hypervolume"].isna().all()


def test_a_task_that_was_not_trained_alone():
    trials = make_trials()
    trials = trials[~((trials["stage"] == "baselines") & (trials["index"] % 2 == 1))]
    assert explain(trials) == [
        f"{name} has no value: there is no single-task {metric} of two on validation; no ARFG-ARE frontier."
        for name, metric in (("ARE", "error"), ("ARFG", "FPR gap"))
    ]
    alone = trials[trials["stage"] != "baselines"]
    assert explain(alone) == [
        "ARE and ARFG have no value: no single-task model was trained (stage baselines, or a baselines.csv beside the "
        "table)."
    ]


def test_one_of_several_splits():
    trials = make_trials()
    other = make_trials(validation_fpr_gap_two=0.0).assign(split_id="t", seed=1)
    other["trial_id"] += "-t"
    results = Results.of(pd.concat([trials, other], ignore_index=True), SETTINGS)
    (sentence,) = explain_undefined(results)
    assert "the single-task FPR gap of two is 0 on validation in 1 of 2 splits" in sentence
    assert set(results.hypervolumes["seed"]) == {0}, "a seed without values is none whose points are worse"


def test_trials_without_a_value_are_told_from_those_that_are_worse():
    trials = make_trials()
    trials.loc[trials["method"] == "mtaf", "validation_fpr_gap_one"] = np.nan
    results = Results.of(trials, SETTINGS)
    assert explain_undefined(results) == [
        "The FPR gap of one has no value on validation in 3 of 6 trials; they enter no frontier that needs it."
    ]
    assert set(results.hypervolumes["method"]) == {"vanilla"}
    worse = Results.of(make_trials(), replace(SETTINGS, reference=(0.01, 0.01)))
    assert (worse.hypervolumes["hypervolume"] == 0).all()
    assert explain_undefined(worse) == []


def test_usable_denominators():
    table = Results.of(make_trials(validation_fpr_gap_two=0.0), SETTINGS).baselines
    left = keep_usable(table, "fpr_gap")
    keys = set(left[["split", "task"]].itertuples(index=False, name=None))
    assert keys == {("validation", "one"), ("test", "one"), ("test", "two")}
