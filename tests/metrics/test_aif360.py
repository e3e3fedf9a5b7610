"""Rates, gaps and the audit against aif360's `ClassificationMetric` on the rows themselves.

Its differences and ratios are those of the unprivileged group against the privileged one. Told that our first group is
unprivileged and our second privileged, its signs are ours: first minus second, first over second. Where there are more
groups, it is told each ordered pair of them.
"""

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import torch

# Without tensorflow and inFairness the import warns, by logging alone: pytest keeps that to itself.
from aif360.datasets import BinaryLabelDataset
from aif360.metrics import ClassificationMetric

from paretofair.metrics import rates
from paretofair.metrics.audit import audit
from paretofair.metrics.confusion import confusion
from paretofair.metrics.registry import GROUP_METRICS, OF_TWO_GROUPS, RATES

ATTRIBUTES, SIZES = ("sex", "race"), (2, 3)
GROUPINGS = {"sex": ["sex"], "race": ["race"], "sex_x_race": ["sex", "race"]}

# Share of the rows in the second sex, P(label 1) in the first and in the second.
CASES = {
    "even": (0.5, 0.5, 0.5),
    "small group": (0.04, 0.4, 0.5),
    "rare positives": (0.3, 0.01, 0.02),
    "rare negatives": (0.7, 0.98, 0.99),
    "opposite base rates": (0.1, 0.98, 0.01),
}
SAMPLES = pytest.mark.parametrize(("case", "seed"), [(case, seed) for case in CASES for seed in range(4)])


def sample(case: str, seed: int) -> pd.DataFrame:
    """Rows of which some lack the label or an attribute; every rate is defined in every cell, and neither 0 nor 1."""
    random = np.random.default_rng(seed)
    second, *base_rates = CASES[case]
    sex = (random.random(1200) < second).astype(int)
    label = (random.random(1200) < np.take(base_rates, sex)).astype(int)
    score = np.clip(random.normal(0.35 + 0.2 * label + 0.1 * sex, 0.2), 0, 1)
    race = random.choice(3, 1200, p=[0.7, 0.25, 0.05])
    rows = pd.DataFrame({"sex": sex, "race": race, "label": label, "score": score})
    unknown = random.random((1200, 3)) < 0.05
    rows[["sex", "race", "label"]] = rows[["sex", "race", "label"]].where(~unknown, -1)
    one_of_each = pd.MultiIndex.from_product([[0, 1], [0, 1, 2], [0, 1], [0.25, 0.75]], names=rows.columns)
    return pd.concat([rows, one_of_each.to_frame(index=False)], ignore_index=True).assign(
        decision=lambda rows: (rows.score > 0.5 - 0.05 * rows.race).astype(int)
    )


def cells_of(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The finest cells and the confusion array of one trial and task over them."""
    cells, codes = np.unique(rows[list(ATTRIBUTES)].to_numpy(), axis=0, return_inverse=True)
    decisions, scores, labels = (torch.tensor(rows[column].to_numpy()) for column in ("decision", "score", "label"))
    counts = confusion(decisions.bool()[None, None], scores[None, None], labels[None], torch.tensor(codes), len(cells))
    return cells, counts.numpy()[0, 0]


def tell_results(rows: pd.DataFrame, first: list[dict], second: list[dict]) -> ClassificationMetric:
    """aif360 on the rows of known label; its groups are unions of intersections."""
    known = rows[rows.label >= 0]
    names = {"label_names": ["label"], "protected_attribute_names": list(ATTRIBUTES)}
    truth = BinaryLabelDataset(df=known[[*ATTRIBUTES, "label"]], **names)
    predicted = truth.copy()
    predicted.labels = known[["decision"]].to_numpy(dtype=float)
    predicted.scores = known[["score"]].to_numpy(dtype=float)
    return ClassificationMetric(truth, predicted, unprivileged_groups=first, privileged_groups=second)


def pairs_of(rows: pd.DataFrame, columns: list[str]) -> list[ClassificationMetric]:
    groups = np.unique(rows.loc[(rows[columns] >= 0).all(axis=1), columns].to_numpy(), axis=0)
    named = [dict(zip(columns, group.tolist(), strict=True)) for group in groups]
    return [tell_results(rows, [first], [second]) for first, second in permutations(named, 2)]


def soft_positive_rate(metric: ClassificationMetric, privileged: bool | None) -> float:
    """aif360 has only its numerator and denominator."""
    soft = metric.generalized_binary_confusion_matrix(privileged)
    return (soft["GTP"] + soft["GFP"]) / metric.num_instances(privileged)


def rates_of(metric: ClassificationMetric, privileged: bool | None) -> dict[str, float]:
    """Our `RATES`; None: of all rows."""
    return {
        "error": metric.error_rate(privileged),
        "accuracy": metric.accuracy(privileged),
        "positive_rate": metric.selection_rate(privileged),
        "true_positive_rate": metric.true_positive_rate(privileged),
        "false_positive_rate": metric.false_positive_rate(privileged),
        "positive_predictive_value": metric.positive_predictive_value(privileged),
        "false_omission_rate": metric.false_omission_rate(privileged),
        "soft_positive_rate": soft_positive_rate(metric, privileged),
        "soft_true_positive_rate": metric.generalized_true_positive_rate(privileged),
        "soft_false_positive_rate": metric.generalized_false_positive_rate(privileged),
    }


def log_ratio(pair: ClassificationMetric, outcome: tuple[str, ...], other: tuple[str, ...]) -> float:
    """Of the smoothed rates of an outcome among the rows that have it or the other one."""

    def log_rate(privileged: bool) -> float:
        counts = pair.binary_confusion_matrix(privileged)
        positive, rest = (sum(counts[name] for name in names) for names in (outcome, other))
        return float(np.log((positive + 0.05) / (positive + rest + 0.1))) if positive + rest else float("nan")

    return log_rate(False) - log_rate(True)


def gaps_of(pairs: list[ClassificationMetric]) -> dict[str, float]:
    """Our `GROUP_METRICS` from every ordered pair of groups, those of two groups from the first pair."""

    def largest(of: Callable[[ClassificationMetric], float]) -> float:
        return np.max([of(pair) for pair in pairs])

    def smallest(of: Callable[[ClassificationMetric], float]) -> float:
        return np.min([of(pair) for pair in pairs])

    fpr = largest(ClassificationMetric.false_positive_rate_difference)
    tpr = largest(ClassificationMetric.equal_opportunity_difference)
    soft_fpr = largest(lambda pair: pair.difference(pair.generalized_false_positive_rate))
    soft_tpr = largest(lambda pair: pair.difference(pair.generalized_true_positive_rate))
    mean = largest(ClassificationMetric.average_abs_odds_difference)
    epsilon_fpr = largest(lambda pair: log_ratio(pair, ("FP",), ("TN",)))
    epsilon_tpr = largest(lambda pair: log_ratio(pair, ("TP",), ("FN",)))
    positive, negative = ("TP", "FP"), ("TN", "FN")
    return {
        "fpr_gap": fpr,
        "tpr_gap": tpr,
        "fpr_gap_signed": pairs[0].false_positive_rate_difference(),
        "tpr_gap_signed": pairs[0].equal_opportunity_difference(),
        "equalized_odds_max": largest(ClassificationMetric.equalized_odds_difference),
        # Of more than two groups, the two gaps may be of different pairs.
        "equalized_odds_mean": mean if len(pairs) == 2 else (fpr + tpr) / 2,
        "equalized_odds_sum": fpr + tpr,
        "demographic_parity_gap": largest(ClassificationMetric.statistical_parity_difference),
        "disparate_impact_ratio": smallest(ClassificationMetric.disparate_impact),
        "equal_opportunity_ratio": pairs[0].ratio(pairs[0].true_positive_rate),
        "accuracy_gap": largest(ClassificationMetric.error_rate_difference),
        "worst_group_accuracy": smallest(lambda pair: pair.accuracy(privileged=True)),
        "ppv_gap": largest(lambda pair: pair.difference(pair.positive_predictive_value)),
        "for_gap": largest(ClassificationMetric.false_omission_rate_difference),
        "epsilon_fpr": epsilon_fpr,
        "epsilon_tpr": epsilon_tpr,
        "epsilon_odds": epsilon_fpr + epsilon_tpr,
        "epsilon_parity": largest(
            lambda pair: max(log_ratio(pair, positive, negative), log_ratio(pair, negative, positive))
        ),
        "soft_fpr_gap": soft_fpr,
        "soft_tpr_gap": soft_tpr,
        "soft_equalized_odds_max": largest(ClassificationMetric.generalized_equalized_odds_difference),
        "soft_equalized_odds_mean": (soft_fpr + soft_tpr) / 2,
        "soft_equalized_odds_sum": soft_fpr + soft_tpr,
        "soft_demographic_parity_gap": largest(
            lambda pair: soft_positive_rate(pair, False) - soft_positive_rate(pair, True)
        ),
        "soft_disparate_impact_ratio": smallest(
            lambda pair: soft_positive_rate(pair, False) / soft_positive_rate(pair, True)
        ),
        "soft_equal_opportunity_ratio": pairs[0].ratio(pairs[0].generalized_true_positive_rate),
    }


def exactly(value: float) -> object:
    return pytest.approx(value, abs=1e-12, nan_ok=True)


@SAMPLES
def test_counts_and_rates(case: str, seed: int) -> None:
    rows = sample(case, seed)
    cells, counts = cells_of(rows)
    by_sex = rates.merge(counts, cells[:, 0], 2)
    metric = tell_results(rows, [{"sex": 0}], [{"sex": 1}])
    for table, privileged in ((by_sex[0], False), (by_sex[1], True), (counts.sum(axis=0), None)):
        hard = metric.binary_confusion_matrix(privileged)
        soft = metric.generalized_binary_confusion_matrix(privileged)
        assert table[:4].tolist() == [hard[name] for name in ("TP", "FP", "TN", "FN")]
        assert table[4:] == pytest.approx([soft["GTP"], soft["GFP"]], rel=1e-12)
        expected = rates_of(metric, privileged)
        assert expected.keys() == RATES.keys()
        for name, value in expected.items():
            assert np.isfinite(value)
            assert RATES[name](table) == exactly(value), (name, privileged)


@SAMPLES
def test_signs_are_of_first_minus_second(case: str, seed: int) -> None:
    rows = sample(case, seed)
    cells, counts = cells_of(rows)
    by_sex = rates.merge(counts, cells[:, 0], 2)
    metric = tell_results(rows, [{"sex": 0}], [{"sex": 1}])
    fpr, tpr = rates.fpr_gap_signed(by_sex), rates.tpr_gap_signed(by_sex)
    assert fpr == exactly(metric.false_positive_rate_difference())
    assert tpr == exactly(metric.equal_opportunity_difference())
    assert (fpr + tpr) / 2 == exactly(metric.average_odds_difference())
    assert rates.fpr_gap_signed(by_sex[::-1]) == -fpr
    for name, difference in (
        ("positive_rate", metric.statistical_parity_difference()),
        ("error", metric.error_rate_difference()),
        ("soft_false_positive_rate", metric.difference(metric.generalized_false_positive_rate)),
    ):
        assert difference != 0
        assert rates.signed_gap(RATES[name](by_sex)) == exactly(difference), name
    # The ratio of positive rates has no direction, that of aif360 has.
    assert rates.disparate_impact_ratio(by_sex) == exactly(
        min(metric.disparate_impact(), 1 / metric.disparate_impact())
    )


@SAMPLES
def test_audit_of_attributes_and_intersections(case: str, seed: int) -> None:
    rows = sample(case, seed)
    cells, counts = cells_of(rows)
    lines = audit(counts, cells, ATTRIBUTES, SIZES)
    for grouping, columns in GROUPINGS.items():
        expected = gaps_of(pairs_of(rows, columns))
        assert expected.keys() == GROUP_METRICS.keys()
        mine = {line.metric: line.value for line in lines if line.grouping == grouping}
        assert mine.keys() == expected.keys() - (set() if grouping == "sex" else OF_TWO_GROUPS)
        for name, value in mine.items():
            assert np.isfinite(value)
            assert value == exactly(expected[name]), (grouping, name)


def test_merged_cells_are_unions_of_intersections() -> None:
    rows = sample("small group", 0)
    cells, counts = cells_of(rows)
    first, second = [(0, 1), (1, 2)], [(1, 0), (0, 0), (0, 2)]  # (1, 1) is in neither
    codes = [0 if tuple(cell) in first else 1 if tuple(cell) in second else -1 for cell in cells.tolist()]
    merged = rates.merge(counts, codes, 2)
    unions = [[dict(zip(ATTRIBUTES, cell, strict=True)) for cell in group] for group in (first, second)]
    for name, value in gaps_of([tell_results(rows, *unions), tell_results(rows, *unions[::-1])]).items():
        assert GROUP_METRICS[name](merged) == exactly(value), name


@pytest.mark.parametrize(
    ("only", "undefined"),
    [
        (1, {"fpr_gap", "fpr_gap_signed", "soft_fpr_gap", "epsilon_fpr"}),
        (
            0,
            {
                *("tpr_gap", "tpr_gap_signed", "soft_tpr_gap", "epsilon_tpr"),
                *("equal_opportunity_ratio", "soft_equal_opportunity_ratio"),
            },
        ),
    ],
)
def test_a_group_of_one_label_is_undefined_in_both(only: int, undefined: set[str]) -> None:
    rows = sample("even", 0)
    rows = rows[(rows.sex != 1) | (rows.label == only)]
    cells, counts = cells_of(rows)
    merged = rates.merge(counts, cells[:, 0], 2)
    with np.errstate(invalid="ignore"):
        expected = gaps_of(pairs_of(rows, ["sex"]))
    odds = {f"{soft}equalized_odds_{how}" for soft in ("", "soft_") for how in ("max", "mean", "sum")} | {
        "epsilon_odds"
    }
    # aif360 takes the larger of the two with Python's `max`, which sees a NaN in the first place only.
    for name in expected.keys() - {"equalized_odds_max", "soft_equalized_odds_max"}:
        assert np.isnan(expected[name]) == (name in undefined | odds), name
        assert GROUP_METRICS[name](merged) == exactly(expected[name]), name
    assert np.isnan(rates.equalized_odds_max(merged))
    assert np.isnan(rates.equalized_odds_max(merged, soft=True))
