"""What every sampler must do, wherever its draws come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from paretofair.sampling import Sampler
from paretofair.sampling.distributions import Choice, Distributions, Fixed, Integers, LogUniform, Simplex, Uniform

_TASKS = ("one", "two", "three")
_SPACE: Distributions = {
    "learning_rate": LogUniform(0.01, 0.3),
    "epochs": Choice((20, 40, 60)),
    "task_weight": Simplex(),
    "fairness_weight": {"one": Fixed(0.5), "two": Uniform(0.0, 5.0), "three": Fixed(1.0)},
    "layers": Integers(1, 4),
}
_COLUMNS = {
    *("learning_rate", "epochs", "layers"),
    *(f"{name}_{task}" for name in ("task_weight", "fairness_weight") for task in _TASKS),
}


class SamplerContract:
    """Asks a sampler for trials.

        class TestMine(SamplerContract):
            sampler = Mine
            options = {"startup": 8}

    It must give every parameter in its range and type, shares that sum to one, the same trials for the same seed, and
    trials that are functions of their index; a sampler that is `adaptive` must stand being told results in which some
    are missing.
    """

    sampler: type[Sampler]
    options: dict[str, Any] = {}  # noqa: RUF012 (a pytest class is never changed)

    def make(self, seed: int = 0) -> Sampler:
        """The sampler of one method and seed."""
        return self.sampler(_SPACE, _TASKS, seed, self.sampler.Options(**self.options))

    def test_columns_types_and_ranges(self) -> None:
        values = self.make().ask(np.arange(16))
        assert set(values) == _COLUMNS
        assert all(each.shape == (16,) for each in values.values())
        assert {column for column, each in values.items() if each.dtype == np.int64} == {"epochs", "layers"}
        assert set(values["epochs"]) <= {20, 40, 60}
        assert set(values["layers"]) <= {1, 2, 3, 4}
        assert ((values["learning_rate"] >= 0.01) & (values["learning_rate"] <= 0.3)).all()
        assert ((values["fairness_weight_two"] >= 0) & (values["fairness_weight_two"] <= 5)).all()
        assert set(values["fairness_weight_one"]) == {0.5}
        shares = np.stack([values[f"task_weight_{task}"] for task in _TASKS])
        assert shares.min() >= -1e-12
        np.testing.assert_allclose(shares.sum(0), 1)

    def test_the_same_seed_gives_the_same_trials(self) -> None:
        one, same, other = (self.make(seed).ask(np.arange(12)) for seed in (3, 3, 4))
        for column, values in one.items():
            np.testing.assert_array_equal(values, same[column], err_msg=column)
        if self.make().size is None:
            assert not np.array_equal(one["learning_rate"], other["learning_rate"])

    def test_no_trials_are_no_obstacle(self) -> None:
        assert {len(values) for values in self.make().ask(np.arange(0)).values()} <= {0}

    def test_a_trial_is_a_function_of_its_index(self) -> None:
        if not self.sampler.adaptive:
            whole = self.make().ask(np.arange(40))
            part = self.make().ask(np.array([31, 7, 12]))
            for column, values in whole.items():
                np.testing.assert_array_equal(part[column], values[[31, 7, 12]], err_msg=column)

    def test_what_it_is_told_makes_a_difference(self) -> None:
        """Results of 48 trials, some of them missing: one that learns then gives others than its twin, which was asked
        for the same and told nothing; any other gives the same."""
        told, twin = self.make(), self.make()
        for first in range(0, 48, 8):
            indices = np.arange(first, first + 8)
            values = told.ask(indices)
            twin.ask(indices)
            objectives = np.stack([values["fairness_weight_two"], 1 / values["learning_rate"]], 1)
            objectives[0] = np.nan
            told.tell(indices, values, objectives, np.empty((8, 0)))
        one, other = (sampler.ask(np.arange(48, 56))["learning_rate"] for sampler in (told, twin))
        assert np.array_equal(one, other) != self.sampler.adaptive
