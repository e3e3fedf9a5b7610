"""Where hyperparameters come from. A new sampler is one file and one line here."""

from paretofair import user_code
from paretofair.errors import SpaceError
from paretofair.sampling.adaptive import GP, NSGA2, NSGA3, TPE, Adaptive
from paretofair.sampling.grid import Grid
from paretofair.sampling.random import Random
from paretofair.sampling.sampler import Sampler
from paretofair.sampling.sobol import Sobol

SAMPLERS: dict[str, type[Sampler]] = {
    "random": Random,
    "sobol": Sobol,
    "grid": Grid,
    "tpe": TPE,
    "nsga2": NSGA2,
    "nsga3": NSGA3,
    "gp": GP,
}


def find_sampler(name: str) -> type[Sampler]:
    """The sampler of this name, or the user's own `package.module:Class`. Raises SpaceError with what is accepted."""
    if name in SAMPLERS:
        return SAMPLERS[name]
    if ":" not in name:
        raise SpaceError(f"found {name!r}; accepted: {', '.join(SAMPLERS)}, or package.module:Class")
    kind = user_code.load(name)
    if not (isinstance(kind, type) and issubclass(kind, Sampler)):
        raise SpaceError(f"{name} is no subclass of paretofair.sampling.Sampler")
    return kind


__all__ = ["GP", "NSGA2", "NSGA3", "SAMPLERS", "TPE", "Adaptive", "Grid", "Random", "Sampler", "Sobol", "find_sampler"]
