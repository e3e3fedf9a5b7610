"""What every kind of input must do."""

from __future__ import annotations

import pickle
from functools import cached_property

import numpy as np
import torch

from paretofair.data import Dataset, Inputs, split
from paretofair.data.dataset import mark_test_rows
from paretofair.data.digest import Digest
from paretofair.data.inputs import DeviceInputs
from paretofair.methods import METHODS, LossSettings
from paretofair.models import MultilayerPerceptron
from paretofair.training import Experiment, TrainingSettings, Trials, to_device, train_pack

_CPU = torch.device("cpu")


class InputsContract:
    """Fits inputs, takes batches of them and trains a small network on them.

        class TestMine(InputsContract):
            def make(self):
                return Mine(...)

    `make` gives the inputs of at least 40 rows, the same ones at every call.
    """

    def make(self) -> Inputs:
        """What is tested."""
        raise NotImplementedError

    @cached_property
    def inputs(self) -> Inputs:
        """Those of `make`, made once."""
        return self.make()

    def test_the_identity_is_the_same_every_time(self) -> None:
        digests = Digest(), Digest()
        for digest in digests:
            self.make().add_to(digest)
        assert digests[0].hexadecimal() == digests[1].hexadecimal() != Digest().hexadecimal()

    def test_examples_have_the_shape(self) -> None:
        fitted, device = self.inputs.fit(self._rows), self._device(self._rows)
        for dtype in (torch.float32, torch.float64):
            found = fitted.on(self._rows, _CPU, dtype).take(torch.arange(5))
            assert found.shape == (5, *fitted.shape)
            assert found.dtype == dtype
            assert torch.isfinite(found).all()
        assert len(device) == len(self._rows)
        assert device.take(torch.zeros(3, 5, dtype=torch.int64)).shape == (3, 5, *fitted.shape)

    def test_an_example_depends_on_its_row_alone(self) -> None:
        """Neither on its place in a batch nor on the other rows of its part."""
        every = np.arange(len(self.inputs))
        whole, part = self._device(every), self._device(self._rows)
        index = torch.randint(0, len(self._rows), (3, 7), generator=torch.Generator().manual_seed(0))
        found = part.take(index)
        assert torch.equal(found, torch.stack([part.take(own) for own in index]))
        assert torch.equal(found, whole.take(torch.from_numpy(self._rows)[index]))

    def test_random_changes_follow_from_their_stream(self) -> None:
        device, index = self._device(self._rows), torch.arange(8)
        assert torch.equal(device.take(index), device.take(index))
        first = device.take(index, (7,))
        assert torch.equal(first, device.take(index, (7,)))
        of_trials = device.take(index.repeat(3, 1), (7, 9, 7))
        assert torch.equal(of_trials[0], first)
        assert torch.equal(of_trials[2], first)
        assert torch.equal(of_trials[1], first) != device.augmented
        assert torch.equal(first, device.take(index)) != device.augmented

    def test_they_can_be_pickled(self) -> None:
        """Splits of one data set share its rows."""
        one, other = self.inputs.fit(self._rows), self.inputs.fit(self._rows[1:])
        again = pickle.loads(pickle.dumps(one))
        index = torch.arange(len(self._rows))
        expected = one.on(self._rows, _CPU, torch.float32).take(index)
        assert torch.equal(again.on(self._rows, _CPU, torch.float32).take(index), expected)
        alone, raw = len(pickle.dumps(one)), len(pickle.dumps(self.inputs))
        assert len(pickle.dumps((one, other))) < 2 * alone - raw / 2

    def test_they_can_be_trained_on(self) -> None:
        """A trial has the same bits alone and beside others."""
        torch.set_num_threads(1)
        rows, random = len(self.inputs), np.random.default_rng(0)
        dataset = Dataset(
            name="made_up",
            source="simulated",
            inputs=self.inputs,
            tasks=("first",),
            labels=random.integers(0, 2, (rows, 1)).astype(np.int8),
            groups={"sex": random.integers(0, 2, rows).astype(np.int8)},
            group_names={"sex": ("a", "b")},
            part=mark_test_rows(np.arange(rows) % 4 == 3),
            checksums={},
        )
        data = to_device(split(dataset), {"first": "sex"}, _CPU, torch.float32)
        network = MultilayerPerceptron(data.numeric, data.categories, 1, (8,), (4,), 0)
        experiment = Experiment(data, network, METHODS["vanilla"](LossSettings()), TrainingSettings(batch_size=16))
        trials = Trials(
            np.array([0, 0, 1]),
            {"learning_rate": np.full(3, 0.01), "epochs": np.full(3, 2), "task_weight": np.ones((3, 1))},
        )
        (stack,) = train_pack(experiment, trials, width=8)
        assert (stack.status == "completed").all()
        (alone,) = train_pack(experiment, trials.take(np.array([2])), width=8)
        np.testing.assert_array_equal(alone.parameters[0], stack.parameters[2])

    @property
    def _rows(self) -> np.ndarray:
        """The rows that are fitted on: three of four."""
        every = np.arange(len(self.inputs))
        assert len(every) >= 40, "give at least 40 rows"
        return every[every % 4 != 3]

    def _device(self, rows: np.ndarray) -> DeviceInputs:
        return self.inputs.fit(self._rows).on(rows, _CPU, torch.float32)
