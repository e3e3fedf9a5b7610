"""The page: how it answers in headless Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paretofair.analysis.results import Results
from paretofair.metrics.audit import audit
from paretofair.pareto.attainment import attainment_surface
from paretofair.pareto.selection import knee, midpoint, smallest_sum, smallest_under
from paretofair.report.drawing.choice import drawn_tasks
from paretofair.report.findings import find
from paretofair.report.page import write_page

from .made_table import write_table
from .page_run import SPLITS, make_run


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, seen through its driver."""
    yield from open_browser()


def open_browser(*options: str) -> Iterator[Any]:
    from selenium import webdriver

    driver = shutil.which("chromedriver")
    if driver is None:
        pytest.fail("no chromedriver; install the Debian packages chromium and chromium-driver")
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


def list_trials(browser: Any, table: str = "#points") -> list[str]:
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


def wait_for_answer(browser: Any) -> tuple[str, float]:
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
    assert sorted(list_trials(page)) == sorted(run.frontier("arfg_are")["trial_id"])
    told = [each.text for each in page.find_elements("css selector", "#findings-list li")]
    assert told == [each.sentence for each in find(run)]
    assert [kind for kind, _ in list_drawn(page)] == ["scatter"] * 4
    press(page, "#cloud")
    press(page, "#dots")
    drawn = list_drawn(page)
    assert drawn[:2] == [["scattergl", 200], ["scattergl", 200]]
    assert sum(count for kind, count in drawn[2:] if kind == "scattergl") == len(run.frontier("arfg_are"))
    assert "abc" in page.find_element("id", "about").text
    path = tmp_path / "page.png"
    assert page.save_screenshot(str(path))
    assert path.stat().st_size > 20_000


def list_drawn(browser: Any) -> list[list[Any]]:
    """The kind of each trace of the figure that has points, with their number."""
    drawn = "data.map((t) => [t.type, t.x.filter(Number.isFinite).length]).filter(([, count]) => count)"
    return browser.execute_script(f"return document.getElementById('figure').{drawn}")


@pytest.mark.system
@pytest.mark.parametrize("axes", [("arfg", "are"), ("auc_grade", "fpr_gap_bar")])
def test_it_draws_what_at_least_half_of_the_seeds_reach(page, run, axes):
    """As `attainment_surface`, for a maximised metric too; no line joins points in the order of another split."""
    for which, name in zip("xy", axes, strict=True):
        select(page, which, name)
    front = run.frontier(*axes)
    of = run.objective_set(*axes)
    lines = page.execute_script(
        "return document.getElementById('figure').data.filter((t) => t.mode === 'lines' && !t.fill)"
        ".map((t) => [t.meta, t.x, t.y])"
    )
    assert [method for method, *_ in lines] == run.methods
    for method, x, y in lines:
        own = front[front["method"] == method]
        fronts = [of.losses(each[[f"test_{name}" for name in axes]].to_numpy(float)) for _, each in own.groupby("seed")]
        expected = attainment_surface(fronts, level=0.5)
        found = of.losses(np.column_stack([x, y]))
        np.testing.assert_allclose(found[1::2], expected, rtol=1e-6)
        # From far above the panel to far to the right of it.
        assert found[0, 1] > found[1:, 1].max()
        assert found[-1, 0] > found[:-1, 0].max()
    press(page, "#dots")
    press(page, "#attained")
    modes = page.execute_script("return document.getElementById('figure').data.map((t) => t.mode)")
    assert set(modes) == {"markers"}


@pytest.mark.system
def test_findings_and_labels_are_shown(browser, tmp_path):
    folder = tmp_path / "run"
    make_run(folder, 40)
    labels = {"bar": "<b>the bar</b>", "mtaf": "ours", "fpr_gap": "gap of rates", "race": "ethnicity"}
    results = Results(folder, labels=labels)
    visit(browser, write_page(results, folder, ["One is larger (p .03).", "<i>Nothing</i> else."]))
    items = [item.text for item in browser.find_elements("css selector", "#findings li")]
    assert items == ["One is larger (p .03).", "<i>Nothing</i> else."]
    assert "ours" in browser.find_element("id", "methods").text
    select(browser, "x", "fpr_gap_bar")
    assert browser.find_element("css selector", "#x option:checked").text == "gap of rates, <b>the bar</b>"
    press(browser, "#points tbody tr")
    wait_for_answer(browser)
    panel = browser.find_element("id", "details").text
    assert "<b>the bar</b>" in panel
    assert "ethnicity" in panel
    assert "gap of rates" in panel
    assert "fairness weight, <b>the bar</b>" in panel


@pytest.mark.system
def test_of_many_tasks_five_are_shown_before_a_button_is_pressed(browser, tmp_path):
    names = [f"condition {place:02d}" for place in range(80)]
    results = Results(write_table(tmp_path, names, ["vanilla", "mtaf"]))
    few = drawn_tasks(results)
    visit(browser, write_page(results, tmp_path / "out"))
    shown = [row[0] for row in cells(browser, "#tables tbody tr:not([hidden])") if row[0] in names]
    assert shown[:5] == few
    assert set(shown) == set(few)
    options = "return [...document.querySelectorAll(arguments[0])].map((o) => o.textContent)"
    assert [name for name in browser.execute_script(options, "#front option") if name in names] == few
    assert len(browser.execute_script(options, "#x option")) == 2 * 5 + 2 + 1
    browser.execute_script(
        "const s = document.getElementById('front'); s.selectedIndex = s.options.length - 1;"
        "s.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    assert [name for name in browser.execute_script(options, "#front option") if name in names] == names
    assert browser.find_element("css selector", "#front option:checked").text == "ARFG-ARE"
    # A front of a task that was not offered brings its axes.
    other = next(name for name in names if name not in few)
    select(browser, "front", other)
    assert browser.find_element("css selector", "#y option:checked").text == f"error, {other}"
    press(browser, "#points tbody tr")
    wait_for_answer(browser)
    parts = "#trial-metrics tr.part:not([hidden]) th"
    assert browser.execute_script(options, parts) == few
    (button,) = browser.find_elements("css selector", "#trial-metrics + button.fold")
    assert button.text == "Show 75 more tasks"
    button.click()
    assert browser.execute_script(options, parts) == names
    assert button.text == "Show fewer tasks"
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.system
def test_other_objectives(page, run):
    """What the page computes is what `Results.frontier` does, for a maximised metric too."""
    select(page, "x", "auc_grade")
    select(page, "y", "fpr_gap_bar")
    front = run.frontier("auc_grade", "fpr_gap_bar")
    assert sorted(list_trials(page)) == sorted(front["trial_id"])
    press(page, "#methods button[value=none]")
    assert list_trials(page) == []
    press(page, "#methods input[value=mtaf]")
    press(page, "#seeds input[value='1']")
    own = front[(front["method"] == "mtaf") & (front["seed"] == 0)]
    assert sorted(list_trials(page)) == sorted(own["trial_id"])
    press(page, "#splits input[value=train]")
    assert [name.removesuffix(" ▲") for name in cells(page, "#points thead tr")[0][2:4]] == [
        "AUC, grade (train)",
        "FPR gap, bar (train)",
    ]
    select(page, "front", "all")
    front = run.frontier("all")
    own = front[(front["method"] == "mtaf") & (front["seed"] == 0)]
    assert sorted(list_trials(page)) == sorted(own["trial_id"])
    # What is best at 0 counts by its distance from there.
    select(page, "x", "fpr_gap_signed_bar")
    select(page, "front", "")
    press(page, "#splits input[value=test]")
    front = run.frontier("fpr_gap_signed_bar", "fpr_gap_bar")
    own = front[(front["method"] == "mtaf") & (front["seed"] == 0)]
    assert sorted(list_trials(page)) == sorted(own["trial_id"])
    select(page, "x", "realised_positive_rate_bar")
    assert list_trials(page) == []
    assert "No frontier" in page.find_element("id", "note").text


@pytest.mark.system
def test_a_click_shows_the_trial(page, run):
    press(page, "#dots")
    point = run.frontier("arfg_are").iloc[0]
    click_at(page, point["test_arfg"], point["test_are"])
    trial, _ = wait_for_answer(page)
    assert trial == point["trial_id"]
    own = run.trials.set_index("trial_id").loc[trial]
    shown = {row[0]: row[1:] for row in cells(page, "#trial-metrics tbody tr")}
    assert shown["ARE"][:3] == [f"{own[f'{split}_are']:.4f}" for split in SPLITS]
    command = page.find_element("css selector", "#details code").text
    assert command == f"python launch/export.py '{run.folders[0]}' --trial {trial}"
    assert run.cells is not None
    counts = run.cells.of([trial])["test"][1].take(0)
    lines = audit(counts, run.cells.groups, run.cells.attributes, run.cells.n_groups, minimum_count=50)
    gaps = {(line.grouping, line.metric): f"{line.value:.4f}" for line in lines}
    names = ["accuracy_gap", "fpr_gap", "tpr_gap", "demographic_parity_gap"]
    found = [row[1:5] for row in cells(page, "table[data-task=bar] tr.gap")]
    assert found == [[gaps[grouping, name] for name in names] for grouping in ("sex", "race", "sex_x_race")]
    assert cells(page, "table[data-task=bar] tr.quiet") != []


@pytest.mark.system
def test_keys_do_what_the_mouse_does(page):
    from selenium.webdriver import Keys

    order = list_trials(page)
    page.execute_script(
        "document.querySelector('#points thead tr th:last-child').previousElementSibling.firstChild.focus()"
    )
    page.switch_to.active_element.send_keys(Keys.TAB)
    page.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    page.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert wait_for_answer(page)[0] == order[2]
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
            "weighted": smallest_sum(own[[x, y]], [1, 3]),
        }
        if own[y].min() <= bound:
            chosen["smallest_x"] = smallest_under(own[x], own[y], bound)
        for rule, place in chosen.items():
            expected[rule][method, seed] = own["trial_id"].iloc[place]
    for rule, trials_chosen in expected.items():
        press(page, f"[data-rule={rule}]")
        assert sorted(list_trials(page, "#chosen")) == sorted(trials_chosen.values()), rule
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
    assert sorted(list_trials(browser)) == sorted(results.frontier("arfg_are")["trial_id"])
    assert browser.find_elements("css selector", "#seeds input") == []
    press(browser, "[data-rule=midpoint]")
    assert len(list_trials(browser, "#chosen")) == 2


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
    for window in open_browser("disable-gpu", "disable-3d-apis"):
        visit(window, run.folders[0] / "report.html")
        press(window, "#cloud")
        press(window, "#dots")
        assert window.execute_script("return document.getElementById('figure').data[0].type") == "scatter"
        point = run.frontier("arfg_are").iloc[-1]
        click_at(window, point["test_arfg"], point["test_are"])
        assert wait_for_answer(window)[0] == point["trial_id"]


@pytest.mark.system
def test_fifty_thousand_trials_answer(browser, tmp_path):
    """Prints how long the answer to a click took: which depends on the machine and what else runs there."""
    results = make_run(tmp_path, 50_000)
    visit(browser, write_page(results, tmp_path))
    press(browser, "#cloud")
    press(browser, "#dots")
    point = results.frontier("arfg_are").iloc[0]
    click_at(browser, point["test_arfg"], point["test_are"])
    trial, milliseconds = wait_for_answer(browser)
    assert trial == point["trial_id"]
    assert milliseconds > 0
    print(f"answered after {milliseconds:.0f} ms")
