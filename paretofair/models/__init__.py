"""Stacked networks: every parameter has a leading trials axis."""

from paretofair.models.cosine_network import CosineNetwork
from paretofair.models.modules import ModuleNetwork
from paretofair.models.multilayer_perceptron import MultilayerPerceptron
from paretofair.models.named import build_named
from paretofair.models.network import ALIGNMENT, Outputs, StackedNetwork, align_length

__all__ = [
    "ALIGNMENT",
    "CosineNetwork",
    "ModuleNetwork",
    "MultilayerPerceptron",
    "Outputs",
    "StackedNetwork",
    "align_length",
    "build_named",
]
