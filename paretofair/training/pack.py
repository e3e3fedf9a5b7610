"""The training core: trains a pack of trials on one device."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from paretofair.methods import Method, Rows
from paretofair.models import StackedNetwork
from paretofair.training.batches import Batches
from paretofair.training.evaluation import Evaluation, Threshold, evaluate
from paretofair.training.optimizers import Adagrad
from paretofair.training.tensors import DeviceData


@dataclass(frozen=True)
class Trials:
    """Trials of one pack: `seeds` `(n,)` give initial weights and batch order; `values` are hyperparameters by name,
    `(n,)` or `(n, tasks)`: those of the method, `learning_rate` and `epochs`."""

    seeds: np.ndarray
    values: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.seeds)

    def take(self, rows: np.ndarray) -> Trials:
        """The trials at positions `rows`."""
        return Trials(self.seeds[rows], {name: value[rows] for name, value in self.values.items()})


@dataclass(frozen=True)
class TrainingSettings:
    """What the `training` section says about optimisation; the same for every trial of a pack."""

    batch_size: int = 512
    initial_accumulator: float = 0.1


@dataclass(frozen=True)
class FinishedStack:
    """Results of the trials at `positions` of the pack, each array with one row per trial.

    `status` is `completed` or `diverged` (a loss that is not finite; metrics NaN). `undefined_losses` counts fairness
    distances without a value over the whole training. `seconds` is the time of the stack divided by its trials.
    """

    positions: np.ndarray
    status: np.ndarray
    epochs_trained: np.ndarray
    undefined_losses: np.ndarray
    seconds: float
    evaluation: Evaluation
    parameters: np.ndarray


def train_pack(
    data: DeviceData,
    network: StackedNetwork,
    method: Method,
    trials: Trials,
    *,
    settings: TrainingSettings,
    threshold: Threshold,
    width: int,
) -> Iterator[FinishedStack]:
    """Trains `trials` in stacks of at most `width`, shortest first, and yields each stack as it finishes.

    The device and type are those of `data`. A trial's result is a function of its seed, its hyperparameters and the
    other arguments; on a CPU bit for bit, whatever stack it stands in.
    """
    by_epochs = np.argsort(trials.values["epochs"], kind="stable")
    for start in range(0, len(trials), width):
        positions = by_epochs[start : start + width]
        started = time.perf_counter()
        stack = _Stack(data, network, method, trials.take(positions), settings)
        stack.train()
        evaluation = evaluate(network, stack.final, data, threshold)
        _leave_out(evaluation, stack.status == "diverged", method.untrained(stack.trials.values))
        yield FinishedStack(
            positions=positions,
            status=stack.status,
            epochs_trained=stack.epochs_trained,
            undefined_losses=stack.undefined_losses,
            seconds=(time.perf_counter() - started) / len(positions),
            evaluation=evaluation,
            parameters=stack.final.cpu().numpy(),
        )


class _Stack:
    """One stack in training.

    A trial that reaches its budget, or diverges, is copied out and trained on as ballast until half of the stack or
    less is left; then the stack is cut down to what is left.
    """

    def __init__(
        self,
        data: DeviceData,
        network: StackedNetwork,
        method: Method,
        trials: Trials,
        settings: TrainingSettings,
    ) -> None:
        train = data.splits["train"]
        self.trials = trials
        self._network, self._method = network, method
        self._hyper = {
            name: torch.tensor(value, dtype=train.inputs.dtype, device=train.inputs.device)
            for name, value in trials.values.items()
        }
        seeds = [int(seed) for seed in trials.seeds]
        parameters = network.initial(seeds, train.inputs.dtype).to(train.inputs.device)
        self._optimizer = Adagrad(parameters, self._hyper["learning_rate"], settings.initial_accumulator)
        self._batches = Batches(train, max(data.n_groups[a] for a in data.acts_on), settings.batch_size, seeds)
        self.final = torch.empty_like(parameters)
        self.status = np.full(len(trials), "completed", dtype=object)
        self.epochs_trained = np.zeros(len(trials), dtype=np.int64)
        self.undefined_losses = np.zeros(len(trials), dtype=np.int64)
        self._place = np.arange(len(trials))  # where in the results each trained row belongs
        self._active = np.ones(len(trials), dtype=bool)

    def train(self) -> None:
        """Trains every trial to its budget."""
        epoch = 0
        while self._active.any():
            loss, undefined = self._train_epoch(epoch)
            epoch += 1
            finite = torch.isfinite(loss).cpu().numpy()
            self.undefined_losses[self._place[self._active]] += undefined.cpu().numpy().astype(np.int64)[self._active]
            due = self.trials.values["epochs"][self._place] == epoch
            self._finish(np.flatnonzero(self._active & (due | ~finite)), epoch, finite)

    def _train_epoch(self, epoch: int) -> tuple[Tensor, Tensor]:
        """Sums, over the steps, of the loss and of the count of undefined distances, `(K,)` each."""
        loss = self._optimizer.parameters.new_zeros(len(self._place))
        undefined = torch.zeros_like(loss)
        for rows in self._batches.epoch(epoch):
            gradients, step_loss, step_undefined = gradient(
                self._network, self._method, self._optimizer.parameters, rows, self._hyper
            )
            self._optimizer.step(gradients)
            loss += step_loss
            if step_undefined is not None:
                undefined += step_undefined
        return loss, undefined

    def _finish(self, rows: np.ndarray, epoch: int, finite: np.ndarray) -> None:
        if not len(rows):
            return
        places = self._place[rows]
        self.final[places] = self._optimizer.parameters[rows]
        self.epochs_trained[places] = epoch
        self.status[places[~finite[rows]]] = "diverged"
        self._active[rows] = False
        left = np.flatnonzero(self._active)
        if 0 < len(left) <= len(self._place) / 2:
            kept = torch.from_numpy(left).to(self.final.device)
            self._optimizer.keep(kept)
            self._batches.keep(left.tolist())
            self._hyper = {name: value[kept] for name, value in self._hyper.items()}
            self._place, self._active = self._place[left], self._active[left]


def gradient(
    network: StackedNetwork, method: Method, parameters: Tensor, rows: Rows, hyper: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gradient `(K, P)` of one batch, the loss `(K,)` that the shared layers see, and its undefined distances.

    The losses are differentiated with respect to the logits only; the network turns that into its own gradients.
    """
    with torch.no_grad():
        out = network.forward(parameters, rows.inputs)
    logits = out.logits.requires_grad_()
    losses = method.losses(logits, rows, hyper)
    two = losses.heads is not None
    (shared,) = torch.autograd.grad(losses.shared.sum(), logits, retain_graph=two)
    heads = torch.autograd.grad(losses.heads.sum(), logits)[0] if losses.heads is not None else None
    with torch.no_grad():
        return network.backward(parameters, out, shared, heads), losses.shared.detach(), losses.undefined


def _leave_out(evaluation: Evaluation, diverged: np.ndarray, untrained: np.ndarray | None) -> None:
    """Makes NaN what has no meaning: metrics of diverged trials, and of heads that were not trained."""
    for table in (evaluation.metrics, evaluation.confusion):
        for values in table.values():
            values[diverged] = np.nan
            if untrained is not None:
                values[untrained] = np.nan
