"""How hard each group pulls at the parameters of K trials: gradients of cells, for the contribution disparity."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from paretofair.metrics.contribution import Disparity, contribution_disparity
from paretofair.models import StackedNetwork, align_length
from paretofair.training.tensors import DeviceData

_CHUNK = 2048  # rows of a pass


@torch.no_grad()
def disparities(network: StackedNetwork, parameters: Tensor, data: DeviceData) -> dict[str, np.ndarray]:
    """The contribution disparity of the first two groups of each task's attribute on the training rows.

    `<statistic>_<label>_<parameter>` by `(K, tasks)` array, the parameter `all` for all of them: see
    `metrics.contribution`. Each cell (group x label) of a task costs one pass over its rows. Not for modules, whose
    evaluation leaves no graph to differentiate, and for binary tasks alone.
    """
    tasks = []
    for task in range(len(data.tasks)):
        cells = torch.stack(
            [_gradient(network, parameters, data, task, group, y) for group in (0, 1) for y in (0, 1)], 1
        )
        named = {name: cells[..., columns].cpu().numpy() for name, columns in network.slices.items()}
        found = contribution_disparity(named)
        tasks.append(
            {
                f"{statistic}_{label}_{name}": getattr(disparity, statistic)[:, label]
                for name, disparity in found.items()
                for statistic in Disparity._fields
                for label in (0, 1)
            }
        )
    return {name: np.stack([of_task[name] for of_task in tasks], -1) for name in tasks[0]}


def _gradient(
    network: StackedNetwork, parameters: Tensor, data: DeviceData, task: int, group: int, label: int
) -> Tensor:
    """Gradient `(K, P)` of the summed cross-entropy of one task over the rows of one cell, each by its
    weight."""
    train = data.splits["train"]
    rows = torch.nonzero((train.groups[task] == group) & (train.labels[task] == label))[:, 0]
    total = torch.zeros_like(parameters)
    for chunk in rows.split(_CHUNK):
        filled = torch.cat([chunk, chunk[:1].expand(align_length(len(chunk)) - len(chunk))])
        out = network.forward(parameters, train.inputs.take(filled))
        cotangent = torch.zeros_like(out.logits)
        cotangent[:, task, : len(chunk)] = torch.sigmoid(out.logits[:, task, : len(chunk)]) - label
        if train.weights is not None:
            cotangent[:, task, : len(chunk)] *= train.weights[chunk].to(cotangent.dtype)
        total += network.backward(parameters, out, cotangent)
    return total
