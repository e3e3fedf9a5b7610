"""Made-up texts in place of real ones: words that are numbers, whose frequencies go with labels and, less so, groups.

Nothing of a real text is in them. What they keep of the real data is their schema: the number of rows, the rates of
labels, the shares of groups and of rows without one. They show that a space runs, and nothing about language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

_WORDS = 2000
_OF_EACH = 12  # words that go with a label or a group
_MORE = 6.0  # times as frequent


class SimulatedTexts(NamedTuple):
    """Texts, labels by task `(rows,)` and groups `(rows,)`, -1 where unknown."""

    texts: list[str]
    labels: dict[str, np.ndarray]
    groups: np.ndarray


def simulate_texts(
    rows: int, rates: Mapping[str, float], *, group_shares: Sequence[float], known: float, length: int, seed: int
) -> SimulatedTexts:
    """The same texts at every call.

    Args:
        rows: How many.
        rates: Task -> rate of label 1; in the first group a little higher.
        group_shares: Of each group, among the rows whose group is known.
        known: The share of rows whose group is known.
        length: Words of a text, on average.
        seed: What is drawn from.
    """
    random = np.random.default_rng(seed)
    groups = random.choice(len(group_shares), rows, p=np.asarray(group_shares) / np.sum(group_shares))
    labels = {
        task: (random.random(rows) < rate * np.where(groups == 0, 1.15, 0.85)).astype(np.int8)
        for task, rate in rates.items()
    }
    frequency = 1 / np.arange(3, _WORDS + 3)
    marks = list(labels.values()) + [(groups == group).astype(np.int8) for group in range(len(group_shares))]
    own = random.permutation(np.arange(50, 50 + _OF_EACH * len(marks))).reshape(len(marks), _OF_EACH)
    # Every row is of one of few kinds, by its labels and group: each kind has one distribution of words.
    kinds, kind_of = np.unique(np.stack(marks, 1), axis=0, return_inverse=True)
    sizes = random.poisson(length, rows)
    texts = [""] * rows
    for number, kind in enumerate(kinds):
        shares = frequency.copy()
        for words, present in zip(own, kind, strict=True):
            shares[words] *= _MORE if present else 1
        members = np.flatnonzero(kind_of.reshape(-1) == number)
        drawn = random.choice(_WORDS, int(sizes[members].sum()), p=shares / shares.sum())
        for row, words in zip(members, np.split(drawn, np.cumsum(sizes[members])[:-1]), strict=True):
            texts[row] = " ".join(map(str, words))
    groups = np.where(random.random(rows) < known, groups, -1).astype(np.int8)
    return SimulatedTexts(texts, labels, groups)
