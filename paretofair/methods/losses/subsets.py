"""The rows on which fairness is measured: N_t, P_t and their exclusive parts, for each goal."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from paretofair.methods.method import Rows

Goal = Literal["fpr", "tpr", "odds", "parity"]
GOALS: tuple[str, ...] = get_args(Goal)
_LABELS = {"fpr": (0,), "tpr": (1,), "odds": (0, 1)}


def subsets(goal: str, rows: Rows) -> list[Tensor]:
    """Weights `([K,] T, B)` of each subset that `goal` compares groups on, 0 outside it.

    `fpr`: the negatives N_t; `tpr`: the positives P_t; `odds`: both (Wang et al. 2021, eq. 11); `parity`: all rows.
    Only rows with a known group count, and for the first three only rows with a known label.
    """
    seen = rows.penalty_weight * (rows.groups >= 0)
    if goal == "parity":
        return [seen]
    return [seen * (rows.labels == label) for label in _LABELS[goal]]


def labelled(rows: Rows) -> Tensor:
    """Weights `([K,] T, B)` of the rows whose group and label count."""
    return rows.penalty_weight * (rows.groups >= 0) * (rows.labels >= 0)


def exclusive_subsets(goal: str, rows: Rows) -> list[Tensor]:
    """As `subsets`, cut to rows whose label on every other task is known and the opposite (eq. 10 and 11)."""
    seen = rows.penalty_weight * (rows.groups >= 0)
    return [seen * _mark_exclusive(rows.labels, label) for label in _LABELS[goal]]


def _mark_exclusive(labels: Tensor, label: int) -> Tensor:
    opposite = (labels == 1 - label).to(labels.dtype)
    others = opposite.sum(-2, keepdim=True) - opposite
    return (labels == label) & (others == labels.shape[-2] - 1)


def count_parts(goal: str) -> int:
    """How many subsets `subsets` gives."""
    return len(_LABELS.get(goal, (None,)))
