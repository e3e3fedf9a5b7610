"""Made-up texts: notes about nobody, whose words go with a label and, less so, with a group."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class MadeTexts(NamedTuple):
    """Texts, labels (two columns) and groups of n rows."""

    texts: list[str]
    labels: np.ndarray
    groups: np.ndarray
    second: np.ndarray


def make_texts(rows: int, seed: int = 0) -> MadeTexts:
    """Twelve words each, of forty."""
    random = np.random.default_rng(seed)
    groups = random.integers(0, 2, rows)
    labels = (random.random(rows) < 0.35 + 0.2 * groups).astype(int)
    second = (random.random(rows) < 0.3 + 0.3 * labels).astype(int)
    words = [f"word{number}" for number in range(40)]
    texts = []
    for group, label, other in zip(groups, labels, second, strict=True):
        shares = np.ones(40)
        shares[:6] += 4 * label
        shares[6:12] += 3 * group
        shares[12:18] += 4 * other
        texts.append(" ".join(random.choice(words, 12, p=shares / shares.sum())))
    return MadeTexts(texts, labels, groups, second)
