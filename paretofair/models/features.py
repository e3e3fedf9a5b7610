"""How a module tells its features: what its heads read."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from torch import Tensor, nn

from paretofair.models.cosine_network import CosineModule
from paretofair.models.perceptron import Perceptron

# The argument of `forward` by which a module tells its features.
WITH_FEATURES = "with_features"


def takes_features(module: nn.Module) -> bool:
    """Whether `forward` gives outputs and features where it is asked for both."""
    return WITH_FEATURES in inspect.signature(module.forward).parameters


def find_features(module: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """From a batch `(B, *shape)` to features `(B, H)`; None where the module does not tell them."""
    if isinstance(module, CosineModule | Perceptron):
        return module.features
    if not takes_features(module):
        return None

    def tell(examples: Tensor) -> Tensor:
        features: Tensor = module(examples, **{WITH_FEATURES: True})[1]
        return features

    return tell
