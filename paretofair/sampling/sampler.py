"""What a sampler is: where the hyperparameters of the trials of a method and seed come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from paretofair.sampling.distributions import Distributions
from paretofair.sections import Section


class SamplerOptions(Section):
    """What one sampler can be told: its own keys beside `name` in `stages.sweep.sampler`."""

    @property
    def at_random(self) -> int:
        """How many trials of a method and seed a sampler that learns draws before it looks at results."""
        return 0


class Sampler(ABC):
    """The draws of one method and seed. A new sampler is one file with one subclass, listed in `SAMPLERS` or named by a
    space file as `package.module:Class`.

    One that is not `adaptive` gives trials that are functions of their index alone, so that packs can be planned ahead.
    An adaptive one is asked in the order of indices, and told how trials went.
    """

    Options: ClassVar[type[SamplerOptions]] = SamplerOptions
    adaptive: ClassVar[bool] = False

    def __init__(self, parameters: Distributions, tasks: Sequence[str], seed: int, options: Any = None) -> None:
        """Raises ValueError for parameters that it cannot sample."""
        self.parameters, self.tasks, self.seed = parameters, tuple(tasks), seed
        self.options: Any = self.Options() if options is None else options

    @property
    def size(self) -> int | None:
        """How many different trials there are, None where there is no end."""
        return None

    @abstractmethod
    def ask(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The hyperparameters of the trials of these indices: by column `(n,)`, float64 or int64."""

    def tell(  # noqa: B027 (others learn nothing)
        self, indices: np.ndarray, values: dict[str, np.ndarray], objectives: np.ndarray, violations: np.ndarray
    ) -> None:
        """How trials went: hyperparameters by column `(n,)`, `objectives` `(n, m)` minimised (NaN: no result), and by
        how much each constraint was missed `(n, c)`, 0 and less where it was kept."""
