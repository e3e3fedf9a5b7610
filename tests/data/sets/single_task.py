"""What small networks of one task each reach on a data set: to compare simulated data with real ones."""

import itertools

import numpy as np
import torch

from paretofair.data import Dataset, Splits, split


def inputs(splits: Splits, part: str) -> torch.Tensor:
    """z-scores and one-hot categories: (rows, inputs)."""
    return torch.tensor(splits.inputs.encode(getattr(splits, part).rows), dtype=torch.float32)


def single_task_results(
    data: Dataset,
    attribute: str = "sex",
    *,
    seeds: int = 3,
    units: tuple[int, int] = (32, 16),
    epochs: int = 60,
    batch: int = 512,
    learning_rate: float = 0.08,
    test_seed: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Test error and signed FPR gap (first group minus second) by task: means over seeds of networks trained
    side by side.

    A perceptron per task and seed, Adagrad; the threshold is at the base rate.
    """
    splits = split(data, validation=0, scale_with_test=True, test_seed=test_seed)
    train, test = inputs(splits, "train"), inputs(splits, "test")
    tasks = np.repeat([0, 1], seeds)
    labels = torch.tensor(splits.train.labels[:, tasks], dtype=torch.float32)
    generator = torch.Generator().manual_seed(0)
    sizes = [train.shape[1], *units, 1]
    weights = [
        torch.randn(len(tasks), fan_in, fan_out, generator=generator).mul(fan_in**-0.5).requires_grad_()
        for fan_in, fan_out in itertools.pairwise(sizes)
    ]
    biases = [torch.zeros(len(tasks), 1, fan_out, requires_grad=True) for fan_out in sizes[1:]]

    def scores(rows: torch.Tensor) -> torch.Tensor:
        hidden = rows.expand(len(tasks), -1, -1)
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            hidden = torch.baddbmm(bias, hidden, weight)
            hidden = hidden.relu() if layer < 2 else hidden
        return hidden[..., 0].T

    optimizer = torch.optim.Adagrad([*weights, *biases], lr=learning_rate, initial_accumulator_value=0.1)
    loss = torch.nn.BCEWithLogitsLoss(reduction="sum")
    for _ in range(epochs):
        for rows in torch.randperm(len(train), generator=generator).split(batch):
            optimizer.zero_grad()
            loss(scores(train[rows]), labels[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        found = scores(test).numpy()
    group = splits.test.groups[:, splits.dataset.attributes.index(attribute)]
    errors, gaps = [], []
    for column, task in enumerate(tasks):
        truth, positives = splits.test.labels[:, task], splits.train.labels[:, task].mean()
        predicted = found[:, column] >= np.quantile(found[:, column], 1 - positives)
        errors.append((predicted != truth).mean())
        first, second = (predicted[(truth == 0) & (group == member)].mean() for member in (0, 1))
        gaps.append(first - second)
    return np.reshape(errors, (2, seeds)).mean(axis=1), np.reshape(gaps, (2, seeds)).mean(axis=1)
