"""The page: what is embedded in it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.results import Results
from paretofair.report.findings import find
from paretofair.report.output import MANIFEST
from paretofair.report.page import contents, write_page
from paretofair.report.page.packed import pack_column, pack_numbers, unpack_column

from .made_table import write_table
from .page_run import CELLS, SPLITS, TASKS, make_run


class Page(HTMLParser):
    """What a written page consists of."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.texts: dict[str, str] = {}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset", "data")]

    def handle_data(self, text: str) -> None:
        last = f"data{self.tags.count('script')}" if self.tags[-1:] == ["script"] else (self.tags or [""])[-1]
        self.texts[last] = self.texts.get(last, "") + text

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.texts["data1"])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 255], "u1"),
        ([0, 256], "u2"),
        ([900_000_000], "u4"),
        ([-1, 3], "i4"),
        ([0.5, 1], "f4"),
        ([1, np.nan], "f4"),
        ([], "u1"),
        ([2.0**40], "f4"),
    ],
)
def test_numbers_come_back(values, kind):
    column = pack_numbers(values)
    assert column["type"] == kind
    np.testing.assert_array_equal(unpack_column(column), np.asarray(values, dtype=f"<{kind}"))


def test_texts_come_back():
    column = pack_column(pd.Series(["b", None, "a", "b"]))
    assert unpack_column(column).tolist() == ["b", None, "a", "b"]
    assert unpack_column(pack_column(pd.Series([True, False]))).tolist() == ["True", "False"]


def test_the_page_holds_the_table(tmp_path):
    results = make_run(tmp_path, 40)
    path = write_page(results, tmp_path)
    assert path == tmp_path / "report.html"
    assert [each.name for each in tmp_path.glob(".*")] == [MANIFEST]
    assert "report.html" in (tmp_path / MANIFEST).read_text()
    data, trials = Page(path).data, results.searched
    assert data["trial_ids"] == trials["trial_id"].tolist()
    np.testing.assert_array_equal(unpack_column(data["seed"]), trials["seed"])
    np.testing.assert_array_equal(unpack_column(data["method"]), trials["method"])
    assert unpack_column(data["run"]).tolist() == [0] * len(trials)
    named = {metric["name"]: metric for metric in data["metrics"]}
    assert list(named)[:2] == ["arfg", "are"]
    for name, metric in named.items():
        for split in SPLITS:
            np.testing.assert_allclose(unpack_column(metric["splits"][split]), trials[f"{split}_{name}"], rtol=1e-7)
    assert named["auc_bar"] | {"splits": 0} == {
        "name": "auc_bar",
        "metric": "auc",
        "task": "bar",
        "direction": "maximised",
        "label": "AUC, bar",
        "owner": "bar",
        "short": "AUC",
        "splits": 0,
    }
    assert named["fpr_gap_signed_bar"]["direction"] == "best at 0"
    configuration = {each["name"]: unpack_column(each["values"]) for each in data["hyperparameters"]}
    assert configuration["optimizer"].tolist() == trials["optimizer"].tolist()
    np.testing.assert_allclose(configuration["learning_rate"], trials["learning_rate"], rtol=1e-7)
    for front in data["fronts"]:
        assert trials["trial_id"].iloc[front["rows"]].tolist() == results.frontier(front["name"])["trial_id"].tolist()
    runs = results.trials[results.trials["confirms"] == "t000003"]
    confirmed = data["confirmed"][str(data["trial_ids"].index("t000003"))]
    expected = [runs["test_are"].mean(), runs["test_are"].std(ddof=1)]
    assert confirmed["runs"] == 2
    assert confirmed["metrics"]["are"] == pytest.approx(expected)
    assert data["left_out"] == {"baselines": 20, "confirm": 80}


@pytest.mark.parametrize("limit", [20e6, 0])
def test_counts_by_group(tmp_path, monkeypatch, limit):
    """Of every trial, or where that is too much, of every frontier point."""
    monkeypatch.setattr(contents, "COUNTS_LIMIT", limit)
    results = make_run(tmp_path, 40)
    found = contents.contents_of(results)
    groups, ids = found["groups"], results.searched["trial_id"]
    rows = range(len(ids)) if limit else sorted({row for front in found["fronts"] for row in front["rows"]})
    assert groups["trials"] is None if limit else unpack_column(groups["trials"]).tolist() == list(rows)
    shape = (len(rows), len(TASKS), len(CELLS))
    assert results.cells is not None
    for split, counts in results.cells.of(ids.iloc[list(rows)].tolist()).items():
        own = groups["splits"][split]
        behind = unpack_column(own["rows"]).reshape(-1, *shape[1:], 2)[unpack_column(own["kind"])]
        tp, fp = (unpack_column(own[name]).reshape(shape) for name in ("tp", "fp"))
        again = np.stack([tp, fp, behind[..., 1] - fp, behind[..., 0] - tp], -1)
        np.testing.assert_array_equal(again, np.stack([of_task.decisions for of_task in counts], 1))
    assert [grouping["name"] for grouping in groups["groupings"]] == ["sex", "race", "sex × race"]
    assert groups["groupings"][1]["groups"][0] == {"name": "White", "cells": [0, 3]}


def test_a_page_that_would_be_too_large_has_fewer_columns(tmp_path, monkeypatch):
    """First errors and gaps alone of the tasks that are not shown at first, then nothing of them."""
    results = make_run(tmp_path, 40)
    monkeypatch.setattr("paretofair.report.drawing.choice.MOST_TASKS", 1)
    whole = contents.contents_of(results)
    (few,) = whole["few_tasks"]
    other = next(task for task in TASKS if task != few)
    size = 40 * 3 * len(whole["metrics"]) * 4 * 4 / 3
    found = {}
    for limit in (1e9, size, 0):
        monkeypatch.setattr(contents, "COLUMNS_LIMIT", limit)
        data = contents.contents_of(results)
        of_task = {each["metric"] for each in data["metrics"] if each["task"] == other}
        found[limit] = data["complete"], of_task, {each["task"] for each in data["hyperparameters"]}
        assert {front["name"] for front in data["fronts"]} >= {"arfg_are", few}
        assert len([each for each in data["metrics"] if each["task"] == few]) == 10
        json.dumps(data, allow_nan=False)
    assert found[1e9][0]
    assert found[1e9][2] == {None, *TASKS}
    assert found[size] == (False, {"error", "fpr_gap"}, {None, few})
    assert found[0] == (False, set(), {None, few})


def test_metrics_belong_to_the_task_of_the_longest_name(tmp_path):
    results = Results(write_table(tmp_path, ["loan", "loan_late"], ["a", "b"]))
    metrics = contents.contents_of(results)["metrics"]
    assert {(each["name"], each["owner"]) for each in metrics} == {
        *(("arfg", None), ("are", None), ("error_loan", "loan"), ("fpr_gap_loan", "loan")),
        *(("error_loan_late", "loan_late"), ("fpr_gap_loan_late", "loan_late")),
    }


def test_findings(tmp_path):
    results = make_run(tmp_path, 12)
    own = Page(write_page(results, tmp_path)).data["findings"]
    assert own == [each.sentence for each in find(results)]
    assert own
    found = Page(write_page(results, tmp_path, ["</script> One.", "Two."])).data["findings"]
    assert found == ["</script> One.", "Two."]


def test_names_are_never_read_as_html(tmp_path):
    name = "<!--<script><img src=x onerror=alert(1)>&amp;"
    results = make_run(tmp_path / "<b>run", 12, methods=("vanilla", name))
    page = Page(write_page(results, tmp_path))
    assert page.data["methods"] == ["vanilla", name]
    assert "img" not in page.tags
    assert page.tags.count("script") == 3
    assert page.texts["title"].strip() == "<b>run – paretofair"


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    page = Page(write_page(make_run(tmp_path, 12), tmp_path))
    assert all(link.startswith(("#", "data:")) for link in page.links), page.links
    assert not re.search(r"url\(|@import", page.texts["style"])
    parts = [part for part in Path(contents.__file__).parent.iterdir() if part.suffix in (".html", ".css", ".js")]
    assert len(parts) == 12
    assert not [part.name for part in parts if "://" in part.read_text()]


def test_two_runs(tmp_path):
    """Of every trial the run is known, whose folder its command names."""
    make_run(tmp_path / "one", 12)
    make_run(tmp_path / "two", 8, prefix="u")
    data = Page(write_page(Results(tmp_path / "one", tmp_path / "two"), tmp_path)).data
    assert data["methods"] == ["mtaf@one", "mtaf@two", "vanilla@one", "vanilla@two"]
    folders = [data["runs"][run]["folder"] for run in unpack_column(data["run"])]
    expected = {"t": str(tmp_path / "one"), "u": str(tmp_path / "two")}
    assert folders == [expected[trial[0]] for trial in data["trial_ids"]]


def test_a_table_from_elsewhere_without_a_front(tmp_path):
    table = pd.DataFrame(
        {"method": ["a"], "test_error_x": [0.2], "test_fpr_gap_x": [np.nan], "validation_error_x": [0.2]}
        | {"validation_fpr_gap_x": [np.nan]}
    )
    table.to_csv(tmp_path / "table.csv", index=False)
    data = Page(write_page(Results(tmp_path / "table.csv"), tmp_path)).data
    assert data["groups"] is None
    assert data["runs"] == []
    assert {front["name"]: front["rows"] for front in data["fronts"]} == {}


def test_size(tmp_path):
    """At most 40 MB for 50,000 trials with two tasks and six cells, plotly.js among them."""
    path = write_page(make_run(tmp_path, 50_000), tmp_path)
    assert path.stat().st_size < 40e6
