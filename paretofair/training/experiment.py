"""What the trials of a pack have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from paretofair.methods import Method
from paretofair.methods.corpus.sample_source import SampleSource
from paretofair.methods.row_plan import TrainingRows
from paretofair.metrics.metric import Metric
from paretofair.models import StackedNetwork
from paretofair.training.measuring.best import EpochChoice
from paretofair.training.measuring.evaluation import Threshold
from paretofair.training.optimizers import Adagrad, Optimizer, Schedule
from paretofair.training.tensors import DeviceData

_ADAGRAD = Adagrad()


@dataclass(frozen=True)
class TrainingSettings:
    """What the `training` section says about optimisation, whether a tenth of the rows is held out of the loss for the
    penalty, and whether steps are compiled; the same for every trial. `steps`: of an epoch, None for as many as show
    every row once. `keep_epoch`: which epoch is kept, None for the last one. `schedule`: of the learning rates, None
    for constant ones. `clip`: the largest length of a trial's gradient, None for any."""

    batch_size: int = 512
    optimizer: Optimizer = _ADAGRAD
    holdout: bool = False
    compiled: bool = False
    steps: int | None = None
    keep_epoch: EpochChoice | None = None
    schedule: Schedule | None = None
    clip: float | None = None


_SETTINGS, _BASE_RATE = TrainingSettings(), Threshold()


@dataclass(frozen=True)
class Experiment:
    """What is trained on what and how, but for what a trial has of its own: its seed and its hyperparameters.

    The device and type of everything are those of `data`. `own_metrics` are measured beside those that all have.
    """

    data: DeviceData
    network: StackedNetwork
    method: Method
    settings: TrainingSettings = _SETTINGS
    threshold: Threshold = _BASE_RATE
    own_metrics: tuple[Metric, ...] = ()

    @property
    def device(self) -> torch.device:
        """Where it is trained."""
        return self.data.device

    @property
    def dtype(self) -> torch.dtype:
        """The type of parameters and inputs."""
        return self.data.dtype

    @cached_property
    def samples(self) -> SampleSource | None:
        """The made examples that the method wants; what they are drawn from is learned here, or read."""
        train = self.data.splits["train"]
        return self.method.sample_source(self.training_rows, train.examples)

    @cached_property
    def training_rows(self) -> TrainingRows:
        """What the method may know of the training rows."""
        data, train = self.data, self.data.splits["train"]
        attributes = tuple(data.attributes[attribute] for attribute in data.acts_on)
        return TrainingRows(
            labels=train.labels.long().cpu().numpy(),
            groups=train.groups.cpu().numpy(),
            origins=train.origins.cpu().numpy(),
            origin_names=data.origin_names,
            tasks=data.tasks,
            attributes=attributes,
            group_names=tuple(tuple(data.group_names[name]) for name in attributes),
            classes=tuple(kind.classes for kind in data.kinds),
            weights=None if train.weights is None else train.weights.cpu().numpy(),
            together=data.together,
            batch_size=self.settings.batch_size,
            steps=self.settings.steps,
            holdout=self.settings.holdout,
        )
