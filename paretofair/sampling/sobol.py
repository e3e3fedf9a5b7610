"""Quasi-random draws."""

from __future__ import annotations

import hashlib
import warnings

import numpy as np

from paretofair.sampling.distributions import Fixed, Simplex, parts, settle
from paretofair.sampling.sampler import Sampler

_BITS = 30


class Sobol(Sampler):
    """A scrambled Sobol sequence over all parameters that are not fixed: it fills their space more evenly than chance.

    The best numbers of trials are powers of 2. A value is a function of the seed, the index and the list of
    parameters: adding one changes the others.
    """

    def ask(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        distributions = list(parts(self.parameters, self.tasks))
        # Shares take one number fewer than they are; a fixed value takes none.
        needs = [
            0 if isinstance(each, Fixed) else len(names) - isinstance(each, Simplex) for names, each in distributions
        ]
        uniforms = iter(self._points(sum(needs), indices).T)
        values: dict[str, np.ndarray] = {}
        for (names, distribution), count in zip(distributions, needs, strict=True):
            own = [next(uniforms) for _ in range(count)]
            if isinstance(distribution, Simplex):
                values |= dict(zip(names, spacings(own, len(indices)), strict=True))
            else:
                values[names[0]] = distribution.values(own[0] if own else np.full(len(indices), 0.5))
        return settle(self.parameters, self.tasks, values)

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


def spacings(uniforms: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Shares that sum to 1, uniform over all such vectors, from one number fewer: the gaps between them in order."""
    if not uniforms:
        return [np.ones(count)]
    cuts = np.sort(np.stack([np.zeros(count), *uniforms, np.ones(count)]), axis=0)
    return list(np.diff(cuts, axis=0))
