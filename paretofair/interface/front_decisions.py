"""What the points of fronts decide, row by row, from the weights that a run has kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from paretofair.analysis.results import Results
from paretofair.errors import RunError
from paretofair.export import find_objectives, find_space, pack_of
from paretofair.results import weights_of
from paretofair.results.files import space_file
from paretofair.runs.build import build_method, build_network, build_threshold
from paretofair.runs.packs import as_trials
from paretofair.runs.resume import check_data
from paretofair.runs.run import RunOptions, load_splits
from paretofair.space.numbering import decode_seed
from paretofair.space.space import Space, load_space
from paretofair.training import DeviceData, to_device
from paretofair.training.measuring.evaluation import compute_outputs, decide_rows, decide_together, decision_thresholds


class FrontDecisions(NamedTuple):
    """The front of a method and seed: `rows` of the trial table of its points, indexed by `trial_id`; what those decide
    whose weights were kept, by trial and split `(tasks, rows)`; and the data on which they decide."""

    method: str
    seed: int
    rows: pd.DataFrame
    decisions: dict[str, dict[str, np.ndarray]]
    data: DeviceData


def decide_fronts(
    run: Path, results: Results, objectives: str | None, data_dir: Path | str | None = None
) -> Iterator[FrontDecisions]:
    """Every front of a set of objectives, None for the first one of the run. `data_dir`: where the real data sets are
    looked for first.

    Raises:
        RunError: no such set, or other data than the run was made with.
    """
    space = load_space(space_file(run))
    objectives = find_objectives(results, objectives)
    where = None if data_dir is None else Path(data_dir)
    by_seed = load_splits(space, RunOptions(run, (), data_dir=where, require_real_data=results.source == "real"))
    check_data(run, results.trials, by_seed, "Give the --data-dir that it was made with.")
    data = dict[str, DeviceData]()
    for (method, seed), points in results.frontier(objectives).groupby(["method", "seed"], sort=False):
        rows = results.rows_of(points["trial_id"])
        splits = by_seed.of(decode_seed(str(rows["stage"].iloc[0]), int(seed))[0])
        if splits.split_id not in data:
            on = torch.device("cpu"), torch.float32
            data = {splits.split_id: to_device(splits, space.baselines.sensitive, *on)}
        own = data[splits.split_id]
        kept = {name: weights for name in rows.index if (weights := weights_of(run, name)) is not None}
        decided = {name: _decide(run, space, rows.loc[name].to_dict(), kept[name], own) for name in kept}
        yield FrontDecisions(str(method), int(seed), rows, decided, own)


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
