"""What names are called."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from paretofair.analysis.results import Results
from paretofair.errors import RunError
from paretofair.metrics.objectives import parse_objective
from paretofair.report.figures import FIGURES
from paretofair.report.labels import Labels
from paretofair.report.latex import latex_tables
from paretofair.report.page.contents import contents_of

from ..analysis.conftest import TASKS

PLAIN = Labels({}, ("repaid", "repaid_late"))
GIVEN = Labels(
    {"repaid": "loan repaid", "mtaf": "ours", "sex": "gender", "f": "women", "fpr_gap": "false alarms"}, PLAIN.tasks
)


@pytest.mark.parametrize(
    ("kind", "name", "plain", "given"),
    [
        ("method", "per_task", "per-task", "per-task"),
        ("method", "mtaf", "MTA-F", "ours"),
        ("method", "mtaf@second_run", "MTA-F@second_run", "ours@second_run"),
        ("method", "my_method", "my_method", "my_method"),
        ("task", "repaid", "repaid", "loan repaid"),
        ("task", "repaid_late", "repaid_late", "repaid_late"),
        ("task", "repaid: low", "repaid: low", "loan repaid: low"),
        ("attribute", "sex_x_race", "sex × race", "gender × race"),
        ("group", "f", "f", "women"),
        ("metric", "fpr_gap", "FPR gap", "false alarms"),
        ("metric", "macro_f1", "macro F1", "macro F1"),
        ("hyperparameter", "fairness_weight_repaid_late", "fairness weight, repaid_late", None),
        ("hyperparameter", "learning_rate", "learning rate", None),
        ("front", "arfg_are", "ARFG-ARE", "ARFG-ARE"),
        ("front", "repaid", "repaid", "loan repaid"),
    ],
)
def test_names(kind, name, plain, given):
    assert getattr(PLAIN, kind)(name) == plain
    assert getattr(GIVEN, kind)(name) == (plain if given is None else given)


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("loan", "loan"),
        ("loan_late", "loan_late"),
        ("loan_low", "loan"),
        ("loan: low", "loan"),
        ("loan_late_low", "loan_late"),
        ("loan_late: low", "loan_late"),
        ("loans", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("tasks", [("loan", "loan_late"), ("loan_late", "loan")])
def test_a_task_owns_what_begins_with_its_name_but_for_what_a_longer_one_owns(tasks, name, owner):
    assert Labels({}, tasks).find_task(name) == owner


def test_objectives():
    for name, plain, given in (
        ("fpr_gap_repaid", "FPR gap, repaid", "false alarms, loan repaid"),
        ("arfg", "ARFG", "ARFG"),
        ("average_precision", "average precision", "average precision"),
    ):
        objective = parse_objective(name, PLAIN.tasks)
        assert (PLAIN.objective(objective), GIVEN.objective(objective)) == (plain, given)
    assert GIVEN.words(parse_objective("error_repaid", PLAIN.tasks)) == "error of loan repaid"


def test_they_stand_in_figures_tables_and_on_the_page(made_up_run, monkeypatch):
    """But not in CSV files, whose columns `Results` has."""
    labels = {"bar": "the bar exam", "own_method": "New $method", "fpr_gap": "gap of rates"}
    monkeypatch.setattr(made_up_run, "settings", replace(made_up_run.settings, labels=labels))
    for name in ("tasks", "splits", "audit"):
        figure = FIGURES[name].draw(made_up_run)
        assert "the bar exam" in [axes.get_title() for axes in figure.axes], name
        assert "New $method" in [text.get_text() for text in figure.legends[0].get_texts()], name
        assert "the bar exam" in FIGURES[name].caption(made_up_run) or name != "tasks"
    tables = latex_tables(made_up_run)
    assert r"\emph{the bar exam}" in tables["per_task"]
    assert "gap of rates" in tables["per_task"]
    assert r"New \$method &" in tables["summary"]
    data = contents_of(made_up_run)
    assert data["labels"]["methods"]["own_method"] == "New $method"
    assert data["labels"]["tasks"] == {"grade": "grade", "bar": "the bar exam"}
    assert {each["name"]: each["label"] for each in data["metrics"]}["fpr_gap_bar"] == "gap of rates, the bar exam"
    assert made_up_run.tasks == list(TASKS)


def test_a_run_has_them_from_its_space_file(run_folder, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    (folder / "space.yaml").write_text("name: made_up\nlabels: {bar: the bar exam}\n")
    assert Results(folder).settings.labels == {"bar": "the bar exam"}
    # The first of several runs has the say.
    other = tmp_path / "other"
    shutil.copytree(run_folder, other)
    (other / "space.yaml").write_text("name: made_up\nlabels: {bar: other, grade: the grade}\n")
    assert Results(folder, other).settings.labels == {"bar": "the bar exam", "grade": "the grade"}
    (folder / "space.yaml").write_text("name: made_up\nlabels: {bar: 3}\n")
    with pytest.raises(RunError, match="not a readable space file"):
        Results(folder)
