"""The page: what is embedded in it, and how it answers in a browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from paretofair.metrics import rates
from paretofair.metrics.audit import audit
from paretofair.pareto.selection import knee, midpoint, smallest_under, weighted
from paretofair.report.page import contents, write_page
from paretofair.report.page.packed import packed, packed_column, unpacked
from paretofair.report.results import Results
from paretofair.results import write_stack

TASKS = ["grade", "bar"]
SPLITS = ["train", "validation", "test"]
CELLS = pd.DataFrame(
    {
        "cell": range(6),
        "sex": ["Female"] * 3 + ["Male"] * 3,
        "code_sex": [0] * 3 + [1] * 3,
        "race": ["White", "Black", "Other"] * 2,
        "code_race": [0, 1, 2] * 2,
    }
)
ROWS = {"train": 10_000, "validation": 2_500, "test": 4_000}
SHARES = np.array([0.35, 0.04, 0.008, 0.5, 0.03, 0.072])
SPACE = """name: made_up
protocol: {protocol}
data: {{name: made_up, sensitive: sex}}
threshold: base_rate
methods: {methods}
"""


def make_run(
    folder: Path,
    trials: int,
    *,
    methods: tuple[str, ...] = ("vanilla", "mtaf"),
    source: str = "simulated",
    protocol: str = "validation",
    prefix: str = "t",
) -> Results:
    """A results folder of made-up trials of two seeds, ten single-task runs, and two fresh seeds of sixty trials."""
    random = np.random.default_rng(0)
    shared = {"status": "completed", "split_id": "s0", "data_id": "d0", "source": source, "protocol": protocol}
    searched = pd.DataFrame(
        {
            "trial_id": [f"{prefix}{number:06d}" for number in range(trials)],
            "stage": "sweep",
            "method": np.array(methods)[np.arange(trials) % len(methods)],
            "seed": np.arange(trials) // len(methods) % 2,
            "index": np.arange(trials),
            "epochs": random.choice([20, 40, 60], trials),
            "optimizer": random.choice(["adagrad", "adam"], trials),
            "learning_rate": random.uniform(0.01, 0.3, trials),
            **{
                f"{name}_{task}": random.uniform(0, 5, trials)
                for name in ("fairness_weight", "task_weight")
                for task in TASKS
            },
        }
    )
    alone = pd.DataFrame(
        {
            "trial_id": [f"b{number}" for number in range(20)],
            "stage": "baselines",
            "method": "single_task",
            "seed": np.arange(20) + 900,
            "index": 0,
            **{f"task_weight_{task}": (np.arange(20) % 2 == t).astype(float) for t, task in enumerate(TASKS)},
        }
    )
    again = searched.iloc[: min(trials, 60)].loc[lambda own: own.index.repeat(2)]
    again = again.assign(
        confirms=again["trial_id"], stage="confirm", seed=5, trial_id=[f"{prefix}c{n}" for n in range(len(again))]
    )
    tables = {"sweep": searched, "baselines": alone, "confirm": again}
    for stage, table in ((stage, table) for stage, table in tables.items() if len(table)):
        write_stack(folder, f"{stage}.parquet", pa.Table.from_pandas(measured(table.assign(**shared), random)))
    sizes = {f"rows_{split}": np.rint(rows * SHARES).astype(int) for split, rows in ROWS.items()}
    CELLS.assign(**sizes).to_csv(folder / "groups.csv", index=False)
    written = SPACE.format(methods=json.dumps({name: {} for name in methods}), protocol=protocol)
    (folder / "space.yaml").write_text(written)
    (folder / "environment.json").write_text(json.dumps({"git_commit": "abc", "data": {"sha256": {"a.csv": "12"}}}))
    return Results(folder)


def measured(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The table with counts by cell, and the metrics that follow from them: the fairer, the more errors."""
    fair, luck = random.random((2, len(table), len(TASKS), 1))
    skill = 0.9 - 0.2 * fair**2 - 0.2 * luck
    favour = 0.1 * (1 - fair) * np.where(CELLS["sex"] == "Male", 1, -1)
    added: dict[str, Any] = {}
    for split, rows in ROWS.items():
        behind = np.rint(np.stack([0.4 * SHARES, 0.6 * SHARES]) * rows).astype(int)
        shift = favour + random.normal(0, 0.02, favour.shape)
        tp = random.binomial(behind[0], np.clip(skill + shift, 0, 1))
        fp = random.binomial(behind[1], np.clip(0.5 * (1 - skill) + shift, 0, 1))
        zeros = np.zeros(tp.shape)
        counts = np.stack([tp, fp, behind[1] - fp, behind[0] - tp, zeros, zeros], -1).astype(float)
        by_sex = np.stack([counts[:, :, :3].sum(2), counts[:, :, 3:].sum(2)], 2)
        for t, task in enumerate(TASKS):
            added[f"{split}_error_{task}"] = rates.error(counts[:, t].sum(1))
            added[f"{split}_fpr_gap_{task}"] = rates.fpr_gap(by_sex[:, t])
            added[f"{split}_fpr_gap_signed_{task}"] = rates.fpr_gap_signed(by_sex[:, t])
            added[f"{split}_tpr_gap_{task}"] = rates.tpr_gap(by_sex[:, t])
            for name in (
                "realised_positive_rate",
                "average_precision",
                "auc",
                "soft_fpr_gap",
                "soft_tpr_gap",
                "auc_gap",
            ):
                added[f"{split}_{name}_{task}"] = random.random(len(table))
        added[f"confusion_{split}"] = list(counts.reshape(len(table), -1).astype(np.float32))
    return table.assign(**added)


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
    column = packed(values)
    assert column["type"] == kind
    np.testing.assert_array_equal(unpacked(column), np.asarray(values, dtype=f"<{kind}"))


def test_texts_come_back():
    column = packed_column(pd.Series(["b", None, "a", "b"]))
    assert unpacked(column).tolist() == ["b", None, "a", "b"]
    assert unpacked(packed_column(pd.Series([True, False]))).tolist() == ["True", "False"]


def test_the_page_holds_the_table(tmp_path):
    results = make_run(tmp_path, 40)
    path = write_page(results, tmp_path)
    assert path == tmp_path / "report.html"
    assert [each.name for each in tmp_path.glob(".*")] == []
    data, trials = Page(path).data, results.searched
    assert data["trial_ids"] == trials["trial_id"].tolist()
    np.testing.assert_array_equal(unpacked(data["seed"]), trials["seed"])
    np.testing.assert_array_equal(unpacked(data["method"]), trials["method"])
    assert unpacked(data["run"]).tolist() == [0] * len(trials)
    named = {metric["name"]: metric for metric in data["metrics"]}
    assert list(named)[:2] == ["arfg", "are"]
    for name, metric in named.items():
        for split in SPLITS:
            np.testing.assert_allclose(unpacked(metric["splits"][split]), trials[f"{split}_{name}"], rtol=1e-7)
    assert named["auc_bar"] | {"splits": 0} == {
        "name": "auc_bar",
        "metric": "auc",
        "task": "bar",
        "direction": "maximised",
        "splits": 0,
    }
    assert named["fpr_gap_signed_bar"]["direction"] == "diagnostic"
    configuration = {each["name"]: unpacked(each["values"]) for each in data["hyperparameters"]}
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
    assert groups["trials"] is None if limit else unpacked(groups["trials"]).tolist() == list(rows)
    shape = (len(rows), len(TASKS), len(CELLS))
    assert results.cells is not None
    for split, counts in results.cells.of(ids.iloc[list(rows)].tolist()).items():
        own = groups["splits"][split]
        behind = unpacked(own["rows"]).reshape(-1, *shape[1:], 2)[unpacked(own["kind"])]
        tp, fp = (unpacked(own[name]).reshape(shape) for name in ("tp", "fp"))
        again = np.stack([tp, fp, behind[..., 1] - fp, behind[..., 0] - tp], -1)
        np.testing.assert_array_equal(again, counts[..., :4])
    assert [grouping["name"] for grouping in groups["groupings"]] == ["sex", "race", "sex_x_race"]
    assert groups["groupings"][1]["groups"][0] == {"name": "White", "cells": [0, 3]}


def test_names_are_never_read_as_html(tmp_path):
    name = "</script><img src=x onerror=alert(1)>&amp;"
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
    assert len(parts) == 10
    assert not [part.name for part in parts if "://" in part.read_text()]


def test_two_runs(tmp_path):
    """Of every trial the run is known, whose folder its command names."""
    make_run(tmp_path / "one", 12)
    make_run(tmp_path / "two", 8, prefix="u")
    data = Page(write_page(Results(tmp_path / "one", tmp_path / "two"), tmp_path)).data
    assert data["methods"] == ["mtaf@one", "mtaf@two", "vanilla@one", "vanilla@two"]
    folders = [data["runs"][run]["folder"] for run in unpacked(data["run"])]
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, seen through its driver."""
    yield from opened()


def opened(*options: str) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    driver = shutil.which("chromedriver")
    if driver is None:
        pytest.skip("needs the Debian packages chromium and chromium-driver")
    chosen = webdriver.ChromeOptions()
    for option in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=1280,1000", *options):
        chosen.add_argument(f"--{option}")
    if not options:
        chosen.add_argument("--enable-unsafe-swiftshader")
    chosen.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    window = webdriver.Chrome(options=chosen, service=webdriver.ChromeService(driver))
    yield window
    window.quit()


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Results:
    """400 trials, with their page."""
    folder = tmp_path_factory.mktemp("page") / "made up"
    results = make_run(folder, 400)
    write_page(results, folder)
    return results


@pytest.fixture
def page(run, browser) -> Iterator[Any]:
    """The page of `run`, newly opened; nothing may have gone wrong in it by the end."""
    visit(browser, run.folders[0] / "report.html")
    yield browser
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def visit(browser: Any, path: Path) -> None:
    """Opens a page; the driver may return before its program has run."""
    from selenium.webdriver.support.wait import WebDriverWait

    browser.get("about:blank")
    browser.get(path.resolve().as_uri())
    ready = "return Boolean(document.documentElement.dataset.ready)"
    WebDriverWait(browser, 60).until(lambda window: window.execute_script(ready))


def select(browser: Any, element: str, value: str) -> None:
    browser.find_element("css selector", f"#{element} option[value='{value}']").click()


def press(browser: Any, selector: str) -> None:
    browser.find_element("css selector", selector).click()


def listed(browser: Any, table: str = "#points") -> list[str]:
    """The trials in a table of the page."""
    return browser.execute_script(
        f"return [...document.querySelectorAll('{table} td button')].map((b) => b.textContent)"
    )


def cells(browser: Any, selector: str) -> list[list[str]]:
    """The texts of the rows of a table."""
    script = (
        "return [...document.querySelectorAll(arguments[0])].map((row) => [...row.children].map((c) => c.textContent))"
    )
    return browser.execute_script(script, selector)


def click_at(browser: Any, x: float, y: float) -> None:
    """Clicks into the figure with the mouse, at values of its axes."""
    from selenium.webdriver import ActionChains

    script = """
        const figure = document.getElementById("figure"), box = figure.getBoundingClientRect();
        const own = figure._fullLayout;
        figure.scrollIntoView({ block: "center" });
        const [x, y] = [own.xaxis, own.yaxis].map((axis, i) => axis._offset + axis.l2p(arguments[i]));
        return [x - box.width / 2, y - box.height / 2];
    """
    across, down = browser.execute_script(script, x, y)
    figure = browser.find_element("id", "figure")
    chain = ActionChains(browser).move_to_element_with_offset(figure, round(across) - 1, round(down))
    chain.pause(0.2).move_by_offset(1, 0).pause(0.2).click().perform()


def answered(browser: Any) -> tuple[str, float]:
    """The trial in the panel, and the milliseconds from the event to the panel."""
    from selenium.webdriver.support.wait import WebDriverWait

    script = "const own = document.getElementById('details').dataset; return [own.trial, Number(own.milliseconds)]"
    WebDriverWait(browser, 20).until(lambda window: window.execute_script(script)[0])
    trial, milliseconds = browser.execute_script(script)
    return trial, milliseconds


@pytest.mark.system
def test_it_opens(page, run, tmp_path):
    assert "made up" in page.find_element("tag name", "h1").text
    assert "Simulated data" in page.find_element("css selector", ".banner.strong").text
    assert sorted(listed(page)) == sorted(run.frontier("arfg_are")["trial_id"])
    drawn = page.execute_script(
        "return document.getElementById('figure').data.map((t) => [t.type, t.x.filter(Number.isFinite).length])"
    )
    assert drawn[:2] == [["scattergl", 200], ["scattergl", 200]]
    assert sum(count for _, count in drawn[2:4]) == len(run.frontier("arfg_are"))
    assert "abc" in page.find_element("id", "about").text
    path = tmp_path / "page.png"
    assert page.save_screenshot(str(path))
    assert path.stat().st_size > 20_000


@pytest.mark.system
def test_other_objectives(page, run):
    """What the page computes is what `Results.frontier` does, for a maximised metric too."""
    select(page, "x", "auc_grade")
    select(page, "y", "fpr_gap_bar")
    front = run.frontier("auc_grade", "fpr_gap_bar")
    assert sorted(listed(page)) == sorted(front["trial_id"])
    press(page, "#methods button[value=none]")
    assert listed(page) == []
    press(page, "#methods input[value=mtaf]")
    press(page, "#seeds input[value='1']")
    own = front[(front["method"] == "mtaf") & (front["seed"] == 0)]
    assert sorted(listed(page)) == sorted(own["trial_id"])
    press(page, "#splits input[value=train]")
    assert [name.removesuffix(" ▲") for name in cells(page, "#points thead tr")[0][2:4]] == [
        "auc_grade (train)",
        "fpr_gap_bar (train)",
    ]
    select(page, "front", "all")
    front = run.frontier("all")
    own = front[(front["method"] == "mtaf") & (front["seed"] == 0)]
    assert sorted(listed(page)) == sorted(own["trial_id"])
    select(page, "x", "fpr_gap_signed_bar")
    select(page, "front", "")
    assert listed(page) == []
    assert "No frontier" in page.find_element("id", "note").text


@pytest.mark.system
def test_a_click_shows_the_trial(page, run):
    point = run.frontier("arfg_are").iloc[0]
    click_at(page, point["test_arfg"], point["test_are"])
    trial, _ = answered(page)
    assert trial == point["trial_id"]
    own = run.trials.set_index("trial_id").loc[trial]
    shown = {row[0]: row[1:] for row in cells(page, "#trial-metrics tbody tr")}
    assert shown["are"][:3] == [f"{own[f'{split}_are']:.4f}" for split in SPLITS]
    command = page.find_element("css selector", "#details code").text
    assert command == f"python launch/export.py '{run.folders[0]}' --trial {trial}"
    assert run.cells is not None
    counts = run.cells.of([trial])["test"][0, 1]
    lines = audit(counts, run.cells.groups, run.cells.attributes, run.cells.n_groups, minimum_count=50)
    gaps = {(line.grouping, line.metric): f"{line.value:.4f}" for line in lines}
    names = ["accuracy_gap", "fpr_gap", "tpr_gap", "demographic_parity_gap"]
    found = [row[1:5] for row in cells(page, "table[data-task=bar] tr.gap")]
    assert found == [[gaps[grouping, name] for name in names] for grouping in ("sex", "race", "sex_x_race")]
    assert cells(page, "table[data-task=bar] tr.quiet") != []


@pytest.mark.system
def test_keys_do_what_the_mouse_does(page):
    from selenium.webdriver import Keys

    order = listed(page)
    page.execute_script(
        "document.querySelector('#points thead tr th:last-child').previousElementSibling.firstChild.focus()"
    )
    page.switch_to.active_element.send_keys(Keys.TAB)
    page.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    page.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert answered(page)[0] == order[2]
    assert order[2] in page.find_element("id", "details-what").text
    assert page.find_element("id", "details-what").get_attribute("aria-live") == "polite"
    page.execute_script("document.querySelectorAll('#points thead button')[2].focus()")
    page.switch_to.active_element.send_keys(Keys.ENTER)
    values = [float(row[2]) for row in cells(page, "#points tbody tr")]
    assert values == sorted(values)


@pytest.mark.system
def test_rules_choose_what_the_package_chooses(page, run):
    front, trials = run.frontier("arfg_are"), run.searched
    x, y = "validation_arfg", "validation_are"
    page.find_element("id", "bound-y").clear()
    page.find_element("id", "bound-y").send_keys(str(bound := round(float(front[y].quantile(0.7)), 3)))
    page.find_element("id", "weight-y").clear()
    page.find_element("id", "weight-y").send_keys("3")
    groups = front.groupby(["method", "seed"], sort=False)
    expected: dict[str, dict[tuple, int]] = {"midpoint": {}, "knee": {}, "smallest_x": {}, "weighted": {}}
    for (method, seed), own in groups:
        runs = trials[(trials["method"] == method) & (trials["seed"] == seed)]
        chosen = {
            "midpoint": midpoint(own[y], runs[y]),
            "knee": knee(own[[x, y]]),
            "weighted": weighted(own[[x, y]], [1, 3]),
        }
        if own[y].min() <= bound:
            chosen["smallest_x"] = smallest_under(own[x], own[y], bound)
        for rule, place in chosen.items():
            expected[rule][method, seed] = own["trial_id"].iloc[place]
    for rule, trials_chosen in expected.items():
        press(page, f"[data-rule={rule}]")
        assert sorted(listed(page, "#chosen")) == sorted(trials_chosen.values()), rule
    left_out = len(groups) - len(expected["smallest_x"])
    press(page, "[data-rule=smallest_x]")
    assert len(page.find_elements("css selector", "#chosen .note")) == (left_out > 0)


@pytest.mark.system
def test_the_protocol_of_the_papers(browser, tmp_path):
    """It is said so, and the seeds of a method are one frontier."""
    results = make_run(tmp_path, 60, protocol="paper")
    visit(browser, write_page(results, tmp_path))
    banners = browser.find_elements("css selector", ".banner.strong")
    assert "chosen on the test rows" in banners[1].text
    assert sorted(listed(browser)) == sorted(results.frontier("arfg_are")["trial_id"])
    assert browser.find_elements("css selector", "#seeds input") == []
    press(browser, "[data-rule=midpoint]")
    assert len(listed(browser, "#chosen")) == 2


@pytest.mark.system
def test_before_any_trial(browser, tmp_path):
    results = make_run(tmp_path, 0)
    visit(browser, write_page(results, tmp_path))
    assert "No trial" in browser.find_element("id", "caption").text
    assert "abc" in browser.find_element("id", "about").text


@pytest.mark.system
def test_fresh_seeds(page, run):
    known = run.frontier("arfg_are").query("confirmed_runs > 0").set_index("trial_id")
    press(page, "#confirmed")
    shown = {row[-1]: row[-2] for row in cells(page, "#points tbody tr") if "±" in row[-2]}
    mean, deviation = known["confirmed_are_mean"], known["confirmed_are_std"]
    assert shown == {trial: f"{mean[trial]:.4f} ± {deviation[trial]:.4f}" for trial in known.index}
    assert shown


@pytest.mark.system
def test_without_webgl(run):
    """A sample of the cloud, and every frontier point."""
    for window in opened("disable-gpu", "disable-3d-apis"):
        visit(window, run.folders[0] / "report.html")
        assert window.execute_script("return document.getElementById('figure').data[0].type") == "scatter"
        point = run.frontier("arfg_are").iloc[-1]
        click_at(window, point["test_arfg"], point["test_are"])
        assert answered(window)[0] == point["trial_id"]


@pytest.mark.system
def test_fifty_thousand_trials_answer_within_a_second(browser, tmp_path):
    results = make_run(tmp_path, 50_000)
    visit(browser, write_page(results, tmp_path))
    point = results.frontier("arfg_are").iloc[0]
    click_at(browser, point["test_arfg"], point["test_are"])
    trial, milliseconds = answered(browser)
    assert trial == point["trial_id"]
    assert 0 < milliseconds < 1000
