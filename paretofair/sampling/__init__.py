"""Where hyperparameters come from. A new sampler is one file and one line here."""

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

__all__ = ["GP", "NSGA2", "NSGA3", "SAMPLERS", "TPE", "Adaptive", "Grid", "Random", "Sampler", "Sobol"]
