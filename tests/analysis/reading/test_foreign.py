"""Tables made elsewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.results import Results
from paretofair.analysis.rules import choose_points, select_trials
from paretofair.errors import RunError
from paretofair.report.write import write_report
from tests.report.writing import write_everything

THEIRS = {
    "method": ["a", "a"],
    **{f"{split}_{name}_x": [0.1, 0.2] for split in ("validation", "test") for name in ("error", "fpr_gap")},
}


def test_baselines_of_tables_made_elsewhere(tmp_path):
    """Without a `space_id` nothing says that they were trained alike."""
    alone = {"stage": ["baselines", "baselines"], "task_weight_x": [1, 1], "method": ["single_task"] * 2}
    for name in ("one", "other"):
        pd.concat([pd.DataFrame(THEIRS), pd.DataFrame(THEIRS | alone)]).to_csv(tmp_path / f"{name}.csv", index=False)
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    with pytest.raises(RunError, match="single-task baselines were trained with different settings"):
        Results(one, other)
    assert len(Results(one, one).trials) == 4


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
