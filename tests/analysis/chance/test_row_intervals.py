"""Intervals over the choice of test rows, against closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from paretofair.analysis.chance.row_intervals import row_intervals, with_intervals
from paretofair.analysis.counts import CellCounts
from paretofair.metrics import rates
from paretofair.results import write_stack
from paretofair.results.table_schema import TaskSchema
from tests.analysis.cells import write_cells

IDS = ["a", "b", "c"]
ALONE = ["s0-0", "s0-1"]
TRIALS = pd.DataFrame({"trial_id": IDS, "split_id": ["s0", "s0", "s1"]})
BASELINES = pd.DataFrame(
    [
        ("s0", "test", "error", "x", 0.2, np.nan),
        ("s0", "test", "fpr_gap", "x", 0.3, 0.02),
        ("s1", "test", "error", "x", 0.4, np.nan),
        ("s1", "test", "fpr_gap", "x", 0.05, 0.02),
    ],
    columns=["split_id", "split", "metric", "task", "mean", "null_mean"],
)
SINGLE_TASK = pd.DataFrame({"trial_id": ALONE, "split_id": "s0", "task_weight_x": 1.0})
WORTH = np.array([1000.0, 400, 1000, 0])


def binary(rows: int, positive_rates: tuple[float, float]) -> list[float]:
    """Counts of a cell, half of whose rows are labelled 1, with these false and true positive rates."""
    false, true = (round(rows / 2 * rate) for rate in positive_rates)
    return [true, false, rows / 2 - false, rows / 2 - true, 0, 0]


def write_counts(folder, weight: float = 1.0, **groups) -> np.ndarray:
    """Two attributes, four cells of which one has no rows; one task; three trials and two single-task ones."""
    write_cells(folder, **groups)
    of_sexes = [((0.2, 0.7), (0.4, 0.8)), ((0.3, 0.6), (0.3, 0.6)), ((0.1, 0.9), (0.5, 0.9))]
    of_sexes += [((0.2, 0.7), (0.5, 0.8))] * 2
    table = np.array(
        [[binary(n, sexes[cell // 2]) for cell, n in enumerate((1000, 400, 1000, 0))] for sexes in of_sexes]
    )
    lists = {"confusion_test": pa.array(list(weight * table.reshape(5, -1)), pa.list_(pa.float32()))}
    if weight != 1:
        lists["confusion_test_rows"] = pa.array(list(table.reshape(5, -1)), pa.list_(pa.float32()))
    write_stack(folder, "s.parquet", pa.table({"trial_id": [*IDS, *ALONE], **lists}))
    return table


def find_intervals(folder, trials=TRIALS, single_task=SINGLE_TASK[:0]):
    cells = CellCounts(folder, tasks=[TaskSchema("x")])
    return row_intervals(trials, ["x"], cells, {"x": "sex"}, BASELINES, single_task)


def deviation_of_gap(table: np.ndarray, worth: float = 1.0) -> np.ndarray:
    """The standard error of the difference of false positive rates between the sexes."""
    by_sex = np.stack([table[:, :2].sum(1), table[:, 2:].sum(1)], 1)
    rate, rows = rates.false_positive_rate(by_sex), by_sex[..., rates.FP] + by_sex[..., rates.TN]
    return np.sqrt((rate * (1 - rate) / (rows * worth)).sum(-1))


def test_errors_and_gaps_have_the_usual_intervals(tmp_path):
    table = write_counts(tmp_path)
    found = find_intervals(tmp_path)
    # Within group and label: the variance is the sum of those of binomials.
    cells = np.stack([table[:, :2].sum(1), table[:, 2:].sum(1)], 1)
    error, gap = rates.error(table.sum(1)), np.array([0.2, 0.0, 0.4])
    variance = 0.0
    for wrong, right in ((rates.FP, rates.TN), (rates.FN, rates.TP)):
        n = cells[..., wrong] + cells[..., right]
        variance = variance + (n * (cells[..., wrong] / n) * (cells[..., right] / n)).sum(-1)
    half = 1.96 * np.sqrt(variance)[:3] / 2400
    np.testing.assert_allclose(found["test_error_x_low"], error[:3] - half, atol=0.003)
    np.testing.assert_allclose(found["test_error_x_high"], error[:3] + half, atol=0.003)
    np.testing.assert_allclose(found["test_are_low"], found["test_error_x_low"] / [0.2, 0.2, 0.4])
    reach = 1.96 * deviation_of_gap(table)[:3]
    np.testing.assert_allclose(found["test_fpr_gap_x_low"], np.maximum(gap - reach, 0), atol=0.004)
    np.testing.assert_allclose(found["test_fpr_gap_x_high"], gap + reach, atol=0.004)


def test_a_trial_is_divided_by_the_single_task_means_of_its_own_split(tmp_path):
    """Without counts of single-task models these stay as they are."""
    write_counts(tmp_path)
    found = find_intervals(tmp_path)
    np.testing.assert_allclose(found["test_arfg_high"], found["test_fpr_gap_x_high"] / [0.3, 0.3, 0.05])
    np.testing.assert_allclose(found["test_arfg_low"], found["test_fpr_gap_x_low"] / [0.3, 0.3, 0.05])


def test_the_divisor_varies_as_well(tmp_path):
    table = write_counts(tmp_path)
    fixed, varied = find_intervals(tmp_path), find_intervals(tmp_path, single_task=SINGLE_TASK)
    a = varied.loc["a"]
    assert a["test_arfg_low"] < fixed.loc["a", "test_arfg_low"]
    assert a["test_arfg_high"] > fixed.loc["a", "test_arfg_high"]
    # Its two ends are those of the ratio of two independent differences, or a little further out.
    deviation = deviation_of_gap(table)
    relative = 1.96 * (0.2 / 0.3) * np.hypot(deviation[0] / 0.2, deviation[3] / 0.3)
    assert a["test_arfg_low"] == pytest.approx(0.2 / 0.3 - relative, abs=0.1)
    assert a["test_arfg_high"] == pytest.approx(0.2 / 0.3 + relative, abs=0.15)
    assert found_equal(fixed.loc["c"], varied.loc["c"]), "no single-task counts of its split"


def found_equal(one: pd.Series, other: pd.Series) -> bool:
    return bool(np.allclose(one, other, equal_nan=True))


def test_no_upper_end_where_the_divisor_may_be_luck(tmp_path, monkeypatch):
    write_counts(tmp_path)
    high = BASELINES.assign(null_mean=0.28)
    monkeypatch.setitem(globals(), "BASELINES", high)
    found = find_intervals(tmp_path, single_task=SINGLE_TASK)
    assert np.isinf(found.loc["a", "test_arfg_high"])
    assert np.isfinite(found.loc["a", ["test_arfg_low", "test_are_high"]].astype(float)).all()


def test_an_interval_does_not_depend_on_other_points(tmp_path):
    write_counts(tmp_path)
    found = find_intervals(tmp_path, single_task=SINGLE_TASK)
    alone = find_intervals(tmp_path, TRIALS[1:2], SINGLE_TASK)
    pd.testing.assert_frame_equal(alone, found.loc[["b"]])
    points = pd.DataFrame({"trial_id": ["b"], "test_are": [1.0], "test_realised": [0.3]})
    columns = ["trial_id", "test_are", "test_are_low", "test_are_high", "test_realised"]
    assert list(with_intervals(points, found)) == columns


def test_intervals_are_wider_where_rows_are_worth_less(tmp_path):
    """A quarter of the rows, twice the width."""
    table = write_counts(tmp_path, weight=3.0, independent_test=WORTH / 4)
    found = find_intervals(tmp_path)
    reach = 1.96 * deviation_of_gap(table, worth=0.25)[0]
    assert found.loc["a", "test_fpr_gap_x_low"] == pytest.approx(0.2 - reach, abs=0.01)
    assert found.loc["a", "test_fpr_gap_x_high"] == pytest.approx(0.2 + reach, abs=0.01)


def test_an_error_lies_in_its_interval_whatever_rows_weigh(tmp_path):
    """Nine tenths of all weight on half of the rows: the error is the weighted one, and so is its interval."""
    table = write_counts(tmp_path, independent_test=[1000, 400, 1000, 0])
    weighted = table * np.array([9.0, 9.0, 1.0, 1.0])[:, None]
    lists = {"confusion_test": weighted, "confusion_test_rows": table}
    columns = {name: pa.array(list(each.reshape(5, -1)), pa.list_(pa.float32())) for name, each in lists.items()}
    (tmp_path / "trials" / "s.parquet").unlink()
    write_stack(tmp_path, "s.parquet", pa.table({"trial_id": [*IDS, *ALONE], **columns}))
    found, error = find_intervals(tmp_path), rates.error(weighted.sum(1))[:3]
    assert (found["test_error_x_low"] < error).all()
    assert (error < found["test_error_x_high"]).all()
    cells = np.stack([table[:, :2].sum(1), table[:, 2:].sum(1)], 1)
    rows = cells[..., :4].sum(-1)
    share = rows * [9, 1] / (rows * [9, 1]).sum(-1, keepdims=True)
    variance = 0.0
    for wrong, right in ((rates.FP, rates.TN), (rates.FN, rates.TP)):
        n = cells[..., wrong] + cells[..., right]
        variance = variance + (n * (cells[..., wrong] / n) * (cells[..., right] / n)) / rows**2
    half = 1.96 * np.sqrt((share**2 * variance).sum(-1))[:3]
    np.testing.assert_allclose(found["test_error_x_high"] - error, half, atol=0.004)
    np.testing.assert_allclose(error - found["test_error_x_low"], half, atol=0.004)
