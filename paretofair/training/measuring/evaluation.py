"""Metrics of trained stacks on every split, in one pass on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from paretofair.methods import Method
from paretofair.metrics import confusion as counts
from paretofair.metrics import ranking, rates, thresholds
from paretofair.models import StackedNetwork, align_length
from paretofair.training.tensors import DeviceData, DeviceSplit

# Metrics that every trial has for every split and task.
HEADLINE = (
    *("error", "realised_positive_rate", "average_precision", "auc"),
    *("fpr_gap", "tpr_gap", "fpr_gap_signed", "soft_fpr_gap", "soft_tpr_gap", "auc_gap"),
)
_CHUNK = 2048  # examples of a forward pass, so that activations stay in the cache


@dataclass(frozen=True)
class Threshold:
    """How a score becomes a decision.

    `base_rate`: at the training positive rate, found on validation; where there is no validation split, by the rule
    of the published MTA-F code on the test scores. `fixed`: probability at or above `value`.
    """

    rule: str = "base_rate"
    value: float = 0.5


@dataclass(frozen=True)
class Evaluation:
    """`metrics["<split>_<metric>"]` is `(K, T)`; `confusion[<split>]` is `(K, T, cells, 6)`, see metrics.confusion.

    Where rows have weights both count by them, and `unweighted[<split>]` are the same counts of rows. `finite` `(K,)`:
    whether every logit is. Where one is not the numbers mean nothing.
    """

    metrics: dict[str, np.ndarray]
    confusion: dict[str, np.ndarray]
    unweighted: dict[str, np.ndarray]
    finite: np.ndarray

    @staticmethod
    def joined(parts: Sequence[Evaluation]) -> Evaluation:
        """One after the other."""

        def join(tables: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
            return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}

        return Evaluation(
            join([part.metrics for part in parts]),
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
) -> Evaluation:
    """Every headline metric of K trials on every split; the threshold is found once and applied to all. `splits`: on
    these alone, among them the one that chooses.

    A `method` with thresholds of its own, by the hyperparameters `values` of the trials, decides by those.
    """
    chosen = {name: split for name, split in data.splits.items() if splits is None or name in splits}
    scores = {name: logits_and_probabilities(network, parameters, split) for name, split in chosen.items()}
    logits = {name: each[0] for name, each in scores.items()}
    cut, by_group = decision_thresholds(logits[data.selection_split], data, threshold, method, values)
    metrics: dict[str, np.ndarray] = {}
    confusion: dict[str, np.ndarray] = {}
    unweighted: dict[str, np.ndarray] = {}
    for name, split in chosen.items():
        decisions = logits[name] >= _of_rows(cut, by_group, split.groups)
        of_split, confusion[name] = measure_split(decisions, *scores[name], split, data)
        if split.units is not None:
            unweighted[name] = count_cells(decisions, scores[name][1], split, len(data.cells)).cpu().numpy()
        metrics |= {f"{name}_{metric}": value for metric, value in of_split.items()}
    finite = torch.stack([torch.isfinite(each).flatten(1).all(1) for each in logits.values()]).all(0)
    return Evaluation(metrics, confusion, unweighted, finite.cpu().numpy())


def decision_thresholds(
    logits: Tensor,
    data: DeviceData,
    threshold: Threshold,
    method: Method | None = None,
    values: Mapping[str, np.ndarray] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Thresholds on logits, found on those of the split that chooses `(K, T, n)`: common ones `(K, T)`, and where the
    method decides by group those `(K, T, groups)`."""
    by_group = None
    if method is not None:
        n_groups = max(data.n_groups[attribute] for attribute in data.acts_on)
        chosen_on = data.splits[data.selection_split]
        own = chosen_on.labels, chosen_on.groups, n_groups
        by_group = method.thresholds(logits, *own, values or {}, chosen_on.weights)
    return _find_threshold(logits, data, threshold), by_group


def measure_split(
    decisions: Tensor, scores: Tensor, probabilities: Tensor, split: DeviceSplit, data: DeviceData
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Headline metrics `(K, T)` of one split, gaps for the attribute each task acts on, and its confusion
    `(K, T, cells, 6)`, from decisions, scores (which rank) and probabilities `(K, T, n)`."""
    confusion = count_cells(decisions, probabilities, split, len(data.cells), split.weights).cpu().numpy()
    n_groups = max(data.n_groups[attribute] for attribute in data.acts_on)
    ranked = ranking.ranking_by_group(scores, split.labels, split.groups, n_groups, split.units)
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
        for task, attribute in enumerate(data.acts_on)
    ]
    values |= {gap.__name__: np.stack([gap(groups) for groups in by_task], -1) for gap in gaps}
    areas = [rates.auc_gap(auc_by_group[:, t, : groups.shape[-2]], groups) for t, groups in enumerate(by_task)]
    return values | {"auc_gap": np.stack(areas, -1)}, confusion


def count_cells(
    decisions: Tensor, probabilities: Tensor, split: DeviceSplit, n_cells: int, weights: Tensor | None = None
) -> Tensor:
    """Counts `(K, T, cells, 6)` of a split, of rows or by weights."""
    return counts.confusion(decisions, probabilities, split.labels, split.cells, n_cells, weights)


def logits_and_probabilities(network: StackedNetwork, parameters: Tensor, split: DeviceSplit) -> tuple[Tensor, Tensor]:
    """Logits and probabilities `(K, T, n)`; the rows are filled up to whole vectors and the filling dropped."""
    logits, probabilities = [], []
    for rows in torch.arange(len(split), device=split.cells.device).split(_CHUNK):
        chunk = split.inputs.take(rows)
        filling = chunk.new_zeros(align_length(len(chunk)) - len(chunk), *chunk.shape[1:])
        out = network.forward(parameters, torch.cat([chunk, filling])).logits
        logits.append(out[..., : len(chunk)])
        probabilities.append(torch.sigmoid(out)[..., : len(chunk)])
    return torch.cat(logits, -1), torch.cat(probabilities, -1)


def _of_rows(cut: Tensor, by_group: Tensor | None, groups: Tensor) -> Tensor:
    """Thresholds `(K, T, n)` of rows with groups `(T, n)`: the group's, the common one where the group is unknown."""
    if by_group is None:
        return cut[..., None]
    of_group = by_group.gather(-1, groups.clamp_min(0).expand(len(by_group), *groups.shape))
    return torch.where(groups >= 0, of_group, cut[..., None])


def _find_threshold(logits: Tensor, data: DeviceData, threshold: Threshold) -> Tensor:
    """Thresholds on logits, which order rows as probabilities do but with fewer ties, `(K, T)`."""
    if threshold.rule == "fixed":
        return torch.logit(torch.full(logits.shape[:2], threshold.value, device=logits.device))
    find = thresholds.base_rate if data.selection_split == "validation" else thresholds.published_rule
    return find(logits, data.positive_rate, weights=data.splits[data.selection_split].weights)
