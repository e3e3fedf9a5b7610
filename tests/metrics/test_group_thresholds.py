import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from paretofair.metrics import group_thresholds, rates
from paretofair.metrics.group_thresholds import GOALS, ODDS_STEPS, error_minimal

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
    monkeypatch.setattr(group_thresholds, "_NUMBERS", 15_000)
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
