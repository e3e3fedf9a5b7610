"""Runs read as one comparison: merged, told apart, refused; tables made elsewhere; the wide table."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paretofair.errors import RunError
from paretofair.report.results import ReportSettings, Results, read_settings
from paretofair.report.wide import write_wide
from paretofair.report.write import write_report

SPACE = """\
name: made_up
protocol: validation
data: {name: lsac, sensitive: {grade: sex, bar: race}}
threshold: {fixed: 0.4}
methods: {mtaf: {}, vanilla: {}}
constraints: [error_grade <= 0.9]
frontiers: {objectives: [arfg_are, bar], reference_point: {arfg: 2.0, are: 1.5}}
"""


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


def test_settings_come_from_the_space_file(tmp_path):
    assert read_settings(tmp_path) == ReportSettings()
    (tmp_path / "space.yaml").write_text(SPACE)
    found = read_settings(tmp_path)
    assert found.sensitive == {"grade": "sex", "bar": "race"}
    assert found.reference == (2.0, 1.5)
    assert found.objectives == ("arfg_are", "bar")
    assert found.methods == ("mtaf", "vanilla")
    assert found.constraints == ("error_grade <= 0.9",)
    assert found.threshold == "fixed 0.4"
    assert (found.selected_on, found.pooled) == ("validation", False)


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
    np.testing.assert_array_equal(counts[0], counts[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.assign(source="real"), "cannot be compared: the data are simulated and real"),
        (lambda table: table.assign(protocol="paper"), "the protocol is validation and paper"),
        (lambda table: table.assign(split_id="s1"), "the splits of seed 0 are s0 and s1"),
        (lambda table: table.assign(split_id="s1", seed=table["seed"] + 50), "the splits are s0 and s1"),
        (lambda table: table.filter(regex="^(?!.*_bar)"), "the tasks are grade, bar and grade"),
    ],
)
def test_what_must_not_stand_on_one_figure(run_folder, another, change, message):
    with pytest.raises(RunError, match=message):
        Results(run_folder, another("other", change))


def test_other_data_are_refused(another):
    one, other = (another(name, lambda table, name=name: table.assign(data_id=name)) for name in ("first", "second"))
    with pytest.raises(RunError, match="the data have the ids first and second"):
        Results(one, other)


def test_a_table_made_elsewhere(made_up_run, tmp_path):
    """Method, seed and metrics are enough; with a `baselines.csv` beside it also for ARE and ARFG."""
    columns = [f"{split}_{name}_{task}" for split in ("validation", "test") for name in ("error", "fpr_gap")
               for task in ("grade", "bar")]  # fmt: skip
    own = made_up_run.searched[["method", "seed", *columns]]
    own.to_csv(tmp_path / "theirs.csv", index=False)
    alone = Results(tmp_path / "theirs.csv")
    assert alone.source == "unknown"
    assert alone.methods == ["mtaf", "own_method", "vanilla"]
    assert alone.hypervolumes.empty
    here, there = made_up_run.frontier("bar"), alone.frontier("bar")
    for name in ("validation_fpr_gap_bar", "test_error_bar"):
        np.testing.assert_allclose(sorted(here[name]), sorted(there[name]))
    made_up_run.baselines.assign(split_id=None).to_csv(tmp_path / "baselines.csv", index=False)
    own.to_parquet(tmp_path / "theirs.parquet")
    with_baselines = Results(tmp_path / "theirs.parquet")
    np.testing.assert_allclose(
        sorted(with_baselines.hypervolumes["hypervolume"]), sorted(made_up_run.hypervolumes["hypervolume"])
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"method": ["a"]}), "has no column test_error_<task>"),
        (
            pd.DataFrame(
                {"method": ["../a"]}
                | {f"{split}_{name}_x": [0.1] for split in ("validation", "test") for name in ("error", "fpr_gap")}
            ),
            "found the method '../a'; accepted: letters",
        ),
        (pd.DataFrame({"test_error_x": [0.1]}), "has no column method, validation_error_x, "),
        (pd.DataFrame({"method": ["a"], "test_error_x": [0.1], "validation_error_x": [0.1]}), "no column .*fpr_gap_x"),
    ],
)
def test_a_table_that_lacks_columns(tmp_path, table, message):
    table.to_csv(tmp_path / "theirs.csv", index=False)
    with pytest.raises(RunError, match=message):
        Results(tmp_path / "theirs.csv")


THEIRS = {
    "method": ["a", "a"],
    **{f"{split}_{name}_x": [0.1, 0.2] for split in ("validation", "test") for name in ("error", "fpr_gap")},
}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"stage": ["sweep", "training"]}, "found stage 'training'; accepted: baselines, points, "),
        ({"status": ["done", "done"]}, "found status 'done'; accepted: completed, "),
        ({"trial_id": ["t", "t"]}, "the trial_id 't' stands in 2 rows or more"),
        ({"validation_error_x": ["0.1", "abc"]}, "column validation_error_x, row 2: found 'abc'; expected a number"),
        ({"validation_error_y": [0.1, 0.1]}, "no column validation_fpr_gap_y, test_error_y, test_fpr_gap_y"),
    ],
)
def test_cells_that_nobody_can_read(tmp_path, more, message):
    pd.DataFrame(THEIRS | more).to_csv(tmp_path / "theirs.csv", index=False)
    with pytest.raises(RunError, match=message):
        Results(tmp_path / "theirs.csv")


def test_empty_cells_have_the_defaults(tmp_path):
    """Baselines in the same table: the stage of all other rows may be left empty."""
    alone = {"stage": ["baselines", "baselines"], "task_weight_x": [1, 1], "method": ["single_task"] * 2}
    table = pd.concat([pd.DataFrame(THEIRS), pd.DataFrame(THEIRS | alone)])
    table.to_csv(tmp_path / "theirs.csv", index=False)
    found = Results(tmp_path / "theirs.csv")
    assert found.methods == ["a"]
    assert len(found.searched) == 2
    assert found.trials["validation_are"].tolist()[2:] == pytest.approx([0.1 / 0.15, 0.2 / 0.15])
    (tmp_path / "baselines.csv").write_text("task,split,metric,mean\nx,test,error,0.5\n")
    pd.DataFrame(THEIRS).to_csv(tmp_path / "theirs.csv", index=False)
    found = Results(tmp_path / "theirs.csv")
    assert found.trials["test_are"].tolist() == [0.2, 0.4]
    write_report(found, tmp_path / "out")


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(RunError, match="nowhere does not exist; give a results folder"):
        Results(tmp_path / "nowhere")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(RunError, match="not a readable trial table"):
        Results(tmp_path / "text.parquet")
    (tmp_path / "empty" / "trials").mkdir(parents=True)
    with pytest.raises(RunError, match="has no finished trials yet"):
        Results(tmp_path / "empty")
    (tmp_path / "parent" / "run").mkdir(parents=True)
    with pytest.raises(RunError, match="parent holds no trial table; give the results folder"):
        Results(tmp_path / "parent")
    with pytest.raises(RunError, match="no run was given"):
        Results()


def test_writing_changes_nothing_of_what_was_read(made_up_run, tmp_path):
    before = {name: made_up_run.frontier(name) for name in made_up_run.settings.objectives}
    write_report(made_up_run, tmp_path)
    assert "test_arfg_low" in pd.read_csv(tmp_path / "frontiers" / "all.csv")
    for name, points in before.items():
        pd.testing.assert_frame_equal(made_up_run.frontier(name), points)


def test_the_wide_table_spells_out_what_the_counts_say(made_up_run, tmp_path):
    wide = pd.read_parquet(write_wide(made_up_run, tmp_path)).set_index("trial_id")
    assert list(wide.index) == made_up_run.trials["trial_id"].tolist()
    trial = "mtaf-1-3"
    counts = made_up_run.cells.of([trial])["test"][0]
    # Cells: two races of women, two of men; counts tp, fp, tn, fn.
    women = counts[0, :2].sum(0)
    assert wide.loc[trial, "test_false_positive_rate_grade_Female"] == women[1] / (women[1] + women[2])
    white = counts[1, [0, 2]].sum(0)
    assert wide.loc[trial, "test_error_bar_White"] == (white[1] + white[3]) / white[:4].sum()
    np.testing.assert_allclose(wide["test_fpr_gap_grade_by_sex"], made_up_run.trials["test_fpr_gap_grade"].to_numpy())
    assert wide["confirms"].isna().sum() == (made_up_run.trials["stage"] != "confirm").sum()
    with pytest.raises(RunError, match=r"needs groups.csv"):
        write_wide(Results.of(made_up_run.trials, ReportSettings()), tmp_path)
