"""Alignment of co-occurrence on samples of a descriptor model (Choi, Zhang and Liu, "Gender Fairness in Multi-label
Classification using Auxiliary Tasks")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from paretofair.descriptors.learning import Learning
from paretofair.descriptors.sampling import BankSamples, ChainSamples
from paretofair.descriptors.stored import find_descriptor
from paretofair.methods.corpus.group_task import choose_group_task
from paretofair.methods.corpus.sample_source import SampleSource
from paretofair.methods.losses.terms import cross_entropy, weighted
from paretofair.methods.method import (
    NO_NAMES,
    TASK_WEIGHT,
    Hyper,
    Losses,
    LossSettings,
    Method,
    MethodOptions,
    Names,
    Parameter,
    Rows,
)
from paretofair.methods.row_plan import TrainingRows

ALIGNMENT_WEIGHT = Parameter("alignment_weight", low=0.0, search={"log_uniform": [0.01, 30]})
_CO_OCCURRENCE = "co_occurrence"


class BiasAlignmentOptions(MethodOptions):
    """Keys of the method.

    Attributes:
        group_task: The task that predicts the group; by default the first that is called as a group is.
        sharpness: What logits are multiplied by before they become the p of the loss. 1: p are probabilities. Of large
            numbers p are the decisions at one half. Probabilities are less biased than labels are and decisions more,
            so that a small number aligns what is not amplified.
        samples: How many a step sees. Absolute values of means over few samples are biased upwards.
        sampling: `offline`: from a bank that is drawn once; `online`: from chains that walk on in training.
        bank: Samples of the bank.
        every, steps: Of `online`: training steps between two walks, and Langevin steps of a walk.
        filters, kernel, stride, whiten, sigma, chains, step_size, steps_of_learning, filter_updates, weight_updates,
            descriptor_seed: How the descriptor model is learned; see `descriptors.learning.Learning`.
    """

    group_task: str | None = None
    sharpness: float = Field(1.0, gt=0)
    samples: int = Field(256, ge=1)
    sampling: Literal["offline", "online"] = "offline"
    bank: int = Field(1760, ge=1)
    every: int = Field(1, ge=1)
    steps: int = Field(10, ge=1)
    filters: int = Field(128, ge=1)
    kernel: int = Field(5, ge=1)
    stride: int = Field(2, ge=1)
    whiten: bool = True
    sigma: float = Field(1.0, gt=0)
    chains: int = Field(512, ge=2)
    step_size: float = Field(0.3, gt=0, le=1)
    steps_of_learning: int = Field(5, ge=1)
    filter_updates: int = Field(100, ge=0)
    weight_updates: int = Field(500, ge=1)
    descriptor_seed: int = Field(0, ge=0)


class BiasAlignment(Method):
    """Σ_t w_t L_t + λ Σ_k Σ_g | mean over samples of p_k · p_g − mean over training rows of y_k · y_g |.

    k goes through the other tasks, g through the group and its complement; p are sigmoids of `sharpness` times the
    logits, in place of the indicator of the paper, which has no gradient. Samples are those of a descriptor model of
    the training rows, which is learned before training and kept. Co-occurrence of training rows is that of rows whose
    two labels are known, by their weights. All losses are means. Networks with batch norm see the samples too.
    """

    parameters = (TASK_WEIGHT, ALIGNMENT_WEIGHT)
    Options = BiasAlignmentOptions
    reads: ClassVar[tuple[str, ...]] = ()
    holdout = False

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        """Raises ValueError where no task predicts a group, or it is the only task."""
        super().__init__(settings, options, names)
        self.group_task = choose_group_task(names, self.options.group_task)
        if len(names.tasks) == 1:
            raise ValueError("it aligns other tasks with the one that predicts the group, and there is no other")
        if self.options.samples > self.options.bank:
            raise ValueError(f"samples: found {self.options.samples}; expected no more than bank: {self.options.bank}")

    def trial_state(self, train: TrainingRows) -> Mapping[str, np.ndarray]:
        """How often each label occurs with the group, and with its complement, among training rows: `(2, T)`."""
        member = train.labels[self.group_task]
        found = []
        for group in (1, 0):
            known = (train.labels >= 0) & (member >= 0)
            weight = known * train.weight_of_rows
            both = (weight * ((train.labels == 1) & (member == group))).sum(-1)
            found.append(both / np.maximum(weight.sum(-1), 1e-12))
        return {_CO_OCCURRENCE: np.stack(found).astype(np.float32)}

    def sample_source(self, train: TrainingRows, examples: Callable[[], Tensor]) -> SampleSource:
        own = self.options
        how = Learning(
            *(own.filters, own.kernel, own.stride, own.whiten, own.sigma, own.chains, own.step_size),
            *(own.steps_of_learning, own.filter_updates, own.weight_updates),
            bank=own.bank,
            seed=own.descriptor_seed,
        )
        model = find_descriptor(examples().float(), how)
        if own.sampling == "offline":
            return BankSamples(model, own.samples)
        return ChainSamples(model, own.samples, own.every, own.steps)

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        accuracy = weighted(hyper["task_weight"], cross_entropy(logits, rows, self.settings))
        first, behind = rows.samples
        if first == behind:  # evaluated on a batch that has none
            return Losses(accuracy)
        probabilities = torch.sigmoid((self.options.sharpness * logits)[..., first:behind])
        member = probabilities[:, self.group_task, None]
        wanted = hyper[_CO_OCCURRENCE].to(logits.dtype)
        gaps = [
            ((probabilities * of_group).mean(-1) - wanted[:, place]).abs()
            for place, of_group in enumerate((member, 1 - member))
        ]
        others = torch.ones(logits.shape[1], dtype=logits.dtype, device=logits.device)
        others[self.group_task] = 0
        unaligned = ((gaps[0] + gaps[1]) * others).sum(-1)
        return Losses(accuracy + hyper["alignment_weight"] * unaligned)
