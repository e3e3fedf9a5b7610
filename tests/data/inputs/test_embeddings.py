"""Embeddings: by key, in their own type, as z-scores of the training rows."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from paretofair.data.digest import Digest
from paretofair.data.inputs.embeddings import Embeddings, MissingKey, Vectors
from paretofair.data.inputs.vector_files import VectorFile
from paretofair.errors import DataError
from paretofair.testing import InputsContract

CPU = torch.device("cpu")
VECTORS = np.random.default_rng(0).normal(3, 2, size=(30, 6)).astype(np.float16)


def write(path: Path, vectors: np.ndarray = VECTORS, keys: object = None) -> tuple[VectorFile, str]:
    np.savez(path, keys=np.arange(len(vectors)) if keys is None else np.asarray(keys), vectors=vectors)
    return VectorFile(str(path)), hashlib.sha256(path.read_bytes()).hexdigest()


class TestEmbeddings(InputsContract):
    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path):
        self.folder = tmp_path

    def make(self):
        return Embeddings.of(*write(self.folder / "v.npz"), [row % 30 for row in range(60)])


class TestVectors(InputsContract):
    def make(self):
        return Vectors(np.random.default_rng(1).normal(size=(60, 5)).astype(np.float16))


def test_they_stay_in_16_bits_and_become_z_scores_of_the_fitted_rows(tmp_path):
    keys = [29, "3", "04", 5.0, 29]
    inputs = Embeddings.of(*write(tmp_path / "v.npz"), keys)
    fitted = inputs.fit(np.array([0, 1, 2]))
    device = fitted.on(np.arange(5), CPU, torch.float32)
    assert device.vectors.dtype == torch.float16
    own = VECTORS[[29, 3, 4, 5, 29]].astype(np.float64)
    expected = (own - own[:3].mean(0)) / own[:3].std(0)
    np.testing.assert_allclose(device.take(torch.arange(5)), expected, rtol=2e-5, atol=2e-6)
    assert inputs.unused == 26


def test_a_constant_number_becomes_zero():
    vectors = np.ones((10, 2), dtype=np.float32)
    vectors[:, 1] = np.arange(10)
    found = Vectors(vectors).fit(np.arange(10)).on(np.arange(10), CPU, torch.float32).take(torch.arange(10))
    assert (found[:, 0] == 0).all()
    assert found[:, 1].std(correction=0) == pytest.approx(1)


def test_integers_and_other_byte_orders_are_read(tmp_path):
    for vectors in (VECTORS.astype(np.int64), VECTORS.astype(">f4")):
        inputs = Embeddings.of(*write(tmp_path / "v.npz", vectors), range(30))
        found = inputs.fit(np.arange(30)).on(np.arange(30), CPU, torch.float64).vectors
        np.testing.assert_array_equal(found, vectors.astype(np.float64))


def test_missing_keys_are_told(tmp_path):
    file = write(tmp_path / "v.npz", keys=[f"k{number}" for number in range(30)])
    with pytest.raises(MissingKey, match=r"row 1: no vector in .*v\.npz has the key 'k99' \(1 more such rows\)"):
        Embeddings.of(*file, ["k1", "k99", "1"])


def test_values_that_are_not_finite_are_told_where_they_are_used(tmp_path):
    vectors = VECTORS.copy()
    vectors[7, 2] = np.inf
    file = write(tmp_path / "v.npz", vectors)
    assert len(Embeddings.of(*file, range(7))) == 7
    with pytest.raises(DataError, match="the vector of the key '7' has a value that is not finite"):
        Embeddings.of(*file, range(8))


def identity(inputs) -> str:
    digest = Digest()
    inputs.add_to(digest)
    return digest.hexadecimal()


def test_the_identity_is_that_of_the_file_and_of_who_has_which_vector(tmp_path):
    file = write(tmp_path / "v.npz")
    first = identity(Embeddings.of(*file, range(20)))
    assert identity(Embeddings.of(*file, [1, 0, *range(2, 20)])) != first
    other = write(tmp_path / "w.npz", VECTORS + 1)
    assert identity(Embeddings.of(*other, range(20))) != first
    assert identity(Embeddings.of(*file, range(20))) == first


def test_what_is_pickled_is_small(tmp_path):
    vectors = np.zeros((2000, 100), dtype=np.float16)
    inputs = Embeddings.of(*write(tmp_path / "v.npz", vectors), range(2000))
    assert len(pickle.dumps(inputs)) < 20_000
