"""Counts of right and wrong decisions in every cell of rows, for all trials of a stack at once.

Everything the trial table says about groups follows from these six numbers per trial, task and cell; the
cells are the finest intersections of all sensitive attributes, and `rates.merge` sums them up.
"""

import math

import torch
from torch import Tensor

COUNTS = (
    "true_positives",
    "false_positives",
    "true_negatives",
    "false_negatives",
    "score_sum_positives",
    "score_sum_negatives",
)
"""The last axis of every confusion array; the score sums are over rows labelled 1 and labelled 0."""


def confusion(
    decisions: Tensor,
    probabilities: Tensor,
    labels: Tensor,
    cells: Tensor,
    n_cells: int,
    weights: Tensor | None = None,
) -> Tensor:
    """The six `COUNTS` of every trial, task and cell.

    Scores are rounded to a multiple of 2^-b with b = 53 minus the bits of the row count (2^-38 at 27,000
    rows). Every sum is then exact in float64 in whatever order it is taken, so the result is bit-for-bit
    the same for any number of trials, threads and on any device.

    Args:
        decisions: `(trials, tasks, rows)` bool.
        probabilities: `(trials, tasks, rows)` floating point in [0, 1]. A NaN makes the score sums of its
            own trial and task NaN, and no others.
        labels: `(tasks, rows)`: 1, 0, or -1 for unknown. Rows of unknown label are left out of everything.
        cells: `(rows,)` integers in [0, n_cells); a row outside that range belongs to no cell.
        n_cells: number of cells; cells without rows give zeros.
        weights: `(rows,)` float64: how much each row counts in all six, multiples of a power of two whose sum has at
            most 53 bits. The score sums are then rounded by the bits of that sum.

    Returns:
        `(trials, tasks, n_cells, 6)` float64.

    Raises:
        ValueError: shapes that do not belong together.
    """
    trials, tasks, rows = decisions.shape
    if probabilities.shape != decisions.shape or labels.shape != (tasks, rows) or cells.shape != (rows,):
        raise ValueError(
            f"got decisions {tuple(decisions.shape)}, probabilities {tuple(probabilities.shape)}, "
            f"labels {tuple(labels.shape)}, cells {tuple(cells.shape)}; "
            "expected (trials, tasks, rows) twice, (tasks, rows) and (rows,)"
        )
    scale = _find_scale(rows, weights)
    member = cells.unsqueeze(-1) == torch.arange(n_cells, device=cells.device)
    counts = torch.empty(trials, tasks, n_cells, len(COUNTS), dtype=torch.float64, device=decisions.device)
    for task in range(tasks):
        label = labels[task].unsqueeze(-1)
        sides = torch.cat((member & (label == 1), member & (label == 0)), dim=-1).double()
        weighted = sides if weights is None else sides * weights[:, None]
        positives, negatives = weighted.sum(dim=0).split(n_cells)
        chosen = decisions[:, task].double() @ weighted
        sums = _round_scores(probabilities[:, task], weights, scale) @ sides / scale
        true_positives, false_positives = chosen.split(n_cells, dim=-1)
        score_positives, score_negatives = sums.split(n_cells, dim=-1)
        columns = (
            true_positives,
            false_positives,
            negatives - false_positives,
            positives - true_positives,
            score_positives,
            score_negatives,
        )
        counts[:, task] = torch.stack(columns, dim=-1)
    return counts


def count_classes(
    decisions: Tensor, scores: Tensor, labels: Tensor, cells: Tensor, n_cells: int, weights: Tensor | None = None
) -> Tensor:
    """The class counts (see `class_counts`) of every trial and cell of a task with C classes.

    Scores are rounded as in `confusion`, so that every sum is exact in whatever order it is taken.

    Args:
        decisions: `(trials, rows)` integers in [0, C).
        scores: `(trials, C, rows)` floating point in [0, 1].
        labels: `(rows,)` in [0, C), or -1 for unknown.
        cells: `(rows,)` integers in [0, n_cells); a row outside belongs to no cell.
        weights: as in `confusion`.

    Returns:
        `(trials, n_cells, 2, C, C)` float64.

    Raises:
        ValueError: shapes that do not belong together.
    """
    trials, classes, rows = scores.shape
    if decisions.shape != (trials, rows) or labels.shape != (rows,) or cells.shape != (rows,):
        raise ValueError(
            f"got decisions {tuple(decisions.shape)}, scores {tuple(scores.shape)}, labels {tuple(labels.shape)}, "
            f"cells {tuple(cells.shape)}; expected (trials, rows), (trials, classes, rows) and (rows,) twice"
        )
    scale = _find_scale(rows, weights)
    of_label = torch.stack([labels == label for label in range(classes)], -1)  # (rows, C)
    of_cell = cells[:, None] == torch.arange(n_cells, device=cells.device)
    member = (of_cell[:, :, None] & of_label[:, None, :]).flatten(1).double()  # (rows, cells * C)
    decided = torch.stack([decisions == label for label in range(classes)], 1).double()  # (trials, C, rows)
    hard = decided @ (member if weights is None else member * weights[:, None])
    soft = _round_scores(scores, weights, scale) @ member / scale
    both = torch.stack([hard, soft], 1)  # (trials, 2, C decided, cells * C labels)
    return both.unflatten(-1, (n_cells, classes)).permute(0, 3, 1, 4, 2).contiguous()


def _find_scale(rows: int, weights: Tensor | None) -> float:
    """What scores are multiplied by before they are rounded to whole numbers, so that their sums are exact."""
    total = rows if weights is None else math.ceil(weights.sum().item())
    return 2.0 ** (53 - total.bit_length())


def _round_scores(scores: Tensor, weights: Tensor | None, scale: float) -> Tensor:
    weighted = scores.double() if weights is None else scores.double() * weights
    return (weighted * scale).round_()
