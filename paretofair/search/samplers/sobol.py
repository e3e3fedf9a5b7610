"""Quasi-random draws."""

from __future__ import annotations

import hashlib
import warnings

import numpy as np
from scipy.stats import qmc

from paretofair.search.distributions import Distribution, Fixed, Simplex, column
from paretofair.search.samplers.sampler import Sampler

_BITS = 30


class Sobol(Sampler):
    """A scrambled Sobol sequence over all parameters that are not fixed: it fills their space more evenly than chance.

    The best numbers of trials are powers of 2. A value is a function of the seed, the index and the list of
    parameters: adding one changes the others.
    """

    def ask(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        dimensions: list[str] = []
        for name, distribution in self.parameters.items():
            if isinstance(distribution, Distribution):
                dimensions += [] if isinstance(distribution, Fixed) else [name]
            elif isinstance(distribution, Simplex):
                dimensions += [column(name, task) for task in self.tasks[1:]]
            else:
                dimensions += [column(name, task) for task in self.tasks if not isinstance(distribution[task], Fixed)]
        uniforms = dict(zip(dimensions, self._points(len(dimensions), indices).T, strict=True))
        nothing = np.full(len(indices), 0.5)
        values: dict[str, np.ndarray] = {}
        for name, distribution in self.parameters.items():
            if isinstance(distribution, Distribution):
                values[name] = distribution.values(uniforms.get(name, nothing))
            elif isinstance(distribution, Simplex):
                names = [column(name, task) for task in self.tasks]
                values |= dict(zip(names, spacings([uniforms[each] for each in names[1:]], len(indices)), strict=True))
            else:
                for task in self.tasks:
                    own = column(name, task)
                    values[own] = distribution[task].values(uniforms.get(own, nothing))
        return values

    def _points(self, dimensions: int, indices: np.ndarray) -> np.ndarray:
        """`(n, dimensions)` numbers strictly between 0 and 1."""
        if not dimensions or not len(indices):
            return np.empty((len(indices), dimensions))
        key = int.from_bytes(hashlib.sha256(f"sobol {self.seed}".encode()).digest()[:8], "little")
        engine = qmc.Sobol(dimensions, scramble=True, bits=_BITS, rng=np.random.default_rng(key))
        first, last = int(indices.min()), int(indices.max()) + 1
        if first:
            engine.fast_forward(first)
        # One half of the resolution in: neither 0 nor 1 can come out.
        with warnings.catch_warnings():
            # That not every number of trials is balanced stands in this class's docstring.
            warnings.simplefilter("ignore", UserWarning)
            drawn = engine.random(last - first)
        return np.asarray(drawn[indices - first] + 0.5 * 2.0**-_BITS)


def spacings(uniforms: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Shares that sum to 1, uniform over all such vectors, from one number fewer: the gaps between them in order."""
    if not uniforms:
        return [np.ones(count)]
    cuts = np.sort(np.stack([np.zeros(count), *uniforms, np.ones(count)]), axis=0)
    return list(np.diff(cuts, axis=0))
