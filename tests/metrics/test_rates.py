import math

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equalized_odds_difference,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import accuracy_score, precision_score

from paretofair.metrics import rates
from paretofair.metrics.registry import GROUP_METRICS, METRICS, OF_TWO_GROUPS, RATES


def count(labels: np.ndarray, decisions: np.ndarray, scores: np.ndarray, groups: np.ndarray, n: int):
    table = np.zeros((n, 6))
    for label, decision, score, group in zip(labels, decisions, scores, groups, strict=True):
        table[group, {(1, 1): 0, (1, 0): 1, (0, 0): 2, (0, 1): 3}[int(decision), int(label)]] += 1
        table[group, 4 if label else 5] += score
    return table


def sample(n_groups: int, seed: int):
    generator = np.random.default_rng(seed)
    scores = generator.random(2000)
    labels = (generator.random(2000) < scores).astype(int)
    groups = generator.integers(0, n_groups, 2000)
    decisions = (scores > 0.4 + 0.1 * (groups % 3)).astype(int)
    return labels, decisions, scores, groups


@pytest.mark.parametrize("n_groups", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_as_fairlearn(n_groups: int, seed: int) -> None:
    labels, decisions, scores, groups = sample(n_groups, seed)
    table = count(labels, decisions, scores, groups, n_groups)
    by_group = MetricFrame(
        metrics={
            "accuracy": accuracy_score,
            "true_positive_rate": true_positive_rate,
            "false_positive_rate": false_positive_rate,
            "positive_rate": selection_rate,
            "positive_predictive_value": precision_score,
            "false_omission_rate": lambda labels, decisions: 1 - precision_score(labels, decisions, pos_label=0),
        },
        y_true=labels,
        y_pred=decisions,
        sensitive_features=groups,
    )
    for name in by_group.by_group:
        assert RATES[name](table) == pytest.approx(by_group.by_group[name].to_numpy())
        assert RATES[name](table.sum(axis=0)) == pytest.approx(by_group.overall[name])
        assert rates.gap(RATES[name](table)) == pytest.approx(by_group.difference()[name])
    assert rates.error(table) == pytest.approx(1 - by_group.by_group["accuracy"].to_numpy())
    assert rates.fpr_gap(table) == pytest.approx(by_group.difference()["false_positive_rate"])
    assert rates.tpr_gap(table) == pytest.approx(by_group.difference()["true_positive_rate"])
    assert rates.accuracy_gap(table) == pytest.approx(by_group.difference()["accuracy"])
    assert rates.worst_group_accuracy(table) == pytest.approx(by_group.group_min()["accuracy"])
    assert rates.worst_group_error(table) == pytest.approx(1 - by_group.group_min()["accuracy"])
    assert rates.ppv_gap(table) == pytest.approx(by_group.difference()["positive_predictive_value"])
    assert rates.for_gap(table) == pytest.approx(by_group.difference()["false_omission_rate"])

    told = {"y_true": labels, "y_pred": decisions, "sensitive_features": groups}
    assert rates.equalized_odds_max(table) == pytest.approx(equalized_odds_difference(**told))
    assert rates.demographic_parity_gap(table) == pytest.approx(demographic_parity_difference(**told))
    assert rates.disparate_impact_ratio(table) == pytest.approx(demographic_parity_ratio(**told))
    total = rates.fpr_gap(table) + rates.tpr_gap(table)
    assert rates.equalized_odds_sum(table) == total
    assert rates.equalized_odds_mean(table) == total / 2


def test_soft_rates_are_mean_scores() -> None:
    labels, decisions, scores, groups = sample(2, 0)
    table = count(labels, decisions, scores, groups, 2)
    means = [[scores[(groups == g) & (labels == y)].mean() for g in range(2)] for y in range(2)]
    assert rates.soft_false_positive_rate(table) == pytest.approx(means[0])
    assert rates.soft_true_positive_rate(table) == pytest.approx(means[1])
    assert rates.soft_fpr_gap(table) == pytest.approx(abs(means[0][0] - means[0][1]))
    assert rates.soft_tpr_gap(table) == pytest.approx(abs(means[1][0] - means[1][1]))
    gaps = [abs(means[y][0] - means[y][1]) for y in range(2)]
    every = [scores[groups == g].mean() for g in range(2)]
    expected = {
        "soft_equalized_odds_sum": sum(gaps),
        "soft_equalized_odds_max": max(gaps),
        "soft_equalized_odds_mean": sum(gaps) / 2,
        "soft_equal_opportunity_ratio": means[1][0] / means[1][1],
        "soft_demographic_parity_gap": max(every) - min(every),
        "soft_disparate_impact_ratio": min(every) / max(every),
    }
    assert rates.soft_positive_rate(table) == pytest.approx(every)
    for name, value in expected.items():
        assert GROUP_METRICS[name](table) == pytest.approx(value), name


def test_first_minus_second() -> None:
    table = np.array([[4, 1, 9, 1, 0, 0], [1, 2, 3, 3, 0, 0]], dtype=float)
    assert rates.fpr_gap_signed(table) == pytest.approx(0.1 - 0.4)
    assert rates.tpr_gap_signed(table) == pytest.approx(0.8 - 0.25)
    assert rates.equal_opportunity_ratio(table) == pytest.approx(0.8 / 0.25)
    three = np.stack([table, table, table], axis=1).reshape(3, 2, 6).swapaxes(0, 1)
    assert three.shape == (2, 3, 6)
    for name in OF_TWO_GROUPS:
        assert np.isnan(GROUP_METRICS[name](three)).tolist() == [True, True], name


def test_a_group_without_negatives_makes_the_gap_nan() -> None:
    table = np.array([[1, 1, 3, 1, 1, 1], [2, 2, 2, 2, 1, 1], [5, 0, 0, 5, 4, 0]], dtype=float)
    assert np.isnan(rates.fpr_gap(table))
    assert np.isnan(rates.soft_fpr_gap(table))
    assert np.isnan(rates.equalized_odds_max(table))
    assert np.isnan(rates.equalized_odds_sum(table))
    assert rates.tpr_gap(table) == 0


def test_a_group_without_rows_is_left_out() -> None:
    table = np.array([[1, 1, 3, 1, 1, 1], [2, 2, 2, 2, 1, 1]], dtype=float)
    wider = np.insert(table, 1, 0, axis=0)
    for name, metric in GROUP_METRICS.items():
        if name not in OF_TWO_GROUPS:
            assert metric(wider) == metric(table), name


@pytest.mark.parametrize("rows_in", [0, 1])
def test_fewer_than_two_groups_with_rows_have_no_gap(rows_in: int) -> None:
    table = np.zeros((3, 6))
    table[:rows_in] = [1, 1, 3, 1, 1, 1]
    for name, metric in GROUP_METRICS.items():
        if not (name == "worst_group_accuracy" and rows_in == 1):
            assert np.isnan(metric(table)), name
    assert np.isnan(rates.worst_group_accuracy(table)) == (rows_in == 0)


def test_undefined_rates_are_nan_with_their_count() -> None:
    table = np.array([[3, 0, 0, 1, 2, 0], [0, 2, 2, 0, 0, 1], [0, 0, 0, 0, 0, 0]], dtype=float)
    counts = rates.rate_counts(table)
    assert counts.keys() == RATES.keys()
    for name, rate in RATES.items():
        assert (np.isnan(rate(table)) == (counts[name] == 0)).all(), name
    assert counts["false_positive_rate"].tolist() == [0, 4, 0]
    assert counts["true_positive_rate"].tolist() == [4, 0, 0]
    assert counts["error"].tolist() == [4, 4, 0]


def test_a_group_that_is_decided_one_way_makes_predictive_parity_nan() -> None:
    nobody, everybody = [0, 0, 3, 1, 1, 1], [3, 1, 0, 0, 1, 1]
    some = [2, 1, 3, 1, 1, 1]
    assert np.isnan(rates.ppv_gap([nobody, some]))
    assert np.isfinite(rates.for_gap([nobody, some]))
    assert np.isnan(rates.for_gap([everybody, some]))
    assert np.isfinite(rates.ppv_gap([everybody, some]))
    counts = rates.rate_counts(np.array([nobody, everybody]))
    assert counts["positive_predictive_value"].tolist() == [0, 4]
    assert counts["false_omission_rate"].tolist() == [4, 0]


def test_ratios_with_zeros() -> None:
    nobody_accepted = np.array([[0, 0, 3, 1, 1, 1], [0, 0, 2, 2, 1, 1]], dtype=float)
    assert np.isnan(rates.disparate_impact_ratio(nobody_accepted))
    assert np.isnan(rates.equal_opportunity_ratio(nobody_accepted))
    one_sided = np.array([[2, 0, 3, 1, 1, 1], [0, 0, 2, 2, 1, 1]], dtype=float)
    assert rates.disparate_impact_ratio(one_sided) == 0
    assert np.isnan(rates.equal_opportunity_ratio(one_sided))
    assert rates.equal_opportunity_ratio(one_sided[::-1]) == 0


tables = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=3, max_side=4).map(lambda s: (*s, 6)),
    elements=st.integers(0, 3),
)


@given(tables)
def test_leading_axes_are_independent(table: np.ndarray) -> None:
    for name, metric in GROUP_METRICS.items():
        whole = metric(table)
        assert whole.shape == table.shape[:-2]
        for index in np.ndindex(whole.shape):
            np.testing.assert_array_equal(metric(table[index]), whole[index], err_msg=name)


@given(tables, st.randoms(use_true_random=False))
def test_order_and_size_of_groups_do_not_matter(table: np.ndarray, random) -> None:
    order = random.sample(range(table.shape[-2]), table.shape[-2])
    for name, metric in GROUP_METRICS.items():
        if name not in OF_TWO_GROUPS:
            np.testing.assert_array_equal(metric(table[..., order, :]), metric(table), err_msg=name)
        if not name.startswith("epsilon"):  # whose smoothing is less of more rows
            np.testing.assert_allclose(metric(3 * table), metric(table), err_msg=name, rtol=1e-12)


def gap_slow(values: list[float], present: list[bool]) -> float:
    here = [value for value, is_here in zip(values, present, strict=True) if is_here]
    if len(here) < 2 or any(math.isnan(value) for value in here):
        return math.nan
    return max(abs(a - b) for a in here for b in here)


@given(st.lists(st.tuples(st.floats(0, 1) | st.just(math.nan), st.booleans()), min_size=1, max_size=6))
def test_gap_is_the_largest_pairwise_difference(groups: list[tuple[float, bool]]) -> None:
    values, present = (list(column) for column in zip(*groups, strict=True))
    np.testing.assert_array_equal(rates.gap(values, present=present), gap_slow(values, present))
    np.testing.assert_array_equal(rates.gap(values), gap_slow(values, [True] * len(values)))


def test_merge_sums_cells_and_leaves_out_unknown_groups() -> None:
    cells = np.arange(2 * 4 * 6, dtype=float).reshape(2, 4, 6)
    merged = rates.merge(cells, [1, -1, 1, 0], 3)
    assert merged.shape == (2, 3, 6)
    np.testing.assert_array_equal(merged[:, 0], cells[:, 3])
    np.testing.assert_array_equal(merged[:, 1], cells[:, 0] + cells[:, 2])
    assert (merged[:, 2] == 0).all()


def test_merge_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"got confusion \(4, 6\) with cell_groups \(3,\)"):
        rates.merge(np.zeros((4, 6)), [0, 1, 0], 2)
    with pytest.raises(ValueError, match="got groups from 0 to 2, expected -1 to 1"):
        rates.merge(np.zeros((3, 6)), [0, 1, 2], 2)
    with pytest.raises(ValueError, match=r"got a confusion array of shape \(4, 5\)"):
        rates.error(np.zeros((4, 5)))


def test_auc_gap_is_of_the_groups_with_rows() -> None:
    table = np.array([[1, 1, 3, 1, 1, 1], [0, 0, 0, 0, 0, 0], [2, 2, 2, 2, 1, 1]], dtype=float)
    assert rates.auc_gap([0.7, np.nan, 0.9], table) == pytest.approx(0.2)
    assert np.isnan(rates.auc_gap([0.7, np.nan, np.nan], table)), "a group with rows of one class"
    assert np.isnan(rates.auc_gap([0.7, np.nan, 0.9], table * [[1], [1], [0]]))
    both = rates.auc_gap([[0.7, np.nan, 0.9], [0.5, 0.5, 0.5]], np.stack([table, table + 1]))
    assert both == pytest.approx([0.2, 0])


def test_every_metric_has_a_direction() -> None:
    assert set(RATES) | set(GROUP_METRICS) | {"auc_gap"} <= set(METRICS)
    assert set(GROUP_METRICS) >= OF_TWO_GROUPS
    others = {"average_precision", "auc", "are", "arfg", "bias_amplification", "contribution_disparity"}
    assert others | {"realised_positive_rate", "hypervolume"} <= set(METRICS)


def test_inputs_not_mutated() -> None:
    table = np.array([[1, 1, 3, 1, 1, 1], [0, 0, 0, 0, 0, 0], [5, 0, 0, 5, 4, 0]], dtype=float)
    table.setflags(write=False)
    for metric in (*RATES.values(), *GROUP_METRICS.values(), rates.rate_counts):
        metric(table)
    rates.auc_gap([0.5, 0.6, 0.7], table)
    rates.merge(table, [0, 0, -1], 1)
