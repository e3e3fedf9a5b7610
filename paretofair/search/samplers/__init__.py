"""Where hyperparameters come from. A new sampler is one file and one line here."""

from paretofair.search.samplers.adaptive import GP, NSGA2, NSGA3, TPE, Adaptive
from paretofair.search.samplers.grid import Grid
from paretofair.search.samplers.random import Random
from paretofair.search.samplers.sampler import Sampler
from paretofair.search.samplers.sobol import Sobol

SAMPLERS: dict[str, type[Sampler]] = {
    "random": Random,
    "sobol": Sobol,
    "grid": Grid,
    "tpe": TPE,
    "nsga2": NSGA2,
    "nsga3": NSGA3,
    "gp": GP,
}

__all__ = ["GP", "NSGA2", "NSGA3", "SAMPLERS", "TPE", "Adaptive", "Grid", "Random", "Sampler", "Sobol"]
