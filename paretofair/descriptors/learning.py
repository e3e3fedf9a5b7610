"""Fits a descriptor model to examples: mean filter responses of its chains become those of the examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from paretofair.descriptors.energy import ConvolutionEnergy, FilterEnergy, begin_convolutions, begin_filters
from paretofair.descriptors.langevin import walk

_BATCH = 1024  # examples behind a gradient of the filters
_NOISE = 0.5  # that denoising takes away


@dataclass(frozen=True)
class Learning:
    """How a model is learned. Nothing of this is published but the form of the energy, so all of it can be set.

    Attributes:
        filters: How many.
        kernel, stride: Of images, the side of a filter in pixels, and the pixels between its places.
        whiten: Rows of numbers become uncorrelated with variance 1, along their principal directions, and not z-scores
            alone. Where embeddings are strongly correlated, z-scores reach tens of σ along the first directions, and
            filters that carry the model so far out leave valleys that no chain crosses.
        sigma: Of the Gaussian.
        chains: Persistent chains. They begin at examples: from noise they would need thousands of steps along those
            directions in which examples are far apart.
        step_size, steps: ε of the walk, and its steps between two updates of the model.
        filter_updates: Updates of filters and offsets by Adam of this `rate`, with those of the weights between them.
        weight_updates: Updates of the weights alone behind these: with fixed filters the likelihood is concave, and its
            maximum is where the mean responses match.
        bank: Samples that are kept with the model.
        seed: Of everything random.
    """

    filters: int = 128
    kernel: int = 5
    stride: int = 2
    whiten: bool = True
    sigma: float = 1.0
    chains: int = 512
    step_size: float = 0.3
    steps: int = 5
    filter_updates: int = 100
    weight_updates: int = 500
    rate: float = 0.0003
    bank: int = 1760
    seed: int = 0

    @property
    def updates(self) -> int:
        """All updates of the model."""
        return self.filter_updates + self.weight_updates


@dataclass(frozen=True)
class Standard:
    """How examples become what a model reads, and back: z-scores by `mean` and `scale`, of rows of numbers also turned
    by `inward` `(width, r)`, with `outward` `(r, width)` back; None where they are not."""

    mean: Tensor
    scale: Tensor
    inward: Tensor | None = None
    outward: Tensor | None = None

    @staticmethod
    def of(examples: Tensor, whiten: bool) -> Standard:
        """What makes these examples standard. Directions in which they do not differ are left out,
        and of few examples all but one in four: along more each of them is as far from the mean as any other."""
        mean, deviation = examples.mean(0), examples.std(0, correction=0)
        plain = Standard(mean, torch.where(deviation > 0, deviation, torch.ones_like(deviation)))
        if not whiten or examples.dim() > 2:
            return plain
        scores = plain.apply(examples).double()
        variances, directions = torch.linalg.eigh(scores.T @ scores / len(scores))
        used = variances > 1e-5 * variances[-1]
        used[: -max(1, len(examples) // 4)] = False
        directions, deviations = directions[:, used], variances[used].sqrt()
        inward, outward = directions / deviations, (directions * deviations).T
        return Standard(plain.mean, plain.scale, inward.to(mean).contiguous(), outward.to(mean).contiguous())

    def apply(self, examples: Tensor) -> Tensor:
        """Examples as a model reads them."""
        scores = (examples - self.mean) / self.scale
        return scores if self.inward is None else scores @ self.inward

    def restore(self, samples: Tensor) -> Tensor:
        """Samples of a model as a network reads examples."""
        scores = samples if self.outward is None else samples @ self.outward
        return scores * self.scale + self.mean


@dataclass(frozen=True)
class Descriptor:
    """A learned model and what it was fitted to. `chains` `(C, *shape)` are the persistent ones at the end of learning,
    `bank` `(M, *shape)` samples drawn after it; both standardised."""

    energy: FilterEnergy | ConvolutionEnergy
    standard: Standard
    chains: Tensor
    bank: Tensor
    step_size: float


def learn(examples: Tensor, how: Learning, progress: Callable[[int, int], None] | None = None) -> Descriptor:
    """The model of examples `(n, width)` or images `(n, channels, height, width)`, float32 on any device.

    `progress` is told updates done and updates in all. Two calls with the same arguments on the same machine and number
    of threads give the same bits.
    """
    generator = torch.Generator().manual_seed(how.seed)
    standard = Standard.of(examples, how.whiten)
    data = standard.apply(examples)
    model: FilterEnergy | ConvolutionEnergy
    if data.dim() == 2:
        model = begin_filters(data, how.filters, how.sigma, generator)
    else:
        model = begin_convolutions(data, how.filters, how.kernel, how.stride, how.sigma, generator)
    first = torch.cat([torch.randperm(len(data), generator=generator) for _ in range(-(-how.chains // len(data)))])
    chains = data[first[: how.chains].to(data.device)]
    wanted, adam = _mean_responses(model, data), [_Adam(each, how.rate) for each in model.parameters[:2]]
    model = model.with_parameters(*model.parameters[:2], _match_noise(model, data, generator))
    averaged, count = torch.zeros_like(model.weights), 0
    for update in range(how.updates):
        chains = walk(model, chains, how.steps, how.step_size, generator)
        filters, offsets, weights = model.parameters
        if update < how.filter_updates:
            batch = data[torch.randint(len(data), (_BATCH,), generator=generator).to(data.device)]
            moves = _filter_gradients(model, batch, chains)
            filters, offsets = (
                each + own.move(move) for each, own, move in zip((filters, offsets), adam, moves, strict=True)
            )
            model = model.with_parameters(filters, offsets, weights)
            wanted, rate = _mean_responses(model, data), 0.1
        else:
            # Steps whose sum has no end while the sum of their squares has one (Robbins and Monro).
            rate = 3 / (30 + update - how.filter_updates)
        responses = model.responses(chains)
        gap = wanted - responses.mean(0)
        model = model.with_parameters(filters, offsets, weights + rate * gap / _spread(model.responses(data[:4096])))
        if update >= how.filter_updates + how.weight_updates // 2:
            averaged, count = averaged + model.weights, count + 1
        if progress is not None:
            progress(update + 1, how.updates)
    if count:  # the mean of a path of noisy steps is nearer to where it leads than its end (Polyak and Juditsky)
        model = model.with_parameters(*model.parameters[:2], averaged / count)
    bank, own = list[Tensor](), chains
    while len(bank) * len(chains) < how.bank:
        # Far enough apart that a chain has forgotten where it was, along most directions.
        own = walk(model, own, 4 * how.steps, how.step_size, generator)
        bank.append(own)
    samples = torch.cat(bank)[: how.bank] if bank else chains[:0]
    return Descriptor(model, standard, chains, samples, how.step_size)


class _Adam:
    """Ascent by Adam (β = .9, .999) on one tensor."""

    def __init__(self, like: Tensor, rate: float) -> None:
        self.rate, self._first, self._second, self._count = rate, torch.zeros_like(like), torch.zeros_like(like), 0

    def move(self, gradient: Tensor) -> Tensor:
        """How far the tensor moves."""
        self._count += 1
        self._first = 0.9 * self._first + 0.1 * gradient
        self._second = 0.999 * self._second + 0.001 * gradient.square()
        first = self._first / (1 - 0.9**self._count)
        second = self._second / (1 - 0.999**self._count)
        return self.rate * first / (second.sqrt() + 1e-8)


def _mean_responses(model: FilterEnergy | ConvolutionEnergy, examples: Tensor) -> Tensor:
    total = torch.zeros_like(model.weights, dtype=torch.float64)
    for chunk in examples.split(4096):
        total += model.responses(chunk).double().sum(0)
    return (total / len(examples)).to(examples.dtype)


def _spread(responses: Tensor) -> Tensor:
    """The variance of the responses of examples, no smaller than a thousandth of its mean: how strongly a mean response
    follows its weight."""
    variance = responses.var(0)
    return variance.clamp_min(1e-3 * float(variance.mean()) + 1e-12)


def _match_noise(model: FilterEnergy | ConvolutionEnergy, data: Tensor, generator: torch.Generator) -> Tensor:
    """The weights with which one step of denoising leads from noisy examples back to them (score matching, Vincent
    2011): where learning begins, since chains that begin at examples then stay near them. Of images 0."""
    if isinstance(model, ConvolutionEnergy):
        return model.weights
    noise = torch.randn(data.shape, generator=generator).to(data)
    noisy = data + _NOISE * noise
    on = (functional.linear(noisy, model.filters, model.offsets) > 0).to(data.dtype)
    target = noisy / model.sigma**2 - noise / _NOISE
    products = (on.T @ on / len(data)) * (model.filters @ model.filters.T)
    wanted = (on * functional.linear(target, model.filters)).mean(0)
    ridge = 1e-2 * products.diagonal().mean() * torch.eye(len(wanted)).to(data)
    return torch.linalg.solve(products + ridge, wanted)


def _filter_gradients(model: FilterEnergy | ConvolutionEnergy, data: Tensor, chains: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of the mean log-likelihood by filters and offsets: of the examples less of the chains."""
    filters, offsets = (each.detach().requires_grad_() for each in model.parameters[:2])
    own = model.with_parameters(filters, offsets, model.weights)
    with torch.enable_grad():
        gain = [(own.responses(each) * model.weights).sum() / len(each) for each in (data, chains)]
        found = torch.autograd.grad(gain[0] - gain[1], (filters, offsets))
    return found[0], found[1]
