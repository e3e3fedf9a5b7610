"""A module of shared layers and one head for each task: what every network by name is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class Headed(nn.Module):
    """`shared` makes features `(B, H)` of a batch; each of `heads` makes the outputs of one task of these.

    A head has linear layers of the widths `head` with ReLU between, and as many outputs as `outputs` says.
    """

    def __init__(self, shared: nn.Module, features: int, head: Sequence[int], outputs: Sequence[int]) -> None:
        super().__init__()
        self.shared = shared
        self.heads = nn.ModuleList(_make_head([features, *head, own]) for own in outputs)

    def forward(self, examples: Tensor, with_features: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Outputs of all tasks `(B, O)`, one task behind the other; with the features `(B, H)` where asked for."""
        features = self.shared(examples)
        outputs = torch.cat([head(features) for head in self.heads], -1)
        return (outputs, features) if with_features else outputs


def _make_head(widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for above, below in pairwise(widths):
        layers += [nn.Linear(above, below), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
