"""One trial of a run as an ordinary model: its weights, or the trial trained again, with a model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from paretofair.analysis.results import Results
from paretofair.analysis.rules import choose_among_all, find_nearest_bound
from paretofair.data.reading.fitted_rows import make_row_readers
from paretofair.data.reading.row_reader import make_plain
from paretofair.errors import DataError, RunError
from paretofair.exported import ExportedModel, save
from paretofair.methods import Method
from paretofair.metrics.registry import METRICS
from paretofair.model_card import describe_model
from paretofair.results import TrialTable, find_weights, weights_of
from paretofair.results.files import inside, space_file, write_text
from paretofair.runs.build import FEATURES, build_experiment, build_method, build_network, build_threshold
from paretofair.runs.packs import Pack, as_trials
from paretofair.runs.resume import check_data
from paretofair.runs.run import RunOptions, load_splits
from paretofair.sampling.distributions import parts
from paretofair.space.method_space import MethodSpace
from paretofair.space.numbering import BASELINE_METHOD, decode_seed, training_seeds
from paretofair.space.space import Space, load_space
from paretofair.training import DeviceData, Trials, to_device, train_pack
from paretofair.training.measuring.evaluation import compute_outputs, decision_thresholds, evaluate

CARD = "README.md"
_OF_ALL_ROWS = ("error", "average_precision", "auc")
_ROUNDING = 1e-3
_AGAIN = "Move the file away, and the trial is trained again"
_WIDTH = 8  # of the stack of a trial that is trained again: the narrowest that is compiled


@dataclass(frozen=True)
class ExportedTrial:
    """What was written: the folder, the model, whether the trial was trained again, and by how much its metrics differ
    from those in the table at most (NaN in both is no difference)."""

    folder: Path
    model: ExportedModel
    retrained: bool
    difference: float


def export_trial(
    run: Path | str, trial_id: str, output: Path | str | None = None, *, data_dir: Path | str | None = None
) -> ExportedTrial:
    """Writes `model.json`, `weights.pt` and a model card for one trial of a run.

    Weights of trials that may stand on a frontier were kept by the run; any other trial is trained again, by its seed
    and hyperparameters, which gives the same bits where processor and versions are the same.

    Args:
        run: results folder of `paretofair sweep`.
        trial_id: the trial, or the first characters of its id where no other has these.
        output: the folder to write; by default `exported/<trial_id>` in `run`.
        data_dir: where the real data sets are looked for first.

    Raises:
        RunError: no such run or trial, or other data than the run was made with.
    """
    run, output = Path(run), None if output is None else Path(output)
    data_dir = None if data_dir is None else Path(data_dir)
    space = load_space(space_file(run))
    trials = TrialTable(run).read()
    row = _row(trials, trial_id, run)
    by_seed = load_splits(space, RunOptions(run, (), data_dir=data_dir, require_real_data=row["source"] == "real"))
    advice = "Give the --data-dir that it was made with."
    if space.data.files:
        advice = f"{', '.join(file.path for file in space.data.files)} must be as it was then."
    check_data(run, trials[trials["trial_id"] == row["trial_id"]], by_seed, advice)
    seed, _ = decode_seed(row["stage"], int(row["seed"]))
    splits = by_seed.of(seed)
    files = dict(space.data.sources) if space.data.csv is None else {"": space.data.csv}
    try:
        readers = make_row_readers(splits.inputs, files, splits.dataset.origin_names)
    except DataError as error:
        raise RunError(f"{run}: {error}") from None
    own = space.baselines if row["method"] == BASELINE_METHOD else find_space(space, row, run)
    data = to_device(splits, own.sensitive, torch.device("cpu"), torch.float32, own.given)
    network, method = build_network(own, data), build_method(own, data)
    if type(method).decide is not Method.decide:
        raise RunError(
            f"{row['method']} decides all rows of a split together; trial {row['trial_id']} is no model of single rows"
        )
    pack = pack_of(own, row)
    given = as_trials(pack, data.tasks, type(method))
    kept = weights_of(run, row["trial_id"])
    if kept is not None and len(kept) != network.initial([0], torch.float32).shape[1]:
        place = find_weights(run, row["trial_id"])
        raise RunError(f"{place}: the weights of trial {row['trial_id']} are not those of its network. {_AGAIN}")
    parameters = torch.from_numpy(kept)[None] if kept is not None else _train_again(own, data, given, row)
    threshold = build_threshold(own)
    found = evaluate(network, parameters, data, threshold, method, given.values, own_metrics=own.own_metrics)
    outputs = compute_outputs(network, parameters, data.splits[data.selection_split], data.alone)
    cut, by_group = decision_thresholds(outputs, data, threshold, method, given.values)
    metrics = {name: values[0] for name, values in found.metrics.items()}
    difference = _difference(metrics, row, data.tasks)
    if kept is not None:
        _check_reproduced(run, row, metrics, data)
    about = {
        "trial_id": row["trial_id"],
        "run": space.name,
        "method": row["method"],
        "stage": row["stage"],
        "seed": int(row["seed"]),
        "protocol": row["protocol"],
        "threshold": row["threshold"],
        "source": row["source"],
        "data": {
            "name": splits.dataset.name,
            "data_id": splits.dataset.data_id,
            "split_id": splits.split_id,
            "sha256": splits.dataset.checksums,
        },
        "tasks": list(data.tasks),
        "hyperparameters": {name: values[0].item() for name, values in pack.values.items()},
        "network": _network(own, data),
        "thresholds": _thresholds(own, data, cut[0], None if by_group is None else by_group[0]),
        "kinds": {
            task: {"kind": kind.name, "classes": list(kind.classes)}
            for task, kind in zip(data.tasks, data.kinds, strict=True)
            if not kind.is_binary
        },
        "metrics": {
            f"{name}_{task}": make_plain(values[t])
            for name, values in metrics.items()
            for t, task in enumerate(data.tasks)
            if _has(name, data.kinds[t].name)
        },
        "retrained": kept is None,
        "packages": {name: version(name) for name in ("paretofair", "torch")},
    }
    model = ExportedModel(network.module(parameters[0]), readers, about)
    folder = output or inside(run, f"exported/{row['trial_id']}")
    save(model, folder)
    write_text(
        inside(folder, CARD),
        describe_model(
            model,
            own,
            splits,
            data,
            [each[0] for each in found.confusion["test"]],
            [each[0] for each in found.unweighted.get("test", found.confusion["test"])],
        ),
    )
    return ExportedTrial(folder, model, kept is None, difference)


def find_objectives(results: Results, objectives: str | None) -> str:
    """The set of objectives of this name; None for the first one of the run. Raises RunError where it is none."""
    known = results.settings.set_names(results.tasks)
    if objectives is not None and objectives not in known:
        raise RunError(f"objectives: found {objectives!r}; accepted: {', '.join(known)}")
    return results.leading if objectives is None else objectives


def choose_trial(
    run: Path | str | Results,
    rule: str,
    method: str | None = None,
    seed: int | None = None,
    objectives: str | None = None,
) -> str:
    """The id of the trial that a rule (`analysis.rules.parse_rule`) takes from the frontiers of all methods and seeds
    together, or of one method or seed, under a set of objectives, by default the first one of the run.

    Raises RunError for a rule, set, method or seed that is none, and where no point keeps the rule's bound.
    """
    results = run if isinstance(run, Results) else Results(run)
    objectives = find_objectives(results, objectives)
    check_fronts(results, objectives, method, seed)
    try:
        trial = choose_among_all(results, rule, objectives, () if method is None else (method,), seed)
    except ValueError as error:
        raise RunError(f"rule: {error}") from None
    if trial is None:
        of = "any frontier" if method is None else f"the frontier of {method}"
        nearest = find_nearest_bound(results, rule, objectives, () if method is None else (method,), seed)
        words = f"; the nearest has {nearest}" if nearest else ""
        raise RunError(f"no point of {of} keeps the bound of {rule!r} on {results.settings.selected_on}{words}")
    return trial


def check_fronts(results: Results, objectives: str, method: str | None, seed: int | None) -> None:
    """Raises RunError where a run has no frontier under a set of objectives, or none of a method or seed."""
    fronts = results.fronts_of(objectives)
    if not fronts:
        raise RunError("the run has no frontier yet")
    if method is not None and method not in fronts:
        raise RunError(f"method: found {method!r}; accepted: {', '.join(fronts)}")
    seeds = dict.fromkeys(each for name, own in fronts.items() if method in (None, name) for each in own)
    if seed is not None and seed not in seeds:
        raise RunError(f"seed: found {seed}; accepted: {', '.join(map(str, seeds))}")


def _row(trials: pd.DataFrame, trial_id: str, run: Path) -> dict[str, Any]:
    found = trials[trials["trial_id"].str.startswith(trial_id)] if trial_id else trials.iloc[:0]
    if len(found) != 1:
        words = "several trials" if len(found) else "no trial"
        raise RunError(
            f"{run} has {words} with the id {trial_id!r}; ids stand in frontiers/all.csv and {run / 'trials'}"
        )
    row: dict[str, Any] = found.iloc[0].to_dict()
    if row["status"] != "completed":
        raise RunError(f"trial {row['trial_id']} is {row['status']}; only completed ones are exported")
    return row


def find_space(space: Space, row: Mapping[str, Any], run: Path) -> MethodSpace:
    """What the space says about the method of a trial. Raises RunError where it lists no such method."""
    if row["method"] not in space.methods:
        raise RunError(f"{row['method']} is no method of {run / 'space.yaml'}: it was not trained by a sweep")
    return space.method(row["method"])


def pack_of(space: MethodSpace, row: Mapping[str, Any]) -> Pack:
    """The trial as it was trained."""
    names = [name for columns, _ in parts(space.parameters, space.tasks) for name in columns]
    names += [name for name in (f"task_weight_{task}" for task in space.tasks) if name not in names]
    seeds, indices = np.array([int(row["seed"])]), np.array([int(row["index"])])
    return Pack(
        name=str(row["pack_id"]),
        stage=str(row["stage"]),
        method=str(row["method"]),
        space_id=str(row["space_id"]),
        split_id=str(row["split_id"]),
        seeds=seeds,
        indices=indices,
        training_seeds=training_seeds(str(row["stage"]), space.protocol, seeds, indices),
        values={name: np.array([row[name]]) for name in names if name in row},
    )


def _train_again(space: MethodSpace, data: DeviceData, trials: Trials, row: Mapping[str, Any]) -> Tensor:
    """The parameters of a trial that is trained again, `(1, P)`, as a worker trains it."""
    torch.set_num_threads(1)
    experiment = build_experiment(space, data, compiled=row["path"] != "eager")
    (stack,) = train_pack(experiment, trials, width=_WIDTH)
    return torch.from_numpy(stack.parameters)


def _difference(metrics: Mapping[str, np.ndarray], row: Mapping[str, Any], tasks: tuple[str, ...]) -> float:
    names = [(name, t, f"{name}_{task}") for name in metrics for t, task in enumerate(tasks)]
    pairs = [(float(metrics[name][t]), float(row[column])) for name, t, column in names if column in row]
    return max((abs(one - other) for one, other in pairs if not np.isnan([one, other]).all()), default=0.0)


def _check_reproduced(run: Path, row: Mapping[str, Any], metrics: Mapping[str, np.ndarray], data: DeviceData) -> None:
    """Raises RunError where kept weights have other metrics than the table says, beyond what another machine rounds:
    the last bits of a score may put a row or two on the other side of a threshold."""
    for split, rows in data.splits.items():
        most = _ROUNDING + 2 / max(len(rows), 1)
        for name in _OF_ALL_ROWS:
            for t, task in enumerate(data.tasks):
                if not _has(f"{split}_{name}", data.kinds[t].name):
                    continue
                found, written = float(metrics[f"{split}_{name}"][t]), float(row.get(f"{split}_{name}_{task}", np.nan))
                if np.isnan(found) != np.isnan(written) or abs(found - written) > most:
                    words = f"give {split}_{name}_{task} {found:.6g}, the trial table says {written:.6g}"
                    place = find_weights(run, row["trial_id"])
                    raise RunError(f"{place}: the weights of trial {row['trial_id']} {words}. {_AGAIN}")


def _network(space: MethodSpace, data: DeviceData) -> dict[str, Any]:
    if data.kinds[0].is_identity:
        width = space.network.features or FEATURES
        own = _describe_body(space, data, [width])
        return own | {"identities": data.predicted[0].outputs}
    return _describe_body(space, data, [task.outputs for task in data.several])


def _describe_body(space: MethodSpace, data: DeviceData, outputs: list[int]) -> dict[str, Any]:
    if space.network.named:
        sizes = {"shape": list(data.shape), "tasks": len(data.tasks), "head": list(space.network.head)}
        said = {"name": space.network.name, **sizes, "width": space.network.width}
        return said | ({"outputs": outputs} if outputs else {})
    if space.network.module is not None:
        # As the module is called: of pictures with their shape.
        inputs = data.shape[0] if len(data.shape) == 1 else list(data.shape)
        own = {"inputs": inputs, "tasks": len(data.tasks), "arguments": dict(space.network.arguments)}
        if outputs:
            own["outputs"] = sum(outputs)
        return {"module": space.network.module, **own}
    widths = {"shared": list(space.network.shared), "head": list(space.network.head)}
    described = {"numeric": data.numeric, "categories": list(data.categories), "tasks": len(data.tasks)}
    described = {**described, **widths, "embedding": space.network.embedding}
    return described | ({"outputs": outputs} if outputs else {})


def _has(column: str, kind: str) -> bool:
    """Whether tasks of a kind have the metric `<split>_<metric>`."""
    metric = METRICS.get(column.partition("_")[2])
    return metric is None or metric.is_for(kind)


def _thresholds(space: MethodSpace, data: DeviceData, cut: Tensor, by_group: Tensor | None) -> dict[str, Any]:
    """Of every binary task: the logit from which on a decision is positive, and where groups have their own those."""
    found: dict[str, dict[str, Any]] = {}
    for t, task in enumerate(task for task, kind in zip(data.tasks, data.kinds, strict=True) if kind.is_binary):
        attribute = space.sensitive[task]
        found[task] = {"logit": make_plain(cut[t].item()), "probability": torch.sigmoid(cut[t].double()).item()}
        if by_group is not None:
            named = dict(zip(data.group_names[attribute], by_group[t].tolist(), strict=False))
            found[task] |= {
                "attribute": attribute,
                "by_group": {name: make_plain(each) for name, each in named.items()},
            }
    return found
