"""Tables, folds and figures of single groups, classes and identities, against other programs and plain computations."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

import paretofair
from paretofair.analysis.rules import choose_points
from paretofair.analysis.tables import auc_by_group, confusion_by_group, identities_by_group, never_decided
from paretofair.export import export_trial
from paretofair.report.figures import write_figures
from paretofair.report.figures.by_group import areas, confusion
from paretofair.report.findings import find
from paretofair.report.page import write_page
from paretofair.report.write import write_report

SHARED = """
training: {optimizer: adam, batch_size: 64, reduction: mean}
parameters: {learning_rate: 0.01, epochs: 2}
seeds: [0, 1]
stages: {baselines: {runs: 1}, sweep: {trials: 2}}
resources: {engine: process, compile: false}
"""
XRAYS = """
name: xrays
data: {name: nih_chestxray, tasks: [Mass, Edema], options: {size: 8}, sensitive: sex, source: simulated}
network: {shared: [8], head: []}
methods: {vanilla: , equal_loss: {parameters: {penalty_weight: {uniform: [0, 10]}}}}
metrics:
  auc_women: {of: auc, group: Female}
  auc_men: {of: auc, group: Male}
  auc_young: {of: auc, group: up_to_40, attribute: age}
  auc_middle: {of: auc, group: 40_to_60, attribute: age}
  auc_old: {of: auc, group: over_60, attribute: age}
"""
CLASSES = """
name: classes
data:
  csv: {path: people.csv, tasks: {outcome: {column: target, kind: multiclass}}, sensitive: {sex: sex}, split: part}
network: {shared: [8], head: [], embedding: 0}
methods: {vanilla: , max_min: }
"""
PEOPLE = """
name: people
data: {name: faces, options: {size: 8, test: 0.3}, sensitive: sex, source: simulated}
network: {shared: [8], head: [], features: 6}
methods: {vanilla: , max_min: }
metrics:
  intra_angle_women: {of: intra_angle, group: Female}
  intra_angle_men: {of: intra_angle, group: Male}
"""


def run(folder, text, epochs=2):
    (folder / "space.yaml").write_text(text + SHARED.replace("epochs: 2", f"epochs: {epochs}"))
    return paretofair.sweep(folder / "space.yaml", folder / "run", quiet=True)


def check_letters(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    assert all(text.get_fontsize() >= 7 for text in figure.findobj(Text) if text.get_text())
    figure.draw_without_rendering()
    box = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    assert min(box.x0, box.y0) >= -0.02
    assert box.x1 <= figure.get_figwidth() + 0.02
    assert box.y1 <= figure.get_figheight() + 0.02


def read_folds(folder, results):
    page = write_page(results, folder).read_text()
    data = json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    return {fold["caption"]: fold for fold in data["folds"]}


@pytest.fixture(scope="module")
def xrays(tmp_path_factory):
    return run(tmp_path_factory.mktemp("xrays"), XRAYS)


def test_areas_are_those_of_the_chosen_points(xrays):
    table = auc_by_group(xrays)
    chosen = choose_points(xrays)
    assert list(dict.fromkeys(table["attribute"])) == ["sex", "age"]
    for (attribute, method, task), row in table.set_index(["attribute", "method", "task"]).iterrows():
        names = ["auc_women", "auc_men"] if attribute == "sex" else ["auc_young", "auc_middle", "auc_old"]
        own = chosen[chosen["method"] == method]
        for split in ("train", "validation", "test"):
            tasks = ["Mass", "Edema"] if task == "average" else [task]
            values = np.array([[own[f"{split}_{name}_{each}"] for name in names] for each in tasks], dtype=float)
            gaps = (values.max(1) - values.min(1)).mean(0)
            assert row[f"{split}_gap"] == pytest.approx(gaps.mean())
            assert row[f"{split}_gap_low"] <= row[f"{split}_gap"] <= row[f"{split}_gap_high"]
            first = "Female" if attribute == "sex" else "up_to_40"
            assert row[f"{split}_{first}"] == pytest.approx(values[:, 0].mean())
    assert set(table["task"]) == {"Mass", "Edema", "average"}


def test_areas_are_drawn_written_and_folded(xrays, tmp_path):
    figure = areas.draw(xrays)
    assert len(figure.axes) == 4
    table = areas.average_areas(xrays)
    own = table[(table["method"] == "equal_loss") & (table["task"] == "Mass") & (table["attribute"] == "age")]
    line = next(line for line in figure.axes[1].lines if line.get_gid() == "equal_loss")
    np.testing.assert_allclose(line.get_ydata(), own["mean"])
    assert "gerrymandering" in areas.caption(xrays)
    check_letters(figure)
    assert {path.name for path in write_figures(xrays, tmp_path)} >= {"auc_by_group.pdf", "auc_by_group.png"}
    assert tmp_path / "tables" / "auc_by_group.csv" in write_report(xrays, tmp_path)
    assert not (tmp_path / "tables" / "confusion.csv").exists()
    folds = read_folds(tmp_path, xrays)
    by_age = folds["Area under the ROC curve by age on all splits at the same points"]
    assert by_age["columns"][:2] == ["method", "of task"]
    assert "test_over_60" in by_age["columns"]
    assert "test_Female" not in by_age["columns"]


def test_confusion_is_that_of_the_exported_model(tmp_path):
    random = np.random.default_rng(0)
    sex, kind = random.integers(0, 2, (2, 600))
    target = np.where(random.random(600) < 0.03, "c", np.where(kind == 1, "a", "b"))
    numbers = {f"x{place}": kind * 2 + random.normal(size=600) * (1 + sex) for place in range(3)}
    people = pd.DataFrame({**numbers, "sex": np.where(sex, "m", "f"), "target": target})
    people["part"] = np.resize(["train", "train", "validation", "test"], 600)
    people.to_csv(tmp_path / "people.csv", index=False)
    results = run(tmp_path, CLASSES, epochs=15)
    table = confusion_by_group(results)
    point = choose_points(results).iloc[0]
    model = export_trial(tmp_path / "run", point["trial_id"], tmp_path / "model").model
    test = people[people["part"] == "test"]
    decided = model.predict(test)["outcome"]
    counts = results.cells.of([point["trial_id"]])["test"][0]
    for g, group in enumerate(results.cells.group_names("sex")):
        rows = test["sex"] == group
        expected = confusion_matrix(test["target"][rows], decided[rows], labels=["a", "b", "c"])
        np.testing.assert_array_equal(results.cells.by_group(counts, "sex").values[0, g, 0], expected)
    both = [export_trial(tmp_path / "run", each, tmp_path / each).model for each in choose_points(results)["trial_id"]]
    own = table[(table["method"] == "vanilla") & (table["split"] == "test") & (table["group"] == "f")]
    women = test[test["sex"] == "f"]
    expected = np.mean(
        [
            confusion_matrix(women["target"], each.predict(women)["outcome"], labels=["a", "b", "c"], normalize="true")
            for each in both
            if each.about["method"] == "vanilla"
        ],
        axis=0,
    )
    np.testing.assert_allclose(own["share"].to_numpy().reshape(3, 3), expected, atol=1e-12)
    assert own["rows"].sum() == 3 * len(women)
    shares = table[table["split"] == "test"].groupby(["method", "decided"])["share"].max()
    assert set(map(tuple, never_decided(results)[["method", "decided"]].to_numpy())) == set(shares[shares == 0].index)
    missing = never_decided(results)
    told = [each.sentence for each in find(results) if "decides no row on test to be" in each.sentence]
    assert len(told) == missing["method"].nunique() > 0, "three of a hundred rows, at random, are of class c"
    figure = confusion.draw(results)
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), expected, atol=1e-12)
    assert "by sex: shares on test" in confusion.caption(results)
    check_letters(figure)
    assert any(caption.startswith("outcome: what rows") for caption in read_folds(tmp_path, results))


def test_identities_have_accuracies_and_angles(tmp_path):
    results = run(tmp_path, PEOPLE)
    table = identities_by_group(results).set_index(["split", "method"])
    chosen = choose_points(results)
    for (split, method), row in table.iterrows():
        own = chosen[chosen["method"] == method]
        assert row["accuracy_gap"] == pytest.approx(own[f"{split}_accuracy_gap_person"].mean())
        assert abs(row["accuracy_Female"] - row["accuracy_Male"]) <= row["accuracy_gap"] + 1e-12
        assert row["intra_angle_Male"] == pytest.approx(own[f"{split}_intra_angle_men_person"].mean())
    assert len(table) == 6
    assert auc_by_group(results).empty
    assert confusion_by_group(results).empty
    assert areas.draw(results) is None
    assert (tmp_path / "run" / "tables" / "identities.csv").exists()
    assert len(read_folds(tmp_path, results)) == 1
