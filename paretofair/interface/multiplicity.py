"""How far the near-equal models of a front disagree about single rows, from the weights that a run has kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results
from paretofair.errors import RunError
from paretofair.interface.front_decisions import FrontDecisions, decide_fronts
from paretofair.metrics.rows.decisions import ambiguity, discrepancy
from paretofair.results.files import inside, write_csv

MULTIPLICITY = "multiplicity.csv"
TOLERANCE = 0.01


def write_multiplicity(
    run: Path | str,
    objectives: str | None = None,
    *,
    tolerance: float = TOLERANCE,
    data_dir: Path | str | None = None,
) -> Path:
    """Writes `multiplicity.csv` of a run and returns its path; see `multiplicity_table`."""
    table = multiplicity_table(run, objectives, tolerance=tolerance, data_dir=data_dir)
    return write_csv(inside(Path(run), MULTIPLICITY), table)


def multiplicity_table(
    run: Path | str,
    objectives: str | None = None,
    *,
    tolerance: float = TOLERANCE,
    data_dir: Path | str | None = None,
) -> pd.DataFrame:
    """Ambiguity and discrepancy of the front of every method and seed on validation and test, task by task.

    The reference of a task is the point of the front with the smallest error of the task on the split that chooses, and
    the points whose error there is larger by at most `tolerance` are the models that are about as good.

    Args:
        run: results folder; weights of frontier points must have been kept (`resources.models`).
        objectives: the set whose fronts these are; None for the first one of the run.
        tolerance: in units of the error.
        data_dir: where the real data sets are looked for first.

    Returns:
        Columns `method, seed, split, task, tolerance, reference, models, without_weights, rows, ambiguity,
        discrepancy, source, protocol`: `models` are those compared with the reference, `without_weights` those that
        could not be, `rows` those of known label. Shares are by the weights of rows; NaN where there is no other model.

    Raises:
        RunError: no such set, no kept weights, or other data than the run was made with.
    """
    results, lines = Results(run), list[dict[str, Any]]()
    for front in decide_fronts(Path(run), results, objectives, data_dir):
        names = {"method": front.method, "seed": front.seed}
        lines += [names | line for line in _lines(front, results, tolerance)]
    if lines and all(line["reference"] is None for line in lines):
        raise RunError(f"{run} has kept no weights of frontier points (resources.models)")
    table = pd.DataFrame(lines)
    return table.assign(source=results.source, protocol=results.settings.protocol)


def _lines(front: FrontDecisions, results: Results, tolerance: float) -> Iterator[dict[str, Any]]:
    rows, data, kept = front.rows, front.data, list(front.decisions)
    decided = list(front.decisions.values())
    for split, part in data.splits.items():
        if split == "train":
            continue
        for t, task in enumerate(data.tasks):
            errors = rows[f"{results.settings.selected_on}_error_{task}"].astype(float)
            known = part.labels[t].cpu().numpy() >= 0
            line = {"split": split, "task": task, "tolerance": tolerance, "reference": None, "models": 0}
            line |= {"without_weights": len(rows) - len(kept), "rows": int(known.sum())}
            line |= {"ambiguity": np.nan, "discrepancy": np.nan}
            if kept:
                own = errors.loc[kept].to_numpy()
                best = int(own.argmin())
                near = [place for place in np.flatnonzero(own <= own[best] + tolerance) if place != best]
                models = np.array([decided[place][split][t][known] for place in near]).reshape(len(near), known.sum())
                weights = None if part.weights is None else part.weights.cpu().numpy()[known]
                told = models, decided[best][split][t][known], weights
                line |= {"reference": kept[best], "models": len(near)}
                line |= {"ambiguity": ambiguity(*told), "discrepancy": discrepancy(*told)}
            yield line
