"""Samples of a descriptor model for training: from a bank that was drawn once, or from chains that go on walking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from paretofair.descriptors.diagnostics import diagnose
from paretofair.descriptors.langevin import walk
from paretofair.descriptors.learning import Descriptor

_ROUNDS = 40  # of ten steps that diagnostics take
_BANK, _CHAINS = 0x62616E6B, 0x636861696E  # these separate the uses of a seed


@dataclass(frozen=True, eq=False)
class BankSamples:
    """`count` of the model's bank in every step, without repetition within a step (offline: the paper's way)."""

    model: Descriptor
    count: int

    def describe(self, examples: Tensor) -> list[dict[str, float | str]]:
        """The diagnostics of the model."""
        return diagnose(self.model, examples, rounds=_ROUNDS).rows()

    def begin(self, seed: int) -> dict[str, Tensor]:
        """Nothing is remembered."""
        return {}

    def draw(self, state: dict[str, Tensor], seed: int, epoch: int, step: int) -> Tensor:
        """Examples as a network reads them, `(count, *shape)`."""
        generator = np.random.Generator(np.random.Philox(key=[seed, _BANK], counter=[0, 0, step, epoch]))
        chosen = generator.permutation(len(self.model.bank))[: self.count]
        return self.model.standard.restore(self.model.bank[torch.from_numpy(chosen).to(self.model.bank.device)])


@dataclass(frozen=True, eq=False)
class ChainSamples:
    """Chains of each seed that begin in the bank and take `steps` Langevin steps before every `every`-th training step
    (online: what the paper leaves to the future)."""

    model: Descriptor
    count: int
    every: int = 1
    steps: int = 10

    def describe(self, examples: Tensor) -> list[dict[str, float | str]]:
        """The diagnostics of the model."""
        return diagnose(self.model, examples, rounds=_ROUNDS).rows()

    def begin(self, seed: int) -> dict[str, Tensor]:
        """Where the chains of a seed begin, standardised."""
        generator = np.random.Generator(np.random.Philox(key=[seed, _CHAINS]))
        chosen = generator.permutation(len(self.model.bank))[: self.count]
        return {"chains": self.model.bank[torch.from_numpy(chosen).to(self.model.bank.device)].clone()}

    def draw(self, state: dict[str, Tensor], seed: int, epoch: int, step: int) -> Tensor:
        """Examples as a network reads them, `(count, *shape)`; the chains in `state` walk on in place."""
        chains = state["chains"]
        if step % self.every == 0:
            drawn = np.random.Philox(key=[seed, _CHAINS], counter=[0, 0, step + 1, epoch]).random_raw()
            generator = torch.Generator().manual_seed(int(drawn) % 2**63)
            chains.copy_(walk(self.model.energy, chains, self.steps, self.model.step_size, generator))
        return self.model.standard.restore(chains)
