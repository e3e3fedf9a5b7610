"""Why ARE, ARFG and what they divide have no value where they have none, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.analysis.frontiers import candidates

if TYPE_CHECKING:
    from paretofair.analysis.results import Results

_SHOWN = 3  # tasks and groups that a sentence names
_CAPITALS = ("fpr", "tpr", "auc")


def explain_undefined(results: Results) -> list[str]:
    """A sentence for ARE and for ARFG where a denominator is 0, has no value or is missing, on the split that chooses
    and on test, and one for each error and gap of a task that trials lack; empty where everything has a value, or no
    set of the run has ARE or ARFG."""
    if results.trials.empty or not {"are", "arfg"} & results.shown_objectives:
        return []
    if results.baselines.empty:
        words = "no single-task model was trained (stage baselines, or a baselines.csv beside the table)"
        return [f"ARE and ARFG have no value: {words}."]
    return [*_explain_denominators(results), *_explain_numerators(results)]


def keep_usable(denominators: pd.DataFrame, gap: str) -> pd.DataFrame:
    """Rows of `baselines.csv` of the splits and tasks whose single-task gap is above 0, so that ARFG has a value."""
    keys = ["split_id", "split", "task"]
    of_gap = denominators[(denominators["metric"] == gap) & (denominators["mean"] > 0)]
    usable = pd.MultiIndex.from_frame(of_gap[keys])
    return denominators[pd.MultiIndex.from_frame(denominators[keys]).isin(usable)]


def count_undefined(results: Results) -> dict[tuple[str, str], int]:
    """By metric and task the number of trials of a search that lack an error or gap on the split that chooses."""
    split, gap = results.settings.selected_on, results.settings.gap
    columns = {(metric, task): f"{split}_{metric}_{task}" for task in results.tasks for metric in ("error", gap)}
    columns = {key: column for key, column in columns.items() if column in results.trials}
    searched = candidates(results.trials, columns.values())
    counts = {key: int(searched[column].isna().sum()) for key, column in columns.items()}
    return {key: count for key, count in counts.items() if count}


def _explain_denominators(results: Results) -> Iterator[str]:
    chosen = results.settings.selected_on
    for name, metric in results.settings.relative.items():
        told: list[str] = []
        for split in dict.fromkeys((chosen, "test")):
            faults = [
                fault for task in results.tasks if (fault := _find_fault(results, metric, task, split)) is not None
            ]
            # Where the split that chooses has no value nothing is chosen, so that test need not be told.
            if faults and not told:
                told = faults
                more = f" and {len(faults) - _SHOWN} more tasks" if len(faults) > _SHOWN else ""
                where = "" if split == chosen else f" on {split}"
                end = "; no ARFG-ARE frontier" if split == chosen else "; frontiers have none there"
                yield f"{name.upper()} has no value{where}: {'; '.join(faults[:_SHOWN])}{more}{end}."


def _find_fault(results: Results, metric: str, task: str, split: str) -> str | None:
    """What is wrong with a denominator; None where it is a number above 0 in every split of the data."""
    table = results.baselines
    own = table[(table["metric"] == metric) & (table["task"] == task) & (table["split"] == split)]
    means = own.set_index("split_id")["mean"].reindex(table["split_id"].unique())
    wrong = means[~(means > 0)]
    if wrong.empty:
        return None
    place = split if len(means) == 1 else f"{split} in {len(wrong)} of {len(means)} splits"
    first = wrong.index[0]
    if first not in own["split_id"].to_numpy():
        return f"there is no single-task {_say(metric)} of {task} on {place}"
    is_what = f"is {wrong.iloc[0]:g}" if not np.isnan(wrong.iloc[0]) else "has no value"
    return f"the single-task {_say(metric)} of {task} {is_what} on {place}{_say_rows(results, task, split, first)}"


def _explain_numerators(results: Results) -> Iterator[str]:
    split, total = results.settings.selected_on, len(candidates(results.trials, ["status"]))
    for (metric, task), count in count_undefined(results).items():
        rows = _say_rows(results, task, split, results.searched["split_id"].iloc[0])
        yield (
            f"The {_say(metric)} of {task} has no value on {split} in {count:,} of {total:,} trials{rows}; they enter "
            "no frontier that needs it."
        )


def _say_rows(results: Results, task: str, split: str, split_id: str) -> str:
    """` (897 negatives, 3 positives; no positive in sex f)` of a binary task; nothing where rows were not
    counted."""
    cells, sensitive = results.cells, results.sensitive
    trained = results.trials[(results.trials["split_id"] == split_id) & (results.trials["status"] == "completed")]
    if cells is None or trained.empty:
        return ""
    counts = cells.rows_of(trained["trial_id"].head(1).tolist()).get(split)
    place = results.tasks.index(task)
    if counts is None or results.schema.tasks[place].kind != "binary":
        return ""
    # True positives, false positives, true negatives, false negatives.
    of_label = {"negative": [1, 2], "positive": [0, 3]}
    decisions = counts[place].decisions[0]
    totals = {label: decisions[:, own].sum() for label, own in of_label.items()}
    words = ", ".join(f"{rows:,.0f} {label}{'' if rows == 1 else 's'}" for label, rows in totals.items())
    if sensitive is None:
        return f" ({words})"
    attribute = sensitive[task]
    of_groups, names = cells.by_group(counts[place], attribute).decisions[0], cells.group_names(attribute)
    for label, own in of_label.items():
        without = [name for name, rows in zip(names, of_groups[:, own].sum(-1), strict=True) if not rows]
        if without and totals[label]:
            words += f"; no {label} in {attribute} {', '.join(without[:_SHOWN])}"
            words += f" and {len(without) - _SHOWN} more" if len(without) > _SHOWN else ""
    return f" ({words})"


def _say(metric: str) -> str:
    """`FPR gap` of `fpr_gap`."""
    return " ".join(word.upper() if word in _CAPITALS else word for word in metric.split("_"))
