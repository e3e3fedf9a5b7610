"""How well a descriptor model was learned: what chains of it show that go on walking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from paretofair.descriptors.langevin import propose, walk
from paretofair.descriptors.learning import Descriptor

_SHARES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)


@dataclass(frozen=True)
class Diagnostics:
    """What is compared of examples and samples.

    Attributes:
        of_examples, of_samples: `(A,)` mean responses of every filter (of images, and place): of the examples, and over
            all states of the chains.
        error: `(A,)` standard error of `of_samples`, from the differences between chains.
        acceptance: Mean probability with which a corrected walk would take a step; near 1 where steps are small enough.
        mixing: Correlation of the mean response of a chain with itself after each number of `lags` steps.
        lags: These numbers.
        energy_of_examples, energy_of_samples: Energies `(n,)` and `(chains,)`.
    """

    of_examples: np.ndarray
    of_samples: np.ndarray
    error: np.ndarray
    acceptance: float
    mixing: np.ndarray
    lags: np.ndarray
    energy_of_examples: np.ndarray
    energy_of_samples: np.ndarray

    @property
    def mismatch(self) -> float:
        """The mean over filters of the difference of the responses, over their mean: .01 is one percent."""
        return float(np.abs(self.of_samples - self.of_examples).mean() / self.of_examples.mean())

    @property
    def noise(self) -> float:
        """What `mismatch` would be by chance alone, from the standard errors."""
        return float(np.sqrt(2 / np.pi) * self.error.mean() / self.of_examples.mean())

    def rows(self) -> list[dict[str, float | str]]:
        """One row for each number, as a table `what, place, examples, samples`.

        `mismatch` (`mismatch`, and what it would be by chance alone), `acceptance`, `response` (place: number of the
        filter), `correlation` (place: steps after which a chain is compared with itself), `energy` (place: share of
        examples and of samples below it).
        """
        nan = float("nan")

        def line(what: str, place: float, examples: float, samples: float) -> dict[str, float | str]:
            return {"what": what, "place": place, "examples": float(examples), "samples": float(samples)}

        found = [line("mismatch", nan, nan, self.mismatch), line("mismatch by chance", nan, nan, self.noise)]
        found.append(line("acceptance", nan, nan, self.acceptance))
        found += [
            line("response", number, *pair)
            for number, pair in enumerate(zip(self.of_examples, self.of_samples, strict=True))
        ]
        found += [line("correlation", lag, nan, value) for lag, value in zip(self.lags, self.mixing, strict=True)]
        for share in _SHARES:
            ends = (np.quantile(each, share) for each in (self.energy_of_examples, self.energy_of_samples))
            found.append(line("energy", share, *ends))
        return found


def diagnose(model: Descriptor, examples: Tensor, *, rounds: int = 200, steps: int = 10, seed: int = 1) -> Diagnostics:
    """Lets the chains walk on for `rounds` times `steps` and compares them with `examples` `(n, *shape)`, which may be
    others than those that the model was learned from."""
    generator, data = torch.Generator().manual_seed(seed), model.standard.apply(examples)
    chains, states = model.chains, []
    for _ in range(rounds):
        chains = walk(model.energy, chains, steps, model.step_size, generator)
        states.append(model.energy.responses(chains).flatten(1).double())
    every = torch.stack(states)  # (rounds, chains, A)
    of_chains = every.mean(0)
    course = every.mean(2) - every.mean(2).mean(0)
    lags = np.array([lag for lag in (1, 2, 5, 10, 20, 50) if lag < rounds // 2])
    variance = course.square().mean()
    mixing = [float((course[lag:] * course[:-lag]).mean() / variance) for lag in lags]
    return Diagnostics(
        of_examples=model.energy.responses(data).flatten(1).double().mean(0).cpu().numpy(),
        of_samples=of_chains.mean(0).cpu().numpy(),
        error=(of_chains.std(0) / len(chains) ** 0.5).cpu().numpy(),
        acceptance=float(propose(model.energy, chains, model.step_size, generator).acceptance.mean()),
        mixing=np.array(mixing),
        lags=lags * steps,
        energy_of_examples=model.energy.energy(data).cpu().numpy(),
        energy_of_samples=model.energy.energy(chains).cpu().numpy(),
    )
