"""What every indicator of fronts must do, whatever it measures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike


class IndicatorContract:
    """Measures random fronts.

        class TestMine(IndicatorContract):
            indicator = staticmethod(mine)
            better = "smaller"

    `indicator(front, other)` takes two arrays `(points, objectives)`, all objectives minimised, and gives one number,
    `better` the "smaller" or the "larger". A front must never look worse for points that are added to it, rows with a
    NaN must not count, and neither the order of points nor their repetition may matter, nor may inputs be changed.
    """

    indicator: Callable[[ArrayLike, ArrayLike], float]
    better: str = "smaller"

    def test_adding_points_makes_no_front_worse(self) -> None:
        for front, other in self._pairs():
            more = np.concatenate([front, front.min(0, keepdims=True)])
            assert self._loss(more, other) <= self._loss(front, other) + 1e-12

    def test_a_front_that_is_better_everywhere_is_no_worse(self) -> None:
        for front, other in self._pairs():
            assert self._loss(front - 0.5, other) <= self._loss(front, other) + 1e-12

    def test_the_order_of_points_and_their_repetition_do_not_matter(self) -> None:
        for front, other in self._pairs():
            same = self._loss(np.concatenate([front[::-1], front[:2]]), other)
            np.testing.assert_allclose(same, self._loss(front, other), rtol=1e-12)

    def test_rows_with_a_nan_do_not_count(self) -> None:
        for front, other in self._pairs():
            missing = np.full((1, front.shape[1]), np.nan)
            found = self._loss(np.concatenate([front, missing]), np.concatenate([missing, other]))
            np.testing.assert_allclose(found, self._loss(front, other), rtol=1e-12)

    def test_inputs_stay_as_they_are(self) -> None:
        for front, other in self._pairs():
            before = front.copy(), other.copy()
            self._loss(front, other)
            np.testing.assert_array_equal(front, before[0])
            np.testing.assert_array_equal(other, before[1])

    def _loss(self, front: np.ndarray, other: np.ndarray) -> float:
        assert self.better in ("smaller", "larger")
        value = float(self.indicator(front, other))
        return value if self.better == "smaller" else -value

    @staticmethod
    def _pairs() -> list[tuple[np.ndarray, np.ndarray]]:
        random = np.random.default_rng(0)
        return [(random.random((n, m)), random.random((7, m))) for n in (1, 6) for m in (2, 3)]
