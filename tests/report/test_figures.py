"""What figures show, read from the artists and compared with plain computations."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.importance import bins_of, find_varied, importance, measure_explained
from paretofair.analysis.results import ReportSettings, Results
from paretofair.analysis.rules import choose_points
from paretofair.pareto.attainment import measure_attained_share
from paretofair.pareto.hypervolume import hypervolume
from paretofair.report.captions import stamp_caption
from paretofair.report.drawing.choice import drawn_tasks
from paretofair.report.drawing.planes import staircase
from paretofair.report.drawing.style import save
from paretofair.report.figures import FIGURES, write_figures
from paretofair.report.figures import amplification as amplification_figure
from paretofair.report.figures import attainment as attainment_figure
from paretofair.report.figures import audit as audit_figure
from paretofair.report.figures import confirmed as confirmed_figure
from paretofair.report.figures import fronts as fronts_figure
from paretofair.report.figures import hypervolume as hypervolume_figure
from paretofair.report.figures import sets as sets_figure
from paretofair.report.figures import slices as slices_figure
from paretofair.report.figures import splits as splits_figure
from paretofair.report.figures.training import contribution as contribution_figure
from paretofair.report.figures.training import descriptors as descriptors_figure
from paretofair.report.labels import Labels
from paretofair.results.table_schema import read_spelling

from ..launch.processes import TIMEOUT

MANY = tuple(f"a_method_with_a_long_name_{place}" for place in range(12))


OF_EVERY_RUN = [name for name in FIGURES if name not in ("auc_by_group", "confusion")]  # those: test_by_group.py


def lines_of(figure, gid: str) -> list[np.ndarray]:
    """Data of the lines that carry the name of a method, `(points, 2)` each."""
    return [line.get_xydata() for axes in figure.axes for line in axes.lines if line.get_gid() == gid]


def texts_of(figure) -> list:
    from matplotlib.text import Text

    return [text for text in figure.findobj(Text) if text.get_text()]


def test_every_figure_is_drawn_saved_and_described(made_up_sets, tmp_path):
    paths = write_figures(made_up_sets, tmp_path)
    assert {path.name for path in paths} == {f"{name}.{kind}" for name in OF_EVERY_RUN for kind in ("pdf", "png")} | {
        "captions.md"
    }
    for path in paths:
        if path.suffix == ".pdf":
            content = path.read_bytes()
            assert b"/CIDFontType2" in content, path
            assert b"/Type3" not in content, path
    captions = (tmp_path / "figures" / "captions.md").read_text()
    assert [line.removeprefix("## ") for line in captions.splitlines() if line.startswith("## ")] == OF_EVERY_RUN
    assert not list((tmp_path / "figures").glob(".*"))


def test_the_same_figure_has_the_same_bytes(made_up_run, tmp_path):
    first, second = (
        [
            path.read_bytes()
            for path in save(fronts_figure.draw(made_up_run), [tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"])
        ]
        for name in "ab"
    )
    assert first == second


@pytest.mark.parametrize("name", OF_EVERY_RUN)
def test_text_is_large_enough_and_inside(name, made_up_sets):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = FIGURES[name].draw(made_up_sets)
    assert figure.get_figwidth() in (3.3, 6.9)
    for text in texts_of(figure):
        assert text.get_fontsize() >= 7, text
    assert "SIMULATED DATA" in [text.get_text() for text in texts_of(figure)]
    figure.draw_without_rendering()
    box = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    assert box.x0 >= -0.02
    assert box.y0 >= -0.02
    assert box.x1 <= figure.get_figwidth() + 0.02
    assert box.y1 <= figure.get_figheight() + 0.02


@pytest.mark.parametrize("name", OF_EVERY_RUN)
def test_captions_say_how_it_was_chosen(name, made_up_run):
    caption = stamp_caption(made_up_run, FIGURES[name].caption(made_up_run))
    assert caption.startswith("SIMULATED DATA. ")
    assert "seeds 0, 1, 2, 3" in caption
    if name in ("contribution", "descriptors"):
        return
    assert "decision threshold base_rate" in caption
    assert "15 completed trials per method and seed" in caption
    if name not in ("importance", "slices"):
        assert "chosen on validation and shown on" in caption
    if name == "hypervolume":
        assert "reference point ARFG 1.5; ARE 1.1" in caption


def test_the_paper_protocol_is_stamped(made_up_results):
    results = made_up_results(protocol="paper")
    figure = fronts_figure.draw(results)
    assert "SIMULATED DATA · protocol: paper (chosen on test)" in [text.get_text() for text in texts_of(figure)]
    caption = stamp_caption(results, fronts_figure.caption(results))
    assert "protocol: paper (chosen on test)." in caption
    assert "chosen on test and shown on test, the seeds of a method pooled" in caption
    assert attainment_figure.draw(results) is None
    real = made_up_results()
    real.trials["source"] = "real"
    assert "SIMULATED DATA" not in [text.get_text() for text in texts_of(fronts_figure.draw(real))]


def test_fronts_show_test_values_of_points_chosen_on_validation(made_up_run):
    figure = fronts_figure.draw(made_up_run)
    for method in made_up_run.methods:
        expected, tested = [], []
        for _, own in made_up_run.searched[made_up_run.searched["method"] == method].groupby("seed"):
            chosen = own[["validation_arfg", "validation_are"]].to_numpy()
            front = [not any((other <= point).all() and (other < point).any() for other in chosen) for point in chosen]
            tested.append(own.loc[front, ["test_arfg", "test_are"]].to_numpy())
            expected += tested[-1].tolist()
        drawn = np.concatenate(lines_of(figure, method))
        assert sorted(drawn.tolist()) == sorted(expected)
        (line,) = [line.get_xydata() for line in figure.axes[0].lines if line.get_label() == method]
        # It goes from the upper end of the panel to the right one, around the corners of what is reached.
        (_, right), (_, high) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
        assert line[0, 1] >= high
        assert line[-1, 0] >= right
        middle = line[1::2]
        assert (np.diff(line, axis=0) == 0).any(axis=1).all()
        assert (measure_attained_share(tested, middle) >= 0.5).all()
        # A little better in either objective, and fewer reach it.
        for lower in ((1e-9, 0), (0, 1e-9)):
            assert (measure_attained_share(tested, middle - lower) < 0.5).all()


def test_many_methods_stay_apart(made_up_results):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    results = made_up_results(methods=("vanilla", "threshold_frontier", *MANY), trials=6)
    for name in ("fronts", "tasks", "hypervolume", "importance", "splits", "attainment", "accuracies", "slices"):
        figure = FIGURES[name].draw(results)
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw_without_rendering()
        (legend,) = figure.legends
        if name != "attainment":
            assert {"vanilla", "threshold frontier", *MANY} <= {text.get_text() for text in legend.get_texts()}
        box = legend.get_window_extent(renderer)
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1 + 1
        assert all(axes.get_tightbbox(renderer).y0 >= box.y1 - 1 for axes in figure.axes if axes.axison), name
    assert "The grey broken line" in fronts_figure.caption(results)


def test_attainment_bands_are_quartiles(made_up_run):
    fronts = [np.array([[seed, 4.0 - seed], [seed + 1.0, 0.5]]) for seed in range(4)]
    x, best, worst = attainment_figure.quartiles(fronts, right=9.0, high=10.0)
    places = np.linspace(0, 8.9, 200)
    for heights, level in ((best, 0.25), (worst, 0.75)):
        for place in places[places >= x[0]]:
            height = heights[np.searchsorted(x, place, side="right") - 1]
            reached = [min((b for a, b in front if a <= place), default=10.0) for front in fronts]
            assert height == sorted(reached)[int(np.ceil(level * 4)) - 1]
    a, b = staircase(np.array([[0.0, 2.0], [1.0, 1.0]]), right=3.0, high=5.0)
    assert list(zip(a, b, strict=True)) == [(0, 5), (0, 2), (1, 2), (1, 1), (3, 1)]
    figure = attainment_figure.draw(made_up_run)
    assert [axes.get_title() for axes in figure.axes] == ["vanilla", "MTA-F", "own_method"]


def test_hypervolume_curves(made_up_run):
    table = hypervolume_figure.curves(made_up_run)
    own = made_up_run.searched[made_up_run.searched["method"] == "mtaf"]
    for row in table[table["method"] == "mtaf"].itertuples():
        chosen, tested = [], []
        for _, trials in own.groupby("seed"):
            first = trials.sort_values("index").head(row.trials)
            points = first[["validation_arfg", "validation_are"]].to_numpy()
            front = [not any((other <= point).all() and (other < point).any() for other in points) for point in points]
            chosen.append(hypervolume(points, reference=(1.5, 1.1)))
            tested.append(hypervolume(first.loc[front, ["test_arfg", "test_are"]].to_numpy(), reference=(1.5, 1.1)))
        assert row.hypervolume == pytest.approx(np.mean(chosen))
        assert row.test_hypervolume == pytest.approx(np.mean(tested))
    last = table.groupby("method", sort=False).tail(1).set_index("method")["test_hypervolume"]
    expected = made_up_run.hypervolumes.groupby("method")["test_hypervolume"].mean()
    pd.testing.assert_series_equal(last.sort_index(), expected, check_names=False)
    drawn = lines_of(hypervolume_figure.draw(made_up_run), "mtaf")[0]
    assert drawn[:, 1].tolist() == table.loc[table["method"] == "mtaf", "test_hypervolume"].tolist()


def test_explained_variance():
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, 4000)
    assert measure_explained(x, x**2) > 0.9
    assert measure_explained(x, random.normal(size=4000)) < 0.01
    assert np.isnan(measure_explained(np.ones(9), x[:9]))
    y = random.normal(size=30) + x[:30]
    bins = bins_of(x[:30])
    assert np.bincount(bins).min() >= 3
    groups = [y[bins == place] for place in np.unique(bins)]
    within = sum(((own - own.mean()) ** 2).sum() for own in groups) / (30 - len(groups))
    assert measure_explained(x[:30], y) == pytest.approx(max(0, 1 - within / y.var(ddof=1)))


def test_hyperparameters_that_say_the_same_are_one(made_up_run):
    trials = made_up_run.searched.assign(task_weight_grade=np.linspace(0, 1, len(made_up_run.searched)))
    trials["task_weight_bar"] = 1 - trials["task_weight_grade"]
    names = read_spelling(trials).hyperparameter_columns
    assert find_varied(trials, names) == ["learning_rate", "fairness_weight", "task_weight_grade"]
    table = importance(made_up_run).set_index(["method", "metric", "hyperparameter"])["importance"]
    assert table["mtaf", "arfg", "fairness_weight"] > table["mtaf", "arfg", "learning_rate"]


def test_slices_are_medians_of_bins(made_up_run):
    table = slices_figure.bin_metric(made_up_run, "learning_rate", "are")
    own = made_up_run.searched[made_up_run.searched["method"] == "mtaf"].sort_values("learning_rate")
    rows = table[table["method"] == "mtaf"]
    assert rows["trials"].sum() == len(own) == 60
    first = own.head(rows["trials"].iloc[0])
    assert rows["median"].iloc[0] == pytest.approx(first["validation_are"].median())
    assert rows["value"].iloc[0] == pytest.approx(first["learning_rate"].median())
    scales = {axes.get_xlabel(): axes.get_xscale() for axes in slices_figure.draw(made_up_run).axes}
    assert scales["learning rate"] == "log"
    assert scales["fairness weight"] == "linear"


def test_a_method_that_varies_nothing_has_no_slices(made_up_results):
    results = made_up_results()
    constant = results.searched["method"] == "vanilla"
    results.searched.loc[constant, ["learning_rate", "fairness_weight"]] = 0.1
    results.searched.loc[results.searched["method"] == "mtaf", "learning_rate"] = np.nan
    figure = slices_figure.draw(results)
    assert not lines_of(figure, "vanilla")
    assert len(lines_of(figure, "mtaf")) == 4
    assert {len(line) for line in lines_of(figure, "mtaf")} == {0, 8}
    assert "vanilla" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_confirmed_points(made_up_run):
    points = confirmed_figure.collect_confirmed(made_up_run)
    runs = made_up_run.trials[made_up_run.trials["stage"] == "confirm"]
    assert len(points) == runs["confirms"].nunique()
    first = points.iloc[0]
    own = runs.loc[runs["confirms"] == first["trial_id"], "test_are"]
    assert first["are_mean"] == pytest.approx(own.mean())
    assert first["are_std"] == pytest.approx(own.std(ddof=1))
    figure = confirmed_figure.draw(made_up_run)
    drawn = np.concatenate([lines_of(figure, method)[1] for method in made_up_run.methods])
    assert sorted(drawn[:, 1]) == sorted(points["are_mean"])


def test_confirmed_points_of_many_objectives(run_folder, monkeypatch):
    results = Results(run_folder, objectives=("all", "arfg_are"))
    labels = {each.name: Labels.of(results).objective(each) for each in results.objective_set("all").objectives}
    assert len(labels) == 4
    figure = confirmed_figure.draw(results)
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2
    assert [axes.get_title() for axes in figure.axes[:4]] == list(labels.values())
    assert "objectives" not in confirmed_figure.caption(results)
    monkeypatch.setattr("paretofair.report.drawing.choice.MOST_TASKS", 1)
    (drawn,) = drawn_tasks(results)
    figure = confirmed_figure.draw(results)
    assert [axes.get_title() for axes in figure.axes] == [
        label for name, label in labels.items() if name.endswith(f"_{drawn}")
    ]
    told = "Of 4 objectives 2 are drawn, those of the tasks with the largest gaps; tables have all."
    assert told in confirmed_figure.caption(results)


def test_means_on_the_splits(made_up_run):
    table = splits_figure.split_means(made_up_run).set_index(["method", "task", "metric", "split"])
    points, trials = made_up_run.frontier("bar"), made_up_run.searched.set_index("trial_id")
    own = points[points["method"] == "mtaf"]
    for split in ("train", "validation", "test"):
        by_seed = [trials.loc[each["trial_id"], f"{split}_fpr_gap_bar"].mean() for _, each in own.groupby("seed")]
        row = table.loc["mtaf", "bar", "fpr_gap", split]
        assert row["mean"] == pytest.approx(np.mean(by_seed))
        assert row["seeds"] == 4


def test_the_audit(made_up_run):
    table = audit_figure.average_audit(made_up_run).set_index(["method", "task", "grouping"])
    assert set(table.index.get_level_values("grouping")) == {"sex", "race", "sex_x_race"}
    # The attribute that the losses act on has the gap of the trial table.
    chosen = choose_points(made_up_run)
    own = chosen[chosen["method"] == "mtaf"]
    assert table.loc[("mtaf", "bar", "sex"), "mean"] == pytest.approx(own["test_fpr_gap_bar"].mean())


def test_the_audit_shows_what_the_space_file_names(made_up_run, monkeypatch):
    monkeypatch.setattr(made_up_run, "settings", replace(made_up_run.settings, audit=("race",)))
    assert set(audit_figure.average_audit(made_up_run)["grouping"]) == {"sex", "race"}


def test_bias_amplification_by_counting(made_up_run):
    table = amplification_figure.measure_amplification(made_up_run)
    chosen = choose_points(made_up_run)
    ids = chosen.loc[chosen["method"] == "mtaf", "trial_id"].tolist()
    counts = made_up_run.cells.of(ids)
    values, shares = [], []
    for trial in range(len(ids)):
        # Task `bar`; the first two cells are women.
        labelled = [sum(counts["train"][1].values[trial, cell, [0, 3]]) for cell in range(4)]
        predicted = [sum(counts["test"][1].values[trial, cell, [0, 1]]) for cell in range(4)]
        share = sum(labelled[:2]) / sum(labelled)
        moved = sum(predicted[:2]) / sum(predicted) - share
        values.append(moved if share > 0.5 else -moved)
        shares.append(share)
    own = table[(table["method"] == "mtaf") & table["row"].str.startswith("bar: Female")]
    assert own["mean"].tolist() == pytest.approx([np.mean(values)])
    assert table["row"].nunique() == 4


def test_contribution_over_epochs(made_up_run):
    table = contribution_figure.curves(made_up_run).set_index(["method", "task", "label", "epoch"])
    row = table.loc["mtaf", "bar", 1, 2]
    assert row["median"] == pytest.approx(2.35)
    assert row["low"] == pytest.approx(2.2)
    assert row["high"] == pytest.approx(2.5)
    assert row["trials"] == 4
    assert "Female over Male" in contribution_figure.caption(made_up_run)


def test_diagnostics_of_samples(made_up_run):
    table = descriptors_figure.read_diagnostics(made_up_run)
    assert table["method"].unique().tolist() == ["mtaf"]
    caption = descriptors_figure.caption(made_up_run)
    assert "MTA-F: mean responses are off by 1.2 % (by chance 0.5 %)" in caption
    assert "a corrected walk would take 97 % of steps" in caption
    figure = descriptors_figure.draw(made_up_run)
    drawn = figure.axes[0].lines[0]
    assert (drawn.get_xdata().tolist(), drawn.get_ydata().tolist()) == ([0.5, 0.7], [0.52, 0.69])
    assert figure.axes[2].lines[0].get_xdata().tolist() == [10, 100]


def test_what_a_run_lacks_is_left_out(made_up_results, tmp_path):
    results = made_up_results(trials=5)
    lacking = (
        "sets",
        "confirmed",
        "audit",
        "contribution",
        "amplification",
        "auc_by_group",
        "confusion",
        "descriptors",
    )
    assert [name for name, module in FIGURES.items() if module.draw(results) is None] == list(lacking)
    bare = Results.of(results.trials[results.trials["stage"] != "baselines"], results.settings)
    assert {name for name, module in FIGURES.items() if module.draw(bare) is not None} == {
        *("tasks", "accuracies", "splits")
    }
    written = write_figures(bare, tmp_path)
    assert "## fronts" not in (tmp_path / "figures" / "captions.md").read_text()
    assert len(written) == 7
    assert write_figures(Results.of(pd.DataFrame({"trial_id": []}), ReportSettings()), tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_matplotlib_is_imported_only_for_a_figure():
    code = "import sys, paretofair.report.write, paretofair.report.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=TIMEOUT).returncode == 0


def test_every_pair_of_a_set_is_drawn_as_losses(made_up_sets):
    assert sets_figure.planes(made_up_sets) == [
        ("fair", (0, 1)),
        *(("three", pair) for pair in ((0, 1), (0, 2), (1, 2))),
    ]
    figure = sets_figure.draw(made_up_sets)
    drawn = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in drawn] == ["fair", "three", "three", "three"]
    assert drawn[0].get_ylabel() == "|disparate impact ratio, grade -\n1| on test"
    # Ticks of what is maximised have its own values.
    assert drawn[0].xaxis.get_major_formatter()(-0.75, None) == "0.75"
    points = made_up_sets.frontier("fair").query("method == 'mtaf' and seed == 0")
    shown = next(line for line in drawn[0].lines if line.get_gid() == "mtaf").get_xydata()
    values = points[["test_worst_group_accuracy", "test_disparate_impact_ratio_grade"]].to_numpy()
    np.testing.assert_allclose(shown, np.column_stack([-values[:, 0], np.abs(values[:, 1] - 1)]))
    caption = sets_figure.caption(made_up_sets)
    assert "fair: mean over tasks of the smallest accuracy of any group (better the larger) and smallest" in caption
    assert "every pair is drawn" in caption


def test_hypervolumes_of_every_set(made_up_sets):
    figure = FIGURES["hypervolume"].draw(made_up_sets)
    labels = [axes.get_ylabel() for axes in figure.axes if axes.axison]
    assert labels == ["ARFG-ARE hypervolume", "fair hypervolume", "three hypervolume"]
    table = hypervolume_figure.curves(made_up_sets, "fair")
    for method, own in made_up_sets.hypervolumes_of("fair").groupby("method"):
        last = table[(table["method"] == method)].iloc[-1]
        assert last["test_hypervolume"] == pytest.approx(own["test_hypervolume"].mean())
        assert last["hypervolume"] == pytest.approx(own["hypervolume"].mean())


def test_captions_name_the_gap(run_folder):
    results = Results(run_folder, sensitive="sex", gap="demographic_parity_gap")
    for name in ("fronts", "tasks", "accuracies", "splits", "audit"):
        caption = FIGURES[name].caption(results)
        assert "rates of positive decisions between groups" in caption, name
        assert "false positive" not in caption, name
    figure = FIGURES["tasks"].draw(results)
    assert figure.axes[0].get_xlabel() == "demographic parity gap on test"
    assert [axes.get_title() for axes in figure.axes] == ["grade", "bar"]
