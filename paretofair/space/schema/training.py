"""The sections of a space file that say what is trained: network, optimizer, losses, decisions, and what a method has
of its own.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from paretofair.sections import Section, Size, Sizes, make_error
from paretofair.space.problems import show_value

WIDTHS = ("shared", "head", "embedding")
# Which keys belong to what kind of network, beside `name`.
_OF_NAMED = ("head", "width", "weights", "digest")
_OF_MODULE = ("module", "arguments", "code")
# Not written where they are these.
_DEFAULTS = {"width": 1, "initial": "tensorflow", "weights": None, "digest": None, "features": None}


class Network(Section):
    """Widths of the hidden layers that all tasks share and of each task's head, and the width of an embedding (0: none,
    categories enter as they are): the built-in network, `mlp`, which reads an image as one row. Its `initial` values
    are those of TensorFlow or of PyTorch, whose weights are smaller.

    Or `name`, one of the networks for images (`paretofair.models.named`), whose heads have the widths `head` (default:
    none, one layer); `width` scales its channels, `weights` is a file of values to begin with, whose `digest` is filled
    in.

    Or `module`, `package.module:factory` of any torch module (`paretofair.models.ModuleNetwork`), which is called with
    the numbers of inputs (of images: their shape) and outputs and with `arguments`. `code`, a digest of its source
    file, is filled in.

    `features`: of tasks of identities, how many numbers the cosine head reads; by default 512.
    """

    name: Literal["mlp", "cnn", "resnet18", "resnet34", "resnet152", "densenet121", "alexnet"] = "mlp"
    shared: Annotated[Sizes, Field(min_length=1)] = (32,)
    head: Sizes = (16,)
    embedding: Annotated[int, Field(ge=0)] = 10
    initial: Literal["tensorflow", "pytorch"] = "tensorflow"
    width: Annotated[float, Field(gt=0, le=4)] = 1
    weights: str | None = None
    digest: str | None = None
    module: str | None = None
    arguments: dict[str, Any] = {}
    code: str | None = None
    features: Size | None = None

    @model_validator(mode="before")
    @classmethod
    def _head_of_a_name(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("name", "mlp") != "mlp" and "head" not in given:
            return given | {"head": []}
        return given

    @property
    def named(self) -> bool:
        """Whether it is one of the networks for images."""
        return self.module is None and self.name != "mlp"

    @property
    def _own_keys(self) -> tuple[str, ...]:
        if self.module:
            return _OF_MODULE
        return ("name", *_OF_NAMED) if self.named else (*WIDTHS, "initial")

    @model_validator(mode="after")
    def _one_kind(self) -> Network:
        for key in sorted(self.model_fields_set - {*self._own_keys, "features"}):
            value = getattr(self, key)
            if not value or (key, value) in (("name", "mlp"), ("width", 1), ("initial", "tensorflow")):
                continue
            if self.module:
                raise make_error(f"{key} and module exclude each other")
            if key in _OF_MODULE:
                raise make_error(f"{key} belongs to a module")
            readers = "mlp" if self.named else "networks by name, as in {name: resnet18}"
            raise make_error(f"{key} is of {readers}; found the network {self.name}")
        return self

    @model_serializer(mode="wrap")
    def _of_this_kind(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        unset = [key for key, value in _DEFAULTS.items() if getattr(self, key) == value]
        return {
            key: value
            for key, value in written(self).items()
            if key in (*self._own_keys, "features") and key not in unset
        }


class KeepEpoch(Section):
    """Of each trial the epoch is kept that is best by a metric, from the epoch `since` on (in the file `from`)."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    by: str
    since: Annotated[int, Field(alias="from", ge=1)] = 1


class RateSchedule(Section):
    """The learning rates from epoch to epoch: times `factor` after each of the epochs `milestones`, times `decay` after
    every epoch, and rising in equal steps over the first `warm_up` epochs."""

    milestones: Sizes = ()
    factor: Annotated[float, Field(gt=0)] = 0.1
    decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    warm_up: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _changes_something(self) -> RateSchedule:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise make_error(f"milestones: found {list(self.milestones)}; epochs must ascend")
        if "factor" in self.model_fields_set and not self.milestones:
            raise make_error("factor belongs to milestones: the epochs after which it is applied")
        if not self.milestones and self.decay == 1 and not self.warm_up:
            raise make_error("give milestones, decay or warm_up; without a schedule rates are constant")
        return self

    @model_serializer(mode="wrap")
    def _of_this_kind(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found = written(self)
        return found if self.milestones else {key: found[key] for key in ("decay", "warm_up")}


class Training(Section):
    """The optimizer and its batches; `reduction` of the losses over the rows of a batch. `steps` of an epoch, by
    default as many as show every row once. `keep_epoch`: of each trial the epoch that is best on the split that
    chooses, in place of the last one. `loss`: the cross-entropy of every row as it is, `focal` (γ = 2), or `weighted`
    by the batch's negatives over its positives. `schedule` of the learning rates, constant by default. `clip`: a
    trial's gradient is shortened to this Euclidean length."""

    optimizer: Literal["adagrad", "adam", "adamw", "sgd"] = "adagrad"
    initial_accumulator: Annotated[float, Field(gt=0)] = 0.1
    batch_size: Size = 512
    reduction: Literal["sum", "mean"] = "sum"
    steps: Size | None = None
    keep_epoch: KeepEpoch | None = None
    loss: Literal["cross_entropy", "focal", "weighted"] = "cross_entropy"
    schedule: RateSchedule | None = None
    clip: Annotated[float | None, Field(gt=0)] = None

    @model_validator(mode="after")
    def _settings_of_the_optimizer(self) -> Training:
        if "initial_accumulator" in self.model_fields_set and self.optimizer != "adagrad":
            raise make_error(f"initial_accumulator is a setting of adagrad; found optimizer {self.optimizer}")
        return self

    @model_serializer(mode="wrap")
    def _of_this_optimizer(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        left_out = () if self.optimizer == "adagrad" else ("initial_accumulator",)
        unset = [key for key in ("steps", "keep_epoch", "schedule", "clip") if getattr(self, key) is None]
        unset += ["loss"] if self.loss == "cross_entropy" else []
        return {key: value for key, value in written(self).items() if key not in (*left_out, *unset)}


# Which distance reads each of the settings that belong to one.
SETTINGS_OF_DISTANCES = {"hard": "fpr_gap", "bandwidth": "mmd", "concentration": "differential", "rate": "differential"}


class Fairness(Section):
    """What the fairness losses measure between groups (`distance`) and on which rows (`goal`). Of `differential` the
    `concentration` smooths rates, and a `rate` below 1 counts over many batches, each new one with this share."""

    distance: Literal["correlation", "mmd", "fpr_gap", "differential"] = "correlation"
    goal: Literal["fpr", "tpr", "odds", "parity"] = "fpr"
    hard: bool = False
    bandwidth: Annotated[float, Field(ge=0.001)] = 0.1
    concentration: Annotated[float, Field(gt=0)] = 1.0
    rate: Annotated[float, Field(gt=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _settings_of_the_distance(self) -> Fairness:
        for key, reader in SETTINGS_OF_DISTANCES.items():
            changed = getattr(self, key) != type(self).model_fields[key].default
            if changed and self.distance != reader:
                raise make_error(f"{key} is a setting of distance {reader}; found distance {self.distance}")
        return self

    @model_serializer(mode="wrap")
    def _of_this_distance(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        unset = [key for key in ("concentration", "rate") if getattr(self, key) == 1]
        return {key: value for key, value in written(self).items() if key not in unset}


class FixedThreshold(Section):
    """Scores at or above `fixed` are positive decisions."""

    fixed: Annotated[float, Field(gt=0, lt=1)]

    def __str__(self) -> str:
        """As the trial table says it."""
        return f"fixed {self.fixed}"


def _threshold(value: Any) -> Any:
    if value == "per_group":
        raise make_error(
            "thresholds by group are the method threshold_frontier; accepted here: base_rate, least_error, {fixed: 0.5}"
        )
    if isinstance(value, dict) and set(value) == {"fixed"}:
        fixed = value["fixed"]
        if isinstance(fixed, float | int) and not isinstance(fixed, bool) and 0 < fixed < 1:
            return FixedThreshold(fixed=fixed)
        raise make_error(f"found fixed: {show_value(fixed)}; expected a number between 0 and 1")
    if value not in ("base_rate", "least_error") and not isinstance(value, FixedThreshold):
        raise make_error(f"found {show_value(value)}; accepted: base_rate, least_error, {{fixed: 0.5}}")
    return value


Threshold = Annotated[Literal["base_rate", "least_error"] | FixedThreshold, BeforeValidator(_threshold)]
# Distributions and points are checked against the methods' declarations, in `parameters`.
Parameters = dict[str, Any]


class MethodSettings(Section):
    """What one method has of its own; every key given here replaces the shared one.

    `class` names the method where the key of the section does not: a known one under another name, or
    `package.module:Class` of the user's own, whose source `code` digests. With `penalty_split: holdout` a tenth of the
    training rows serves the penalty alone. Any other key is an option of the method.
    """

    model_config = ConfigDict(extra="allow", validate_by_name=True, serialize_by_alias=True)

    class_: Annotated[str | None, Field(alias="class")] = None
    code: str | None = None
    penalty_split: Literal["train", "holdout"] = "train"
    network: dict[str, Any] = {}
    training: dict[str, Any] = {}
    fairness: dict[str, Any] = {}
    threshold: Threshold | None = None
    parameters: Parameters = {}

    @property
    def options(self) -> dict[str, Any]:
        """The keys that are the method's own."""
        return dict(self.model_extra or {})
