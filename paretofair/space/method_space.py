"""The space of one method: every setting that its trials depend on, and the ids that follow from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from paretofair.metrics.metric import Metric
from paretofair.metrics.registry import METRICS
from paretofair.results import STAGES
from paretofair.sampling.distributions import Distribution, Distributions, Number, Simplex
from paretofair.space.schema import (
    SETTINGS_OF_DISTANCES,
    Data,
    Fairness,
    Network,
    OwnMetric,
    SamplerSettings,
    SuccessiveHalving,
    Threshold,
    Training,
    Tune,
)

if TYPE_CHECKING:
    from paretofair.methods.method import LossSettings


@dataclass(frozen=True)
class MethodSpace:
    """What a space says about one method, shared and own settings merged.

    `parameters` holds what the method reads and nothing else; `points` are whole trials, by column of the trial
    table. `reads`: the settings of losses that change its results; `version` that of the method. `kind` is the method's
    name in the registry, or `package.module:Class` with the digest `code` of its source; `options` are its own keys.
    `led_by` are the objectives that the trials of the sweep follow from, `gap` is what ARFG divides, `metrics` are the
    run's own.
    """

    method: str
    kind: str
    code: str | None
    options: Mapping[str, Any]
    penalty_split: Literal["train", "holdout"]
    tasks: tuple[str, ...]
    protocol: Literal["validation", "paper"]
    data: Data
    network: Network
    training: Training
    fairness: Fairness
    threshold: Threshold
    sampler: SamplerSettings
    halving: SuccessiveHalving | None
    led_by: tuple[str, ...]
    tune: Tune | None
    parameters: Distributions
    points: tuple[Mapping[str, Number], ...]
    reads: tuple[str, ...]
    version: int = 1
    gap: str = "fpr_gap"
    metrics: Mapping[str, OwnMetric] = field(default_factory=dict)

    @property
    def sensitive(self) -> dict[str, str]:
        """The attribute that the loss of each task acts on."""
        return self.data.sensitive_by_task(self.tasks)

    @property
    def bracket(self) -> int | None:
        """Trials of a bracket of successive halving."""
        return None if self.halving is None else self.halving.bracket

    @property
    def own_metrics(self) -> tuple[Metric, ...]:
        """The metrics that the run has of its own."""
        return tuple(each.metric(name) for name, each in self.metrics.items())

    @property
    def given(self) -> tuple[str, ...]:
        """The columns that metrics are given."""
        return tuple(dict.fromkeys(each.given for each in self.metrics.values() if each.given is not None))

    @property
    def known_metrics(self) -> dict[str, Metric]:
        """Every metric by name, the run's own among them."""
        return {**METRICS, **{metric.name: metric for metric in self.own_metrics}}

    @property
    def tuned_settings(self) -> int:
        """Settings that the stage `tune` compares: one where the method has none of the tuned parameters."""
        if self.tune is None:
            return 0
        return self.tune.settings if set(self.tune.parameters) & set(self.parameters) else 1

    @property
    def tune_trials(self) -> int:
        """Trials of the stage `tune` for each of its seeds."""
        return 0 if self.tune is None else self.tuned_settings * self.tune.trials

    @property
    def loss_settings(self) -> LossSettings:
        """What the method is made with. Under `protocol: paper` the focal loss is made of the mean of a batch."""
        # It imports PyTorch, which takes seconds that a look at a run can do without.
        from paretofair.methods.method import LossSettings

        published = self.protocol == "paper" and self.training.loss == "focal"
        loss = "focal_of_mean" if published else self.training.loss
        return LossSettings(**self.fairness.model_dump(), reduction=self.training.reduction, loss=loss)

    def identity(self, stage: str) -> dict[str, Any]:
        """Everything that changes the result of a trial with a given stage, method, seed and index, as plain JSON data.

        Not in it: where the data come from (`split_id` says what they are), counts, seeds, points (see
        `identity.compare`), audits, resources, frontiers, other methods, and settings that this method or protocol
        does not read.
        """
        if stage not in STAGES:
            raise ValueError(f"stage {stage!r} is none of {', '.join(STAGES)}")
        data: dict[str, Any] = {"name": self.data.name, "sensitive": self.sensitive}
        if self.data.test_seed is not None:
            data["test_seed"] = self.data.test_seed
        if self.protocol == "validation":
            data["validation"] = self.data.validation
            data["split_seed"] = self.data.split_seed
        result = {
            "stage": stage,
            "method": self.method,
            "protocol": self.protocol,
            "data": data,
            # Where a file of weights stands may change; what is in it may not.
            "network": {key: each for key, each in _dump_setting(self.network).items() if key != "weights"},
            "training": _dump_setting(self.training),
            "threshold": _dump_setting(self.threshold),
            "parameters": {name: spell_distribution(self.parameters[name]) for name in sorted(self.parameters)},
        }
        if "reduction" not in self.reads:
            result["training"]["reduction"] = "mean"
        given = self.fairness.model_dump()
        of_distance = [key for key, distance in SETTINGS_OF_DISTANCES.items() if distance == self.fairness.distance]
        fairness = {key: given[key] for key in ("distance", "goal", *of_distance) if key in self.reads and key in given}
        if fairness:
            result["fairness"] = fairness
        own: dict[str, Any] = {
            "class": self.kind if self.kind != self.method else None,
            "code": self.code,
            "options": self.options,
        }
        own["penalty_split"] = self.penalty_split if self.penalty_split != "train" else None
        own["version"] = self.version if self.version > 1 else None
        result |= {key: value for key, value in own.items() if value}
        if stage == "tune" and self.tune is not None:
            result["tune"] = {"parameters": sorted(self.tune.parameters), "trials": self.tune.trials}
        if stage == "sweep":
            result["sampler"] = _dump_setting(self.sampler)
            if "warm_start" in result["sampler"]:
                # A place, which may move. What was told from there is not in the trial table either.
                result["sampler"]["warm_start"] = None
            if self.halving is not None:
                result["successive_halving"] = _dump_setting(self.halving)
            if "arfg" in self.led_by and self.gap != "fpr_gap":
                result["gap"] = self.gap
        if self.metrics:
            result["metrics"] = {name: _dump_setting(self.metrics[name]) for name in sorted(self.metrics)}
        return result

    def space_id(self, stage: str) -> str:
        """16 hexadecimal digits that name `identity(stage)`."""
        return digest(self.identity(stage))


def trial_id(space_id: str, split_id: str, stage: str, method: str, seed: int, index: int) -> str:
    """16 hexadecimal digits that name a trial."""
    return digest([space_id, split_id, stage, method, seed, index])


def digest(value: Any) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of `value` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def spell_distribution(distribution: Distribution | Simplex | Mapping[str, Distribution]) -> Any:
    """A parameter's distribution as the space file writes it, task by task."""
    if isinstance(distribution, Mapping):
        return {task: each.written() for task, each in distribution.items()}
    return distribution.written()


def _dump_setting(setting: BaseModel | str) -> Any:
    return setting.model_dump(mode="json") if isinstance(setting, BaseModel) else setting
