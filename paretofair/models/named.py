"""Networks by name: shared layers for images, and a head for each task."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from paretofair.errors import SpaceError, first_line
from paretofair.models import vision
from paretofair.models.headed import Headed
from paretofair.models.modules import ModuleNetwork
from paretofair.models.network import StackedNetwork

NETWORKS = ("cnn", *vision.NAMES)
_CHANNELS, _DENSE = (32, 64), 128  # of cnn
# Keys of the last layer, in whose place the heads stand.
_LAST = ("fc.", "classifier.", "heads.")


@dataclass(frozen=True)
class NamedFactory:
    """Makes the modules of a network by name: called with the shape `(C, H, W)` of an example and the number of all
    outputs. `outputs` are those of each task; empty: one each. `width` scales the numbers of channels and units,
    `weights` is a file of values for the shared layers."""

    name: str
    head: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    width: float = 1.0
    weights: str | None = None

    def __call__(self, shape: tuple[int, ...], outputs: int) -> Headed:
        if self.name == "cnn":
            shared, features = _make_cnn(shape, self.width)
        else:
            shared, features = vision.make_trunk(self.name, shape[0], self.width)
        if self.weights is not None:
            load_weights(shared, self.weights, self.name)
        return Headed(shared, features, self.head, self.outputs or (1,) * outputs)


def build_named(
    name: str,
    shape: tuple[int, ...],
    tasks: int,
    *,
    head: tuple[int, ...] = (),
    outputs: tuple[int, ...] = (),
    width: float = 1.0,
    weights: str | None = None,
    half: bool = False,
) -> StackedNetwork:
    """The network of this name for examples of a shape.

    Raises SpaceError for examples that are no images, or too small for it, for a file of weights that does not fit, and
    where torchvision is missing.
    """
    if len(shape) != 3:
        words = f"an example has the shape {_spell(shape)}. Accepted here: mlp"
        raise SpaceError(f"network.name: {name} reads images; {words}")
    factory = NamedFactory(name, head, outputs, width, weights)
    # The networks of torchvision fill a GPU alone. Most of a ResNet's time on a CPU goes into convolutions, whose
    # weights would be laid out anew for images with channels last; of the others into poolings or joining channels.
    last = not name.startswith("resnet")
    network = ModuleNetwork(factory, shape, tasks, (), outputs, apart=name != "cnn", half=half, channels_last=last)
    try:
        network.values_per_example  # noqa: B018
    except (RuntimeError, ValueError) as error:
        raise SpaceError(f"network.name: {name} cannot read images of {_spell(shape)}: {first_line(error)}") from None
    return network


def load_weights(shared: nn.Module, file: str, name: str) -> None:
    """Puts the values of a file, safetensors or what `torch.save` wrote, into shared layers. Those of the last layer
    and of heads are left out.

    Raises SpaceError for a file that cannot be read, and for the first key that does not fit.
    """
    found = _read_weights(file)
    known = shared.state_dict()
    given = {key.removeprefix("shared."): value for key, value in found.items() if not key.startswith("heads.")}
    for key in [key for key in given if key not in known and key.startswith(_LAST)]:
        del given[key]
    for key, value in given.items():
        if key not in known:
            raise SpaceError(f"network.weights: {file} has {key}, which is no parameter of {name}")
        if value.shape != known[key].shape:
            one, other = (_spell(tuple(each.shape)) for each in (value, known[key]))
            raise SpaceError(f"network.weights: {file} has {key} of {one}; that of {name} is {other}")
        if not torch.isfinite(value).all():
            raise SpaceError(f"network.weights: {file}: {key} is not finite")
    missing = [key for key in known if key not in given and not key.endswith("num_batches_tracked")]
    if missing:
        raise SpaceError(f"network.weights: {file} has no {missing[0]}, which {name} has")
    shared.load_state_dict(given, strict=False)


@functools.lru_cache(maxsize=1)
def _read_weights(file: str) -> Mapping[str, Tensor]:
    try:
        if Path(file).suffix == ".safetensors":
            import safetensors.torch

            return safetensors.torch.load_file(file)
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file leads to
        raise SpaceError(f"network.weights: {file} cannot be read ({first_line(error)})") from None
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not (isinstance(found, Mapping) and found and all(isinstance(each, Tensor) for each in found.values())):
        raise SpaceError(f"network.weights: {file} holds no tensors by name; expected a state_dict")
    return dict(found)


def _make_cnn(shape: tuple[int, ...], width: float) -> tuple[nn.Module, int]:
    channels, height, breadth = shape
    layers: list[nn.Module] = []
    for count in _CHANNELS:
        made = max(1, round(count * width))
        layers += [nn.Conv2d(channels, made, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels, height, breadth = made, height // 2, breadth // 2
    features = max(1, round(_DENSE * width))
    size = math.prod((channels, height, breadth))
    if not size:
        raise ValueError("they must be 4 x 4 at least")
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(size, features), nn.ReLU()), features


def _spell(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"
