import pytest
import torch
from torch import Tensor

from paretofair.metrics.confusion import COUNTS, confusion

N_CELLS = 5


def confusion_slow(decisions: Tensor, probabilities: Tensor, labels: Tensor, cells: Tensor) -> Tensor:
    trials, tasks, rows = decisions.shape
    counts = torch.zeros(trials, tasks, N_CELLS, 6, dtype=torch.float64)
    for k in range(trials):
        for t in range(tasks):
            for n in range(rows):
                decision, label = bool(decisions[k, t, n]), int(labels[t, n])
                if label == -1:
                    continue
                name = f"{'true' if decision == label else 'false'}_{'positives' if decision else 'negatives'}"
                side = "score_sum_positives" if label == 1 else "score_sum_negatives"
                cell = counts[k, t, cells[n]]
                cell[COUNTS.index(name)] += 1
                cell[COUNTS.index(side)] += probabilities[k, t, n].double()
    return counts


def example(trials: int, rows: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(rows)
    probabilities = torch.rand(trials, 2, rows, generator=generator, dtype=dtype)
    labels = torch.randint(-1, 2, (2, rows), generator=generator)
    cells = torch.randint(0, N_CELLS - 1, (rows,), generator=generator)
    return probabilities >= 0.4, probabilities, labels, cells


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, 53])
def test_agrees_with_counting_row_by_row(rows: int, dtype: torch.dtype) -> None:
    arguments = example(3, rows, dtype)
    counts = confusion(*arguments, N_CELLS)
    expected = confusion_slow(*arguments)
    assert counts.dtype == torch.float64
    assert torch.equal(counts[..., :4], expected[..., :4])
    torch.testing.assert_close(counts, expected, rtol=0, atol=1e-12)
    assert (counts[:, :, -1] == 0).all(), "the last cell has no rows"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [3717, 30001])
def test_a_trial_alone_is_the_same_trial(rows: int, dtype: torch.dtype) -> None:
    decisions, probabilities, labels, cells = example(64, rows, dtype)
    whole = confusion(decisions, probabilities, labels, cells, N_CELLS)
    for first, width in ((0, 1), (41, 1), (5, 7), (57, 7)):
        part = slice(first, first + width)
        alone = confusion(decisions[part], probabilities[part], labels, cells, N_CELLS)
        assert torch.equal(alone, whole[part])


def test_sums_do_not_depend_on_the_order_of_rows() -> None:
    decisions, probabilities, labels, cells = example(4, 3717, torch.float64)
    order = torch.randperm(3717, generator=torch.Generator().manual_seed(0))
    shuffled = confusion(decisions[..., order], probabilities[..., order], labels[:, order], cells[order], N_CELLS)
    assert torch.equal(shuffled, confusion(decisions, probabilities, labels, cells, N_CELLS))


def test_totals_and_sums_of_many_rows() -> None:
    decisions, probabilities, labels, cells = example(2, 27000)
    total = confusion(decisions, probabilities, labels, cells, N_CELLS).sum(dim=2)
    positives, negatives = (labels == 1).sum(dim=1), (labels == 0).sum(dim=1)
    assert torch.equal(total[..., 0] + total[..., 3], positives.expand(2, 2).double())
    assert torch.equal(total[..., 1] + total[..., 2], negatives.expand(2, 2).double())
    expected = (probabilities.double() * (labels == 1)).sum(dim=-1)
    torch.testing.assert_close(total[..., 4], expected, rtol=0, atol=1e-7)


def test_a_diverged_trial_hurts_no_neighbour() -> None:
    decisions, probabilities, labels, cells = example(3, 100)
    whole = confusion(decisions, probabilities, labels, cells, N_CELLS)
    probabilities[1] = torch.nan
    counts = confusion(decisions, probabilities, labels, cells, N_CELLS)
    assert counts[1, ..., 4:].isnan().all()
    assert torch.equal(counts[[0, 2]], whole[[0, 2]])


def test_shapes_are_checked() -> None:
    decisions, probabilities, labels, cells = example(3, 10)
    with pytest.raises(ValueError, match=r"got .* expected \(trials, tasks, rows\)"):
        confusion(decisions, probabilities, labels[:, :9], cells, N_CELLS)


def test_reads_no_value_back_to_the_host() -> None:
    arguments = (tensor.to("meta") for tensor in example(3, 10))
    assert confusion(*arguments, N_CELLS).shape == (3, 2, N_CELLS, 6)


def test_inputs_not_mutated() -> None:
    arguments = example(3, 10, torch.float64)
    copies = [tensor.clone() for tensor in arguments]
    confusion(*arguments, N_CELLS)
    assert all(torch.equal(a, b) for a, b in zip(arguments, copies, strict=True))
