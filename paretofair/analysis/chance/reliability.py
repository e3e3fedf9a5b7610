"""Which single-task gaps are more than luck: ARFG divides by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from paretofair.analysis.chance.counted_gaps import compare_gap, follows_from_decisions, merge_worth
from paretofair.analysis.counts import CellCounts
from paretofair.analysis.relative import find_single_task
from paretofair.metrics.registry import METRICS
from paretofair.results.table_schema import SPLITS
from paretofair.statistics.comparison import LEVEL
from paretofair.statistics.gaps import GapTest


def with_gap_tests(
    baselines: pd.DataFrame,
    trials: pd.DataFrame,
    tasks: Sequence[str],
    cells: CellCounts | None = None,
    sensitive: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """`baselines.csv` with the columns `p_value, null_mean, detectable` (`statistics.gaps.GapTest`), for gaps of
    decisions on validation and test, between the groups of the attribute that each task acts on; NaN elsewhere, and
    where there are no counts.

    The decisions of the single-task runs are fixed, and groups are permuted among the rows, 9,999 times. Counts do not
    tell which rows runs agree on: they are taken to agree on as many as they can. Rows that stay together are not
    permuted together, since decisions are not stored by cluster: as many rows are permuted as they are worth
    independent ones (Kish).
    """
    found = {name: np.full(len(baselines), np.nan) for name in GapTest._fields}
    testable = {name for name in baselines["metric"].unique() if name in METRICS}
    testable = {name for name in testable if follows_from_decisions(METRICS[name])}
    if cells is not None and sensitive is not None:
        alone = find_single_task(trials)
        places = pd.RangeIndex(len(baselines))
        rows = baselines.set_axis(places)[["split_id", "task", "split", "metric", "mean"]]
        rows = rows[rows["metric"].isin(testable) & (rows["split"] != "train").to_numpy()]
        for (split_id, task), own in rows.groupby(["split_id", "task"], sort=False):
            ids = alone[(alone["split_id"] == split_id) & (alone[f"task_weight_{task}"] == 1)]["trial_id"].tolist()
            counts = cells.of(ids) if ids else {}
            for split, of_split in own.groupby("split", sort=False):
                if split not in counts:
                    continue
                t, worth = tasks.index(task), cells.worth(ids, split)
                rows_of = merge_worth(counts[split][t], worth[t] if worth else None, cells, sensitive[task])
                for row in of_split.itertuples():
                    tested = compare_gap(METRICS[row.metric], rows_of, row.mean)
                    for name, value in tested._asdict().items():
                        found[name][row.Index] = value
    place = baselines.columns.get_loc("runs") + 1
    columns = [*baselines.columns[:place], *found, *baselines.columns[place:]]
    return baselines.assign(**found)[columns]


def find_unreliable(baselines: pd.DataFrame, gap: str = "fpr_gap") -> dict[str, str]:
    """Tasks whose single-task gap is not resolved (p above .05), each with where: `validation, test`, or where the
    seeds have splits of their own `validation in 2 of 5 splits, test in 4 of 5 splits`.

    That is not to say that there is no gap: one below `detectable` may be there. A gap that could not be tested (of a
    table without counts, of scores, of the user's own) is named as well: `not tested`.
    """
    shown = baselines[(baselines["split"] != "train") & (baselines["metric"] == gap)]
    splits = shown["split_id"].nunique() if "split_id" in shown else 1
    p_values = shown["p_value"] if "p_value" in shown else pd.Series(np.nan, shown.index)
    found: dict[str, str] = {}
    for task, own in shown.groupby("task", sort=False):
        tested = p_values[own.index]
        if tested.isna().all():
            found[str(task)] = "not tested"
            continue
        counts = own.loc[~(tested <= LEVEL), "split"].value_counts()
        where = [name for name in SPLITS if name in counts]
        if splits > 1:
            where = [f"{name} in {counts[name]} of {splits} splits" for name in where]
        if where:
            found[str(task)] = ", ".join(where)
    return found
