"""Runs read as one comparison: merged, told apart, refused; tables made elsewhere; the wide table."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from paretofair.analysis.results import ReportSettings, Results, read_settings
from paretofair.analysis.rules import choose_points, select_trials
from paretofair.errors import RunError
from paretofair.report import figures
from paretofair.report.figures import write_figures
from paretofair.report.latex import write_latex
from paretofair.report.output import MANIFEST
from paretofair.report.page import write_page
from paretofair.report.wide import write_wide
from paretofair.report.write import write_report
from paretofair.results.table_schema import TaskSchema, pack_table, read_schema

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


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"constraints": ["error_grade << 0.9"]}, "expected a name, <= or >=, and a number"),
        ({"constraints": ["eror_grade <= 0.9"]}, "no metric 'eror_grade'"),
        ({"frontiers": {"gap": "fpr_gp"}}, "no metric 'fpr_gp_grade'"),
        ({"frontiers": {"objectives": [{"name": "own", "of": ["auc_x"]}]}}, "no metric 'auc_x'"),
        ({"frontiers": {"objectives": [{"name": "own", "of": "auc"}]}}, "it is not what a run has written"),
        (
            {"frontiers": {"objectives": [{"name": "own", "of": ["auc", "error"], "reference": [1]}]}},
            "the set own has 2 objectives and 1 references",
        ),
        ({"metrics": {"own": {"function": "a:b", "direction": "upwards"}}}, "it is not what a run has written"),
        (
            {
                "metrics": {"own": {"function": "a:b", "direction": "minimised"}},
                "frontiers": {"objectives": [{"name": "two", "of": ["own_grade", "auc"]}]},
            },
            "the set two needs a reference point: own_grade has no worst value",
        ),
    ],
)
def test_a_damaged_space_file_is_named(run_folder, tmp_path, written, words):
    folder = shutil.copytree(run_folder, tmp_path / "run")
    (folder / "space.yaml").write_text(yaml.safe_dump(written))
    with pytest.raises(RunError) as error:
        Results(folder)
    named, _, said = str(error.value).partition(": ")
    assert named == str(folder / "space.yaml")
    assert words in said
    assert "\n" not in said


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


def test_baselines_of_tables_made_elsewhere(tmp_path):
    """Without a `space_id` nothing says that they were trained alike."""
    alone = {"stage": ["baselines", "baselines"], "task_weight_x": [1, 1], "method": ["single_task"] * 2}
    for name in ("one", "other"):
        pd.concat([pd.DataFrame(THEIRS), pd.DataFrame(THEIRS | alone)]).to_csv(tmp_path / f"{name}.csv", index=False)
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    with pytest.raises(RunError, match="single-task baselines were trained with different settings"):
        Results(one, other)
    assert len(Results(one, one).trials) == 4


def test_results_are_forgotten(made_up_results):
    results = made_up_results(trials=3)
    results.frontier("arfg_are")
    known = weakref.ref(results)
    del results
    gc.collect()
    assert known() is None


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


def test_a_run_beside_a_table_made_elsewhere_has_no_counts(run_folder, made_up_run, tmp_path):
    """Those of the run alone would be taken for those of both."""
    theirs = made_up_run.searched[made_up_run.searched["method"] == "mtaf"]
    theirs = theirs.assign(method="theirs", trial_id="their-" + theirs["trial_id"]).dropna(axis=1, how="all")
    theirs.to_parquet(tmp_path / "theirs.parquet")
    results = Results(run_folder, tmp_path / "theirs.parquet", sensitive="sex")
    assert results.cells is None
    written = write_report(results, tmp_path / "out")
    assert "audit.csv" not in {path.name for path in written}
    assert {"theirs", "mtaf"} <= set(pd.read_csv(tmp_path / "out" / "frontiers" / "all.csv")["method"])


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
        ({"stage": ["sweep", "training"]}, "found stage 'training'; accepted: tune_baselines, "),
        ({"status": ["done", "done"]}, "found status 'done'; accepted: completed, "),
        ({"trial_id": ["t", "t"]}, "the trial_id 't' stands in 2 rows or more"),
        ({"validation_error_x": ["0.1", "abc"]}, "column validation_error_x, row 2: found 'abc'; expected a number"),
        ({"validation_error_y": [0.1, 0.1]}, "no column validation_fpr_gap_y, test_error_y, test_fpr_gap_y"),
        ({"protocol": ["paper", None]}, "found the protocols paper and validation; a table has one"),
        ({"protocol": ["theirs", None]}, "found protocol 'theirs'; accepted: validation, paper"),
        ({"method": ["a", None]}, "column method, row 2: empty"),
        ({"seed": ["0", "first"]}, "column seed, row 2: found 'first'; expected a whole number"),
        ({"seed": [0.5, 1]}, "column seed, row 1: found 0.5; expected a whole number"),
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


def theirs(trials=12, splits=("validation", "test"), tasks=("x", "y"), seed=0, **more):
    """A made-up table of two methods and two seeds."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"method": ["a", "b"] * (trials // 2), "seed": np.arange(trials) // 2 % 2})
    for name in (f"{split}_{metric}_{task}" for split in splits for metric in ("error", "fpr_gap") for task in tasks):
        table[name] = random.uniform(0.1, 0.3, trials)
    return table.assign(**more)


def denominators(folder, tasks=("x", "y")):
    rows = [f"{task},{split},{metric},0.2" for task in tasks for split in ("validation", "test")
            for metric in ("error", "fpr_gap")]  # fmt: skip
    (folder / "baselines.csv").write_text("\n".join(["task,split,metric,mean", *rows]))


def write_everything(results, folder):
    return [*write_report(results, folder), *write_latex(results, folder), *write_figures(results, folder),
            write_page(results, folder)]  # fmt: skip


@pytest.mark.parametrize("splits", [("test",), ("validation", "test")])
def test_a_table_of_protocol_paper(tmp_path, splits):
    """Points are chosen on test with the seeds pooled, in every table."""
    denominators(tmp_path)
    theirs(splits=splits, protocol="paper").to_csv(tmp_path / "theirs.csv", index=False)
    results = Results(tmp_path / "theirs.csv")
    assert results.settings.protocol == "paper"
    written = write_everything(results, tmp_path / "out")
    assert len(written) > 30
    assert set(results.hypervolumes["seed"]) == {"all"}
    for name in ("summary", "selected"):
        table = pd.read_csv(tmp_path / "out" / "tables" / f"{name}.csv")
        assert set(table["selected_on"]) == {"test"}
        assert set(table["protocol"]) == {"paper"}
    chosen = choose_points(results)
    assert chosen["method"].tolist() == ["a", "b"]
    assert (chosen["trials"] == 6).all()
    by_rule = select_trials(results).query("rule == 'midpoint'")
    assert by_rule["trial_id"].tolist() == chosen["trial_id"].tolist()


def test_methods_that_are_numbers(tmp_path):
    for name, seed in (("one", 0), ("other", 1)):
        theirs(seed=seed, method=[1, 2] * 6).to_csv(tmp_path / f"{name}.csv", index=False)
    both = Results(tmp_path / "one.csv", tmp_path / "other.csv")
    assert both.methods == ["1@one", "1@other", "2@one", "2@other"]
    theirs(method=[1, 2] * 6).to_parquet(tmp_path / "one.parquet")
    assert Results(tmp_path / "one.parquet").methods == ["1", "2"]


@pytest.mark.parametrize("confirms", ["theirs-3", None])
def test_confirmed_trials_without_their_runs(tmp_path, confirms):
    denominators(tmp_path)
    theirs(confirms=confirms).to_csv(tmp_path / "theirs.csv", index=False)
    written = write_everything(Results(tmp_path / "theirs.csv"), tmp_path / "out")
    assert tmp_path / "out" / "confirm.csv" not in written
    theirs(confirms=None, stage=["sweep"] * 10 + ["confirm"] * 2).to_csv(tmp_path / "theirs.csv", index=False)
    write_report(Results(tmp_path / "theirs.csv"), tmp_path / "out")
    assert pd.read_csv(tmp_path / "out" / "confirm.csv")["on_frontier"].tolist() == [False, False]


def test_one_name_for_different_trials(tmp_path):
    """Numbers of rows name trials that have no name, and so may two files of one name in two folders."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        theirs(seed=len(name)).to_csv(tmp_path / name / "theirs.csv", index=False)
    with pytest.raises(RunError, match=r"have different trials of the name 'theirs-0'; give every trial a trial_id"):
        Results(tmp_path / "one" / "theirs.csv", tmp_path / "other" / "theirs.csv")
    twice = Results(tmp_path / "one" / "theirs.csv", tmp_path / "one" / "theirs.csv")
    assert len(twice.trials) == 12


def test_one_task_has_two_sets_of_objectives(tmp_path):
    """Accuracies and all objectives of one task are no other than its own, also where a space file names them."""
    denominators(tmp_path, ["x"])
    theirs(tasks=["x"]).to_csv(tmp_path / "theirs.csv", index=False)
    for objectives in ((), ("arfg_are", "x", "accuracies", "all"), ("all",)):
        results = Results(tmp_path / "theirs.csv", objectives=objectives)
        assert results.settings.objectives == ("arfg_are", "x")
    write_everything(results, tmp_path / "out")
    names = [path.name for path in (tmp_path / "out" / "frontiers").rglob("*.csv")]
    assert sorted(names) == ["all.csv", "arfg_are.csv", "arfg_are.csv", "x.csv", "x.csv"]
    assert set(pd.read_csv(tmp_path / "out" / "frontiers" / "all.csv")["objectives"]) == {"arfg_are", "x"}
    assert not list((tmp_path / "out" / "figures").glob("accuracies*"))
    theirs(tasks=["all"]).to_csv(tmp_path / "theirs.csv", index=False)
    with pytest.raises(RunError, match="found the task 'all', which is the name of a set of objectives"):
        Results(tmp_path / "theirs.csv", objectives=("all",))


def test_files_of_an_earlier_report_are_removed(run_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "FIGURES", {name: figures.FIGURES[name] for name in ("fronts", "tasks", "audit")})
    first = Results(run_folder, sensitive="sex")
    write_everything(first, tmp_path)
    own = [
        tmp_path / name for name in ("tables/mine.csv", "tables/notes.md", "figures/logo.png", "frontiers/mtaf/a.txt")
    ]
    for path in own:
        path.write_text("mine")
    own.append(tmp_path / MANIFEST)
    without = first.trials[(first.trials["method"] != "own_method") & (first.trials["stage"] != "confirm")]
    second = Results.of(without, replace(first.settings, objectives=("arfg_are", "grade")))
    written = write_everything(second, tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted([*written, *own])
    listed = json.loads((tmp_path / MANIFEST).read_text())["files"]
    assert listed == sorted(path.relative_to(tmp_path).as_posix() for path in written)
    assert sorted(path.name for path in (tmp_path / "frontiers").iterdir()) == ["all.csv", "mtaf", "vanilla"]
    assert not (tmp_path / "figures" / "audit.pdf").exists()
    third = Results.of(without[without["stage"] != "baselines"], replace(first.settings, objectives=("grade",)))
    written = write_everything(third, tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted([*written, *own])


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(RunError, match="nowhere does not exist; give the results folder"):
        Results(tmp_path / "nowhere")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(RunError, match="not a readable Parquet file"):
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
    counts = [of_task.values[0] for of_task in made_up_run.cells.of([trial])["test"]]
    # Cells: two races of women, two of men; counts tp, fp, tn, fn.
    women = counts[0][:2].sum(0)
    assert wide.loc[trial, "test_false_positive_rate_grade_Female"] == women[1] / (women[1] + women[2])
    white = counts[1][[0, 2]].sum(0)
    assert wide.loc[trial, "test_error_bar_White"] == (white[1] + white[3]) / white[:4].sum()
    np.testing.assert_allclose(wide["test_fpr_gap_grade_by_sex"], made_up_run.trials["test_fpr_gap_grade"].to_numpy())
    assert wide["confirms"].isna().sum() == (made_up_run.trials["stage"] != "confirm").sum()
    with pytest.raises(RunError, match=r"needs groups.csv"):
        write_wide(Results.of(made_up_run.trials, ReportSettings()), tmp_path)
