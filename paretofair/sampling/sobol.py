"""Quasi-random draws."""

from __future__ import annotations

import hashlib
import warnings

import numpy as np

from paretofair.sampling.points import count_dimensions, place_points
from paretofair.sampling.sampler import Sampler

_BITS = 30


class Sobol(Sampler):
    """A scrambled Sobol sequence over all parameters that are not fixed: it fills their space more evenly than chance.

    The best numbers of trials are powers of 2. A value is a function of the seed, the index and the list of
    parameters: adding one changes the others.
    """

    def ask(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        points = self._points(count_dimensions(self.parameters, self.tasks), indices)
        return place_points(self.parameters, self.tasks, points)

    def _points(self, dimensions: int, indices: np.ndarray) -> np.ndarray:
        """`(n, dimensions)` numbers strictly between 0 and 1."""
        if not dimensions or not len(indices):
            return np.empty((len(indices), dimensions))
        from scipy.stats import qmc  # half a second, which no other sampler need pay

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
