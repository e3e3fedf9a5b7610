"""Choosing rows so that every stratum gives its share of them."""

from collections.abc import Sequence

import numpy as np


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
