"""How far the near-equal models of a front disagree about single rows, from the weights that a run has kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from paretofair.analysis.results import Results
from paretofair.errors import RunError
from paretofair.export import find_objectives, find_space, pack_of
from paretofair.metrics.rows.decisions import ambiguity, discrepancy
from paretofair.results import weights_of
from paretofair.results.files import inside, space_file, write_csv
from paretofair.runs.build import build_method, build_network, build_threshold
from paretofair.runs.packs import as_trials
from paretofair.runs.resume import check_data
from paretofair.runs.run import RunOptions, load_splits
from paretofair.space.numbering import decode_seed
from paretofair.space.space import Space, load_space
from paretofair.training import DeviceData, to_device
from paretofair.training.measuring.evaluation import compute_outputs, decide_rows, decide_together, decision_thresholds

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
    run = Path(run)
    space, results = load_space(space_file(run)), Results(run)
    objectives = find_objectives(results, objectives)
    real = results.source == "real"
    by_seed = load_splits(
        space, RunOptions(run, (), data_dir=None if data_dir is None else Path(data_dir), require_real_data=real)
    )
    check_data(run, results.trials, by_seed, "Give the --data-dir that it was made with.")
    lines, data = list[dict[str, Any]](), dict[str, DeviceData]()
    for (method, seed), points in results.frontier(objectives).groupby(["method", "seed"], sort=False):
        rows = results.rows_of(points["trial_id"])
        splits = by_seed.of(decode_seed(str(rows["stage"].iloc[0]), int(seed))[0])
        if splits.split_id not in data:
            where = torch.device("cpu"), torch.float32
            data = {splits.split_id: to_device(splits, space.baselines.sensitive, *where)}
        names = {"method": method, "seed": int(seed)}
        lines += [names | line for line in _lines(run, space, rows, results, data[splits.split_id], tolerance)]
    if lines and all(line["reference"] is None for line in lines):
        raise RunError(f"{run} has kept no weights of frontier points (resources.models)")
    table = pd.DataFrame(lines)
    return table.assign(source=results.source, protocol=results.settings.protocol)


def _lines(
    run: Path, space: Space, rows: pd.DataFrame, results: Results, data: DeviceData, tolerance: float
) -> Iterator[dict[str, Any]]:
    kept = {name: weights for name in rows.index if (weights := weights_of(run, name)) is not None}
    decided = [_decide(run, space, rows.loc[name].to_dict(), weights, data) for name, weights in kept.items()]
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
                own = errors.loc[list(kept)].to_numpy()
                best = int(own.argmin())
                near = [place for place in np.flatnonzero(own <= own[best] + tolerance) if place != best]
                models = np.array([decided[place][split][t][known] for place in near]).reshape(len(near), known.sum())
                weights = None if part.weights is None else part.weights.cpu().numpy()[known]
                told = models, decided[best][split][t][known], weights
                line |= {"reference": list(kept)[best], "models": len(near)}
                line |= {"ambiguity": ambiguity(*told), "discrepancy": discrepancy(*told)}
            yield line


def _decide(
    run: Path, space: Space, row: dict[str, Any], weights: np.ndarray, data: DeviceData
) -> dict[str, np.ndarray]:
    """What a trial decides on every split, `(tasks, rows)`."""
    own = find_space(space, row, run)
    network, method = build_network(own, data), build_method(own, data)
    given = as_trials(pack_of(own, row), data.tasks, type(method))
    parameters = torch.from_numpy(weights)[None]
    if parameters.shape[1] != network.initial([0], torch.float32).shape[1]:
        raise RunError(f"{run}: the kept weights of trial {row['trial_id']} are not those of its network")
    outputs = {name: compute_outputs(network, parameters, part, data.alone) for name, part in data.splits.items()}
    cut, by_group = decision_thresholds(outputs[data.selection_split], data, build_threshold(own), method, given.values)
    together = {name: decide_together(each, cut, data, method, given.values) for name, each in outputs.items()}
    return {
        name: decide_rows(outputs[name], cut, by_group, part, data, together[name])[0].numpy()
        for name, part in data.splits.items()
    }
