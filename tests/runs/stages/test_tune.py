"""The stage `tune`: what it trains, and which setting it chooses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretofair.metrics.constraints import parse_constraint
from paretofair.metrics.objectives import NamedSet, build_set
from paretofair.runs.run import RunOptions, load_splits
from paretofair.runs.stages import Context, packs_ahead
from paretofair.runs.stages.tune import compare_settings
from paretofair.space.space import load_space
from paretofair.space.tune import freeze_parameters, setting_values, trial_values

SPACE = """\
name: small
data: {name: german, source: simulated, sensitive: sex}
parameters:
  learning_rate: {log_uniform: [0.01, 0.3]}
  epochs: [5, 10]
  task_weight: simplex
  fairness_weight: {uniform: [0, 5]}
methods:
  vanilla:
  mtaf: {parameters: {head_ratio: {when: epochs >= 10, then: {uniform: [1, 3]}, otherwise: 1}}}
seeds: [0]
stages:
  baselines: {runs: 3, parameters: {learning_rate: 0.06, epochs: 5}}
  tune: {parameters: [head_ratio, fairness_weight], settings: 3, trials: 2, seeds: [1000, 1001]}
  sweep: {trials: 5}
"""
OBJECTIVES = build_set(NamedSet("arfg_are", ("arfg", "are"), (1.0, 1.0)), ())


@pytest.fixture
def load(tmp_path: Path):
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)
    return lambda *overrides: load_space(path, overrides)


def rows(*lines: tuple[int, int, float, float, str]) -> pd.DataFrame:
    """Trials of the stage: seed, index, ARFG, ARE, status."""
    table = pd.DataFrame(lines, columns=["seed", "index", "validation_arfg", "validation_are", "status"])
    return table.assign(validation_error_good_loan=table["validation_are"])


def test_a_method_without_the_parameters_trains_one_setting(load) -> None:
    space = load()
    assert (space.method("mtaf").tuned_settings, space.method("mtaf").tune_trials) == (3, 6)
    assert (space.method("vanilla").tuned_settings, space.method("vanilla").tune_trials) == (1, 2)
    values = trial_values(space.method("vanilla"))
    assert {len(each) for each in values.values()} == {2}
    packs = packs_ahead(Context(space, ["vanilla", "mtaf"], load_splits(space, RunOptions(Path(), ()))))
    counts = pd.Series([len(pack) for pack in packs], index=[f"{pack.stage} {pack.method}" for pack in packs])
    assert counts.groupby(level=0).sum().to_dict() == {"baselines single_task": 6, "tune vanilla": 4, "tune mtaf": 12}


def test_settings_change_the_listed_parameters_alone(load) -> None:
    space = load().method("mtaf")
    settings, values = setting_values(space), trial_values(space)
    for name, each in settings.items():
        if name.startswith("fairness_weight"):
            np.testing.assert_array_equal(values[name], np.repeat(each, 2))
    for name in ("learning_rate", "epochs", "task_weight_good_loan"):
        np.testing.assert_array_equal(values[name], np.tile(values[name][:2], 3))


def test_where_every_seed_has_its_own_split_all_of_them_have_baselines(load) -> None:
    space = load("data.test_seed=each")
    packs = packs_ahead(Context(space, ["mtaf"], load_splits(space, RunOptions(Path(), ()))))
    of_stage = {stage: {pack.split_id for pack in packs if pack.stage == stage} for stage in ("baselines", "tune")}
    assert len(of_stage["tune"]) == 2
    assert of_stage["tune"] < of_stage["baselines"]
    assert len(of_stage["baselines"]) == 3


def test_the_largest_mean_hypervolume_is_chosen_and_a_lost_seed_counts_as_none(load) -> None:
    space = load().method("mtaf")
    # One point (a, b) has the area (1 - a)(1 - b).
    table = compare_settings(
        space,
        rows(
            *((1000, 0, 0.2, 0.5, "completed"), (1001, 0, 0.1, 0.1, "diverged")),
            *((1000, 2, 0.5, 0.5, "completed"), (1001, 3, 0.5, 0.5, "completed")),
            *((1000, 4, 0.9, 0.9, "completed"), (1001, 4, 0.9, 0.9, "completed")),
        ),
        [],
        OBJECTIVES,
    )
    assert table["hypervolume"].tolist() == pytest.approx([0.2, 0.25, 0.01])
    assert table["seeds"].tolist() == [1, 2, 2]
    assert table["chosen"].tolist() == [False, True, False]


def test_what_breaks_a_constraint_chooses_nothing(load) -> None:
    space = load().method("mtaf")
    trials = rows((1000, 0, 0.1, 0.4, "completed"), (1000, 2, 0.5, 0.2, "completed"))
    for constraints, chosen in (([], 0), ([parse_constraint("error_good_loan <= 0.3")], 1)):
        assert compare_settings(space, trials, constraints, OBJECTIVES)["chosen"].to_numpy().argmax() == chosen


def test_a_frozen_space_draws_the_chosen_values_alone(load) -> None:
    space = load("stages.tune.parameters=[head_ratio, task_weight, learning_rate]").method("mtaf")
    chosen = {name: values[1].item() for name, values in setting_values(space).items()}
    values = trial_values(freeze_parameters(space, chosen))
    for name, value in chosen.items():
        if name.startswith("head_ratio"):
            # It counts from ten epochs on.
            np.testing.assert_array_equal(values[name], np.where(values["epochs"] >= 10, value, 1))
        else:
            assert set(values[name]) == {value}
