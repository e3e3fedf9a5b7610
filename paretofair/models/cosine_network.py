"""Any stacked network with a cosine head: its outputs become features, and the network's are cosines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from paretofair.models.network import Outputs, StackedNetwork, align_length

_SMALLEST = 1e-12  # lengths below it are taken for this
_SEED = 0x636F73696E65  # separates the initial directions from the initial values of the body


class _SavedCosines(NamedTuple):
    body: Outputs
    unit: Tensor  # (K, D, B)
    length: Tensor  # (K, 1, B)
    directions: Tensor  # (K, C, D)
    sizes: Tensor  # (K, C, 1)


@dataclass(frozen=True)
class CosineNetwork:
    """K networks whose outputs `(K, C, B)` are the cosines of the angles between features and C learned directions.

    `body` makes the features: it is a network of one task with `width` outputs. A trial's row holds the directions,
    then the row of the body.
    """

    body: StackedNetwork
    width: int
    identities: int

    tasks = 1

    @property
    def feature_width(self) -> int:
        """D."""
        return self.width

    @property
    def compilable(self) -> bool:
        """As the body."""
        return self.body.compilable

    @property
    def values_per_example(self) -> int:
        """As the body, or what the head reads and gives."""
        return max(self.body.values_per_example, self.width + self.identities)

    def runs_apart(self, device: torch.device, trials: int) -> bool:
        """As the body."""
        return self.body.runs_apart(device, trials)

    @property
    def pads(self) -> bool:
        """As the body."""
        return self.body.pads

    @property
    def stochastic(self) -> bool:
        """As the body."""
        return self.body.stochastic

    @cached_property
    def _head(self) -> int:
        return align_length(self.identities * self.width)

    @property
    def size(self) -> int:
        """P."""
        return self._head + self.body.size

    @property
    def trainable(self) -> int:
        """The directions and what the body trains."""
        return self._head + self.body.trainable

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Columns of every trained parameter in the row."""
        of_body = {name: slice(self._head + own.start, self._head + own.stop) for name, own in self.body.slices.items()}
        return {"directions": slice(0, self.identities * self.width), **of_body}

    def initial(self, seeds: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Directions are Glorot uniform; row k of the result `(K, P)` is a function of `seeds[k]` alone."""
        limit = (6 / (self.identities + self.width)) ** 0.5
        known: dict[int, Tensor] = {}
        for seed in seeds:
            if seed not in known:
                generator = torch.Generator().manual_seed(seed ^ _SEED)
                known[seed] = torch.zeros(self._head)
                known[seed][: self.identities * self.width].uniform_(-limit, limit, generator=generator)
        return torch.cat([torch.stack([known[seed] for seed in seeds]).to(dtype), self.body.initial(seeds, dtype)], 1)

    def module(self, row: Tensor) -> CosineModule:
        """The ordinary module with the parameters of one trial's row `(P,)`, in evaluation mode."""
        directions = row[: self.identities * self.width].view(self.identities, self.width)
        return CosineModule(self.body.module(row[self._head :]), directions.clone()).eval()

    def forward(
        self, parameters: Tensor, inputs: Tensor, streams: Sequence[int] | None = None, *, common: bool = True
    ) -> Outputs:
        """Cosines `(K, C, B)`, and the features `(K, D, B)` as they are before they are normalised."""
        out = self.body.forward(parameters[:, self._head :], inputs, streams, common=common)
        length = out.logits.square().sum(1, keepdim=True).sqrt().clamp_min(_SMALLEST)
        unit = out.logits / length
        weight = parameters[:, : self.identities * self.width].view(-1, self.identities, self.width)
        sizes = weight.square().sum(-1, keepdim=True).sqrt().clamp_min(_SMALLEST)
        directions = weight / sizes
        saved = _SavedCosines(out, unit, length, directions, sizes)
        return Outputs(torch.bmm(directions, unit), saved, out.logits)

    def backward(
        self,
        parameters: Tensor,
        out: Outputs,
        shared: Tensor,
        heads: Tensor | None = None,
        features: Tensor | None = None,
    ) -> Tensor:
        """Gradient `(K, P)` from cotangents of the cosines `(K, C, B)`: `heads` (`shared` where None) moves the
        directions, `shared`, and `features` `(K, D, B)` beside it, the body."""
        saved: _SavedCosines = out.saved
        of_directions = torch.bmm(shared if heads is None else heads, saved.unit.mT)
        of_weight = _through_length(of_directions, saved.directions, -1) / saved.sizes
        of_features = _through_length(torch.bmm(saved.directions.mT, shared), saved.unit, 1) / saved.length
        if features is not None:
            of_features = of_features + features
        of_body = self.body.backward(parameters[:, self._head :], saved.body, of_features)
        filling = self._head - self.identities * self.width
        return torch.cat([of_weight.flatten(1), parameters.new_zeros(len(parameters), filling), of_body], 1)


class CosineModule(nn.Module):
    """Inputs to cosines `(B, C)` with the identities of training; `features` are what identities are compared by."""

    def __init__(self, body: nn.Module, directions: Tensor) -> None:
        super().__init__()
        self.body = body
        self.directions = nn.Parameter(directions)

    def features(self, inputs: Any) -> Tensor:
        """`(B, D)`."""
        found: Tensor = self.body(inputs)
        return found

    def forward(self, inputs: Any) -> Tensor:
        return self.compare(self.features(inputs))

    def compare(self, features: Tensor) -> Tensor:
        """The cosines `(B, C)` of features that are there already."""
        unit = nn.functional.normalize(features, dim=1)
        return unit @ nn.functional.normalize(self.directions, dim=1).T


def _through_length(cotangent: Tensor, unit: Tensor, axis: int) -> Tensor:
    """The part of a cotangent that turns a unit vector, and does not stretch it."""
    return cotangent - unit * (unit * cotangent).sum(axis, keepdim=True)
