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
from paretofair.metrics.objectives import values_of_tasks
from paretofair.metrics.registry import Metric
from paretofair.models import StackedNetwork, align_length
from paretofair.training.measuring.own_metrics import measure_own
from paretofair.training.tensors import DeviceData, DeviceSplit

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

    `finite` `(K,)`: whether every logit is. Where one is not the numbers mean nothing.
    """

    metrics: dict[str, np.ndarray]
    confusion: dict[str, np.ndarray]
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
        return Evaluation(
            {name: np.concatenate([part.metrics[name] for part in parts]) for name in parts[0].metrics},
            {name: np.concatenate([part.confusion[name] for part in parts]) for name in parts[0].confusion},
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
    scores = {name: logits_and_probabilities(network, parameters, split.inputs) for name, split in chosen.items()}
    logits = {name: each[0] for name, each in scores.items()}
    cut, by_group = decision_thresholds(logits[data.selection_split], data, threshold, method, values)
    metrics: dict[str, np.ndarray] = {}
    confusion: dict[str, np.ndarray] = {}
    for name, split in chosen.items():
        decisions = logits[name] >= _of_rows(cut, by_group, split.groups)
        of_split, confusion[name] = measure_split(decisions, *scores[name], split, data, own_metrics)
        metrics |= {f"{name}_{metric}": value for metric, value in of_split.items()}
    finite = torch.stack([torch.isfinite(each).flatten(1).all(1) for each in logits.values()]).all(0)
    return Evaluation(metrics, confusion, finite.cpu().numpy())


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
        by_group = method.thresholds(logits, chosen_on.labels, chosen_on.groups, n_groups, values or {})
    return _find_threshold(logits, data, threshold), by_group


def measure_split(
    decisions: Tensor,
    scores: Tensor,
    probabilities: Tensor,
    split: DeviceSplit,
    data: DeviceData,
    own_metrics: Sequence[Metric] = (),
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Headline metrics `(K, T)` of one split, gaps for the attribute each task acts on, the user's own, and its
    confusion `(K, T, cells, 6)`, from decisions, scores (which rank) and probabilities `(K, T, n)`."""
    confusion = counts.confusion(decisions, probabilities, split.labels, split.cells, len(data.cells)).cpu().numpy()
    n_groups = max(data.n_groups[attribute] for attribute in data.acts_on)
    ranked = ranking.ranking_by_group(scores, split.labels, split.groups, n_groups)
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
    by_task = merge_by_task(confusion, data)
    values |= {gap.__name__: np.stack([gap(groups) for groups in by_task], -1) for gap in gaps}
    areas = [rates.auc_gap(auc_by_group[:, t, : groups.shape[-2]], groups) for t, groups in enumerate(by_task)]
    values |= {"auc_gap": np.stack(areas, -1)}
    return values | measure_own(own_metrics, by_task, decisions, probabilities, split), confusion


def merge_by_task(confusion: np.ndarray, data: DeviceData) -> list[np.ndarray]:
    """Counts `(K, T, cells, 6)` in the groups that each task acts on, `(K, groups, 6)` by task."""
    return [
        rates.merge(confusion[:, task], data.cells[:, attribute], data.n_groups[attribute])
        for task, attribute in enumerate(data.acts_on)
    ]


def logits_and_probabilities(network: StackedNetwork, parameters: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and probabilities `(K, T, n)`; the rows are filled up to whole vectors and the filling dropped."""
    logits, probabilities = [], []
    for start in range(0, len(inputs), _CHUNK):
        chunk = inputs[start : start + _CHUNK]
        filling = chunk.new_zeros(align_length(len(chunk)) - len(chunk), chunk.shape[1])
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
    return find(logits, data.positive_rate)
