"""What every method must do, whatever its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from paretofair.data import Columns, Dataset, split
from paretofair.data.dataset import mark_test_rows
from paretofair.methods import LossSettings, Method, Names
from paretofair.models import MultilayerPerceptron
from paretofair.training import DeviceData, Experiment, TrainingSettings, Trials, to_device, train_pack


class MethodContract:
    """Trains `method` on small made-up data in stacks of several shapes.

        class TestMine(MethodContract):
            method = Mine
            options = {"strength": 2}

    The data have tasks `first` and `second` and groups `a`, `b` (and `c`). `options` are the method's own keys,
    `settings` those of `fairness` and `training.reduction`. Hyperparameters are drawn between their bounds (at most 3
    where a bound is infinite).
    """

    method: type[Method]
    options: dict[str, Any] = {}  # noqa: RUF012 (a pytest class is never changed)
    settings = LossSettings()

    def test_a_trial_does_not_depend_on_its_neighbours(self) -> None:
        """Bit for bit the same alone, among 7 and among 16, of one seed and of several."""
        for seeds in (np.zeros(16, dtype=np.int64), np.arange(16) // 5):
            trials = self._trials(seeds)
            whole = self._train(trials, width=16)
            for rows, width in ((np.arange(16)[::-1], 16), (np.arange(16), 7), (np.array([0]), 16)):
                found = self._train(trials.take(rows), width=width)
                for name, values in found.items():
                    np.testing.assert_array_equal(values, whole[name][rows], err_msg=name)

    def test_training_changes_parameters_and_stays_finite(self) -> None:
        found = self._train(self._trials(np.zeros(16, dtype=np.int64)), width=16)
        assert (found["status"] == "completed").all()
        assert np.isfinite(found["parameters"]).all()
        assert len(np.unique(found["parameters"], axis=0)) == 16

    def test_unknown_labels_and_groups_are_no_obstacle(self) -> None:
        data = self._data(unknown=0.2)
        found = self._train(self._trials(np.zeros(16, dtype=np.int64)), width=16, data=data)
        assert np.isfinite(found["parameters"]).all()

    def test_more_than_two_groups(self) -> None:
        data = self._data(sensitive="race")
        found = self._train(self._trials(np.zeros(16, dtype=np.int64)), width=16, data=data)
        assert np.isfinite(found["parameters"]).all()

    def test_steps_can_be_compiled(self) -> None:
        """And give what uncompiled ones give, but for rounding."""
        trials = self._trials(np.zeros(16, dtype=np.int64), epochs=1)
        eager, compiled = (
            self._train(trials, width=16, compiled=each, data=self._data(dtype=torch.float64))["parameters"]
            for each in (False, True)
        )
        np.testing.assert_allclose(compiled, eager, rtol=1e-6, atol=1e-7)

    def _data(self, *, unknown: float = 0.0, sensitive: str = "sex", dtype: torch.dtype = torch.float32) -> DeviceData:
        splits = split(_make_up_dataset(unknown))
        return to_device(splits, dict.fromkeys(splits.tasks, sensitive), torch.device("cpu"), dtype)

    def _trials(self, seeds: np.ndarray, epochs: int = 3) -> Trials:
        random = np.random.default_rng(0)
        values: dict[str, np.ndarray] = {
            "learning_rate": random.uniform(0.001, 0.01, len(seeds)),
            "epochs": np.full(len(seeds), epochs),
        }
        for parameter in self.method.parameters:
            shape = (len(seeds), 2) if parameter.per_task else (len(seeds),)
            values[parameter.name] = random.uniform(max(parameter.low, 0), min(parameter.high, 3), shape)
            if parameter.sums_to_one:
                values[parameter.name] /= values[parameter.name].sum(-1, keepdims=True)
        return Trials(seeds, values)

    def _train(
        self, trials: Trials, *, width: int, compiled: bool = False, data: DeviceData | None = None
    ) -> dict[str, np.ndarray]:
        """Parameters, status and metrics of every trial, in order."""
        torch.set_num_threads(1)
        data = self._data() if data is None else data
        network = MultilayerPerceptron(data.numeric, data.categories, len(data.tasks), (8,), (4,), 0)
        groups = tuple(data.group_names[data.attributes[attribute]] for attribute in data.acts_on)
        method = self.method(self.settings, self.method.Options(**self.options), Names(data.tasks, groups))
        settings = TrainingSettings(batch_size=90, compiled=compiled)
        stacks = list(train_pack(Experiment(data, network, method, settings), trials, width=width))
        order = np.argsort(np.concatenate([stack.positions for stack in stacks]))
        results = {
            "parameters": np.concatenate([stack.parameters for stack in stacks])[order],
            "status": np.concatenate([stack.status for stack in stacks])[order],
        }
        for name in stacks[0].evaluation.metrics:
            results[name] = np.concatenate([stack.evaluation.metrics[name] for stack in stacks])[order]
        return results


def _make_up_dataset(unknown: float) -> Dataset:
    """Two tasks that depend on four numbers and, through them, on a group of two and one of three."""
    random = np.random.default_rng(0)
    rows = 400
    sex, race = random.integers(0, 2, rows), random.integers(0, 3, rows)
    numeric = random.normal(size=(rows, 4)) + 0.7 * sex[:, None]
    labels = (numeric[:, :2] + random.logistic(size=(rows, 2)) > 0.4).astype(np.int8)
    labels[random.random(labels.shape) < unknown] = -1
    groups = {"sex": sex, "race": race}
    return Dataset(
        name="made_up",
        source="simulated",
        inputs=Columns.of(dict(zip("uvwx", numeric.T, strict=True)), {}),
        tasks=("first", "second"),
        labels=labels,
        groups={
            name: np.where(random.random(rows) < unknown, -1, values).astype(np.int8) for name, values in groups.items()
        },
        group_names={"sex": ("a", "b"), "race": ("a", "b", "c")},
        part=mark_test_rows(np.arange(rows) % 4 == 3),
        checksums={},
    )
