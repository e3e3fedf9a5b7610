"""What a report writes and removes, and the wide table."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.results import ReportSettings, Results
from paretofair.errors import RunError
from paretofair.report import figures
from paretofair.report.output import MANIFEST
from paretofair.report.wide import write_wide
from paretofair.report.write import write_report
from tests.report.writing import write_everything


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
