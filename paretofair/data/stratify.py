"""Choosing rows so that every stratum gives its share of them; of identities whole ones for the test, and pictures of
known ones for validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from paretofair.tasks import TaskKind

KEPT = 3  # rows of an identity that are cut off for validation
MORE_THAN = 6  # rows that an identity must exceed to give any


def draw_rows(
    strata: np.ndarray, wanted: int, seed: int | Sequence[int], together: np.ndarray | None = None
) -> np.ndarray:
    """Choose rows at random, from each stratum its share within one row.

    Args:
        strata: `(rows, columns)`; rows with equal values are one stratum.
        wanted: How many rows to choose, 0 to `rows`.
        seed: Which rows; the same ones with every version of NumPy.
        together: `(rows,)`: rows of one number are chosen together or not at all, each cluster as probably as any
            other. A cluster counts for the stratum that most of its rows are of, and of the clusters of a stratum small
            and large ones give their share, so that about `wanted` rows are chosen.

    Returns:
        `(rows,)` bool, true where chosen.
    """
    rows = len(strata)
    if wanted == 0:
        return np.zeros(rows, dtype=bool)
    _, stratum = np.unique(strata, axis=0, return_inverse=True)
    stratum = stratum.reshape(-1)
    if together is None:
        return _choose_evenly((stratum,), wanted, seed)
    _, cluster = np.unique(together, return_inverse=True)
    cluster = cluster.reshape(-1)
    sizes = np.bincount(cluster)
    clusters = max(1, int(wanted * len(sizes) / rows + 0.5))
    return _choose_evenly((sizes, _find_most_common(stratum, cluster)), clusters, seed)[cluster]


def _choose_evenly(keys: tuple[np.ndarray, ...], wanted: int, seed: int | Sequence[int]) -> np.ndarray:
    """`wanted` of n, at random and evenly along their order by `keys` `(n,)`, the last one first: `(n,)` bool."""
    count = len(keys[0])
    # Raw output: NumPy keeps the streams of bit generators for ever, those of distributions may change.
    generator = np.random.PCG64(seed)
    order = np.lexsort((generator.random_raw(count), *keys))
    # Every (count / wanted)-th in that order, in integers: of s neighbours, s * wanted / count within one.
    start = int(generator.random_raw() % count)
    steps = (np.arange(count + 1) * wanted + start) // count
    chosen = np.zeros(count, dtype=bool)
    chosen[order] = np.diff(steps) == 1
    return chosen


def _find_most_common(stratum: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """`(clusters,)`: the stratum of most rows of each, the first of equals."""
    pairs, counts = np.unique(np.stack([cluster, stratum]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -counts, pairs[0]))
    _, first = np.unique(pairs[0][order], return_index=True)
    return pairs[1][order][first]


class StrataOfRows(NamedTuple):
    """`strata` `(rows, columns)` that rows are drawn evenly from, and the numbers `(rows,)` of what is drawn whole,
    None where every row stands alone."""

    strata: np.ndarray
    together: np.ndarray | None


def find_identities(labels: np.ndarray, kinds: Sequence[TaskKind]) -> np.ndarray | None:
    """The column of labels `(rows, tasks)` that has identities, `(rows,)`; None where no task has any."""
    return next((labels[:, place] for place, kind in enumerate(kinds) if kind.is_identity), None)


def draw_by(
    labels: np.ndarray, groups: np.ndarray, kinds: Sequence[TaskKind], together: np.ndarray | None
) -> StrataOfRows:
    """What test rows are drawn by, from labels `(rows, tasks)` and groups `(rows, attributes)`: strata of both; of
    identities whole ones, evenly by their groups, and each row of unknown identity alone."""
    identities = find_identities(labels, kinds)
    if identities is None:
        return StrataOfRows(np.concatenate([labels, groups], axis=1), together)
    others = [place for place, kind in enumerate(kinds) if not kind.is_identity]
    alone = identities.max(initial=-1) + 1 + np.arange(len(identities))
    clusters = np.where(identities >= 0, identities, alone)
    return StrataOfRows(np.concatenate([labels[:, others], groups], axis=1), clusters)


def draw_validation_rows(identities: np.ndarray, seed: int) -> np.ndarray:
    """Three rows, at random, of every identity `(rows,)` with more than six: `(rows,)` bool, true where drawn (the
    protocol of "Technical Challenges for Training Fair Neural Networks", section 3)."""
    # Raw output: NumPy keeps the streams of bit generators for ever, those of distributions may change.
    order = np.lexsort((np.random.PCG64(seed).random_raw(len(identities)), identities))
    ordered = identities[order]
    _, first, counts = np.unique(ordered, return_index=True, return_counts=True)
    place = np.arange(len(ordered)) - np.repeat(first, counts)
    chosen = (place < KEPT) & (np.repeat(counts, counts) > MORE_THAN) & (ordered >= 0)
    drawn = np.zeros(len(identities), dtype=bool)
    drawn[order] = chosen
    return drawn


def number_by_training(labels: Mapping[str, np.ndarray], kind: TaskKind) -> tuple[TaskKind, dict[str, np.ndarray]]:
    """The identities of training as classes 0, 1, …, in the order of `kind`, and labels `(rows,)` of every part of a
    split in these numbers; other identities have the numbers behind them."""
    trained = np.unique(labels["train"][labels["train"] >= 0])
    others = np.setdiff1d(np.arange(len(kind.classes)), trained)
    number = np.empty(len(kind.classes) + 1, dtype=np.int64)
    number[np.concatenate([trained, others]).astype(np.int64)] = np.arange(len(kind.classes))
    number[-1] = -1  # where -1 points to
    classes = tuple(kind.classes[label] for label in trained)
    return TaskKind(kind.name, classes), {name: number[own] for name, own in labels.items()}
