"""Trains one pack and makes the rows of its trials, stack by stack."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch

from paretofair.analysis.frontiers import SEARCHED
from paretofair.data.splits import Splits
from paretofair.methods import METHODS, LossSettings, Rows
from paretofair.metrics.metric import Metric
from paretofair.metrics.registry import METRICS
from paretofair.models import MultilayerPerceptron
from paretofair.pareto.fronts import non_dominated
from paretofair.results import TRIALS, Quantity, Store, TableSchema, TaskSchema, stack_name
from paretofair.results.checkpoints import PackCheckpoints
from paretofair.results.table import CURVES
from paretofair.results.table_schema import COUNTS, SPLITS, UNWEIGHTED, pack_table
from paretofair.runs.build import build_experiment, describe_threshold
from paretofair.runs.jobs import Job
from paretofair.runs.packs import Pack, as_trials, gather_values
from paretofair.runs.widths import remember, stack_width
from paretofair.space.method_space import MethodSpace, digest
from paretofair.training import Checkpoints, Curve, DeviceData, FinishedStack, train_pack

_FORMAT = 1  # of checkpoints
_WORST = 1e9  # a loss that no metric of joint rows has


class TrainedStack(NamedTuple):
    """What a worker writes of a finished stack: the `name` of its files, `tables` by folder (trials, and where wanted
    curves), the `weights` to be kept by trial id; and the width to which a lack of memory has `narrowed` the stacks,
    else 0."""

    name: str
    tables: dict[str, pa.Table]
    weights: dict[str, np.ndarray]
    narrowed: int


def train_rows(
    pack: Pack, job: Job, data: DeviceData, numerics: str, checkpoints: Checkpoints | None = None
) -> Iterator[TrainedStack]:
    """Trains `pack` and yields what is to be written of each finished stack. Raises Pause."""
    if not len(pack):
        return
    space = job.spaces[pack.stage, pack.method]
    experiment = build_experiment(space, data, compiled=job.compiled and pack.stage == "sweep", half=job.half)
    halving = job.halving_of(pack)
    bracket = space.bracket if halving is not None else None
    trials = as_trials(pack, data.tasks, type(experiment.method), bracket)
    width = job.stack
    if width == "auto":
        width = stack_width(space, experiment, trials)
    for stack in train_pack(
        *(experiment, trials),
        width=width,
        halving=halving,
        curves=job.curves.get(pack.stage),
        checkpoints=checkpoints,
    ):
        narrowed = stack.width if stack.width < width else 0
        if narrowed and job.stack == "auto":
            remember(space, data, narrowed)
        part = pack.take(stack.positions)
        name = _name(part)
        values = gather_values(part, data.tasks, type(experiment.method))
        schema = table_schema(data, values, space.own_metrics)
        own = space, job.splits[part.split_id], data, _name_type(space, data, job.half), numerics, schema
        tables = {TRIALS: stack_table(part, values, stack, *own)}
        if stack.curve is not None:
            tables[CURVES] = curve_table(part, stack.curve, schema)
        yield TrainedStack(name, tables, choose_weights(part, stack, job, data), narrowed)


def checkpoints_of(
    pack: Pack, left: Pack, job: Job, place: Path | Store, device: torch.device, numerics: str
) -> PackCheckpoints | None:
    """Where unfinished stacks of a pack are kept, `left` being what is to be trained of it; None where they are not."""
    if job.checkpoint is None:
        return None
    firsts = {
        f"{pack.stage}-{pack.method}-{seed}-{index}" for seed, index in zip(pack.seeds, pack.indices, strict=True)
    }

    def name(positions: np.ndarray) -> str:
        return _name(left.take(positions))

    # What the bits of a training follow from, beside its space, split and trials.
    identity = digest(
        [
            *(_FORMAT, job.version, torch.__version__, numerics, str(device), job.tf32),
            *(pack.space_id, pack.split_id, job.compiled and pack.stage == "sweep", job.half),
            *(repr(job.halving_of(pack)), repr(job.curves.get(pack.stage))),
        ]
    )
    own = place, identity, left.trial_ids, name, frozenset(firsts)
    return PackCheckpoints(*own, every=job.checkpoint, deadline=job.deadline)


def _name(part: Pack) -> str:
    """The file of a stack."""
    return stack_name(part.stage, part.method, part.seeds.tolist(), part.indices.tolist())


def table_schema(data: DeviceData, values: Mapping[str, Any], own_metrics: Sequence[Metric] = ()) -> TableSchema:
    """The names in a trial table: the headline and the run's own metrics of every task, and the hyperparameters
    `values`, `(n,)` or `(n, tasks)` each."""
    tasks = tuple(data.tasks)
    # Of identities right and wrong decisions are counted, as of a binary task.
    kinds = [(kind.name, () if kind.is_binary or kind.is_identity else kind.classes) for kind in data.kinds]
    return TableSchema(
        tasks=tuple(TaskSchema(task, *kind) for task, kind in zip(tasks, kinds, strict=True)),
        metrics=(
            *(quantity for metric in METRICS.values() if (quantity := _of_kinds(metric, data)) is not None),
            *(Quantity(metric.name, tasks) for metric in own_metrics),
        ),
        hyperparameters=tuple(Quantity(name, tasks if np.ndim(value) == 2 else ()) for name, value in values.items()),
        attributes=tuple(data.attributes),
    )


def _of_kinds(metric: Metric, data: DeviceData) -> Quantity | None:
    """A metric that is measured where trials are trained, with the tasks that have it; None for any other. Those that
    binary tasks have stand there for all, as every table has them."""
    if metric.source != "rows" or metric.is_asked_for:
        return None
    has = [task for task, kind in zip(data.tasks, data.kinds, strict=True) if metric.is_for(kind.name)]
    of_all = metric.is_for("binary") and not data.kinds[0].is_identity
    own = tuple(data.tasks) if of_all else tuple(has)
    return Quantity(metric.name, own) if own else None


def stack_table(
    part: Pack,
    values: Mapping[str, np.ndarray],
    stack: FinishedStack,
    space: MethodSpace,
    splits: Splits,
    data: DeviceData,
    dtype: str,
    numerics: str,
    schema: TableSchema,
) -> pa.Table:
    """One row per trial of a stack, with the columns of the trial table; `values` are its hyperparameters."""
    n = len(part)
    same = {
        "stage": part.stage,
        "method": part.method,
        "pack_id": part.name,
        "space_id": part.space_id,
        "data_id": splits.dataset.data_id,
        "split_id": splits.split_id,
        "source": splits.dataset.source,
        "protocol": space.protocol,
        "threshold": describe_threshold(space),
        "penalty_split": space.penalty_split,
        "device": torch.cuda.get_device_name() if data.device.type == "cuda" else "cpu",
        "dtype": dtype,
        "path": stack.path,
        "stack_width": stack.width,
        "torch_version": torch.__version__,
        "numerics": numerics,
    }
    columns: dict[str, Any] = {
        "trial_id": part.trial_ids,
        "seed": part.seeds,
        "index": part.indices,
        "status": stack.status.tolist(),
        "epochs_trained": stack.epochs_trained,
        **({} if space.training.keep_epoch is None else {"kept_epoch": stack.kept_epochs}),
        "train_seconds": np.full(n, stack.seconds),
        "undefined_losses": stack.undefined_losses,
        **{name: [value] * n for name, value in same.items()},
        **values,
    }
    if part.confirms is not None:
        columns["confirms"] = part.confirms.tolist()
    columns |= stack.evaluation.metrics
    of_rows = {f"{name}{UNWEIGHTED}": counts for name, counts in stack.evaluation.unweighted.items()}
    for name, of_tasks in (stack.evaluation.confusion | of_rows).items():
        counts = np.concatenate([of_task.reshape(n, -1) for of_task in of_tasks], 1).astype(np.float32)
        columns[f"{COUNTS}{name}"] = pa.array(list(counts), pa.list_(pa.float32()))
    return pack_table(columns, schema)


def curve_table(part: Pack, curve: Curve, schema: TableSchema) -> pa.Table:
    """One row per trial of a stack and measured epoch: `trial_id, epoch`, then what was measured of every task."""
    known = {f"{split}_{each.name}" for split in SPLITS for each in schema.metrics}
    others = [Quantity(name, tuple(schema.task_names)) for name in curve.metrics if name not in known]
    columns: dict[str, Any] = {
        "trial_id": np.array(part.trial_ids)[curve.positions],
        "epoch": curve.epochs,
    }
    columns |= {name: values.astype(np.float32) for name, values in curve.metrics.items()}
    return pack_table(columns, replace(schema.add_metrics(others), hyperparameters=()))


def choose_weights(part: Pack, stack: FinishedStack, job: Job, data: DeviceData) -> dict[str, np.ndarray]:
    """The parameters of the trials of a stack that are to be kept, by id: of all that are completed, of none, or of
    those that no other of its trials beats in every task's values of one of the job's objectives on the split that
    chooses. Every frontier of what follows from such metrics (their means over tasks, ARE, ARFG, those of a task) is a
    part of them, but for ties and constraints."""
    completed = stack.status == "completed"
    if job.models == "none" or part.stage not in SEARCHED:
        return {}
    kept = np.zeros(len(part), dtype=bool)
    for metrics in job.objectives if job.models == "frontier" else ():
        of_metrics = [
            _compare_by(metric, stack.evaluation.values_of(metric, data.selection_split, data)) for metric in metrics
        ]
        values = np.concatenate(of_metrics, 1)
        values[~completed] = np.nan
        kept |= non_dominated(values)
    rows = np.flatnonzero(completed if job.models == "all" else kept)
    return {part.trial_ids[row]: stack.parameters[row] for row in rows}


def _compare_by(metric: Metric, values: np.ndarray) -> np.ndarray:
    """The losses that trials are compared by, `(n, columns)`, of values `(n, T)`. Of metrics of joint rows, which the
    task of the group never has and which are averaged over tasks that have a value: a missing one is the worst, and the
    mean is compared too."""
    losses = metric.loss(values)
    if metric.of_joint_rows is None:
        return losses
    known = ~np.isnan(values)
    total, count = np.where(known, values, 0).sum(1), known.sum(1)
    mean = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return np.concatenate([np.where(known, losses, _WORST), metric.loss(mean)[:, None]], 1)


def _name_type(space: MethodSpace, data: DeviceData, half: bool) -> str:
    """What most of a training is computed in. The built-in network has no layers that `half` changes."""
    if half and (space.network.named or space.network.module):
        return "bfloat16"
    can = data.device.type == "cuda" and data.dtype == torch.float32
    if can and torch.get_float32_matmul_precision() == "high":
        return "tf32"
    return str(data.dtype).removeprefix("torch.")


def fingerprint(device: torch.device) -> str:
    """Eight hexadecimal digits of the bits of one fixed training step on this worker.

    Numeric libraries choose their code by processor and sometimes by less. It is the column `numerics`: where it
    differs, a repeated trial agrees in distribution only; where it is the same, nothing is known to differ.
    """
    network = MultilayerPerceptron(numeric=7, categories=(3, 4), tasks=2, shared=(32,), head=(16,), embedding=10)
    parameters = network.initial([0, 1], torch.float32).to(device)
    wave = torch.arange(512 * 14, dtype=torch.float64).mul(0.37).sin().view(512, 14).float().to(device)
    labels = (wave[:, :2].T > 0).float()
    ones = torch.ones_like(labels)
    rows = Rows(wave, labels, ones, ones, (wave[:, 2:4].T > 0).long(), 2)
    weights = torch.full((2, 2), 0.5, device=device)
    hyper = {"task_weight": weights, "fairness_weight": weights, "head_ratio": weights}
    found = METHODS["mtaf"](LossSettings()).gradient(network, parameters, rows, hyper).parameters
    return hashlib.sha256(found.cpu().numpy().tobytes()).hexdigest()[:8]
