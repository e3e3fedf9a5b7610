import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from paretofair.metrics.thresholds.rules import base_rate, least_error, published_rule


def base_rate_slow(scores: list[float], rate: float) -> float:
    allowed = [s for s in scores if sum(other >= s for other in scores) / len(scores) <= rate]
    return min(allowed, default=math.inf)


def published_slow(scores: list[float], rate: float) -> float:
    return sorted(scores)[max(0, int((1 - rate) * len(scores)) - 1)]


few_values = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0])
score_lists = st.lists(few_values | st.floats(0, 1, width=32), min_size=1, max_size=30)


@given(score_lists, st.floats(0, 1) | st.sampled_from([0.1, 0.29, 0.3, 0.7, 0.9]))
def test_agree_with_the_definition(scores: list[float], rate: float) -> None:
    tensor = torch.tensor(scores, dtype=torch.float64)
    assert base_rate(tensor, rate).item() == base_rate_slow(scores, rate)
    assert published_rule(tensor, rate).item() == published_slow(scores, rate)


@given(score_lists, st.data())
def test_realised_rate_never_exceeds_the_rate_and_ties_stay_together(scores: list[float], data: st.DataObject) -> None:
    tensor = torch.tensor(scores)
    positives = data.draw(st.integers(0, len(scores)))
    threshold = base_rate(tensor, positives / len(scores))
    assert (tensor >= threshold).sum() <= positives
    if len(set(scores)) == len(scores):
        assert (tensor >= threshold).sum() == positives


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [7, 100, 1000, 27000])
def test_rate_of_a_count_is_met_exactly_and_never_exceeded(dtype: torch.dtype, n: int) -> None:
    scores = torch.rand(n, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    counts = torch.arange(n + 1)[:: max(1, n // 500)]
    rates = counts.to(dtype) / n
    thresholds = base_rate(scores.expand(len(counts), n), rates)
    assert torch.equal((scores >= thresholds.unsqueeze(-1)).sum(dim=-1), counts)

    # The next smaller rate must lose one row, although rate * n may be rounded up to the same count.
    below = torch.nextafter(rates[1:], torch.zeros((), dtype=dtype))
    thresholds = base_rate(scores.expand(len(below), n), below)
    assert torch.equal((scores >= thresholds.unsqueeze(-1)).sum(dim=-1), counts[1:] - 1)


@given(score_lists, st.data())
def test_no_other_threshold_has_fewer_errors(scores: list[float], data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.integers(-1, 1), min_size=len(scores), max_size=len(scores)))
    found = least_error(torch.tensor([[scores]], dtype=torch.float64), torch.tensor([labels])).item()

    def errors(cut: float) -> int:
        return sum((score >= cut) != label for score, label in zip(scores, labels, strict=True) if label >= 0)

    assert errors(found) == min(map(errors, [*scores, math.inf]))


def test_extremes() -> None:
    scores = torch.tensor([0.5, 0.5, 0.5])
    assert base_rate(scores, 0.0) == math.inf
    assert base_rate(scores, 0.99) == math.inf
    assert base_rate(scores, 1.0) == 0.5
    assert base_rate(torch.tensor([-math.inf, 1.0]), 1.0) == -math.inf
    assert base_rate(torch.tensor([math.inf, 1.0]), 0.5) == math.inf
    assert base_rate(torch.empty(2, 0), 0.5).tolist() == [math.inf] * 2
    assert published_rule(torch.empty(2, 0), 0.5).tolist() == [math.inf] * 2
    assert published_rule(scores, 1.0) == 0.5


@pytest.mark.parametrize("rule", [base_rate, published_rule])
def test_nan_is_never_a_number_and_hurts_no_neighbour(rule) -> None:
    scores = torch.tensor([[0.1, 0.2, 0.3], [0.1, torch.nan, 0.3]])
    thresholds = rule(scores, torch.tensor([0.5, 0.5]))
    assert thresholds.isnan().tolist() == [False, True]
    assert rule(scores, torch.tensor([torch.nan, 0.5])).isnan().all()
    known = torch.tensor([True, False, True])
    assert rule(scores, 0.5, known=known).isnan().tolist() == [False, False]


@pytest.mark.parametrize("rule", [base_rate, published_rule])
def test_masked_rows_are_as_if_absent(rule) -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(5, 2, 40, generator=generator).round(decimals=1)
    known = torch.rand(2, 40, generator=generator) < 0.6
    rates = torch.tensor([0.3, 0.6])
    masked = rule(scores, rates, known=known)
    for task in range(2):
        assert torch.equal(masked[:, task], rule(scores[:, task][:, known[task]], rates[task]))
    nothing = torch.zeros(40, dtype=torch.bool)
    assert (rule(scores, rates, known=nothing) == math.inf).all()


@pytest.mark.parametrize("rule", [base_rate, published_rule])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_trial_alone_is_the_same_trial(rule, dtype: torch.dtype, stack_of_scores) -> None:
    scores: Tensor = stack_of_scores(dtype)
    rates = torch.tensor([0.31, 0.07])
    whole = rule(scores, rates)
    assert whole.dtype == dtype
    for first, width in ((0, 1), (41, 1), (5, 7), (57, 7)):
        assert torch.equal(rule(scores[first : first + width], rates), whole[first : first + width])


@pytest.mark.parametrize("rule", [base_rate, published_rule])
def test_reads_no_value_back_to_the_host(rule) -> None:
    scores = torch.empty(3, 2, 5, device="meta")
    assert rule(scores, 0.5).shape == (3, 2)
    assert rule(scores, torch.empty(2, device="meta")).shape == (3, 2)


@pytest.mark.parametrize("rule", [base_rate, published_rule])
def test_inputs_not_mutated(rule) -> None:
    scores, rate, known = torch.rand(2, 9), torch.rand(2), torch.rand(2, 9) < 0.5
    copies = scores.clone(), rate.clone(), known.clone()
    rule(scores, rate, known=known)
    assert all(torch.equal(a, b) for a, b in zip((scores, rate, known), copies, strict=True))
