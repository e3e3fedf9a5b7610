"""Inputs of several sources: read as one where they are alike, side by side where they are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from paretofair.data.inputs import Columns
from paretofair.data.inputs.joined import Joined, join_inputs
from paretofair.data.inputs.text.encoders import TextEncoder
from paretofair.data.inputs.text.texts import Texts
from paretofair.errors import DataError
from paretofair.testing import InputsContract
from tests.texts import make_texts

CPU = torch.device("cpu")


def make_columns(rows: int, names: str, seed: int = 0) -> Columns:
    random = np.random.default_rng(seed)
    numbers = {name: random.normal(size=rows) for name in names}
    return Columns.of(numbers, {"kind": np.array(["a", "b", "c"])[np.arange(rows) % 3]})


@dataclass(frozen=True)
class Noisy:
    """Pictures of 2 x 3 that training sees changed."""

    rows: int
    seed: int

    def __len__(self):
        return self.rows

    def add_to(self, digest):
        digest.add("noisy", str(self.rows), str(self.seed))

    def fit(self, rows):
        return FittedNoisy(self)


@dataclass(frozen=True)
class FittedNoisy:
    inputs: Noisy
    categories = ()
    shape = (2, 3)

    def on(self, rows, device, dtype):
        values = np.random.default_rng(self.inputs.seed).normal(size=(self.inputs.rows, 2, 3))
        return DeviceNoisy(torch.tensor(values[rows], dtype=dtype))


@dataclass(frozen=True)
class DeviceNoisy:
    values: torch.Tensor
    augmented = True

    def __len__(self):
        return len(self.values)

    def take(self, index, streams=None):
        found = self.values[index]
        if streams is None:
            return found
        made = [torch.randn(*found.shape[-3:], generator=torch.Generator().manual_seed(each)) for each in streams]
        return found + (torch.stack(made) if index.dim() == 2 else made[0])


class TestBlocks(InputsContract):
    def make(self):
        return Joined((make_columns(30, "xy"), make_columns(30, "uvw", 1)))


class TestPictures(InputsContract):
    def make(self):
        return Joined((Noisy(30, 0), Noisy(30, 1)))


def test_blocks_stand_side_by_side():
    one, other = make_columns(6, "xy"), make_columns(5, "uvw", 1)
    joined = join_inputs([one, other])
    rows = np.array([0, 7, 3, 10])
    fitted = joined.fit(np.arange(11))
    assert fitted.shape == (2 + 4 + 3 + 4,)
    found = fitted.on(rows, CPU, torch.float64).take(torch.tensor([[3, 0], [1, 2]])).numpy()
    first, second = one.fit(np.arange(6)), other.fit(np.arange(5))
    assert not found[0, 0, :6].any()
    np.testing.assert_array_equal(found[0, 0, 6:], second.encode(np.array([4]))[0])
    np.testing.assert_array_equal(found[0, 1, :6], first.encode(np.array([0]))[0])
    np.testing.assert_array_equal(found[1, 0, 6:], second.encode(np.array([1]))[0])
    assert not found[1, 1, 6:].any()


def test_a_part_without_rows_of_a_source():
    fitted = join_inputs([make_columns(6, "xy"), make_columns(5, "uvw", 1)]).fit(np.arange(11))
    found = fitted.on(np.arange(3), CPU, torch.float64).take(torch.arange(3))
    assert found.shape == (3, 13)
    assert not found[:, 6:].any()
    with pytest.raises(DataError, match="source 2 of 2 has no training row"):
        fitted.joined.fit(np.arange(6))


def test_pictures_of_one_size_share_an_example():
    fitted = join_inputs([Noisy(4, 0), Noisy(5, 1)]).fit(np.arange(9))
    assert fitted.shape == (2, 3)
    found = fitted.on(np.array([1, 6]), CPU, torch.float64).take(torch.tensor([1, 0])).numpy()
    values = [np.random.default_rng(seed).normal(size=(rows, 2, 3)) for seed, rows in ((1, 5), (0, 4))]
    np.testing.assert_array_equal(found, [values[0][2], values[1][1]])


def test_what_is_described_alike_is_read_as_one():
    columns = join_inputs([make_columns(6, "xy"), make_columns(5, "xy", 1)])
    assert isinstance(columns, Columns)
    assert len(columns) == 11
    made = make_texts(40).texts
    encoder = TextEncoder(dimensions=5)
    texts = join_inputs([Texts.of({"a": made[:25]}, encoder), Texts.of({"b": made[25:]}, encoder)])
    assert isinstance(texts, Texts)
    assert list(texts.packed.take(np.arange(40))) == made
    assert texts.columns == ("a", "b")
    others = join_inputs([Texts.of({"a": made[:25]}, encoder), Texts.of({"b": made[25:]}, TextEncoder("hashing"))])
    assert isinstance(others, Joined)
