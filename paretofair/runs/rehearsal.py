"""Tries every method on the driver: what cannot be trained is told before work starts, and how long it will take."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from paretofair import user_code
from paretofair.data import Splits
from paretofair.errors import ParetofairError, SpaceError, first_line
from paretofair.methods import Method
from paretofair.results.files import DESCRIPTORS, inside, write_csv
from paretofair.runs.build import build_experiment, build_network, build_threshold, method_class
from paretofair.runs.packs import Pack, as_trials, build_packs
from paretofair.runs.stages import STAGE_OF, Context, Plan
from paretofair.sampling.distributions import draw
from paretofair.space.method_space import MethodSpace
from paretofair.training import DeviceData, measure_epoch, rehearse, to_device
from paretofair.training.measuring.evaluation import evaluate
from paretofair.training.measuring.one_group import find_group
from paretofair.training.measuring.own_metrics import find_group_task

_DRAWS = 200  # whose epochs are averaged
_MANY = 10_000  # trials, whatever they are
_EVALUATION = 0.02  # seconds of a trial beside its steps, roughly
HINT = """Stacks run a module for many trials at once with torch.func.vmap, which allows no .item(), no branch on the
value of a tensor and no in-place change of a tensor made in forward. It gets rows (B, inputs) and returns (B, tasks).
docs/networks.md has examples."""


def rehearse_methods(spaces: Sequence[MethodSpace], splits: Splits) -> None:
    """Two steps of two trials for every method: options, batches and networks that do not fit the data fail here.

    Raises SpaceError with the method, and for a module the line where it failed; DataError for rows that are missing.
    """
    data = to_device(splits, spaces[0].sensitive, torch.device("cpu"), torch.float32, spaces[0].given)
    _rehearse_metrics(spaces[0], data)
    for space in spaces:
        _check_code("network.code", space.network.module, space.network.code)
        _check_code(f"methods.{space.method}.code", space.kind if ":" in space.kind else None, space.code)
        try:
            experiment = build_experiment(space, data, compiled=False)
            drawn = _sample(space, splits.split_id)
            rehearse(experiment, as_trials(drawn, data.tasks, type(experiment.method)))
        except ParetofairError:
            raise
        except Exception as error:
            if _is_memory(error):
                raise SpaceError(
                    f"methods.{space.method}: two trials need more memory than there is; its network, its batches or "
                    "the steps of an epoch are too large"
                ) from error
            if space.network.module is None and isinstance(error, ValueError):
                raise SpaceError(f"methods.{space.method}: {error}") from error
            own = space.network.module or (space.kind if ":" in space.kind else None)
            if own is None:
                raise
            hint = f"\n{HINT}" if space.network.module is not None else ""
            raise SpaceError(
                f"{own} cannot be trained by {space.method}: {type(error).__name__}: "
                f"{first_line(error)}{_place(error, own)}{hint}"
            ) from error


def describe_samples(spaces: Sequence[MethodSpace], splits: Splits, folder: Path) -> None:
    """Writes `descriptors.csv` in a run's folder: how far the samples of methods that train on samples are like the
    training rows of a split, columns `method, what, place, examples, samples, source`. Methods that stand in it
    already, with these data and keys, stay as they are."""
    path = inside(folder, DESCRIPTORS)
    parts = [pd.read_csv(path)] if path.exists() else []
    known = {name for part in parts for name in part["method"]}
    wanted = [
        space
        for space in spaces
        if space.method not in known and method_class(space).sample_source is not Method.sample_source
    ]
    for space in wanted:
        data = to_device(splits, space.sensitive, torch.device("cpu"), torch.float32, space.given)
        samples = build_experiment(space, data, compiled=False).samples
        if samples is not None:
            rows = pd.DataFrame(samples.describe(data.splits["train"].examples().float()))
            rows.insert(0, "method", space.method)
            parts.append(rows.assign(source=splits.dataset.source))
    if wanted and parts:
        write_csv(path, pd.concat(parts, ignore_index=True))


def measure_epochs(context: Context, splits: Splits, trials: Mapping[tuple[str, str], int]) -> float:
    """Seconds that one worker takes to train numbers of `trials` by stage and method, from a few steps of each method
    on one core, and the mean number of epochs that its trials draw."""
    space = context.space
    data = to_device(splits, space.baselines.sensitive, torch.device("cpu"), torch.float32)
    known: dict[str, float] = {}
    total, threads = 0.0, torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for (stage, method), count in trials.items():
            own = STAGE_OF[stage].space(context, method)
            if count and method not in known:
                experiment = build_experiment(own, data, compiled=False)
                sample = as_trials(_sample(own, splits.split_id), data.tasks, type(experiment.method))
                known[method] = measure_epoch(experiment, sample)
            if count:
                epochs = draw(own.parameters, own.tasks, seed=0, first=0, last=_DRAWS)["epochs"]
                total += count * known[method] * float(epochs.mean())
    finally:
        torch.set_num_threads(threads)
    return total


def estimate_seconds(context: Context, splits: Splits, finished: pd.DataFrame) -> float:
    """About how long one worker takes for what is left to train beside the rows of the trial table that are `finished`:
    good to a factor of two or three, and infinite where that is long beyond question, or not known before a GPU is
    there."""
    left = _count_left(context.plan, finished)
    total = sum(left.values())
    if context.space.resources.gpus or total > _MANY:
        return math.inf
    return measure_epochs(context, splits, left) + total * _EVALUATION


def _count_left(plan: Plan, finished: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Trials that are not finished, by stage and method, without those of whom it cannot be told yet. A table may have
    rows of other methods and of larger plans."""
    places = finished.groupby(["stage", "method"]).indices if len(finished) else {}
    left = {}
    for stage in STAGE_OF.values():
        for name in stage.methods(plan):
            rows = places.get((stage.name, name), ())
            done = int(stage.match(plan, name, finished.iloc[rows]).sum()) if len(rows) else 0
            left[stage.name, name] = max((stage.count(plan, name) or 0) - done, 0)
    return left


def _rehearse_metrics(space: MethodSpace, data: DeviceData) -> None:
    """Calls the user's own metrics as an evaluation does, on networks that were not trained; those of ours that need a
    task that predicts the group are told where there is none."""
    joint = [metric.name for metric in space.own_metrics if metric.of_joint_rows is not None]
    if joint:
        try:
            find_group_task(data)
        except ValueError as error:
            raise SpaceError(
                f"{joint[0]}: {error}; give a task whose label is the group, such as man: \"gender == 'man'\""
            ) from error
    for metric in space.own_metrics:
        for place in range(len(data.tasks)) if metric.of is not None else ():
            try:
                find_group(metric, place, data)
            except ValueError as error:
                raise SpaceError(str(error)) from None
    mine = [metric for metric in space.own_metrics if metric.own is not None]
    if not mine:
        return
    for name, each in space.metrics.items():
        _check_code(f"metrics.{name}.code", each.function, each.code)
    network = build_network(space, data)
    parameters = network.initial([0, 1], torch.float32)
    for metric in mine:
        assert metric.own is not None
        try:
            evaluate(network, parameters, data, build_threshold(space), own_metrics=(metric,))
        except Exception as error:
            raise SpaceError(
                f"metrics.{metric.name}: {metric.own.reference} cannot be measured: {type(error).__name__}: "
                f"{first_line(error)}{_place(error, metric.own.reference)}"
            ) from error


def _sample(space: MethodSpace, split_id: str) -> Pack:
    """Two draws as a sweep might have them; of single-task trainings every task has weight 1."""
    values = draw(space.parameters, space.tasks, seed=0, first=0, last=2)
    values = {f"task_weight_{task}": np.ones(2) for task in space.tasks} | values
    (pack,) = build_packs(space, split_id, "sweep", np.zeros(2, dtype=np.int64), np.arange(2), values, 2)
    return pack


def _check_code(key: str, reference: str | None, written: str | None) -> None:
    if reference is not None and user_code.digest(reference) != written:
        raise SpaceError(
            f"{key}: the source of {reference} has changed since {written} was written; "
            "remove `code` from the space file to use it as it is now"
        )


def _is_memory(error: Exception) -> bool:
    """PyTorch has no error of its own for a CPU without memory."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "allocate memory" in str(error))


def _place(error: Exception, reference: str) -> str:
    """Where in the module's own file the error arose, if there."""
    file = user_code.source_file(reference)
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" ({file}, line {lines[-1].lineno}: {lines[-1].line})" if lines else ""
