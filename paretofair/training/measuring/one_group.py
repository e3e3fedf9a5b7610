"""Metrics of one group alone: the area under its ROC curve, or the angles of its identities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from paretofair.metrics import ranking
from paretofair.metrics.metric import Metric
from paretofair.training.tensors import DeviceData, DeviceSplit


def measure_one_group(
    metrics: Iterable[Metric],
    scores: Callable[[int], Tensor],
    of_groups: Sequence[Mapping[str, np.ndarray]],
    split: DeviceSplit,
    data: DeviceData,
) -> dict[str, np.ndarray]:
    """Values `(K, T)` by name of the metrics that are `of` one group; NaN where the task has none, or no rows.

    `scores` gives what ranks the rows of a task, `(K, n)`, or of several classes `(K, C, n)`; `of_groups` are the
    metrics by group, `(K, groups)`, that each task has measured itself.

    Raises ValueError for a group or an attribute that the data do not have.
    """
    found = {}
    for metric in metrics:
        if metric.of is None:
            continue
        columns = []
        for place in range(len(data.tasks)):
            attribute, group = find_group(metric, place, data)
            if metric.of.metric == "auc":
                columns.append(_measure_auc(scores(place), place, attribute, group, split, data))
            elif attribute == data.acts_on[place] and metric.of.metric in of_groups[place]:
                columns.append(of_groups[place][metric.of.metric][:, group])
            else:
                columns.append(np.full(len(scores(place)), np.nan))
        found[metric.name] = np.stack(columns, -1)
    return found


def find_group(metric: Metric, place: int, data: DeviceData) -> tuple[int, int]:
    """The places of the attribute and the group that a metric is of, for the task at a place. Raises ValueError where
    the data have no such group."""
    assert metric.of is not None
    own = data.attributes[data.acts_on[place]] if metric.of.attribute is None else metric.of.attribute
    if own not in data.attributes:
        raise ValueError(f"metrics.{metric.name}.attribute: found {own}; expected {', '.join(data.attributes)}")
    names = data.group_names[own]
    if metric.of.group not in names:
        raise ValueError(f"metrics.{metric.name}.group: found {metric.of.group}; expected {', '.join(names)}")
    return data.attributes.index(own), names.index(metric.of.group)


def _measure_auc(
    scores: Tensor, place: int, attribute: int, group: int, split: DeviceSplit, data: DeviceData
) -> np.ndarray:
    """`(K,)`; of several classes the mean over classes, each against the rest."""
    member = torch.from_numpy(data.cells[:, attribute] == group).to(split.cells.device)[split.cells]
    labels = torch.where(member, split.labels[place], -1)
    if scores.dim() == 2:
        found = ranking.auc(scores, labels, split.units)
    else:
        of_classes = one_hot(labels.long().clamp_min(0), scores.shape[1]).T
        found = ranking.auc(scores, torch.where(labels >= 0, of_classes, -1), split.units).mean(1)
    return np.asarray(found.cpu().numpy())
