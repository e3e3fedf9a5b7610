"""Metrics of trained stacks on every split, in one pass on the device."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from paretofair.methods import Method
from paretofair.metrics import confusion as counts
from paretofair.metrics import ranking, rates
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.metric import Metric
from paretofair.metrics.objectives import values_of_tasks
from paretofair.metrics.thresholds import rules
from paretofair.models import ALIGNMENT, StackedNetwork, align_length
from paretofair.tasks.known import slice_outputs
from paretofair.tasks.task import LabelledRows, Measured, Task
from paretofair.training.measuring.one_group import measure_one_group
from paretofair.training.measuring.own_metrics import measure_own
from paretofair.training.tensors import DeviceData, DeviceSplit

_CHUNK = 2048  # examples of a forward pass at most, so that activations stay in the cache
_CHUNK_VALUES = 1 << 25  # numbers that the largest layer of a trial may hold: 128 MiB


@dataclass(frozen=True)
class Threshold:
    """How a score becomes a decision.

    `base_rate`: at the training positive rate, found on validation rows of known label; where there is no validation
    split, by the rule of the published MTA-F code on the test scores. `least_error`: with the fewest errors on the
    split that chooses.
    `fixed`: probability at or above `value`.
    """

    rule: str = "base_rate"
    value: float = 0.5


@dataclass(frozen=True)
class Evaluation:
    """`metrics["<split>_<metric>"]` is `(K, T)`; `confusion[<split>]` has for each task the counts of the finest cells,
    `(K, cells, 6)` of `metrics.confusion`, of several classes `(K, cells, 2, C, C)` of `metrics.class_counts`.

    Where rows have weights both count by them, and `unweighted[<split>]` are the same counts of rows. `finite` `(K,)`:
    whether every logit is. Where one is not the numbers mean nothing.
    """

    metrics: dict[str, np.ndarray]
    confusion: dict[str, list[np.ndarray]]
    unweighted: dict[str, list[np.ndarray]]
    finite: np.ndarray

    def values_of(self, metric: Metric, split: str, data: DeviceData) -> np.ndarray:
        """Values `(K, T)` of any metric that a trial has on a split."""
        counts = self.confusion[split]
        found = values_of_tasks(
            metric, lambda name: self.metrics.get(f"{split}_{name}"), lambda: merge_by_task(counts, data)
        )
        assert found is not None, f"{metric.name} is measured, or follows from what is"
        return found

    @staticmethod
    def joined(parts: Sequence[Evaluation]) -> Evaluation:
        """One after the other."""

        def join(tables: Sequence[dict[str, list[np.ndarray]]]) -> dict[str, list[np.ndarray]]:
            by_task = {name: zip(*(table[name] for table in tables), strict=True) for name in tables[0]}
            return {name: [np.concatenate(of_task) for of_task in of_tasks] for name, of_tasks in by_task.items()}

        return Evaluation(
            {name: np.concatenate([part.metrics[name] for part in parts]) for name in parts[0].metrics},
            join([part.confusion for part in parts]),
            join([part.unweighted for part in parts]),
            np.concatenate([part.finite for part in parts]),
        )


def evaluate(
    network: StackedNetwork,
    parameters: Tensor,
    data: DeviceData,
    threshold: Threshold,
    method: Method | None = None,
    values: Mapping[str, np.ndarray] | None = None,
    *,
    splits: Sequence[str] | None = None,
    own_metrics: Sequence[Metric] = (),
) -> Evaluation:
    """Every headline metric of K trials on every split, and the user's own; the threshold is found once and applied to
    all. `splits`: on these alone, among them the one that chooses.

    A `method` with thresholds of its own, by the hyperparameters `values` of the trials, decides by those.
    """
    chosen = {name: split for name, split in data.splits.items() if splits is None or name in splits}
    outputs = {name: compute_outputs(network, parameters, split, data.alone) for name, split in chosen.items()}
    cut, by_group = decision_thresholds(outputs[data.selection_split], data, threshold, method, values)
    measured = {
        name: measure_outputs(
            *(outputs[name], cut, by_group, split, data, own_metrics),
            together=decide_together(outputs[name], cut, data, method, values),
        )
        for name, split in chosen.items()
    }
    finite = torch.stack([torch.isfinite(each).flatten(1).all(1) for each in outputs.values()]).all(0)
    return Evaluation(
        {f"{name}_{metric}": values for name, own in measured.items() for metric, values in own.metrics.items()},
        {name: own.counts for name, own in measured.items()},
        {name: own.unweighted for name, own in measured.items() if own.unweighted},
        finite.cpu().numpy(),
    )


def decision_thresholds(
    outputs: Tensor,
    data: DeviceData,
    threshold: Threshold,
    method: Method | None = None,
    values: Mapping[str, np.ndarray] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Thresholds on the logits of the T binary tasks, found on the outputs for the split that chooses `(K, O, n)`:
    common ones `(K, T)`, and where the method decides by group those `(K, T, groups)`."""
    binary = data.binary
    logits = binary.logits(outputs)
    cut = _find_threshold(logits, data, threshold)
    by_group = None
    if method is not None and logits.shape[1]:
        n_groups = max(data.n_groups[attribute] for attribute in data.acts_on)
        chosen_on = data.splits[data.selection_split]
        labels, groups = binary.of_tasks(chosen_on.labels), binary.of_tasks(chosen_on.groups)
        common = None if threshold.rule == "least_error" else cut
        told: Any = _keep_known(method, common, chosen_on.weights)
        by_group = method.thresholds(logits, labels, groups, n_groups, values or {}, **told)
    return cut, by_group


def _keep_known(method: Method, common: Tensor | None, weights: Tensor | None) -> dict[str, Tensor | None]:
    """What a method's `thresholds` is told beside the rows: what it asks for, and weights wherever there are any. One
    that knows no weights fails on rows that have them."""
    asked = inspect.signature(method.thresholds).parameters
    offered = {"common": common, "weights": weights}
    return {
        name: value for name, value in offered.items() if name in asked or (name == "weights" and value is not None)
    }


def decide_together(
    outputs: Tensor,
    cut: Tensor,
    data: DeviceData,
    method: Method | None,
    values: Mapping[str, np.ndarray] | None,
) -> Tensor | None:
    """The decisions `(K, T, n)` of a method that makes those of all binary tasks and rows of a split together, from
    outputs `(K, O, n)` and thresholds `(K, T)`; None for any other."""
    if method is None or type(method).decide is Method.decide:
        return None
    binary, train = data.binary, data.splits["train"]
    margins = binary.logits(outputs) - cut[..., None]
    return method.decide(margins, binary.of_tasks(train.labels), train.weights, values or {})


def decide_rows(
    outputs: Tensor,
    cut: Tensor,
    by_group: Tensor | None,
    split: DeviceSplit,
    data: DeviceData,
    together: Tensor | None = None,
) -> Tensor:
    """The label that is decided for every task and row, `(K, T, n)`, from outputs `(K, O, n)` and the thresholds of
    `decision_thresholds`, or for binary tasks as `decide_together` says."""
    binary = data.binary
    if together is None:
        together = binary.logits(outputs) >= _of_rows(cut, by_group, binary.of_tasks(split.groups))
    decided = iter(together.long().unbind(1))
    found = []
    for place, task in enumerate(data.predicted):
        own = _of_task(outputs, place, data)
        found.append(next(decided) if place in binary.places else task.decide(own, _in_vectors(task.scores, own)))
    return torch.stack(found, 1)


class MeasuredSplit(NamedTuple):
    """What was found on one split: `metrics` `(K, T)` by name, and the `counts` of each task as in `Evaluation`; where
    rows have weights also the `unweighted` ones, else none. `of_groups` are for each task its metrics of every
    group that it acts on, `(K, groups)`, by name."""

    metrics: dict[str, np.ndarray]
    counts: list[np.ndarray]
    unweighted: list[np.ndarray]
    of_groups: Sequence[Mapping[str, np.ndarray]] = ()


def measure_outputs(
    outputs: Tensor,
    cut: Tensor,
    by_group: Tensor | None,
    split: DeviceSplit,
    data: DeviceData,
    own_metrics: Sequence[Metric] = (),
    together: Tensor | None = None,
) -> MeasuredSplit:
    """Headline metrics of one split, the user's own, and the counts of each task, from outputs `(K, O, n)` and the
    thresholds of `decision_thresholds`; or from decisions that were made `together`."""
    binary = data.binary
    logits = binary.logits(outputs)
    decisions = logits >= _of_rows(cut, by_group, binary.of_tasks(split.groups)) if together is None else together
    probabilities = _in_vectors(torch.sigmoid, logits)
    found = measure_split(decisions, logits, probabilities, split, data)
    if len(found.counts) < len(data.tasks):
        found = _measure_kinds(outputs, found, split, data)
    if not own_metrics:
        return found

    @functools.cache
    def answer(place: int) -> tuple[Tensor, Tensor]:
        if place in binary.places:
            column = binary.places.index(place)
            return probabilities[:, column], decisions[:, column].long()
        task = data.predicted[place]
        own = _of_task(outputs, place, data)
        scores = _in_vectors(task.scores, own)
        return scores.movedim(1, -1), task.decide(own, scores)

    def rank(place: int) -> Tensor:
        """What ranks the rows: of a binary task its logits, which have fewer ties than scores."""
        if place in binary.places:
            return logits[:, binary.places.index(place)]
        return _in_vectors(data.predicted[place].scores, _of_task(outputs, place, data))

    of_one = measure_one_group(own_metrics, rank, found.of_groups, split, data)
    found = found._replace(metrics=found.metrics | of_one)
    own_metrics = [metric for metric in own_metrics if metric.of is None]
    own = measure_own(own_metrics, merge_by_task(found.counts, data), answer, split, data)
    return found._replace(metrics=found.metrics | own)


def _measure_kinds(outputs: Tensor, of_binary: MeasuredSplit, split: DeviceSplit, data: DeviceData) -> MeasuredSplit:
    """What was measured on the binary tasks, and what the others measure themselves, in the order of the tasks."""
    columns = {place: column for column, place in enumerate(data.binary.places)}
    of_tasks: list[Measured] = []
    for place, task in enumerate(data.predicted):
        if place in columns:
            column = columns[place]
            of_tasks.append(
                Measured(
                    {name: values[:, column] for name, values in of_binary.metrics.items()},
                    of_binary.counts[column],
                    of_binary.unweighted[column] if of_binary.unweighted else None,
                )
            )
            continue
        attribute = data.acts_on[place]
        rows = LabelledRows(
            split.labels[place],
            split.groups[place],
            split.cells,
            data.cells[:, attribute],
            data.n_groups[attribute],
            split.weights,
            split.units,
            split is data.splits["train"],
        )
        of_task = _of_task(outputs, place, data)
        of_tasks.append(task.measure(of_task, _in_vectors(task.scores, of_task), rows))
    names = dict.fromkeys(name for found in of_tasks for name in found.metrics)
    absent = np.full(len(outputs), np.nan)
    return MeasuredSplit(
        {name: np.stack([found.metrics.get(name, absent) for found in of_tasks], -1) for name in names},
        [found.counts for found in of_tasks],
        [found.unweighted for found in of_tasks if found.unweighted is not None],
        [found.of_groups for found in of_tasks],
    )


def measure_split(
    decisions: Tensor, scores: Tensor, probabilities: Tensor, split: DeviceSplit, data: DeviceData
) -> MeasuredSplit:
    """Headline metrics of the T binary tasks on one split, gaps for the attribute each task acts on, and the counts of
    each, `(K, cells, 6)`, from decisions, scores (which rank) and probabilities `(K, T, n)`."""
    binary = data.binary
    labels, groups = binary.of_tasks(split.labels), binary.of_tasks(split.groups)
    attributes = [data.acts_on[place] for place in binary.places]
    if not attributes:
        return MeasuredSplit({}, [], [])
    counted = decisions, probabilities, labels, split.cells, len(data.cells)
    confusion = counts.confusion(*counted, split.weights).cpu().numpy()
    unweighted = None if split.units is None else counts.confusion(*counted).cpu().numpy()
    n_groups = max(data.n_groups[attribute] for attribute in attributes)
    ranked = ranking.ranking_by_group(scores, labels, groups, n_groups, split.units)
    overall = confusion.sum(-2)
    average_precision, auc, auc_by_group = (each.cpu().numpy() for each in ranked)
    values = {"error": rates.error(overall), "realised_positive_rate": rates.positive_rate(overall)}
    values |= {"average_precision": average_precision, "auc": auc}
    gaps = (
        rates.fpr_gap,
        rates.tpr_gap,
        rates.fpr_gap_signed,
        rates.soft_fpr_gap,
        rates.soft_tpr_gap,
    )
    by_task = [
        rates.merge(confusion[:, task], data.cells[:, attribute], data.n_groups[attribute])
        for task, attribute in enumerate(attributes)
    ]
    values |= {gap.__name__: np.stack([gap(groups) for groups in by_task], -1) for gap in gaps}
    areas = [rates.auc_gap(auc_by_group[:, t, : groups.shape[-2]], groups) for t, groups in enumerate(by_task)]
    return MeasuredSplit(
        values | {"auc_gap": np.stack(areas, -1)},
        [confusion[:, task] for task in range(len(attributes))],
        [] if unweighted is None else [unweighted[:, task] for task in range(len(attributes))],
    )


def merge_by_task(counts: Sequence[np.ndarray], data: DeviceData) -> list[TaskCounts]:
    """The counts of each task in the groups that it acts on."""
    # Of a binary task the six of a cell, of several classes those of every pair of label and decision.
    of_tasks = [TaskCounts(each, 0 if each.ndim == 3 else each.shape[-1]) for each in counts]
    return [
        each.merge(data.cells[:, attribute], data.n_groups[attribute])
        for each, attribute in zip(of_tasks, data.acts_on, strict=True)
    ]


def compute_outputs(
    network: StackedNetwork, parameters: Tensor, split: DeviceSplit, task: Task | None = None
) -> Tensor:
    """Outputs `(K, O, n)`, or what a single `task` keeps of them; the rows are filled up to whole vectors and the
    filling dropped."""
    outputs = []
    for rows in torch.arange(len(split), device=split.cells.device).split(_chunk(network, parameters)):
        chunk = split.inputs.take(rows)
        filling = chunk.new_zeros(align_length(len(chunk)) - len(chunk), *chunk.shape[1:])
        out = network.forward(parameters, torch.cat([chunk, filling]))
        kept = out.logits if task is None else task.keep(out.logits, out.features)
        outputs.append(kept[..., : len(chunk)])
    return torch.cat(outputs, -1)


def _chunk(network: StackedNetwork, parameters: Tensor) -> int:
    """How many examples a pass takes. On a CPU the same for any number of trials, whose bits could depend on it."""
    trials = 1 if parameters.is_cpu or network.runs_apart(parameters.device, len(parameters)) else len(parameters)
    most = _CHUNK_VALUES // (network.values_per_example * trials) // ALIGNMENT * ALIGNMENT
    return max(ALIGNMENT, min(_CHUNK, most))


def _of_task(outputs: Tensor, place: int, data: DeviceData) -> Tensor:
    """What was kept of one task: one that keeps anything but its outputs stands alone."""
    return outputs if len(data.predicted) == 1 else outputs[:, slice_outputs(data.predicted)[place]]


def _in_vectors(function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    """`function` of values `(K, O, n)`, filled up to whole vectors, so that no row has the bits of a last few."""
    rows = values.shape[-1]
    return function(pad(values, (0, align_length(rows) - rows)))[..., :rows]


def _of_rows(cut: Tensor, by_group: Tensor | None, groups: Tensor) -> Tensor:
    """Thresholds `(K, T, n)` of rows with groups `(T, n)`: the group's, the common one where the group is unknown."""
    if by_group is None:
        return cut[..., None]
    of_group = by_group.gather(-1, groups.clamp_min(0).expand(len(by_group), *groups.shape))
    return torch.where(groups >= 0, of_group, cut[..., None])


def _find_threshold(logits: Tensor, data: DeviceData, threshold: Threshold) -> Tensor:
    """Thresholds on the logits of the binary tasks, which order rows as probabilities do but with fewer ties,
    `(K, T)`."""
    if threshold.rule == "fixed":
        return torch.logit(torch.full(logits.shape[:2], threshold.value, device=logits.device))
    split = data.splits[data.selection_split]
    labels = data.binary.of_tasks(split.labels)
    if threshold.rule == "least_error":
        return rules.least_error(logits, labels, weights=split.weights)
    find = rules.base_rate if data.selection_split == "validation" else rules.published_rule
    # The rate is that of known labels: rows of another source, say, where other things go with the label, have no part.
    return find(logits, data.binary.of_tasks(data.positive_rate), known=labels >= 0, weights=split.weights)
