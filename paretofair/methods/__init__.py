"""The methods, by the name that space files and the trial table give them."""

from paretofair.methods.method import (
    TRAINING_PARAMETERS,
    Gradient,
    Hyper,
    Losses,
    LossSettings,
    Method,
    Parameter,
    Rows,
)
from paretofair.methods.mtaf import MTAF
from paretofair.methods.per_task import PerTask
from paretofair.methods.vanilla import SingleTask, Vanilla

METHODS: dict[str, type[Method]] = {
    "single_task": SingleTask,
    "vanilla": Vanilla,
    "per_task": PerTask,
    "mtaf": MTAF,
}

__all__ = [
    "METHODS",
    "TRAINING_PARAMETERS",
    "Gradient",
    "Hyper",
    "LossSettings",
    "Losses",
    "Method",
    "Parameter",
    "Rows",
]
