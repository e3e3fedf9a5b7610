import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from paretofair.metrics import rates
from paretofair.metrics.thresholds import by_group
from paretofair.metrics.thresholds.by_group import GOALS, ODDS_STEPS, error_minimal, share_positives

GAPS = {
    "fpr": rates.fpr_gap,
    "tpr": rates.tpr_gap,
    "parity": rates.demographic_parity_gap,
    "odds": rates.equalized_odds_max,
}


def counts(decisions: np.ndarray, labels: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Confusion by group, `(groups, 6)`, of one trial's decisions."""
    table = np.zeros((n_groups, 6))
    for decision, label, group in zip(decisions, labels, groups, strict=True):
        if label >= 0 and group >= 0:
            table[group, {(1, 1): 0, (1, 0): 1, (0, 0): 2, (0, 1): 3}[int(decision), int(label)]] += 1
    return table


def decide_by_group(scores: Tensor, groups: Tensor, thresholds: Tensor) -> np.ndarray:
    return (scores >= thresholds[groups.clamp(min=0)]).numpy()


def errors_and_gap(scores: Tensor, labels: Tensor, groups: Tensor, thresholds: Tensor, goal: str) -> tuple[int, float]:
    """Wrong decisions about rows of known group, and the gap among the groups that have rows."""
    table = counts(decide_by_group(scores, groups, thresholds), labels.numpy(), groups.numpy(), len(thresholds))
    return int(table[:, [1, 3]].sum()), float(GAPS[goal](table))


def brute_force(scores: Tensor, labels: Tensor, groups: Tensor, n_groups: int, tolerance: float, goal: str) -> int:
    """The fewest errors of any tuple of thresholds with the gap in bounds; groups without gaps not counted in them."""
    table = []
    for group in range(n_groups):
        own = (groups == group) & (labels >= 0)
        values, is_one = scores[own].numpy(), labels[own].numpy() == 1
        options = []
        for cut in [math.inf, *sorted(set(values.tolist()))]:
            positive = values >= cut
            fp, tp = (positive & ~is_one).sum(), (positive & is_one).sum()
            with np.errstate(invalid="ignore"):
                rate = {
                    "fpr": [fp / (~is_one).sum()],
                    "tpr": [tp / is_one.sum()],
                    "parity": [positive.mean() if len(positive) else math.nan],
                    "odds": [fp / (~is_one).sum(), tp / is_one.sum()],
                }[goal]
            options.append((int(fp + (is_one & ~positive).sum()), np.array(rate)))
        table.append(options)
    fewest = None
    for choice in itertools.product(*table):
        bounded = np.array([rate for _, rate in choice if np.isfinite(rate).all()])
        if len(bounded) and np.ptp(bounded, axis=0).max() > tolerance + 1e-9:
            continue
        errors = sum(errors for errors, _ in choice)
        fewest = errors if fewest is None else min(fewest, errors)
    assert fewest is not None
    return fewest


@st.composite
def rows(draw: st.DrawFn, n_groups: int, largest: int, unknown: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Scores (few values, so many ties, or all different), labels and groups of a few rows."""
    n = draw(st.integers(1, largest))
    least = -1 if unknown else 0
    score = st.integers(0, 4) if draw(st.booleans()) else st.floats(-3, 3, width=32)
    labels = draw(st.lists(st.integers(least, 1), min_size=n, max_size=n))
    groups = draw(st.lists(st.integers(least, n_groups - 1), min_size=n, max_size=n))
    return (
        torch.tensor(draw(st.lists(score, min_size=n, max_size=n)), dtype=torch.float32),
        torch.tensor(labels),
        torch.tensor(groups),
    )


tolerances = st.sampled_from([0.0, 0.1, 0.2, 0.25, 1 / 3, 0.5, 1.0]) | st.floats(0, 1)


def check(example: tuple[Tensor, Tensor, Tensor], n_groups: int, tolerance: float, goal: str) -> None:
    scores, labels, groups = example
    found = error_minimal(scores[None, None], labels[None], groups[None], n_groups, tolerance=tolerance, goal=goal)
    errors, gap = errors_and_gap(scores, labels, groups, found[0, 0], goal)
    assert math.isnan(gap) or gap <= tolerance + 1e-9
    least = brute_force(scores, labels, groups, n_groups, tolerance, goal)
    if goal == "odds" and n_groups > 2:
        most = brute_force(scores, labels, groups, n_groups, tolerance * (1 - 1 / ODDS_STEPS), goal)
        assert least <= errors <= most
    else:
        assert errors == least


@pytest.mark.parametrize("goal", GOALS)
@settings(max_examples=150)
@given(rows(2, 16, unknown=True), tolerances)
def test_two_groups_agree_with_every_pair_of_thresholds(goal, example, tolerance) -> None:
    check(example, 2, tolerance, goal)


@pytest.mark.parametrize("goal", GOALS)
@settings(max_examples=100)
@given(rows(3, 14, unknown=True), tolerances)
def test_three_groups_agree_with_every_triple_of_thresholds(goal, example, tolerance) -> None:
    check(example, 3, tolerance, goal)


def stack(n: int = 600, n_groups: int = 3, trials: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    """Informative scores of several trials and two tasks, groups of different sizes and base rates, some ties."""
    generator = torch.Generator().manual_seed(0)
    groups = torch.randint(0, n_groups + 2, (2, n), generator=generator).clamp(max=n_groups - 1)
    labels = (torch.rand(2, n, generator=generator) < 0.3 + 0.15 * groups).long()
    scores = torch.randn(trials, 2, n, generator=generator) + 1.5 * labels + 0.5 * groups
    scores[::2] = scores[::2].round(decimals=1)
    return scores, labels, groups


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("n_groups", [2, 3, 4])
def test_bounds_hold_and_errors_fall_as_they_widen(goal, n_groups) -> None:
    scores, labels, groups = stack(n_groups=n_groups)
    before = np.full((5, 2), np.inf)
    for tolerance in (0.0, 0.01, 0.05, 0.1, 0.3, 1.0):
        found = error_minimal(scores, labels, groups, n_groups, tolerance=tolerance, goal=goal)
        for k, t in itertools.product(range(5), range(2)):
            errors, gap = errors_and_gap(scores[k, t], labels[t], groups[t], found[k, t], goal)
            assert gap <= tolerance + 1e-9
            assert errors <= before[k, t]
            before[k, t] = errors
    for k, t, group in itertools.product(range(5), range(2), range(n_groups)):
        own = groups[t] == group
        alone = torch.full_like(groups[t][own], 0)
        least = brute_force(scores[k, t][own], labels[t][own], alone, 1, 1.0, "parity")
        one = torch.full((n_groups,), torch.inf)
        one[group] = found[k, t, group]
        assert errors_and_gap(scores[k, t][own], labels[t][own], alone, one[group : group + 1], goal)[0] == least


@pytest.mark.parametrize("goal", GOALS)
def test_a_trial_has_its_own_tolerance_and_no_neighbours(goal, monkeypatch, device) -> None:
    scores, labels, groups = (each.to(device) for each in stack())
    tolerance = torch.rand(5, 2, generator=torch.Generator().manual_seed(1)).to(device) * 0.2
    copies = [each.clone() for each in (scores, labels, groups, tolerance)]
    whole = error_minimal(scores, labels, groups, 3, tolerance=tolerance, goal=goal)
    assert whole.dtype == scores.dtype
    for k in range(5):
        alone = error_minimal(scores[k : k + 1], labels, groups, 3, tolerance=tolerance[k : k + 1], goal=goal)
        assert torch.equal(alone[0], whole[k])
    monkeypatch.setattr(by_group, "_NUMBERS", 15_000)
    assert torch.equal(error_minimal(scores, labels, groups, 3, tolerance=tolerance, goal=goal), whole)
    for each, copy in zip((scores, labels, groups, tolerance), copies, strict=True):
        assert torch.equal(each, copy)


@pytest.mark.parametrize("goal", GOALS)
def test_rows_of_unknown_label_or_group_count_nowhere(goal) -> None:
    scores, labels, groups = stack()
    hidden = torch.rand(2, 600, generator=torch.Generator().manual_seed(2)) < 0.3
    whole = error_minimal(scores, labels.masked_fill(hidden, -1), groups, 3, tolerance=0.1, goal=goal)
    by_group = error_minimal(scores, labels, groups.masked_fill(hidden, -1), 3, tolerance=0.1, goal=goal)
    assert torch.equal(whole, by_group)
    for task in range(2):
        kept = ~hidden[task]
        part = scores[:, task : task + 1][..., kept], labels[task : task + 1, kept], groups[task : task + 1, kept]
        assert torch.equal(error_minimal(*part, 3, tolerance=0.1, goal=goal)[:, 0], whole[:, task])


def test_a_group_without_rows_takes_the_threshold_of_all_rows() -> None:
    scores, labels, groups = stack()
    found = error_minimal(scores, labels, groups, 4, tolerance=0.05, goal="fpr")
    assert torch.equal(found[..., :3], error_minimal(scores, labels, groups, 3, tolerance=0.05, goal="fpr"))
    pooled = error_minimal(scores, labels, torch.zeros_like(groups), 1, tolerance=1.0, goal="fpr")
    assert torch.equal(found[..., 3], pooled[..., 0])
    unknown = torch.full_like(groups, -1)
    assert torch.equal(error_minimal(scores, labels, unknown, 2, tolerance=0.0, goal="odds"), pooled.expand(5, 2, 2))


@pytest.mark.parametrize(("goal", "lacking"), [("fpr", 0), ("tpr", 1), ("odds", 0), ("odds", 1)])
def test_a_group_without_a_rate_is_not_bounded(goal, lacking) -> None:
    scores, labels, groups = stack()
    labels = torch.where(groups == 2, 1 - lacking, labels)
    found = error_minimal(scores, labels, groups, 3, tolerance=0.0, goal=goal)
    assert (found[..., 2] == (math.inf if lacking else -math.inf)).all()
    two = torch.where(groups == 2, -1, groups)
    assert torch.equal(found[..., :2], error_minimal(scores, labels, two, 2, tolerance=0.0, goal=goal))


@pytest.mark.parametrize("goal", GOALS)
def test_one_score_for_all_leaves_the_constant_decisions(goal) -> None:
    labels, groups = torch.tensor([[1, 1, 0, 1, 0, 0, 0]]), torch.tensor([[0, 0, 0, 1, 1, 1, 1]])
    found = error_minimal(torch.zeros(1, 1, 7), labels, groups, 2, tolerance=0.9, goal=goal)
    assert found.tolist() == [[[math.inf, math.inf]]]
    assert error_minimal(torch.zeros(1, 1, 7), labels, groups, 2, tolerance=1.0, goal=goal).tolist() == [
        [[-math.inf, math.inf]]
    ]


def test_nan_is_never_a_number_and_hurts_no_neighbour() -> None:
    scores, labels, groups = stack()
    whole = error_minimal(scores, labels, groups, 3, tolerance=0.1, goal="odds")
    scores[1, 0, 7] = torch.nan
    found = error_minimal(scores, labels, groups, 3, tolerance=0.1, goal="odds")
    assert found[1, 0].isnan().all()
    whole[1, 0] = torch.nan
    assert torch.equal(found.nan_to_num(9e9), whole.nan_to_num(9e9))


def test_no_rows_and_unknown_goals() -> None:
    nothing = torch.zeros(1, 0, dtype=torch.long)
    assert (error_minimal(torch.empty(2, 1, 0), nothing, nothing, 2, tolerance=0.1, goal="fpr") == math.inf).all()
    with pytest.raises(ValueError, match="goal 'ppv' is none of fpr, tpr, odds, parity"):
        error_minimal(torch.empty(2, 1, 0), nothing, nothing, 2, tolerance=0.1, goal="ppv")


def count_positives(scores: Tensor, labels: Tensor, groups: Tensor, thresholds: Tensor) -> int:
    """Positive decisions about rows of known label and group."""
    known = ((labels >= 0) & (groups >= 0)).numpy()
    return int((decide_by_group(scores, groups, thresholds) & known).sum())


def share_slowly(
    scores: Tensor, labels: Tensor, groups: Tensor, common: float, tolerance: float, goal: str
) -> tuple[float, int]:
    """How far the gap is beyond the tolerance, and errors, of the best pair of thresholds with as many positives."""
    of_group = [[math.inf, *sorted(set(scores[groups == group].tolist()))] for group in range(2)]
    cuts = [torch.tensor(choice) for choice in itertools.product(*of_group)]
    wanted = count_positives(scores, labels, groups, torch.tensor([common, common]))
    found = []
    for each in cuts:
        if count_positives(scores, labels, groups, each) == wanted:
            errors, gap = errors_and_gap(scores, labels, groups, each, goal)
            found.append((round(max(gap - tolerance, 0.0), 7), errors))
    return min(found)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("tolerance", [0.0, 0.1, 0.3, 1.0])
def test_two_groups_share_positives_as_the_best_pair_of_thresholds_does(goal, tolerance) -> None:
    for seed in range(12):
        generator = torch.Generator().manual_seed(seed)
        scores = torch.randperm(14, generator=generator).float()
        labels = torch.tensor([0, 1] * 7)
        groups = (torch.rand(14, generator=generator) < 0.4).long()
        groups[:4] = torch.tensor([0, 0, 1, 1])
        for common in (0.0, 4.0, 8.0, 11.5, 20.0):
            cut, rows = torch.tensor([[common]]), (scores[None, None], labels[None], groups[None])
            found = share_positives(*rows, 2, cut, tolerance=tolerance, goal=goal)[0, 0]
            excess, least = share_slowly(scores, labels, groups, common, tolerance, goal)
            errors, gap = errors_and_gap(scores, labels, groups, found, goal)
            assert count_positives(scores, labels, groups, found) == 14 - max(0, min(14, math.ceil(common)))
            assert max(gap - tolerance, 0.0) == pytest.approx(excess, abs=1e-6)
            assert errors == least


@pytest.mark.parametrize("goal", GOALS)
@settings(max_examples=100)
@given(rows(3, 16, unknown=True), tolerances, st.floats(-3, 4))
def test_no_more_are_positive_than_under_the_common_threshold(goal, example, tolerance, common) -> None:
    scores, labels, groups = example
    cut = torch.tensor([[common]], dtype=torch.float32)
    found = share_positives(scores[None, None], labels[None], groups[None], 3, cut, tolerance=tolerance, goal=goal)
    most = count_positives(scores, labels, groups, cut[0].repeat(3))
    assert count_positives(scores, labels, groups, found[0, 0]) <= most


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("n_groups", [2, 3, 4])
def test_shares_keep_the_tolerance_and_errors_fall_as_it_widens(goal, n_groups) -> None:
    scores, labels, groups = stack(n_groups=n_groups)
    scores = scores + 1e-4 * torch.arange(scores.shape[-1])  # no ties
    common = torch.quantile(scores, 0.6, dim=-1)
    before = np.full((5, 2), np.inf)
    for tolerance in (0.05, 0.1, 0.3, 1.0):
        found = share_positives(scores, labels, groups, n_groups, common, tolerance=tolerance, goal=goal)
        for k, t in itertools.product(range(5), range(2)):
            of_trial = scores[k, t], labels[t], groups[t]
            errors, gap = errors_and_gap(*of_trial, found[k, t], goal)
            assert count_positives(*of_trial, found[k, t]) == count_positives(*of_trial, common[k, t].repeat(n_groups))
            if goal != "odds":  # both rates cannot always be equal at one positive rate
                assert gap <= tolerance + 1e-9
            if n_groups == 2:
                assert errors <= before[k, t]
            before[k, t] = errors
    for k, t in itertools.product(range(5), range(2)):
        common_errors, _ = errors_and_gap(scores[k, t], labels[t], groups[t], common[k, t].repeat(n_groups), goal)
        assert before[k, t] <= common_errors


def test_shares_of_a_trial_follow_from_nothing_else_and_weights_count(monkeypatch) -> None:
    scores, labels, groups = stack()
    common = torch.quantile(scores, 0.7, dim=-1)
    tolerance = torch.rand(5, 2, generator=torch.Generator().manual_seed(1)) * 0.2
    whole = share_positives(scores, labels, groups, 3, common, tolerance=tolerance, goal="odds")
    for k in range(5):
        alone = share_positives(
            scores[k : k + 1], labels, groups, 3, common[k : k + 1], tolerance=tolerance[k : k + 1], goal="odds"
        )
        assert torch.equal(alone[0], whole[k])
    ones = torch.ones(scores.shape[-1], dtype=torch.float64)
    assert torch.equal(
        share_positives(scores, labels, groups, 3, common, tolerance=tolerance, goal="odds", weights=ones), whole
    )
    # Every row twice is every row of weight 2.
    twice = [torch.cat([each, each], -1) for each in (scores, labels, groups)]
    assert torch.equal(
        share_positives(*twice, 3, common, tolerance=tolerance, goal="odds"),
        share_positives(scores, labels, groups, 3, common, tolerance=tolerance, goal="odds", weights=2 * ones),
    )
    monkeypatch.setattr(by_group, "_NUMBERS", 15_000)
    assert torch.equal(share_positives(scores, labels, groups, 3, common, tolerance=tolerance, goal="odds"), whole)
    scores[2, 1, 5] = math.nan
    with_nan = share_positives(scores, labels, groups, 3, common, tolerance=tolerance, goal="odds")
    assert with_nan[2, 1].isnan().all()
    assert torch.equal(with_nan[[0, 1, 3, 4]], whole[[0, 1, 3, 4]])
