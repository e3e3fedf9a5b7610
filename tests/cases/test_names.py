"""Names that users gave, and that became files outside of the output, columns of two tasks, or a traceback."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paretofair.cli.report import main as report
from paretofair.cli.sweep import main as sweep
from paretofair.data import CsvSchema, read_csv_dataset
from paretofair.errors import DataError
from tests.cases.wrong.right import SPACE, make_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place: Path = tmp_path_factory.mktemp("names") / "inside"
    place.mkdir()
    make_data(200).to_csv(place / "data.csv", index=False)
    return place


def check(folder: Path, capsys, **changes: Mapping[str, Any]) -> str:
    """What `sweep --dry-run` says of the space with other tasks, attributes or methods; empty where it takes them."""
    space = copy.deepcopy(SPACE)
    space["data"]["csv"].update({key: dict(value) for key, value in changes.items() if key != "methods"})
    space["methods"] = dict(changes.get("methods", space["methods"]))
    (folder / "space.yaml").write_text(yaml.safe_dump(space, sort_keys=False, allow_unicode=True), encoding="utf-8")
    before = sorted(folder.parent.rglob("*"))
    code = sweep(["--space", str(folder / "space.yaml"), "--dry-run", "--output", str(folder / "out")])
    said = capsys.readouterr()
    assert code in (0, 2), said.err
    assert "Traceback" not in said.err + said.out
    assert sorted(folder.parent.rglob("*")) == before
    assert bool(code) == bool(said.err.strip())
    return str(said.err) if code else ""


@pytest.mark.parametrize("name", ["all", "accuracies", "arfg_are", "arfg", "are", "ALL"])
def test_a_task_with_the_name_of_a_set_of_objectives(folder, capsys, name):
    said = check(folder, capsys, tasks={name: "one", "large": "age > 0"})
    assert f"space.yaml:6: data.csv.tasks.{name}: found '{name}', which is the name of a set of objectives" in said


@pytest.mark.parametrize(
    ("tasks", "column"),
    [
        (("contract", "signed_contract"), "fpr_gap_signed_contract"),
        (("signed_contract", "contract"), "fpr_gap_signed_contract"),
        (("pay", "gap_pay"), "accuracy_gap_pay"),
        (("x", "towards_x"), "bias_amplification_towards_x"),
        (("x", "absolute_x"), "bias_amplification_absolute_x"),
        (("x", "x_std"), "error_x_std"),
        (("x", "x_by_sex"), "error_x_by_sex"),
    ],
)
def test_tasks_with_a_column_in_common(folder, capsys, tasks, column):
    said = check(folder, capsys, tasks={tasks[0]: "one", tasks[1]: "two"})
    assert f"data.csv.tasks.{tasks[1]}: found '{tasks[1]}', which shares the column {column} with '{tasks[0]}'" in said


@pytest.mark.parametrize("name", ["", "default/30d", "../../../evil", "a\\b", ".hidden", "a\nb", "a\u2028b", "x" * 300])
def test_names_that_are_no_names(folder, capsys, name):
    assert "found " in check(folder, capsys, tasks={name: "one", "y": "two"})
    assert "found " in check(folder, capsys, sensitive={name: "sex"})
    assert "methods" in check(folder, capsys, methods={name: {"class": "vanilla"}})


def test_names_that_differ_by_case_or_unicode_form(folder, capsys):
    words = "by case or Unicode form alone; rename one"
    assert f"'repaid', which differs from 'Repaid' {words}" in check(
        folder, capsys, tasks={"Repaid": "one", "repaid": "two"}
    )
    assert words in check(folder, capsys, tasks={"\u00e9": "one", "e\u0301": "two"})
    assert words in check(folder, capsys, sensitive={"sex": "sex", "Sex": "age"})
    assert words in check(folder, capsys, methods={"vanilla": None, "Vanilla": {"class": "vanilla"}})


def test_an_attribute_with_the_name_of_an_intersection(folder, capsys):
    said = check(folder, capsys, sensitive={"a": "sex", "b": "age", "a_x_b": "age"})
    assert "data.csv.sensitive.a_x_b: found 'a_x_b', which is also the intersection of a and b; rename it" in said
    assert "a column of groups.csv" in check(folder, capsys, sensitive={"cell": "sex"})


def test_names_that_are_fine(folder, capsys):
    assert check(folder, capsys, tasks={"größer": "one", "default in 30 d": "two"}, sensitive={"a_x": "sex"}) == ""


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", "x" * 101])
def test_data_sets_given_by_python(folder, name):
    schema = CsvSchema(path=str(folder / "data.csv"), tasks={name: "one"}, sensitive={"sex": "sex"})
    with pytest.raises(DataError, match="found the task"):
        read_csv_dataset(schema, name="python")


HOSTILE = st.one_of(
    st.text(max_size=8),
    st.text(alphabet="./\\a\x00\n $[]{}=+-@%_é", min_size=1, max_size=6),
    st.sampled_from(["../x", "/etc/x", "C:\\x", "all", "[/b]", "=1+1", "$x$", "<b>", "~", "x" * 300, "\u202ex"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tasks=st.lists(HOSTILE, min_size=2, max_size=2, unique=True), attribute=HOSTILE)
def test_hostile_names_end_in_a_sentence(folder, capsys, tasks, attribute):
    check(folder, capsys, tasks=dict(zip(tasks, ["one", "two"], strict=True)), sensitive={attribute: "sex"})


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(task=HOSTILE, method=HOSTILE, trial=HOSTILE)
def test_hostile_names_in_a_table_end_in_a_sentence(tmp_path, capsys, task, method, trial):
    metrics = [f"{split}_{metric}" for split in ("validation", "test") for metric in ("error", "fpr_gap")]
    columns = {f"{metric}_{task}": [0.1, 0.2] for metric in metrics}
    table = pd.DataFrame({"trial_id": [trial, "other"], "method": [method, "m"], **columns})
    place = tmp_path / "place"
    place.mkdir(exist_ok=True)
    try:
        table.to_csv(place / "table.csv", index=False, errors="surrogatepass")
    except UnicodeEncodeError:
        return
    code = report([str(place / "table.csv"), "--output", str(place / "out"), "--only", "tables"])
    assert code in (0, 2), capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"place"}
    assert {path.name for path in place.iterdir()} <= {"table.csv", "out"}
