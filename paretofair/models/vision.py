"""The networks that torchvision has, without their last layer, for images of any number of channels and of any width.

torchvision's compiled operators (of detectors) are not used here. Beside a build of PyTorch that they were not made
for they are not loaded, and its import then fails because it describes two of them; they are named here first.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import nn

from paretofair.errors import SpaceError

NAMES = ("resnet18", "resnet34", "resnet152", "densenet121", "alexnet")
_OPERATORS = ("nms", "qnms")
_KEPT: list[torch.library.Library] = []  # what a library defines goes with it


def make_trunk(name: str, channels: int, width: float) -> tuple[nn.Module, int]:
    """The layers of a network before its last, and how many features `(B, H)` they give. `width` scales the numbers of
    channels and of units. With 3 channels and width 1 it is the module of torchvision with its initial values.

    Raises SpaceError where torchvision cannot be imported.
    """
    models = import_models()
    if name == "densenet121" and width != 1:
        # What is joined must add up, so that growth is scaled and all follows from it.
        growth = _scale(32, width)
        module = models.DenseNet(growth, (6, 12, 24, 16), 2 * growth)
    else:
        module = getattr(models, name)()
    own = 1.0 if name == "densenet121" else width
    if own != 1 or channels != 3:
        _remake_layers(module, channels, own, _INITIAL[name.rstrip("0123456789")])
    last: nn.Linear
    if name == "alexnet":
        *kept, last = module.classifier
        module.classifier = nn.Sequential(*kept)
    else:
        place = "classifier" if name == "densenet121" else "fc"
        last = getattr(module, place)
        setattr(module, place, nn.Identity())
    return module, last.in_features


def import_models() -> ModuleType:
    """`torchvision.models`. Raises SpaceError where it cannot be imported."""
    try:
        try:
            return importlib.import_module("torchvision.models")
        except RuntimeError:
            library = torch.library.Library("torchvision", "FRAGMENT")
            _KEPT.append(library)
            for operator in _OPERATORS:
                library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            return importlib.import_module("torchvision.models")
    except (ImportError, RuntimeError) as error:
        names = ", ".join(NAMES)
        raise SpaceError(
            f"network.name: {names} need torchvision, which cannot be imported ({error}): "
            "pip install 'paretofair[images]'; cnn and mlp need nothing"
        ) from None


def _remake_layers(module: nn.Module, channels: int, width: float, initialise: Callable[[nn.Conv2d], Any]) -> None:
    """Layers of scaled numbers of channels in place of the module's own; the first reads `channels`."""
    before = 0  # what the layer above gives, unscaled
    for path, layer in list(module.named_modules()):
        made: nn.Module
        if isinstance(layer, nn.Conv2d):
            reads = _scale(layer.in_channels, width) if before else channels
            made = nn.Conv2d(
                *(reads, _scale(layer.out_channels, width), layer.kernel_size),  # type: ignore[arg-type]
                stride=layer.stride,  # type: ignore[arg-type]
                padding=layer.padding,  # type: ignore[arg-type]
                bias=layer.bias is not None,
            )
            initialise(made)
            before = layer.out_channels
        elif isinstance(layer, nn.BatchNorm2d):
            made = nn.BatchNorm2d(_scale(layer.num_features, width))
        elif isinstance(layer, nn.Linear):
            # Behind a flattening the inputs are so many of each channel.
            made = nn.Linear(layer.in_features // before * _scale(before, width), _scale(layer.out_features, width))
            before = layer.out_features
        else:
            continue
        parent, _, name = path.rpartition(".")
        setattr(module.get_submodule(parent), name, made)


def _scale(count: int, width: float) -> int:
    return max(1, math.floor(count * width + 0.5))


# As torchvision begins them.
_INITIAL: dict[str, Callable[[nn.Conv2d], Any]] = {
    "resnet": lambda layer: nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu"),
    "densenet": lambda layer: nn.init.kaiming_normal_(layer.weight),
    "alexnet": lambda layer: None,
}
