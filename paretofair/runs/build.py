"""From the words of a space file to the objects that train."""

from __future__ import annotations

from typing import Any

import pandas as pd

from paretofair import user_code
from paretofair.analysis.results import find_choosing_split
from paretofair.methods import METHODS, Method, Names
from paretofair.metrics.objectives import parse_goal
from paretofair.metrics.relative import relative_metrics
from paretofair.models import CosineNetwork, ModuleNetwork, MultilayerPerceptron, StackedNetwork, build_named
from paretofair.space.method_space import MethodSpace
from paretofair.training import DeviceData, Experiment, Halving, Threshold, TrainingSettings, WeightedMetric
from paretofair.training.measuring.best import EpochChoice
from paretofair.training.optimizers import OPTIMIZERS, Adagrad, Schedule

# Trials of a method from which on compiling its steps, a minute or two on a machine that never did, is repaid.
COMPILE_FROM = 1000
# Numbers that a cosine head reads where the space file does not say.
FEATURES = 512


def method_class(space: MethodSpace) -> type[Method]:
    """The registered class, or the user's own."""
    return METHODS[space.kind] if space.kind in METHODS else user_code.load(space.kind)


def build_method(space: MethodSpace, data: DeviceData) -> Method:
    """The method with its loss settings and options. Raises ValueError for options that do not fit the data."""
    kind = method_class(space)
    groups = tuple(data.group_names[data.attributes[attribute]] for attribute in data.acts_on)
    attributes = tuple(data.attributes[attribute] for attribute in data.acts_on)
    names = Names(data.tasks, groups, data.several, attributes)
    _check_groups(space, kind, groups)
    return kind(space.loss_settings, kind.Options.model_validate(space.options), names)


def _check_groups(space: MethodSpace, kind: type[Method], groups: tuple[tuple[str, ...], ...]) -> None:
    """Raises ValueError for a parameter per group that names no group of any attribute that a loss acts on."""
    known = list(dict.fromkeys(group for names in groups for group in names))
    for parameter in kind.parameters:
        if parameter.per_group:
            accepted = [parameter.of_group(group) for group in known]
            for name in space.parameters:
                if name.startswith(parameter.of_group("")) and name not in accepted:
                    raise ValueError(f"parameters: found {name}; expected {', '.join(accepted)}")


def build_experiment(space: MethodSpace, data: DeviceData, *, compiled: bool, half: bool = False) -> Experiment:
    """What the trials of a method have in common, with steps compiled or not, and layers of modules in bfloat16 or not.
    Raises ValueError for options that do not fit the data."""
    return Experiment(
        data,
        build_network(space, data, half=half),
        build_method(space, data),
        build_settings(space, compiled),
        build_threshold(space),
        space.own_metrics,
    )


def build_halving(space: MethodSpace, denominators: pd.DataFrame, split_id: str) -> Halving:
    """Successive halving with the objectives as weights of metrics: of one task, of all alike, or for ARE and ARFG by
    the baselines of the split."""
    assert space.halving is not None
    split, _ = find_choosing_split(space.protocol)
    means = denominators[denominators["split_id"] == split_id].set_index(["split", "metric", "task"])["mean"]
    metrics = space.known_metrics
    tasks, relative = space.tasks, relative_metrics(space.gap)
    objectives = []
    for name in space.halving.objectives:
        goal = parse_goal(name, tasks, metrics)
        metric = metrics[relative.get(goal.metric.name, goal.metric.name)]
        if goal.metric.name in relative:
            weights = [1 / len(tasks) / means[split, metric.name, task] for task in tasks]
        else:
            weights = [float(goal.task == task) if goal.task is not None else 1 / len(tasks) for task in tasks]
        objectives.append(WeightedMetric(metric, tuple(map(float, weights))))
    return Halving(space.halving.eta, space.halving.rungs, tuple(objectives))


def build_network(space: MethodSpace, data: DeviceData, *, half: bool = False) -> StackedNetwork:
    """The network of the file's widths, of its name, or of its module, for this data set; of identities with a cosine
    head. Raises SpaceError for one that cannot read its examples."""
    if data.kinds[0].is_identity:
        width = space.network.features or FEATURES
        return CosineNetwork(_build_body(space, data, (width,), half), width, data.predicted[0].outputs)
    return _build_body(space, data, tuple(task.outputs for task in data.several), half)


def _build_body(space: MethodSpace, data: DeviceData, outputs: tuple[int, ...], half: bool) -> StackedNetwork:
    """The network with these numbers of outputs for each task; empty: one each."""
    own, tasks = space.network, len(data.tasks)
    if own.module is not None:
        arguments = tuple(sorted((name, _make_hashable(value)) for name, value in own.arguments.items()))
        inputs = data.shape[0] if len(data.shape) == 1 else data.shape
        return ModuleNetwork(user_code.load(own.module), inputs, tasks, arguments, outputs, half=half)
    if own.named:
        sizes: dict[str, Any] = {"head": own.head, "outputs": outputs, "width": own.width}
        return build_named(own.name, data.shape, tasks, **sizes, weights=own.weights, half=half)
    return MultilayerPerceptron(
        numeric=data.numeric,
        categories=data.categories,
        tasks=tasks,
        shared=own.shared,
        head=own.head,
        embedding=own.embedding,
        outputs=outputs,
        initial_values=own.initial,
    )


def _make_hashable(value: Any) -> Any:
    return tuple(_make_hashable(each) for each in value) if isinstance(value, list) else value


def build_settings(space: MethodSpace, compiled: bool) -> TrainingSettings:
    """Optimisation as the `training` section says."""
    kind = OPTIMIZERS[space.training.optimizer]
    optimizer = Adagrad(space.training.initial_accumulator) if kind is Adagrad else kind()
    training, keep = space.training, None
    if training.keep_epoch is not None:
        goal = parse_goal(training.keep_epoch.by, space.tasks, space.known_metrics)
        task = None if goal.task is None else space.tasks.index(goal.task)
        keep = EpochChoice(goal.metric, task, training.keep_epoch.since)
    holdout = space.penalty_split == "holdout"
    schedule = None if training.schedule is None else Schedule(**dict(training.schedule))
    own = training.steps, keep, schedule, training.clip
    # The compiler fails on the length of a gradient that it has just computed.
    compiled = compiled and training.clip is None
    return TrainingSettings(training.batch_size, optimizer, holdout, compiled, *own)


def build_threshold(space: MethodSpace) -> Threshold:
    """The decision rule."""
    if isinstance(space.threshold, str):
        return Threshold(space.threshold)
    return Threshold("fixed", space.threshold.fixed)


def describe_threshold(space: MethodSpace) -> str:
    """The decision rule in words, as the trial table has it: `base_rate`, `fixed 0.5`, `base_rate by group`."""
    words = str(space.threshold)
    own = method_class(space).thresholds is not Method.thresholds
    return f"{words} by group" if own else words
