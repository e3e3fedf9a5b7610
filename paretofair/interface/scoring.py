"""Decisions of a model measured on rows: over all of them, by group, and the gaps between groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from paretofair.metrics.confusion import confusion, count_classes
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.objectives import measure_counts
from paretofair.metrics.registry import METRICS

_RATES = ("error", "positive_rate", "false_positive_rate", "true_positive_rate")


@dataclass(frozen=True)
class Scores:
    """What decisions are worth on some rows.

    Attributes:
        overall: One row for each task: `rows` of known label, `error`, and where there are several classes or two the
            rates of positive decisions, false and true positives (of several classes the means over classes).
        by_group: The same for each `attribute` and `group`.
        gaps: For each task and attribute the metrics of groups (`metrics.registry`), as `equalized_odds_max`; of
            several classes those of the class against the rest where they are worst. Minimised but for ratios.
    """

    overall: pd.DataFrame
    by_group: pd.DataFrame
    gaps: pd.DataFrame

    def _repr_html_(self) -> str:
        parts = {"overall": self.overall, "by group": self.by_group, "gaps": self.gaps.T}
        return "".join(f"<h4>{name}</h4>{table.round(4).to_html()}" for name, table in parts.items())


@dataclass(frozen=True)
class Scored:
    """A task on the rows: `labels` `(rows,)`, -1 where unknown, `decisions` `(rows,)`, both 0, 1, …, and `scores`
    `(classes, rows)`, of a binary task `(1, rows)`."""

    labels: np.ndarray
    decisions: np.ndarray
    scores: np.ndarray

    def count(self, cells: np.ndarray, n_cells: int) -> TaskCounts:
        """The counts of every cell; rows of cell -1 are in none."""
        labels, decisions, scores = map(torch.as_tensor, (self.labels, self.decisions, self.scores.astype(float)))
        where = torch.as_tensor(cells)
        if len(scores) == 1:
            found = confusion((decisions == 1)[None, None], scores[None], labels[None], where, n_cells)
            return TaskCounts(found[0, 0].numpy())
        found = count_classes(decisions[None], scores[None], labels, where, n_cells)
        return TaskCounts(found[0].numpy(), len(scores))


def score_decisions(tasks: Mapping[str, Scored], groups: Mapping[str, Sequence[object]]) -> Scores:
    """Measures every task over all rows and for the groups of every attribute, one name for each row; a row whose
    group is missing counts in none."""
    overall, by_group, gaps = [], [], []
    for task, scored in tasks.items():
        whole = scored.count(np.zeros(len(scored.labels), dtype=np.int64), 1)
        overall.append({"task": task, **{name: values[0] for name, values in _rates(whole).items()}})
        for attribute, names in groups.items():
            codes, known = pd.factorize(pd.Series(names), sort=True)
            counts = scored.count(codes.astype(np.int64), len(known))
            of_groups = _rates(counts)
            for place, name in enumerate(known):
                one = {key: values[place] for key, values in of_groups.items()}
                by_group.append({"task": task, "attribute": attribute, "group": name, **one})
            found = {name: float(measure_counts(METRICS[name], counts)) for name in _gap_names(len(known))}
            gaps.append({"task": task, "attribute": attribute, **found})
    keys = ["task", "attribute"]
    return Scores(
        pd.DataFrame(overall).set_index("task"),
        pd.DataFrame(by_group, columns=None if by_group else [*keys, "group"]).set_index([*keys, "group"]).sort_index(),
        pd.DataFrame(gaps, columns=None if gaps else keys).set_index(keys),
    )


def _rates(counts: TaskCounts) -> dict[str, np.ndarray]:
    found = {"rows": counts.rows.astype(int)}
    for name in _RATES:
        of_group = METRICS[name].of_group
        assert of_group is not None, "a rate of one group"
        found[name] = counts.rate(name, of_group)
    return found


def _gap_names(groups: int) -> list[str]:
    every = (each for each in METRICS.values() if each.of_groups is not None and each.audited)
    return [each.name for each in every if groups == 2 or not each.pair]
