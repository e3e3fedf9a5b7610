"""The ordinary PyTorch module of one trial: a multilayer perceptron with a head for each task."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class Perceptron(nn.Module):
    """Shared layers, then one head per task, ReLU between layers; `embedding` 0 gives one-hot columns to the first.

    Maps `numeric` z-scores followed by one-hot columns of each categorical input `(B, numeric + sum(categories))`, as
    trials are trained on, or pictures, each read as one row, to the outputs of all tasks, `(B, O)`: one logit each, or
    as many as `outputs` says.
    """

    def __init__(
        self,
        numeric: int,
        categories: Sequence[int],
        tasks: int,
        shared: Sequence[int],
        head: Sequence[int],
        embedding: int = 0,
        outputs: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.widths = [numeric, *categories]
        self.embeddings = nn.ModuleList(
            nn.Linear(size, embedding, bias=False) for size in (categories if embedding else ())
        )
        width = numeric + (len(categories) * embedding if embedding else sum(categories))
        self.shared = nn.ModuleList(_layers([width, *shared]))
        self.heads = nn.ModuleList(nn.ModuleList(_layers([shared[-1], *head, own])) for own in outputs or (1,) * tasks)

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs `(B, O)`."""
        features = self.features(inputs)
        return torch.cat([_apply_head(head, features) for head in self.heads], -1)

    def features(self, inputs: Tensor) -> Tensor:
        """What all heads read, `(B, H)`."""
        numeric, *columns = inputs.flatten(1).split(self.widths, -1)
        if len(self.embeddings):
            columns = [embedding(column) for embedding, column in zip(self.embeddings, columns, strict=True)]
        hidden = torch.cat([numeric, *columns], -1)
        for layer in self.shared:
            hidden = layer(hidden).relu()
        return hidden


def _layers(widths: Sequence[int]) -> list[nn.Linear]:
    return [nn.Linear(above, below) for above, below in pairwise(widths)]


def _apply_head(head: nn.Module, hidden: Tensor) -> Tensor:
    *layers, last = head.children()
    for layer in layers:
        hidden = layer(hidden).relu()
    return last(hidden)
