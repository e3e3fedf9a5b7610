"""A whole space file: data, frontiers, metrics and resources, and the sections of `training` and `stages`."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from paretofair.data.reading.csv_schema import CsvSchema, Sensitive, SourceSchema
from paretofair.metrics.metric import Direction, Metric
from paretofair.metrics.registry import METRICS, listed_metric
from paretofair.naming import MOST, PLAIN, find_text_fault
from paretofair.sections import Names, Section, Seed, Size, check_unique, make_error, parse_duration
from paretofair.space.problems import show_value
from paretofair.space.schema.stages import Curves, Stages
from paretofair.space.schema.training import Fairness, MethodSettings, Network, Parameters, Threshold, Training

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


Name = Annotated[str, Field(pattern=PLAIN, max_length=MOST)]


class Data(Section):
    """`sensitive` (default: the data set's first attribute) is what the losses act on; `audit` are the attributes and
    intersections that the figure of the audit shows beside it (default: all, which are in the tables in any case).

    `validation` is the share of the training rows that `protocol: validation` cuts off, once, by `split_seed`. With
    `test_seed` the test rows are drawn anew from all rows: once by a number, or by `each` of the seeds, so that every
    seed has a split of its own. `csv` describes a file in place of a known data set, `sources` several by name, whose
    rows are joined. `tasks` chooses some of the data set's, `options` are what else may be chosen of a known one.
    """

    name: str
    csv: CsvSchema | None = None
    sources: dict[Name, SourceSchema] = {}
    tasks: Names = ()
    options: dict[str, Any] = {}
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
        if isinstance(given, dict) and isinstance(given.get("sources"), dict) and "name" not in given:
            return given | {"name": "_".join(map(str, given["sources"]))}
        return given

    @model_validator(mode="after")
    def _one_kind(self) -> Data:
        if self.csv is not None and self.sources:
            raise make_error("csv and sources exclude each other: a single file is csv, several are sources")
        if len(self.sources) == 1:
            raise make_error(f"sources has but {next(iter(self.sources))!r}; a single file is described by csv")
        if self.sources and not any(each.sensitive for each in self.sources.values()):
            raise make_error("no source has an attribute (sensitive)")
        return self

    @model_serializer(mode="wrap")
    def _without_empty(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in written(self).items() if value or key not in ("sources", "options")}

    @property
    def files(self) -> tuple[CsvSchema, ...]:
        """Every file that is described; none for a known data set."""
        return tuple(self.sources.values()) if self.csv is None else (self.csv,)

    @property
    def tasks_of_files(self) -> dict[str, str]:
        """Every task of the files, and its kind."""
        return {task: kind for file in self.files for task, kind in file.kinds.items()}

    @property
    def attributes_of_files(self) -> dict[str, Sensitive]:
        """Every attribute of the files, and how the first of them makes its groups."""
        found: dict[str, Sensitive] = {}
        for file in self.files:
            found |= {name: own for name, own in file.sensitive.items() if name not in found}
        return found

    @property
    def split_of_each(self) -> bool:
        """Whether every seed has test rows, and with them a split, of its own."""
        return self.test_seed == "each"

    def sensitive_by_task(self, tasks: tuple[str, ...]) -> dict[str, str]:
        """The attribute that the loss of each task acts on."""
        if isinstance(self.sensitive, str):
            return dict.fromkeys(tasks, self.sensitive)
        return {task: self.sensitive[task] for task in tasks}


class ReferencePoint(Section):
    """Where hypervolume ends; trials beyond it add nothing."""

    arfg: Annotated[float, Field(gt=0)] = 1.5
    are: Annotated[float, Field(gt=0)] = 1.1


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
    is filled in. With a column that is `given`, conditional demographic parity. With `of`, that metric (auc,
    intra_angle, inter_angle) of one `group` alone, by default of the attribute that the loss acts on, else of
    `attribute`. With nothing, one of ours that only a run has that asks for it."""

    function: str | None = None
    reads: Literal["counts", "rows"] = "counts"
    direction: Direction | None = None
    worst: float | None = None
    given: str | None = None
    code: str | None = None
    of: Literal["auc", "intra_angle", "inter_angle"] | None = None
    group: str | None = None
    attribute: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> OwnMetric:
        own = self.model_fields_set
        if (self.of is None) != (self.group is None):
            raise make_error(f"{'of' if self.of is None else 'group'} is required; of and group belong together")
        if self.of is None and self.attribute is not None:
            raise make_error("attribute belongs to a metric of one group: of, group")
        if self.of is not None and (self.function is not None or self.given is not None):
            raise make_error("of excludes function and given")
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
        of_group = {key: found.pop(key, None) for key in ("of", "group", "attribute")}
        if self.of is not None:
            return {key: value for key, value in of_group.items() if value is not None}
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


def _models(value: Any) -> Any:
    return {True: "frontier", False: "none"}[value] if isinstance(value, bool) else value


class Resources(Section):
    """What one pack occupies; trials of a `pack`, trials side by side in a `stack` (`auto`: measured), and whether to
    `compile` the steps of the sweep (by default in large ones). None: the program's choice. `tf32`: products on a GPU
    with 10 bits of mantissa, several times faster. `precision`: with bf16 the layers of networks by name and of modules
    compute in bfloat16 on a GPU, where that is safe; parameters, losses and updates stay in float32. `models`: of which
    trials weights are kept in `models/`: of those that may stand on a `frontier`, of `all`, or of `none`; no more than
    about `models_gb` gigabytes. `checkpoint`: how often a stack that is
    still in training is kept, to go on from there after whatever ends it; `off` for never. Shorter stacks are not.
    `engine`: where packs are trained, on the workers of a `ray` or one after the other in this `process`; `auto`: here,
    where that is over before a Ray would have started.
    """

    cpus: Annotated[float, Field(gt=0)] = 1
    gpus: Annotated[float, Field(ge=0)] = 0
    pack: Size | None = None
    stack: Annotated[int | Literal["auto"], BeforeValidator(_stack)] = "auto"
    compile: bool | None = None
    tf32: bool = False
    precision: Literal["float32", "bf16"] = "float32"
    models: Annotated[Literal["frontier", "all", "none"], BeforeValidator(_models)] = "frontier"
    models_gb: Annotated[float, Field(gt=0)] = 50.0
    checkpoint: Annotated[str, BeforeValidator(_checkpoint)] = "5m"
    engine: Literal["auto", "ray", "process"] = "auto"

    @model_validator(mode="after")
    def _precision_of_a_gpu(self) -> Resources:
        if self.precision == "bf16" and not self.gpus:
            raise make_error("precision: bf16 is for a GPU, a CPU is slower with it; found gpus: 0")
        return self

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
    parameters: Parameters = {}
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
        own = {name: each for name, each in self.metrics.items() if each.function or each.given or each.of}
        return {**METRICS, **{name: each.metric(name) for name, each in own.items()}}
