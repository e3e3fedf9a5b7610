"""What every data set must be."""

from __future__ import annotations

from functools import cached_property

import torch

from paretofair.data import Columns, Dataset, DatasetSource, split
from paretofair.training import to_device


class DatasetContract:
    """Reads a data set and splits it.

        class TestMine(DatasetContract):
            source = MINE

    By default the simulated one is read; give `dataset` for another.
    """

    source: DatasetSource

    @cached_property
    def dataset(self) -> Dataset:
        """What is tested."""
        assert self.source.simulate is not None, "give a `dataset` to test a source that simulates nothing"
        return self.source.simulate()

    def test_schema(self) -> None:
        """Names, tasks and groups are those that the source tells before reading."""
        assert self.dataset.name == self.source.name
        assert self.dataset.tasks == self.source.tasks
        assert self.dataset.group_names == dict(self.source.group_names)
        assert len(self.dataset.inputs) == len(self.dataset)

    def test_the_same_rows_every_time(self) -> None:
        if self.source.simulate is not None:
            assert self.source.simulate().data_id == self.source.simulate().data_id

    def test_every_group_has_rows_of_both_kinds(self) -> None:
        """And every task both labels, in training and test rows."""
        for is_test in (False, True):
            rows = self.dataset.is_test == is_test
            for attribute, names in self.dataset.group_names.items():
                found = set(self.dataset.groups[attribute][rows].tolist()) - {-1}
                assert found == set(range(len(names))), f"{attribute}: groups without rows"
            for task, kind, labels in zip(
                self.dataset.tasks, self.dataset.kinds, self.dataset.labels[rows].T, strict=True
            ):
                if kind.is_identity:
                    continue  # those of test rows may be others than those of training
                assert set(range(len(kind.classes))) <= set(labels.tolist()), f"{task}: classes without rows"

    def test_no_input_is_a_label(self) -> None:
        """Nor decides one: a column from which a label follows has leaked."""
        known, inputs = self.dataset.labels >= 0, self.dataset.inputs
        if not isinstance(inputs, Columns):
            return
        for name, column in zip(inputs.numeric_names, inputs.numeric.T, strict=True):
            for task, labels in enumerate(self.dataset.labels.T):
                rows = known[:, task]
                for label in range(len(self.dataset.kinds[task].classes)):
                    own, others = column[rows & (labels == label)], column[rows & (labels != label)]
                    apart = own.max() < others.min() or others.max() < own.min()
                    assert not apart, f"{name} decides {self.dataset.tasks[task]}"

    def test_it_can_be_trained_on(self) -> None:
        splits = split(self.dataset)
        attribute = self.source.attributes[0]
        data = to_device(splits, dict.fromkeys(splits.tasks, attribute), torch.device("cpu"), torch.float32)
        assert all(torch.isfinite(part.examples()).all() for part in data.splits.values())
