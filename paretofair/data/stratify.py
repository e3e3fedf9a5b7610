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
        together: `(rows,)`: rows of one number are chosen together or not at all. A cluster then counts for the
            stratum that most of its rows are of, and as many rows are chosen as is possible within half a cluster.

    Returns:
        `(rows,)` bool, true where chosen.
    """
    rows = len(strata)
    if wanted == 0:
        return np.zeros(rows, dtype=bool)
    _, stratum = np.unique(strata, axis=0, return_inverse=True)
    stratum = stratum.reshape(-1)
    # Raw output: NumPy keeps the streams of bit generators for ever, those of distributions may change.
    generator = np.random.PCG64(seed)
    if together is not None:
        _, cluster = np.unique(together, return_inverse=True)
        cluster = cluster.reshape(-1)
        return _draw_clusters(_find_most_common(stratum, cluster), np.bincount(cluster), wanted, generator)[cluster]
    order = np.lexsort((generator.random_raw(rows), stratum))
    # Every (rows / wanted)-th row in that order, in integers: of s neighbours, s * wanted / rows within one.
    start = int(generator.random_raw() % rows)
    steps = (np.arange(rows + 1) * wanted + start) // rows
    chosen = np.zeros(rows, dtype=bool)
    chosen[order] = np.diff(steps) == 1
    return chosen


def _draw_clusters(stratum: np.ndarray, sizes: np.ndarray, wanted: int, generator: np.random.PCG64) -> np.ndarray:
    """`(clusters,)` bool: as above, where every cluster is taken whose half is due; of single rows the same ones."""
    rows = int(sizes.sum())
    order = np.lexsort((generator.random_raw(len(sizes)), stratum))
    start = int(generator.random_raw() % rows)
    chosen = np.zeros(len(sizes), dtype=bool)
    passed = taken = 0
    for cluster in order.tolist():
        size = int(sizes[cluster])
        passed += size
        if 2 * ((passed * wanted + start) // rows - taken) >= size:
            chosen[cluster] = True
            taken += size
    return chosen


def _find_most_common(stratum: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """`(clusters,)`: the stratum of most rows of each, the first of equals."""
    pairs, counts = np.unique(np.stack([cluster, stratum]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -counts, pairs[0]))
    _, first = np.unique(pairs[0][order], return_index=True)
    return pairs[1][order][first]
