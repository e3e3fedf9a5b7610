"""The state of trials in training: everything that is needed to continue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from paretofair.methods import Rows
from paretofair.training.experiment import Experiment
from paretofair.training.measuring.best import Best


class Learner(NamedTuple):
    """What one optimiser updates in place: `parameters` `(K, P)` and its own state (moments and the like), `(K, ...)`
    each."""

    parameters: Tensor
    optimizer: tuple[Tensor, ...]

    def take(self, index: Tensor) -> Learner:
        """The trials at `index`."""
        return Learner(self.parameters[index], tuple(each[index] for each in self.optimizer))

    def view(self, trial: int) -> Learner:
        """The trial at this place, in the memory where it stands."""
        return Learner(self.parameters[trial : trial + 1], tuple(each[trial : trial + 1] for each in self.optimizer))


class Memory(NamedTuple):
    """What a method remembers from step to step, by name: `of_trials` `(K, ...)`, and `of_seeds` `(S, ...)`, which all
    trials of a seed share. Trial k reads the row `seed_of[k]` of these; `first_of[s]` is the first trial of seed s."""

    of_trials: dict[str, Tensor]
    of_seeds: dict[str, Tensor]
    seed_of: Tensor | None = None
    first_of: Tensor | None = None

    def read(self) -> dict[str, Tensor]:
        """All of it by trial, `(K, ...)`."""
        if not self.of_trials and not self.of_seeds:
            return {}
        return {**self.of_trials, **{name: each[self.seed_of] for name, each in self.of_seeds.items()}}

    def write(self, new: Mapping[str, Tensor]) -> None:
        """Overwrites with new values, a row for each trial; of a shared one the row of the seed's first trial."""
        for name, values in new.items():
            if name in self.of_trials:
                self.of_trials[name].copy_(values)
            else:
                self.of_seeds[name].copy_(values[self.first_of])


# One training step of a stack. Takes the network, its adversary and the method's memory, all of which it updates in
# place, then the batch and the hyperparameters; returns counts of undefined distances, `(K,)`.
Step = Callable[[Learner, Learner | None, Memory, Rows, Mapping[str, Tensor]], Tensor | None]


@dataclass(frozen=True)
class TrainState:
    """K trials after `epoch` epochs. Every tensor has one row per trial, except `of_seeds` and `of_samples`, which have
    one per seed.

    `seeds` `(K,)` are those of the trials. `of_trials` and `of_seeds` are what the method remembers, by name: of each
    trial, `(K, ...)`, and of each seed, `(S, ...)` in the order of `np.unique(seeds)`. `best` is the epoch that is kept
    so far, None where that is the last one. `of_samples`: what made examples come from, of each seed likewise.
    """

    epoch: int
    seeds: np.ndarray
    network: Learner
    adversary: Learner | None
    of_trials: dict[str, Tensor]
    of_seeds: dict[str, Tensor]
    best: Best | None = None
    of_samples: dict[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def kept(self) -> Tensor:
        """The parameters `(K, P)` that a trial has when it ends now."""
        if self.best is None:
            return self.network.parameters
        # What is not finite has diverged, whatever it was before.
        finite = torch.isfinite(self.network.parameters).all(1, keepdim=True)
        return torch.where(finite, self.best.parameters, self.network.parameters)

    def kept_epochs(self, epoch: int) -> np.ndarray:
        """The epochs `(K,)` of `kept`, where `epoch` is the last one."""
        last = np.full(len(self), epoch)
        return last if self.best is None else self.best.epoch.cpu().numpy()

    @staticmethod
    def begin(experiment: Experiment, seeds: Sequence[int]) -> TrainState:
        """Trials of these seeds before their first epoch."""
        device, dtype = experiment.device, experiment.dtype
        network, method, optimizer = experiment.network, experiment.method, experiment.settings.optimizer
        parameters = network.initial(seeds, dtype).to(device)
        opponent = method.adversary(network)
        against = None
        if opponent is not None:
            theirs = opponent.initial(seeds, dtype).to(device)
            against = Learner(theirs, optimizer.state(theirs))
        train = experiment.training_rows
        begun = method.trial_state(train)
        of_seed = [method.seed_state(train, int(seed)) for seed in np.unique(seeds)]
        source = experiment.samples
        of_sample = [{} if source is None else source.begin(int(seed)) for seed in np.unique(seeds)]
        return TrainState(
            epoch=0,
            seeds=np.asarray(seeds),
            network=Learner(parameters, optimizer.state(parameters[:, : network.trainable])),
            adversary=against,
            of_trials={
                name: torch.as_tensor(value, device=device).repeat(len(seeds), *[1] * np.ndim(value))
                for name, value in begun.items()
            },
            of_seeds={
                name: torch.stack([torch.as_tensor(each[name], device=device) for each in of_seed])
                for name in of_seed[0]
            },
            best=None if experiment.settings.keep_epoch is None else Best.begin(parameters),
            of_samples={name: torch.stack([each[name] for each in of_sample]).to(device) for name in of_sample[0]},
        )

    @property
    def memory(self) -> Memory:
        """What the method remembers, for a step."""
        if not self.of_seeds:
            return Memory(self.of_trials, self.of_seeds)
        _, first, place = np.unique(self.seeds, return_index=True, return_inverse=True)
        device = self.network.parameters.device
        return Memory(self.of_trials, self.of_seeds, *(torch.from_numpy(each).to(device) for each in (place, first)))

    def take(self, rows: np.ndarray) -> TrainState:
        """The trials at positions `rows`; one may be taken several times."""
        index = torch.from_numpy(rows).to(self.network.parameters.device)
        kept = torch.from_numpy(np.flatnonzero(np.isin(np.unique(self.seeds), self.seeds[rows])))

        def take_seeds(values: dict[str, Tensor]) -> dict[str, Tensor]:
            return {name: each[kept.to(each.device)] for name, each in values.items()}

        return TrainState(
            self.epoch,
            self.seeds[rows],
            self.network.take(index),
            None if self.adversary is None else self.adversary.take(index),
            {name: each[index] for name, each in self.of_trials.items()},
            take_seeds(self.of_seeds),
            None if self.best is None else self.best.take(index),
            take_seeds(self.of_samples),
        )

    @staticmethod
    def join(parts: Sequence[TrainState]) -> TrainState:
        """The trials of all parts, which are at the same epoch, one after the other."""
        seeds = np.concatenate([part.seeds for part in parts])
        of_parts = np.concatenate([np.unique(part.seeds) for part in parts])
        _, first = np.unique(of_parts, return_index=True)

        def join(tensors: Sequence[Tensor]) -> Tensor:
            return torch.cat(list(tensors))

        def join_learners(learners: Sequence[Learner]) -> Learner:
            remembered = zip(*(each.optimizer for each in learners), strict=True)
            return Learner(join([each.parameters for each in learners]), tuple(join(each) for each in remembered))

        against = [part.adversary for part in parts if part.adversary is not None]
        best = [part.best for part in parts if part.best is not None]
        return TrainState(
            parts[0].epoch,
            seeds,
            join_learners([part.network for part in parts]),
            join_learners(against) if against else None,
            {name: join([part.of_trials[name] for part in parts]) for name in parts[0].of_trials},
            {name: join([part.of_seeds[name] for part in parts])[first] for name in parts[0].of_seeds},
            Best(*map(join, zip(*best, strict=True))) if best else None,
            {name: join([part.of_samples[name] for part in parts])[first] for name in parts[0].of_samples},
        )

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor by a name of its own, on the CPU: what `from_tensors` takes."""
        found = {"seeds": torch.from_numpy(np.asarray(self.seeds, dtype=np.int64))}
        for player, learner in (("network", self.network), ("adversary", self.adversary)):
            if learner is not None:
                found[f"{player}.parameters"] = learner.parameters
                found |= {f"{player}.optimizer.{place}": each for place, each in enumerate(learner.optimizer)}
        found |= {f"of_trials.{name}": each for name, each in self.of_trials.items()}
        found |= {f"of_seeds.{name}": each for name, each in self.of_seeds.items()}
        found |= {f"of_samples.{name}": each for name, each in self.of_samples.items()}
        if self.best is not None:
            found |= {f"best.{name}": each for name, each in self.best._asdict().items()}
        return {name: each.detach().cpu().contiguous() for name, each in found.items()}

    @staticmethod
    def from_tensors(tensors: Mapping[str, Tensor], epoch: int, device: torch.device) -> TrainState:
        """The state whose `tensors` these are, on a device."""

        def select(start: str) -> dict[str, Tensor]:
            return {
                name.removeprefix(start): each.to(device) for name, each in tensors.items() if name.startswith(start)
            }

        def learner(player: str) -> Learner:
            remembered = select(f"{player}.optimizer.")
            own = tuple(remembered[str(place)] for place in range(len(remembered)))
            return Learner(tensors[f"{player}.parameters"].to(device), own)

        return TrainState(
            epoch,
            tensors["seeds"].numpy(),
            learner("network"),
            learner("adversary") if "adversary.parameters" in tensors else None,
            select("of_trials."),
            select("of_seeds."),
            Best(**select("best.")) if "best.loss" in tensors else None,
            select("of_samples."),
        )
