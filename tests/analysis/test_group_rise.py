"""The largest rise of any group's error over single-task models, against a plain loop over rows of the table."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.counts import CellCounts
from paretofair.analysis.group_rise import with_group_rise
from paretofair.analysis.reading.settings import ReportSettings
from paretofair.analysis.results import Results
from paretofair.metrics.objectives import NamedSet
from paretofair.metrics.relative import GROUP_RISE

from .conftest import CELLS, TASKS, make_up_trials

GROUPS = CELLS["code_sex"].to_numpy()


def errors_of(row: pd.Series, split: str) -> np.ndarray:
    """Errors `(tasks, groups)` of a trial, counted cell by cell."""
    counts = np.array(row[f"confusion_{split}"]).reshape(len(TASKS), len(CELLS), 6)
    found = np.zeros((len(TASKS), 2))
    for task in range(len(TASKS)):
        for group in range(2):
            own = counts[task][group == GROUPS].sum(0)[:4]
            # True and false positives, true and false negatives.
            found[task, group] = (own[1] + own[3]) / own.sum()
    return found


@pytest.fixture
def named(run_folder) -> Results:
    harm = NamedSet("harm", (GROUP_RISE, "are"), (0.5, 1.5))
    return Results(run_folder, sensitive="sex", objectives=("arfg_are", "harm"), named=(harm,))


@pytest.mark.parametrize("split", ["validation", "test"])
def test_it_is_the_largest_of_all_groups_and_tasks(named, split):
    table = make_up_trials().set_index("trial_id")
    alone = table[table["stage"] == "baselines"]
    means = []
    for task, name in enumerate(TASKS):
        runs = alone[alone[f"task_weight_{name}"] == 1]
        means.append(np.mean([errors_of(row, split)[task] for _, row in runs.iterrows()], axis=0))
    found = named.searched.set_index("trial_id")[f"{split}_{GROUP_RISE}"]
    assert len(found) > 20
    for trial in found.index[::7]:
        assert found[trial] == pytest.approx((errors_of(table.loc[trial], split) - np.stack(means)).max())


def test_a_frontier_and_a_constraint_of_it(named, run_folder):
    points = named.frontier("harm")
    assert len(points)
    assert {f"{split}_{GROUP_RISE}" for split in ("validation", "test")} <= {*points}
    middle = named.searched[f"validation_{GROUP_RISE}"].median()
    kept = Results(run_folder, sensitive="sex", constraints=(f"{GROUP_RISE} <= {middle}",))
    assert 0 < len(kept.searched) < len(named.searched)
    assert kept.searched[f"validation_{GROUP_RISE}"].max() <= middle


def test_it_is_unknown_without_single_task_models_or_counts(named, run_folder):
    trials = named.trials[named.trials["stage"] != "baselines"]
    read = functools.partial(CellCounts, run_folder, tasks=named.schema.tasks)
    found = with_group_rise(trials, read, named.tasks, dict.fromkeys(named.tasks, "sex"))
    assert found[f"test_{GROUP_RISE}"].isna().all()
    assert len(found.columns) == len(named.trials.columns)
    table = make_up_trials().drop(columns=[f"confusion_{split}" for split in ("train", "validation", "test")])
    without = Results.of(table, ReportSettings(named=(NamedSet("harm", (GROUP_RISE, "are")),), objectives=("harm",)))
    assert f"test_{GROUP_RISE}" not in without.trials


def test_its_parts_are_those_of_the_whole(named, monkeypatch):
    monkeypatch.setattr("paretofair.analysis.group_rise._TOGETHER", 7)
    read = functools.partial(CellCounts, *named.folders, tasks=named.schema.tasks)
    again = with_group_rise(named.trials, read, named.tasks, dict.fromkeys(named.tasks, "sex"))
    pd.testing.assert_series_equal(again[f"test_{GROUP_RISE}"], named.trials[f"test_{GROUP_RISE}"])
