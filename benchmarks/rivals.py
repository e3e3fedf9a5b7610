"""What a researcher would write without packs: one ordinary PyTorch model per configuration, MTA-F by autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits


class Network(nn.Module):
    """The network of Wang et al. 2021 on the same one-hot rows: embeddings, shared layer, one head per task."""

    def __init__(self, numeric: int, categories: tuple[int, ...], tasks: int) -> None:
        super().__init__()
        self.numeric, self.categories = numeric, categories
        self.embeddings = nn.ModuleList(nn.Embedding(size, 10) for size in categories)
        self.shared = nn.Linear(numeric + 10 * len(categories), 32)
        self.heads = nn.ModuleList(nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1)) for _ in range(tasks))

    def forward(self, numeric: Tensor, codes: Tensor) -> list[Tensor]:
        embedded = [embedding(codes[:, i]) for i, embedding in enumerate(self.embeddings)]
        hidden = torch.relu(self.shared(torch.cat([numeric, *embedded], 1)))
        return [head(hidden)[:, 0] for head in self.heads]


def correlation(scores: Tensor, groups: Tensor) -> Tensor:
    """The summed absolute correlation of a subset."""
    if len(scores) == 0 or (groups == groups[0]).all():
        return scores.sum() * 0
    scores, groups = scores - scores.mean(), groups - groups.mean()
    spread = (scores.square().mean() * groups.square().mean()).sqrt() + 1e-6
    return len(scores) * (scores * groups).mean().abs() / spread


def train(rows: dict[str, Tensor], trial: dict[str, Any], seed: int) -> nn.Module:
    """One MTA-F trial, gradients of heads and shared layers apart, 512 rows a batch."""
    torch.manual_seed(seed)
    model = Network(rows["numeric"].shape[1], trial["categories"], rows["labels"].shape[1])
    optimizer = torch.optim.Adagrad(model.parameters(), lr=trial["learning_rate"], initial_accumulator_value=0.1)
    heads = list(model.heads.parameters())
    shared = [*model.embeddings.parameters(), *model.shared.parameters()]
    for _ in range(trial["epochs"]):
        for index in torch.randperm(len(rows["numeric"])).split(512):
            logits = model(rows["numeric"][index], rows["codes"][index])
            labels, groups = rows["labels"][index], rows["groups"][index]
            into_heads = into_shared = torch.zeros(())
            for t, logit in enumerate(logits):
                score, negative = torch.sigmoid(logit), labels[:, t] == 0
                exclusive = negative & (labels[:, 1 - t] == 1)
                accuracy = binary_cross_entropy_with_logits(logit, labels[:, t], reduction="sum")
                everywhere = correlation(score[negative], groups[negative])
                own = trial["head_ratio"] * correlation(score[exclusive], groups[exclusive])
                into_heads = into_heads + 0.5 * (accuracy + trial["fairness_weight"] * own)
                into_shared = into_shared + 0.5 * (accuracy + trial["fairness_weight"] * (everywhere - own))
            optimizer.zero_grad()
            of_heads = torch.autograd.grad(into_heads, heads, retain_graph=True)
            of_shared = torch.autograd.grad(into_shared, shared)
            for parameter, gradient in zip([*heads, *shared], [*of_heads, *of_shared], strict=True):
                parameter.grad = gradient
            optimizer.step()
    return model


def evaluate(model: nn.Module, rows: dict[str, Tensor]) -> dict[str, float]:
    """Error and FPR gap of every task at .5."""
    with torch.no_grad():
        decisions = np.stack([logit.numpy() >= 0 for logit in model(rows["numeric"], rows["codes"])], 1)
    labels, groups = rows["labels"].numpy(), rows["groups"].numpy()
    metrics = {}
    for t in range(labels.shape[1]):
        rates = [decisions[(labels[:, t] == 0) & (groups == group), t].mean() for group in (0, 1)]
        metrics[f"error_{t}"] = float((decisions[:, t] != labels[:, t]).mean())
        metrics[f"gap_{t}"] = float(abs(rates[0] - rates[1]))
    return metrics
