"""The sections of a space file: names, types, ranges and defaults. What depends on the data set or on the methods is
checked in `resolve`.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from paretofair.data.reading.csv_schema import CsvSchema
from paretofair.errors import SpaceError
from paretofair.metrics.registry import METRICS, Direction, Metric, listed_metric
from paretofair.naming import MOST, PLAIN, find_text_fault
from paretofair.sampling import find_sampler
from paretofair.sections import Names, Section, Seed, Size, Sizes, check_unique, make_error, parse_duration
from paretofair.space.problems import show_value

# By Holm's adjustment the pairs of four methods can differ from eight seeds on, of three from seven, of two from six.
SEEDS = tuple(range(8))


def _replace_nothing(value: Any) -> Any:
    return {} if value is None else value


def _sensitive(value: Any) -> Any:
    words = isinstance(value, dict) and all(isinstance(attribute, str) for attribute in value.values())
    if not value or not (isinstance(value, str) or words):
        raise make_error(f"found {show_value(value)}; expected an attribute, or a mapping of tasks to attributes")
    return value


def _test_seed(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 999_999
    if value is not None and value != "each" and not number:
        raise make_error(f"found {show_value(value)}; accepted: an integer from 0 to 999,999 or each")
    return value


class Data(Section):
    """`sensitive` (default: the data set's first attribute) is what the losses act on; `audit` are the attributes and
    intersections that the figure of the audit shows beside it (default: all, which are in the tables in any case).

    `validation` is the share of the training rows that `protocol: validation` cuts off, once, by `split_seed`. With
    `test_seed` the test rows are drawn anew from all rows: once by a number, or by `each` of the seeds, so that every
    seed has a split of its own. `csv` describes a file in place of a known data set. `tasks` chooses some of the data
    set's.
    """

    name: str
    csv: CsvSchema | None = None
    tasks: Names = ()
    source: Literal["auto", "real", "simulated"] = "auto"
    validation: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    split_seed: Seed = 0
    test_seed: Annotated[int | Literal["each"] | None, BeforeValidator(_test_seed)] = None
    sensitive: Annotated[str | dict[str, str], BeforeValidator(_sensitive)] = ""
    audit: Names = ()

    @model_validator(mode="before")
    @classmethod
    def _name_of_a_file(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("csv"), dict) and "name" not in given:
            return given | {"name": PurePath(str(given["csv"].get("path", "csv"))).stem}
        return given

    @property
    def split_of_each(self) -> bool:
        """Whether every seed has test rows, and with them a split, of its own."""
        return self.test_seed == "each"

    def sensitive_by_task(self, tasks: tuple[str, ...]) -> dict[str, str]:
        """The attribute that the loss of each task acts on."""
        if isinstance(self.sensitive, str):
            return dict.fromkeys(tasks, self.sensitive)
        return {task: self.sensitive[task] for task in tasks}


WIDTHS = ("shared", "head", "embedding")


class Network(Section):
    """Widths of the hidden layers that all tasks share and of each task's head, and the width of an embedding (0: none,
    categories enter as they are).

    Or `module`, `package.module:factory` of any torch module (`paretofair.models.ModuleNetwork`), which is called with
    the numbers of inputs and tasks and with `arguments`. `code`, a digest of its source file, is filled in.
    """

    shared: Annotated[Sizes, Field(min_length=1)] = (32,)
    head: Sizes = (16,)
    embedding: Annotated[int, Field(ge=0)] = 10
    module: str | None = None
    arguments: dict[str, Any] = {}
    code: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Network:
        own = self.model_fields_set
        for key in WIDTHS if self.module else ("arguments", "code"):
            if key in own and getattr(self, key):
                raise make_error(
                    f"{key} and module exclude each other" if self.module else f"{key} belongs to a module"
                )
        return self

    @model_serializer(mode="wrap")
    def _of_this_kind(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        left_out = WIDTHS if self.module else ("module", "arguments", "code")
        return {key: value for key, value in written(self).items() if key not in left_out}


class KeepEpoch(Section):
    """Of each trial the epoch is kept that is best by a metric, from the epoch `since` on (in the file `from`)."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    by: str
    since: Annotated[int, Field(alias="from", ge=1)] = 1


class Training(Section):
    """The optimizer and its batches; `reduction` of the losses over the rows of a batch. `steps` of an epoch, by
    default as many as show every row once. `keep_epoch`: of each trial the epoch that is best on the split that
    chooses, in place of the last one."""

    optimizer: Literal["adagrad", "adam", "adamw", "sgd"] = "adagrad"
    initial_accumulator: Annotated[float, Field(gt=0)] = 0.1
    batch_size: Size = 512
    reduction: Literal["sum", "mean"] = "sum"
    steps: Size | None = None
    keep_epoch: KeepEpoch | None = None

    @model_validator(mode="after")
    def _settings_of_the_optimizer(self) -> Training:
        if "initial_accumulator" in self.model_fields_set and self.optimizer != "adagrad":
            raise make_error(f"initial_accumulator is a setting of adagrad; found optimizer {self.optimizer}")
        return self

    @model_serializer(mode="wrap")
    def _of_this_optimizer(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        left_out = () if self.optimizer == "adagrad" else ("initial_accumulator",)
        unset = [key for key in ("steps", "keep_epoch") if getattr(self, key) is None]
        return {key: value for key, value in written(self).items() if key not in (*left_out, *unset)}


class Fairness(Section):
    """What the fairness losses measure between groups (`distance`) and on which rows (`goal`)."""

    distance: Literal["correlation", "mmd", "fpr_gap", "differential"] = "correlation"
    goal: Literal["fpr", "tpr", "odds", "parity"] = "fpr"
    hard: bool = False
    bandwidth: Annotated[float, Field(ge=0.001)] = 0.1

    @model_validator(mode="after")
    def _settings_of_the_distance(self) -> Fairness:
        for key, reader in (("hard", "fpr_gap"), ("bandwidth", "mmd")):
            changed = getattr(self, key) != type(self).model_fields[key].default
            if changed and self.distance != reader:
                raise make_error(f"{key} is a setting of distance {reader}; found distance {self.distance}")
        return self


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


def _check_sampler(name: str) -> str:
    try:
        find_sampler(name)
    except SpaceError as error:
        raise make_error(str(error)) from None
    return name


def _sampler(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class SamplerSettings(Section):
    """Where the trials of a sweep come from: `name` is a known sampler, or `package.module:Class` of the user's own,
    whose source `code` digests. Other keys are options of the sampler (`sampling/`)."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, AfterValidator(_check_sampler)] = "random"
    code: str | None = None

    @model_serializer(mode="wrap")
    def _without_code(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in written(self).items() if (key, value) != ("code", None)}

    @property
    def options(self) -> dict[str, Any]:
        """The keys that are the sampler's own."""
        return dict(self.model_extra or {})

    @property
    def objectives(self) -> tuple[str, ...]:
        """What it learns from; none where it learns nothing."""
        found = self.options.get("objectives")
        return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list | tuple) else ()


class SuccessiveHalving(Section):
    """Of each `bracket` of trials, a fixed range of indices, one in `eta` goes on after each of the epochs `rungs`, by
    non-dominated rank of the `objectives`."""

    bracket: Annotated[int, Field(ge=2)]
    eta: Annotated[int, Field(ge=2)] = 3
    rungs: Annotated[Sizes, Field(min_length=1)]
    objectives: Annotated[Names, Field(min_length=1)] = ("arfg", "are")


class TuneBaselines(Section):
    """Before the baselines, `settings` of those of their parameters that are not fixed, each trained `runs` times for
    every task. A task's baselines then have the setting with its smallest mean error."""

    settings: Size = 16
    runs: Size = 2


class Baselines(Section):
    """Single-task trainings, `runs` for each task: the denominators of ARE and ARFG. Their parameters are those given
    here, else the shared ones; what is not one number there is tuned, by default with the budget of
    `TuneBaselines`."""

    runs: Size = 10
    tune: TuneBaselines | None = None
    parameters: Parameters = {}


class Tune(Section):
    """Before the sweep, `settings` draws of the listed `parameters`, each with the same `trials` draws of the others,
    for every method and each of these `seeds`. The setting with the largest hypervolume under `objectives`, the name of
    a set, is then fixed."""

    parameters: Annotated[Names, Field(min_length=1)]
    settings: Size
    trials: Size
    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=1), AfterValidator(check_unique)] = (1000,)
    objectives: str = "arfg_are"


class Sweep(Section):
    """`trials` sampled for each method and seed; a grid that has fewer is trained whole."""

    trials: Annotated[int, Field(ge=0, le=50_000_000)]
    sampler: Annotated[SamplerSettings, BeforeValidator(_sampler)] = SamplerSettings()
    successive_halving: SuccessiveHalving | None = None

    @property
    def led_by(self) -> tuple[str, ...]:
        """The objectives that its trials follow from; none where they follow from nothing measured."""
        if self.successive_halving is not None:
            return self.successive_halving.objectives
        return self.sampler.objectives


class Confirm(Section):
    """Every frontier point trained again with `runs` fresh seeds."""

    runs: Size = 5


class Stages(Section):
    """The parts of a run, in this order; without `confirm` nothing is retrained."""

    baselines: Baselines = Baselines()
    tune: Tune | None = None
    sweep: Sweep
    confirm: Confirm | None = None


class Curves(Section):
    """What is measured while trials of these `stages` train, every so many epochs and at the end: headline metrics, and
    with `contribution` the group contribution disparity by label and layer. Written to `curves/`."""

    stages: Annotated[tuple[Literal["points", "sweep", "confirm"], ...], Field(strict=False, min_length=1)] = (
        "points",
    )
    every: Size = 1
    contribution: bool = False


class ReferencePoint(Section):
    """Where hypervolume ends; trials beyond it add nothing."""

    arfg: Annotated[float, Field(gt=0)] = 1.5
    are: Annotated[float, Field(gt=0)] = 1.1


Name = Annotated[str, Field(pattern=PLAIN, max_length=MOST)]


class FrontierSet(Section):
    """A set of objectives `of` your own: metrics of a task as `error_income`, averaged over tasks as
    `average_precision`, or relative as `arfg`. Its hypervolume ends at `reference`, one number for each in its own
    units, by default at the worst value that each metric can have. A name alone is that of a set that every run has."""

    name: str
    of: Names = ()
    reference: Annotated[tuple[float, ...], Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> FrontierSet:
        if len(self.of) == 1 or ("of" in self.model_fields_set and not self.of):
            raise make_error(f"`of` has {len(self.of)} objectives; a frontier needs at least two")
        if self.reference is not None and len(self.reference) != len(self.of):
            raise make_error(f"reference has {len(self.reference)} numbers, expected {len(self.of)} as in `of`")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, written: SerializerFunctionWrapHandler) -> Any:
        return written(self) if self.of else self.name


def _frontier_set(value: Any) -> Any:
    if isinstance(value, dict) and "of" not in value:
        raise make_error(f"found {show_value(value)}; expected a name, or {{name: ap_odds, of: [METRIC, METRIC]}}")
    return {"name": value} if isinstance(value, str) else value


def _unique_names(values: tuple[FrontierSet, ...]) -> tuple[FrontierSet, ...]:
    check_unique(tuple(each.name for each in values))
    return values


class Frontiers(Section):
    """`objectives`: arfg_are, a task's name, accuracies, all, or sets of your own; default: every one of the former,
    but for the last two where there is one task. `gap` is what ARFG divides, and the gap of a task's set and of all;
    default: that of `fairness.goal`."""

    objectives: Annotated[
        tuple[Annotated[FrontierSet, BeforeValidator(_frontier_set)], ...],
        Field(strict=False),
        AfterValidator(_unique_names),
    ] = ()
    gap: str | None = None
    reference_point: ReferencePoint = ReferencePoint()


class OwnMetric(Section):
    """A metric that a run has of its own; docs/objectives.md has examples. Of the user: `function`,
    `package.module:function`, reads the `counts` of every group or the `rows` (labels, scores, decisions, groups);
    `direction` says which way it is better, `worst` what no trial is worse than; `code`, a digest of its source file,
    is filled in. With a column that is `given`, conditional demographic parity. With nothing, one of ours that only a
    run has that asks for it."""

    function: str | None = None
    reads: Literal["counts", "rows"] = "counts"
    direction: Direction | None = None
    worst: float | None = None
    given: str | None = None
    code: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> OwnMetric:
        own = self.model_fields_set
        if self.function is None:
            for key in ("reads", "direction", "worst", "code"):
                if key in own and getattr(self, key) is not None:
                    raise make_error(f"{key} belongs to a function")
        elif self.given is not None:
            raise make_error("function and given exclude each other")
        elif self.direction is None:
            raise make_error(f"direction is required of a function; accepted: {', '.join(get_args(Direction))}")
        return self

    @model_serializer(mode="wrap")
    def _of_this_kind(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found = written(self)
        if self.function is not None:
            return {key: value for key, value in found.items() if key != "given"}
        return {} if self.given is None else {"given": self.given}

    def metric(self, name: str) -> Metric:
        """The metric of this name. Raises KeyError for one without a function, and given nothing, that is none of ours
        that a run asks for."""
        return listed_metric(name, dict(self))


def _stack(value: Any) -> Any:
    if value != "auto" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise make_error(f"found {show_value(value)}; expected auto or a whole number of trials, at least 1")
    return value


def _checkpoint(value: Any) -> Any:
    if value is False:  # what YAML makes of `off`
        return "off"
    try:
        known = value == "off" or parse_duration(value) > 0
    except (ValueError, AttributeError):
        known = False
    if not known:
        raise make_error(f"found {show_value(value)}; write off, or a time as 90s, 30m or 1h30m")
    return value


class Resources(Section):
    """What one pack occupies; trials of a `pack`, trials side by side in a `stack` (`auto`: measured), and whether to
    `compile` the steps of the sweep (by default in large ones). None: the program's choice. `tf32`: products on a GPU
    with 10 bits of mantissa, several times faster. `models`: whether the weights of trials that may stand on a frontier
    are kept in `models/`. `checkpoint`: how often a stack that is still in training is kept, to go on from there after
    whatever ends it; `off` for never. Shorter stacks are not.
    """

    cpus: Annotated[float, Field(gt=0)] = 1
    gpus: Annotated[float, Field(ge=0)] = 0
    pack: Size | None = None
    stack: Annotated[int | Literal["auto"], BeforeValidator(_stack)] = "auto"
    compile: bool | None = None
    tf32: bool = False
    models: bool = True
    checkpoint: Annotated[str, BeforeValidator(_checkpoint)] = "5m"

    @property
    def checkpoint_seconds(self) -> float | None:
        """`checkpoint` in seconds, None for never."""
        return None if self.checkpoint == "off" else parse_duration(self.checkpoint)


def _label(text: str) -> str:
    fault = find_text_fault(text)
    if fault is not None:
        raise make_error(f"found {text!r}, {fault}")
    return text


class Settings(Section):
    """A whole space file, as it is written; keys in the order in which it is written back. `constraints`, as in
    `error_income <= 0.16`, hold on the split that chooses: trials beyond them enter no frontier. `metrics` are those
    that the run has of its own. `labels` say what figures, LaTeX tables and the page call a task, attribute, group,
    method or metric; they change no trial."""

    name: Name
    protocol: Literal["validation", "paper"] = "validation"
    data: Data
    network: Network = Network()
    training: Training = Training()
    fairness: Fairness = Fairness()
    threshold: Threshold = "base_rate"
    parameters: Parameters
    methods: Annotated[dict[Name, Annotated[MethodSettings, BeforeValidator(_replace_nothing)]], Field(min_length=1)]
    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=1), AfterValidator(check_unique)] = SEEDS
    points: Annotated[tuple[dict[str, Any], ...], Field(strict=False)] = ()
    stages: Stages
    constraints: Names = ()
    metrics: dict[Name, Annotated[OwnMetric, BeforeValidator(_replace_nothing)]] = {}
    curves: Curves | None = None
    frontiers: Frontiers = Frontiers()
    labels: dict[str, Annotated[str, AfterValidator(_label)]] = {}
    resources: Resources = Resources()

    @property
    def known_metrics(self) -> dict[str, Metric]:
        """Every metric by name, the run's own among them."""
        own = {name: each for name, each in self.metrics.items() if each.function or each.given}
        return {**METRICS, **{name: each.metric(name) for name, each in own.items()}}
