import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from paretofair.metrics.ranking import auc, average_precision, ranking, ranking_by_group

rows = st.lists(
    st.tuples(st.sampled_from([-0.0, 0.0, 0.1, 0.5, 0.9]) | st.floats(0, 1), st.sampled_from([-1, 0, 1])),
    min_size=1,
    max_size=40,
)


def reference(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    known = labels >= 0
    return (
        average_precision_score(labels[known], scores[known]),
        roc_auc_score(labels[known], scores[known]),
    )


@given(rows)
def test_as_scikit_learn_with_ties_and_unknown_labels(pairs: list[tuple[float, int]]) -> None:
    scores, labels = (np.array(column) for column in zip(*pairs, strict=True))
    values = ranking(torch.tensor(scores), torch.tensor(labels))
    if {0, 1} <= set(labels):
        assert [value.item() for value in values] == pytest.approx(reference(scores, labels), abs=1e-8)
    else:
        assert all(value.isnan() for value in values)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("decimals", [1, 3, 9])
def test_as_scikit_learn_on_many_rows(dtype: torch.dtype, decimals: int) -> None:
    generator = torch.Generator().manual_seed(decimals)
    labels = (torch.rand(2, 27001, generator=generator) < torch.tensor([[0.02], [0.8]])).long()
    scores = torch.rand(3, 2, 27001, generator=generator).to(dtype) * 0.5 + labels * 0.1
    scores = scores.round(decimals=decimals)
    labels[:, :5000] = -1
    precision, area = ranking(scores, labels)
    for trial in range(3):
        for task in range(2):
            expected = reference(scores[trial, task].numpy(), labels[task].numpy())
            found = precision[trial, task].item(), area[trial, task].item()
            assert found == pytest.approx(expected, abs=1e-9)


def test_one_at_a_time_is_the_same() -> None:
    scores, labels = torch.rand(4, 2, 99), torch.randint(-1, 2, (2, 99))
    precision, area = ranking(scores, labels)
    assert torch.equal(average_precision(scores, labels), precision)
    assert torch.equal(auc(scores, labels), area)


def test_labels_may_have_more_axes_than_scores() -> None:
    scores, labels = torch.rand(4, 2, 99), torch.randint(0, 2, (2, 99))
    group = torch.randint(0, 3, (99,))
    by_group = torch.stack([labels.masked_fill(group != g, -1) for g in range(3)]).unsqueeze(1)
    value = auc(scores, by_group)
    assert value.shape == (3, 4, 2)
    for g in range(3):
        assert torch.equal(value[g], auc(scores[..., group == g], labels[..., group == g]))


@pytest.mark.parametrize("n_groups", [2, 5])
def test_groups_as_scikit_learn_with_ties(n_groups: int) -> None:
    """Each task has groups of its own; some rows have no label or no group, and the last group has one class."""
    random = np.random.default_rng(n_groups)
    scores = random.random((3, 2, 700)).round(2)
    labels, groups = random.integers(-1, 2, (2, 700)), random.integers(-1, n_groups, (2, 700))
    labels[groups == n_groups - 1] = 1
    whole = ranking_by_group(*map(torch.tensor, (scores, labels, groups)), n_groups)
    for value, expected in zip(whole, ranking(torch.tensor(scores), torch.tensor(labels)), strict=False):
        assert torch.equal(value, expected)
    found = whole.auc_by_group
    assert found.shape == (3, 2, n_groups)
    assert found[..., -1].isnan().all()
    for trial, task, group in np.ndindex(3, 2, n_groups - 1):
        own = (groups[task] == group) & (labels[task] >= 0)
        expected = roc_auc_score(labels[task, own], scores[trial, task, own])
        assert found[trial, task, group].item() == pytest.approx(expected, abs=1e-12)
    alone = ranking_by_group(torch.tensor(scores[1:2]), torch.tensor(labels), torch.tensor(groups), 1)
    assert torch.equal(alone.auc_by_group, found[1:2, :, :1])


def test_undefined_is_nan_and_hurts_no_neighbour() -> None:
    scores = torch.tensor([[0.1, 0.2, 0.3], [0.1, torch.nan, 0.3]])
    assert torch.stack(ranking(scores, torch.tensor([0, 1, 1]))).isnan().tolist() == [[False, True]] * 2
    assert torch.stack(ranking(scores, torch.tensor([0, -1, 1]))).tolist() == [[1.0, 1.0]] * 2
    for missing in ([1, 1, 1], [0, 0, 0], [-1, -1, -1], [0, -1, 0]):
        assert torch.stack(ranking(scores, torch.tensor(missing))).isnan().all()
    assert torch.stack(ranking(torch.empty(3, 0), torch.empty(0))).isnan().all()


@given(rows, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(pairs: list[tuple[float, int]], random) -> None:
    shuffled = random.sample(pairs, len(pairs))
    values = []
    for order in (pairs, shuffled):
        scores, labels = (torch.tensor(column) for column in zip(*order, strict=True))
        values.append(torch.stack(ranking(scores, labels)).nan_to_num(-1))
    assert torch.equal(*values)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_trial_alone_is_the_same_trial(dtype: torch.dtype, stack_of_scores) -> None:
    scores = stack_of_scores(dtype)
    labels = torch.randint(-1, 2, (2, scores.shape[-1]), generator=torch.Generator().manual_seed(1))
    whole = torch.stack(ranking(scores, labels), dim=1)
    assert whole.dtype == torch.float64
    for first, width in ((0, 1), (41, 1), (5, 7), (57, 7)):
        part = torch.stack(ranking(scores[first : first + width], labels), dim=1)
        assert torch.equal(part, whole[first : first + width])


def test_reads_no_value_back_to_the_host() -> None:
    scores, labels = torch.empty(3, 2, 5, device="meta"), torch.empty(2, 5, device="meta")
    assert [value.shape for value in ranking(scores, labels)] == [(3, 2)] * 2
    assert ranking_by_group(scores, labels, labels, 4).auc_by_group.shape == (3, 2, 4)


def test_inputs_not_mutated() -> None:
    scores, labels = torch.rand(2, 9), torch.randint(-1, 2, (9,))
    copies = scores.clone(), labels.clone()
    ranking(scores, labels)
    assert torch.equal(scores, copies[0])
    assert torch.equal(labels, copies[1])
