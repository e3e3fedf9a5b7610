"""Bias amplification of the points of fronts with intervals by resampled rows, from the weights that a run has kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results
from paretofair.errors import RunError
from paretofair.interface.front_decisions import FrontDecisions, decide_fronts
from paretofair.metrics.rows import co_occurrence
from paretofair.metrics.rows.co_occurrence import JointRows, intervals
from paretofair.results.files import inside, write_csv
from paretofair.terminal.progress import show_progress
from paretofair.training.measuring.own_metrics import find_group_task

AMPLIFICATION = "amplification.csv"
MEASURES: dict[str, Callable[[JointRows], np.ndarray]] = {
    function.__name__: function
    for function in (
        co_occurrence.predicted_bias,
        co_occurrence.bias_amplification,
        co_occurrence.bias_amplification_towards,
        co_occurrence.bias_amplification_absolute,
        co_occurrence.amplification_from_group,
        co_occurrence.amplification_from_object,
    )
}
MEAN = "mean"
RESAMPLES = 500


def write_amplification(
    run: Path | str, objectives: str | None = None, *, data_dir: Path | str | None = None, resamples: int = RESAMPLES
) -> Path:
    """Writes `amplification.csv` of a run and returns its path; see `amplification_table`."""
    table = amplification_table(run, objectives, data_dir=data_dir, resamples=resamples)
    return write_csv(inside(Path(run), AMPLIFICATION), table)


def amplification_table(
    run: Path | str, objectives: str | None = None, *, data_dir: Path | str | None = None, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """The metrics `MEASURES` of every point of the fronts on validation and test, for each object and on average.

    Args:
        run: results folder; weights of frontier points must have been kept (`resources.models`).
        objectives: the set whose fronts these are; None for the first one of the run.
        data_dir: where the real data sets are looked for first.
        resamples: of the rows of a split; the training labels stay as they are.

    Returns:
        Columns `method, seed, trial_id, split, object, metric, value, low, high, training_bias, rows, source,
        protocol`: `object` is a task, or `mean` of all that have a value; `low` and `high` are the ends of the 95 %
        interval, NaN where an object is not predicted in one of twenty resamples; `rows` are those of the split.

    Raises:
        RunError: no such set, no kept weights, other data than the run was made with, or no task that predicts a group.
    """
    results, lines = Results(run), list[dict[str, Any]]()
    fronts = list(decide_fronts(Path(run), results, objectives, data_dir))
    points = sum(len(front.decisions) for front in fronts)
    if not points:
        raise RunError(f"{run} has kept no weights of frontier points (resources.models)")
    with show_progress(f"resampling rows of {points:,} points", points) as tell:
        for front in fronts:
            try:
                place = find_group_task(front.data)
            except ValueError as error:
                raise RunError(f"{run}: bias amplification: {error}") from None
            for name, decided in front.decisions.items():
                names = {"method": front.method, "seed": front.seed, "trial_id": name}
                lines += [names | line for line in _measure(front, decided, place, resamples)]
                tell(1)
    table = pd.DataFrame(lines)
    return table.assign(source=results.source, protocol=results.settings.protocol)


def _measure(
    front: FrontDecisions, decided: dict[str, np.ndarray], group_task: int, resamples: int
) -> Iterator[dict[str, Any]]:
    data, train = front.data, front.data.splits["train"]
    for split, part in data.splits.items():
        if split == "train":
            continue
        labels, training = (each.labels.cpu().numpy().astype(np.int8) for each in (part, train))
        weights = [None if each.weights is None else each.weights.cpu().numpy() for each in (part, train)]
        rows = JointRows(labels, decided[split], group_task, training, *weights)
        ends = intervals(rows, list(MEASURES.values()), resamples=resamples)
        for (metric, function), (low, high) in zip(MEASURES.items(), ends, strict=True):
            values = function(rows)
            known = ~np.isnan(values)
            mean = float(values[known].mean()) if known.any() else np.nan
            every = [*zip(data.tasks, values, rows.reference[0], strict=True), (MEAN, mean, np.nan)]
            for place, (task, value, bias) in enumerate(every):
                if place == group_task:
                    continue
                line = {"split": split, "object": task, "metric": metric, "value": value, "low": low[place]}
                yield line | {"high": high[place], "training_bias": bias, "rows": labels.shape[1]}
