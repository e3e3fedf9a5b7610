"""Independent draws."""

from __future__ import annotations

import numpy as np

from paretofair.sampling.distributions import draw
from paretofair.sampling.sampler import Sampler


class Random(Sampler):
    """Every value is a function of (seed, column, index): methods share those of the parameters that they share, and
    adding a parameter leaves the others alone."""

    def ask(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        if not len(indices):
            return draw(self.parameters, self.tasks, seed=self.seed, first=0, last=0)
        first, last = int(indices.min()), int(indices.max()) + 1
        values = draw(self.parameters, self.tasks, seed=self.seed, first=first, last=last)
        return {name: each[indices - first] for name, each in values.items()}
