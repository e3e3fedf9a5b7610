"""The stage `tune_baselines`: what it trains, which setting each task gets, and what the baselines make of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.reading.settings import ReportSettings
from paretofair.analysis.results import Results
from paretofair.runs.run import RunOptions, load_splits
from paretofair.runs.stages import STAGE_OF, Context, spaces_of
from paretofair.runs.stages.tune import write_tuned
from paretofair.runs.stages.tune_baselines import compare_baselines
from paretofair.space.schema import TuneBaselines
from paretofair.space.space import dump, load_space
from tests.runs.stages.tables import make_rows

SPACE = """\
name: small
data: {name: german, source: simulated, sensitive: sex}
parameters:
  learning_rate: {log_uniform: [0.01, 0.3]}
  epochs: [5, 10]
  task_weight: simplex
methods: {vanilla: }
seeds: [0, 1]
stages:
  baselines: {runs: 3}
  sweep: {trials: 5}
"""
TASKS = ("good_loan", "high_credit")
STAGE, BASELINES = STAGE_OF["tune_baselines"], STAGE_OF["baselines"]


@pytest.fixture
def load(tmp_path: Path):
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)
    return lambda *overrides: load_space(path, overrides)


def context_of(space, folder: Path = Path()) -> Context:
    return Context(space, ["vanilla"], load_splits(space, RunOptions(folder, ())), folder)


def rows_of(packs, errors: dict[str, dict[int, float]]) -> pd.DataFrame:
    """The trial table of packs in which a task has these errors by setting, .5 in all others."""
    rows = make_rows(packs)
    setting, alone = rows["index"] // len(TASKS), rows["index"] % len(TASKS)
    for place, task in enumerate(TASKS):
        own = setting.map(errors.get(task, {})).fillna(0.5).where(alone == place, 0.9)
        rows = rows.assign(**{f"{split}_error_{task}": own for split in ("train", "validation", "test")})
        rows = rows.assign(**{f"{split}_fpr_gap_{task}": 0.1 for split in ("train", "validation", "test")})
    return rows


def test_what_is_one_number_is_not_tuned(load) -> None:
    fixed = load("stages.baselines.parameters={learning_rate: 0.1, epochs: 5}")
    assert fixed.stages.baselines.tune is None
    assert (STAGE.seeds(fixed), STAGE.packs(context_of(fixed)), BASELINES.waits(fixed)) == ((), [], False)
    shared = load("parameters.learning_rate=0.1", "parameters.epochs=5")
    assert shared.baselines.space_id("baselines") == fixed.baselines.space_id("baselines")
    tuned = load()
    assert tuned.stages.baselines.tune == TuneBaselines()
    assert BASELINES.waits(tuned)


def test_what_the_file_does_not_give_has_ranges_of_its_own(load, tmp_path: Path) -> None:
    space = load("parameters={task_weight: simplex}", "methods.vanilla={parameters: {learning_rate: 0.1, epochs: 5}}")
    assert set(space.baselines.parameters) == {"learning_rate", "epochs"}
    assert space.stages.baselines.tune == TuneBaselines()


def test_a_written_space_is_read_back_and_lists_are_compared_whole(load, tmp_path: Path) -> None:
    space = load("stages.baselines.parameters={learning_rate: [0.1, 0.2]}")
    assert space.stages.baselines.tune == TuneBaselines(settings=4)
    written = tmp_path / "written.yaml"
    written.write_text(dump(space))
    again = load_space(written)
    assert again == space
    packs = STAGE.packs(context_of(again))
    pairs = {*zip(packs[0].values["learning_rate"], packs[0].values["epochs"], strict=True)}
    assert pairs == {(0.1, 5), (0.1, 10), (0.2, 5), (0.2, 10)}


@pytest.mark.parametrize("overrides", [(), ("data.test_seed=each",), ("protocol=paper",)])
def test_every_task_has_the_same_settings_and_budget(load, overrides) -> None:
    space = load("stages.baselines.tune={settings: 6, runs: 3}", *overrides)
    context = context_of(space)
    packs = STAGE.packs(context)
    splits = 2 if "data.test_seed=each" in overrides else 1
    assert sum(map(len, packs)) == STAGE.count(context.plan, "single_task") == splits * 2 * 6 * 3
    rows = rows_of(packs, {})
    assert STAGE.match(context.plan, "single_task", rows).all()
    assert rows["trial_id"].is_unique
    of_tasks = [own for _, own in rows.groupby(rows["index"] % 2)]
    for name in ("learning_rate", "epochs", "seed", "split_id"):
        assert sorted(of_tasks[0][name]) == sorted(of_tasks[1][name])
    for place, own in enumerate(of_tasks):
        assert (own[f"task_weight_{TASKS[place]}"] == 1).all()
        assert (own[f"task_weight_{TASKS[1 - place]}"] == 0).all()
    again = np.concatenate([pack.training_seeds for pack in packs])
    of_baselines = np.concatenate([pack.training_seeds for pack in BASELINES.packs(context)])
    assert set(again).isdisjoint(of_baselines), "baselines are trained with fresh seeds"


def test_more_settings_change_none_of_the_first(load) -> None:
    few, many = (STAGE.packs(context_of(load(f"stages.baselines.tune.settings={n}"))) for n in (4, 9))
    ids = {trial for pack in few for trial in pack.trial_ids}
    assert ids < {trial for pack in many for trial in pack.trial_ids}


def test_the_smallest_error_is_chosen_for_each_task_and_a_diverged_setting_is_none() -> None:
    table = pd.DataFrame(
        {
            "index": [0, 0, 2, 2, 4, 4, 1, 3, 5],
            "status": ["completed"] * 5 + ["diverged"] + ["completed"] * 3,
            "validation_error_good_loan": [0.3, 0.3, 0.2, 0.3, 0.1, 0.1, 0.9, 0.9, 0.9],
            "validation_error_high_credit": [0.9] * 6 + [0.2, 0.2, 0.3],
        }
    )
    found = compare_baselines(table, TASKS, 3, "validation")
    assert found["error"].tolist() == pytest.approx([0.3, 0.25, np.nan, 0.2, 0.2, 0.3], nan_ok=True)
    assert found["chosen"].tolist() == [False, True, False, True, False, False]
    assert found["trials"].tolist() == [2, 2, 1, 1, 1, 1]


def test_baselines_have_what_was_chosen_for_their_task(load, tmp_path: Path) -> None:
    space = load("stages.baselines.tune={settings: 4}")
    context = context_of(space, tmp_path)
    rows = rows_of(STAGE.packs(context), {"good_loan": {2: 0.1}, "high_credit": {3: 0.2, 1: 0.3}})
    context = STAGE.conclude(replace(context, results=Results.of(rows, ReportSettings())))
    tuned = pd.read_csv(tmp_path / "tuned.csv")
    assert tuned[tuned["chosen"]][["task", "setting"]].to_numpy().tolist() == [["good_loan", 2], ["high_credit", 3]]
    alone = rows_of(BASELINES.packs(context), {})
    assert len(alone) == BASELINES.count(context.plan, "single_task") == 6
    for place, task in enumerate(TASKS):
        chosen = tuned[tuned["chosen"] & (tuned["task"] == task)].iloc[0]
        own = alone[alone["index"] == place]
        assert (own[f"task_weight_{task}"] == 1).all()
        for name in ("learning_rate", "epochs"):
            np.testing.assert_allclose(own[name], chosen[name])
    assert set(alone["space_id"]) == {spaces_of(context)["baselines", "single_task"].space_id("baselines")}
    assert set(alone["space_id"]) != {space.baselines.space_id("baselines")}


def test_the_file_of_what_was_tuned_keeps_the_rows_of_other_methods(tmp_path: Path) -> None:
    for method, value in (("single_task", 1), ("mtaf", 2), ("single_task", 3)):
        write_tuned(tmp_path, pd.DataFrame({"method": [method], "chosen": [True], f"of_{method}": [value]}))
    found = pd.read_csv(tmp_path / "tuned.csv").set_index("method")
    assert (found.loc["mtaf", "of_mtaf"], found.loc["single_task", "of_single_task"], len(found)) == (2, 3, 2)
