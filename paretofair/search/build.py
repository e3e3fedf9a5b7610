"""From the words of a space file to the objects that train."""

from __future__ import annotations

from typing import Any

from paretofair.methods import METHODS, Method
from paretofair.models import ModuleNetwork, MultilayerPerceptron, StackedNetwork
from paretofair.search import code
from paretofair.search.method_space import MethodSpace
from paretofair.training import DeviceData, Threshold, TrainingSettings

# Trials of a method from which on compiling its steps, a minute or two on a machine that never did, is repaid.
COMPILE_FROM = 1000
# Trials of a pack where the space file does not say: half a minute and more.
PACK = {"cpu": 256, "cuda": 4096}


def build_method(space: MethodSpace) -> Method:
    """The method with its loss settings."""
    return METHODS[space.method](space.loss_settings)


def build_network(space: MethodSpace, data: DeviceData) -> StackedNetwork:
    """The network of the file's widths, or of its module, for this data set."""
    if space.network.module is not None:
        arguments = tuple(sorted((name, _hashable(value)) for name, value in space.network.arguments.items()))
        inputs = data.splits["train"].inputs.shape[1]
        return ModuleNetwork(code.load(space.network.module), inputs, len(data.tasks), arguments)
    return MultilayerPerceptron(
        numeric=data.numeric,
        categories=data.categories,
        tasks=len(data.tasks),
        shared=space.network.shared,
        head=space.network.head,
        embedding=space.network.embedding,
    )


def _hashable(value: Any) -> Any:
    return tuple(_hashable(each) for each in value) if isinstance(value, list) else value


def build_settings(space: MethodSpace, compiled: bool) -> TrainingSettings:
    """Optimisation as the `training` section says."""
    return TrainingSettings(space.training.batch_size, space.training.initial_accumulator, compiled)


def build_threshold(space: MethodSpace) -> Threshold:
    """The decision rule."""
    if isinstance(space.threshold, str):
        return Threshold(space.threshold)
    return Threshold("fixed", space.threshold.fixed)
