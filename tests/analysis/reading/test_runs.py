"""Runs read as one comparison: merged, told apart, refused."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paretofair.analysis.results import Results
from paretofair.errors import RunError
from paretofair.results.table_schema import TaskSchema, pack_table, read_schema


@pytest.fixture
def another(run_folder, tmp_path):
    """A copy of the made-up run whose trials were changed by a function of the table."""

    def make(name, change):
        folder = tmp_path / name
        shutil.copytree(run_folder, folder)
        (path,) = (folder / "trials").glob("*.parquet")
        changed = change(pq.read_table(path).to_pandas())
        pq.write_table(pa.Table.from_pandas(changed, preserve_index=False), path)
        return folder

    return make


def test_one_run_twice_is_one_run(another):
    first, second = (another(name, lambda table: table.assign(space_id="a")) for name in ("first", "second"))
    one, both = Results(first), Results(first, second)
    pd.testing.assert_frame_equal(one.trials, both.trials)
    pd.testing.assert_frame_equal(one.hypervolumes, both.hypervolumes)
    assert one.settings.objectives == ("arfg_are", "grade", "bar", "accuracies", "all")


def test_a_method_that_was_trained_otherwise_is_told_apart(run_folder, another):
    def other(table):
        again = table["stage"].isin(["sweep", "confirm"]) & (table["method"] == "mtaf")
        table = table[again | (table["stage"] == "baselines")].copy()
        table["trial_id"] = np.where(table["stage"] == "baselines", table["trial_id"], table["trial_id"] + "x")
        return table

    other_run = another("mmd", other)
    both = Results(run_folder, other_run)
    assert both.methods == [f"mtaf@{run_folder.name}", "mtaf@mmd", "own_method", "vanilla"]
    assert len(both.baselines) == len(Results(run_folder).baselines)
    pd.testing.assert_series_equal(
        both.hypervolumes.set_index(["method", "seed"])["hypervolume"]["mtaf@mmd"],
        Results(other_run).hypervolumes.set_index(["method", "seed"])["hypervolume"]["mtaf"],
    )
    counts = both.cells.of(["mtaf-0-0", "mtaf-0-0x"])["test"]
    for of_task in counts:
        np.testing.assert_array_equal(of_task.values[0], of_task.values[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.assign(source="real"), "cannot be compared: the data are simulated and real"),
        (lambda table: table.assign(protocol="paper"), "the protocol is validation and paper"),
        (lambda table: table.assign(split_id="s1"), "the splits of seed 0 are s0 and s1"),
        (lambda table: table.assign(split_id="s1", seed=table["seed"] + 50), "the splits are s0 and s1"),
        (
            lambda table: table.filter(regex="^(?!.*_bar)"),
            r"the tasks are grade \(binary\), bar \(binary\) and grade \(binary\)",
        ),
    ],
)
def test_what_must_not_stand_on_one_figure(run_folder, another, change, message):
    with pytest.raises(RunError, match=message):
        Results(run_folder, another("other", change))


def test_tasks_of_other_kinds_are_told_apart(run_folder, tmp_path):
    kinds = {"a": ("binary", ()), "b": ("multiclass", ("low", "mid", "high"))}
    runs = []
    for name, (kind, classes) in kinds.items():
        folder = shutil.copytree(run_folder, tmp_path / name)
        (path,) = (folder / "trials").glob("*.parquet")
        table = pq.read_table(path)
        own = read_schema(table.column_names, None)
        schema = replace(own, tasks=tuple(TaskSchema(task.name, kind, classes) for task in own.tasks))
        columns = {each: ["x"] * len(table) for each in ("space_id", "data_id", "device", "dtype", "path")}
        columns |= {each: table[each] for each in table.column_names}
        pq.write_table(pack_table(columns, schema), path)
        runs.append(folder)
    with pytest.raises(RunError, match=r"grade \(binary\), .* and grade \(multiclass, low, mid, high\), "):
        Results(*runs)


def trained_in(space_ids):
    """A change of a run: `space_id` by stage, and trials of their own where it is another one."""

    def change(table):
        ids = table["stage"].map(space_ids)
        shared = table["stage"].eq("baselines") | ids.isna()
        return table.assign(space_id=ids.fillna("same"), trial_id=np.where(shared, "", ids) + table["trial_id"])

    return change


def test_methods_of_points_alone_are_told_apart(another):
    def points(table):
        return table.assign(stage=table["stage"].replace("sweep", "points"))

    one = another("one", lambda table: trained_in({"points": "a"})(points(table)))
    other = another("other", lambda table: trained_in({"points": "b"})(points(table)))
    both = Results(one, other)
    assert both.methods == [f"{name}@{run}" for name in ("mtaf", "own_method", "vanilla") for run in ("one", "other")]
    assert both.told_apart["mtaf"] == {"mtaf@one": [one], "mtaf@other": [other]}
    assert Results(one).told_apart == {}


def test_ids_of_different_stages_tell_nothing(another):
    """Ids of `points` and `sweep` differ in one and the same run."""

    def first_are_points(table):
        stage = np.where(table["stage"].eq("sweep") & (table["index"] < 5), "points", table["stage"])
        return table.assign(stage=stage)

    alone = another("alone", trained_in({"sweep": "s"}))
    with_points = another(
        "with_points", lambda table: trained_in({"sweep": "s", "points": "p"})(first_are_points(table))
    )
    assert Results(alone, with_points).methods == ["mtaf", "own_method", "vanilla"]
    assert Results(alone, with_points).told_apart == {}


def test_runs_that_trained_a_method_alike_share_its_name(another):
    first, second = (another(name, trained_in({"sweep": "a"})) for name in ("first", "second"))
    third = another("third", trained_in({"sweep": "b"}))
    both = Results(first, third, second)
    assert both.told_apart["mtaf"] == {"mtaf@first": [first, second], "mtaf@third": [third]}
    assert (both.searched["method"] == "mtaf@first").sum() == (Results(first).searched["method"] == "mtaf").sum()


def test_baselines_that_were_trained_otherwise_are_refused(another):
    one, other = (another(name, trained_in({"baselines": name, "sweep": "s"})) for name in ("one", "other"))
    bare = another("bare", lambda table: trained_in({"sweep": "s"})(table[table["stage"] != "baselines"]))
    words = "one and .*other cannot be compared: their single-task baselines were trained with different settings"
    with pytest.raises(RunError, match=words):
        Results(one, other)
    with pytest.raises(RunError, match=words):
        Results(bare, one, other)
    for runs in ((one, bare), (bare, one)):
        pd.testing.assert_frame_equal(Results(*runs).baselines, Results(one).baselines)


def test_other_data_are_refused(another):
    one, other = (another(name, lambda table, name=name: table.assign(data_id=name)) for name in ("first", "second"))
    with pytest.raises(RunError, match="the data have the ids first and second"):
        Results(one, other)
