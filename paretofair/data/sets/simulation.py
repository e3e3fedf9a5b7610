"""Drawing a simulated data set from rounded tables of aggregates: the rule that every such data set shares.

1. Labels are *allocated*, not drawn: each group has its count of rows and the published joint rates of its labels.
2. Each input has a table of its distribution (shares of categories, or quantiles) in cells of labels and groups.
   Within a cell its values, too, are allocated, so that every distribution is the table's.
3. Which row gets which value is decided by ranks of Gaussian variables, one for each input, which have one pooled
   correlation matrix and, for groups that the tables do not tell apart, a shift (a Gaussian copula).
4. Labels are then drawn anew from the inputs (`relabel`), as many of each kind in every group as were allocated: a
   label follows from a published kind of model, log-odds that are a sum over inputs, and from noise. Without this step
   the inputs of a row tell more of its label than they do in the real data, and a strong learner finds it.

What is kept: sizes, rates, distributions, pairwise dependence, how well labels can be predicted and by what. What is
not: interactions, tails, anybody's row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Numbers:
    """Distribution of a number in cells: its quantiles, between which it is uniform.

    Attributes:
        by: Columns that make the cells.
        levels: Levels of the quantiles, from 0 to 1.
        quantiles: Values of the `by` columns -> the quantiles.
    """

    by: tuple[str, ...]
    levels: tuple[float, ...]
    quantiles: Mapping[tuple[str, ...], Sequence[float]]

    def values(self, cell: tuple[str, ...], levels: np.ndarray) -> np.ndarray:
        """Whole numbers at `levels`, `(rows,)` float64."""
        return np.round(np.interp(levels, self.levels, self.quantiles[cell]))


@dataclass(frozen=True)
class Shares:
    """Distribution of a category in cells.

    Attributes:
        by: Columns that make the cells.
        categories: The categories, in the order in which they depend on other inputs.
        shares: Values of the `by` columns -> the share of each category, on any scale.
    """

    by: tuple[str, ...]
    categories: tuple[str, ...]
    shares: Mapping[tuple[str, ...], Sequence[float]]

    def values(self, cell: tuple[str, ...], levels: np.ndarray) -> np.ndarray:
        """The category at each of `levels`, `(rows,)` text."""
        ends = np.cumsum(self.shares[cell]) / np.sum(self.shares[cell])
        return np.array(self.categories, dtype=object)[np.searchsorted(ends[:-1], levels, side="right")]


def table(cells: Sequence[tuple[str, ...]], *rows: str) -> dict[tuple[str, ...], tuple[float, ...]]:
    """A row of numbers, written with spaces between them, for each cell."""
    return {cell: tuple(map(float, row.split())) for cell, row in zip(cells, rows, strict=True)}


def allocate_labels(
    columns: Sequence[str],
    tasks: Sequence[str],
    rows: Mapping[Any, int],
    rates: Mapping[Any, Sequence[float]],
) -> pd.DataFrame:
    """One row per example, with its groups and labels.

    Args:
        columns: Names of what the keys of `rows` are.
        tasks: The two tasks.
        rows: Values of `columns` -> number of rows.
        rates: First values of `columns`, as many as its keys have -> rates of the labels 00, 01, 10 and 11 of the
            two tasks. They are met by largest remainder.

    Returns:
        `columns`, `tasks` (0 or 1) and `labels` ("00" to "11").
    """
    parts = []
    for key, total in rows.items():
        rate = np.array(next(rates[key[:length]] for length in range(len(key), 0, -1) if key[:length] in rates))
        shares = total * rate / rate.sum()
        counts = np.floor(shares).astype(int)
        counts[np.argsort(counts - shares, kind="stable")[: total - counts.sum()]] += 1
        labels = np.repeat(np.array(["00", "01", "10", "11"], dtype=object), counts)
        part = pd.DataFrame({"labels": labels}, dtype=object)
        parts.append(part.assign(**dict(zip(columns, key, strict=True))))
    people = pd.concat(parts, ignore_index=True)
    for position, task in enumerate(tasks):
        people[task] = (people["labels"].str[position] == "1").astype(np.int8)
    return people


def draw_inputs(
    people: pd.DataFrame,
    inputs: Mapping[str, Numbers | Shares],
    correlations: Sequence[Sequence[float]],
    shifts: Mapping[Any, Sequence[float]],
    seed: int,
) -> pd.DataFrame:
    """Add inputs to allocated rows and put the rows into random order; the same ones for the same arguments.

    Args:
        people: As from `allocate_labels`.
        inputs: The distribution of each input.
        correlations: `(inputs, inputs)`, lower triangle with the diagonal: row i has i + 1 numbers.
        shifts: (column, group) -> `(inputs,)` shift of the Gaussian variables of that group, in deviations.
        seed: Of the draws.
    """
    # NumPy promises never to change RandomState's draws; a Generator's may change with its version.
    random = np.random.RandomState(seed)
    people = people.iloc[np.argsort(random.random_sample(len(people)), kind="stable")].reset_index(drop=True)
    matrix = np.zeros((len(inputs), len(inputs)))
    for position, row in enumerate(correlations):
        matrix[position, : position + 1] = matrix[: position + 1, position] = row
    latent = random.standard_normal((len(people), len(inputs))) @ np.linalg.cholesky(matrix).T
    for (column, group), shift in shifts.items():
        latent[(people[column] == group).to_numpy()] += np.asarray(shift)
    drawn = {name: np.empty(len(people), dtype=object) for name in inputs}
    for position, (name, distribution) in enumerate(inputs.items()):
        for cell, rows in people.groupby(list(distribution.by)).indices.items():
            # Ranks, not the Gaussian's own distribution function: the cell's values are the table's.
            levels = np.empty(len(rows))
            levels[np.argsort(latent[rows, position], kind="stable")] = (np.arange(len(rows)) + 0.5) / len(rows)
            key = cell if isinstance(cell, tuple) else (cell,)
            drawn[name][rows] = distribution.values(key, levels)
    return people.assign(**drawn)


Weights = Mapping[tuple[str, str], float]
"""The log-odds of a label by inputs, but for a constant: (column, term) -> weight. The term `value` is the number,
`log` the logarithm of 1 + the number, any other is 1 where the column has this value."""


def read_weights(*lines: str) -> Weights:
    """The weights that are written as `age value 0.06, age log -4, degree F 0.1`."""
    found = {}
    for entry in ", ".join(lines).split(", "):
        column, term, weight = entry.split()
        found[column, term] = float(weight)
    return found


def relabel(
    people: pd.DataFrame, by: Sequence[str], weights: Mapping[str, Weights], noise: np.random.RandomState
) -> pd.DataFrame:
    """The same rows with labels that follow from their inputs.

    Args:
        people: Groups, inputs and labels; those of every kind keep their number in every cell of `by`.
        by: Columns that make the cells.
        weights: The two tasks, in order -> their log-odds; of the second given the first.
        noise: Of what inputs do not tell, logistic.

    Returns:
        `people` with other labels, and `labels` ("00" to "11") where it has them.
    """
    first, second = weights
    chances = {task: sum_terms(people, own) + noise.logistic(size=len(people)) for task, own in weights.items()}
    labels = {task: np.zeros(len(people), dtype=np.int8) for task in weights}
    for rows in people.groupby(list(by)).indices.values():
        kinds = [int(((people[first] == one) & (people[second] == 1)).iloc[rows].sum()) for one in (0, 1)]
        positives = int(people[first].iloc[rows].sum())
        order = rows[np.argsort(-chances[first][rows], kind="stable")]
        labels[first][order[:positives]] = 1
        for part, count in zip((order[positives:], order[:positives]), kinds, strict=True):
            labels[second][part[np.argsort(-chances[second][part], kind="stable")][:count]] = 1
    people = people.assign(**labels)
    if "labels" in people:
        people["labels"] = people[first].astype(str) + people[second].astype(str)
    return people


def sum_terms(people: pd.DataFrame, weights: Weights) -> np.ndarray:
    """The sum of the weighted terms of every row, `(rows,)`."""
    total = np.zeros(len(people))
    for (column, term), weight in weights.items():
        total += weight * find_term(people[column], term)
    return total


def find_term(column: pd.Series, term: str) -> np.ndarray:
    """One term of `Weights`, `(rows,)` float64."""
    if term == "value":
        return column.to_numpy(float)
    if term == "log":
        return np.log1p(np.maximum(column.to_numpy(float), 0))
    return (column.astype(str) == term).to_numpy(float)
