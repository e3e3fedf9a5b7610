"""Checkpoints on disk and at a URL: whole or not there, of this identity or removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from paretofair.results import Store, stack_name
from paretofair.results.checkpoints import PackCheckpoints, list_checkpoints, remove_checkpoints

TRIALS = [f"trial-{index}" for index in range(6)]
TENSORS = {"left": torch.tensor([0, 2]), "final": torch.arange(6.0).view(3, 2)}
FACTS = {"epoch": 7, "status": ["completed"] * 3, "seconds": 1.5}


@pytest.fixture(params=["folder", "url"])
def place(request, tmp_path: Path) -> Path | Store:
    return tmp_path if request.param == "folder" else Store(f"file://{tmp_path}/there")


def make(place, identity="0123", trials=TRIALS) -> PackCheckpoints:
    def name(positions: np.ndarray) -> str:
        indices = [int(trials[place].rpartition("-")[2]) for place in positions]
        return stack_name("sweep", "mtaf", [0] * len(indices), indices)

    firsts = frozenset(f"sweep-mtaf-0-{index}" for index in range(6))
    return PackCheckpoints(place, identity, trials, name, firsts, every=300)


def test_what_is_saved_is_loaded(place):
    make(place).save(np.array([1, 3, 4]), TENSORS, FACTS)
    ((positions, tensors, facts),) = make(place).load()
    assert positions.tolist() == [1, 3, 4]
    assert facts["epoch"] == 7
    assert {name: each.tolist() for name, each in tensors.items()} == {
        name: each.tolist() for name, each in TENSORS.items()
    }
    # Of the same pack when two of its trials are finished: positions are those among the others.
    ((positions, _, _),) = make(place, trials=TRIALS[1:]).load()
    assert positions.tolist() == [0, 2, 3]
    make(place).save(np.array([1, 3, 4]), TENSORS, FACTS | {"epoch": 9})
    again = make(place)
    ((_, _, facts),) = again.load()
    assert facts["epoch"] == 9
    assert list_checkpoints(place) == ["sweep-mtaf-0-1-4.parquet"]
    for _ in range(2):
        again.remove("sweep-mtaf-0-1-4.parquet")
        assert list_checkpoints(place) == []
    again.save(np.array([2]), TENSORS, FACTS)
    again.remove("sweep-mtaf-0-2-2.parquet")
    assert list_checkpoints(place) == []


def test_another_identity_is_never_used(place):
    make(place).save(np.array([0]), TENSORS, FACTS)
    assert list(make(place, identity="of another version").load()) == []
    assert list_checkpoints(place) == []


def test_a_stack_with_a_finished_trial_is_not_used(place):
    make(place).save(np.array([0, 1]), TENSORS, FACTS)
    assert list(make(place, trials=TRIALS[1:]).load()) == []
    assert list_checkpoints(place) == []


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\x08" + b"\0" * 7 + b'{"a": 1}'])
def test_a_damaged_file_is_left_out_and_removed(tmp_path, content):
    make(tmp_path).save(np.array([0]), TENSORS, FACTS)
    (file,) = (tmp_path / "checkpoints").iterdir()
    file.write_bytes(content)
    assert list(make(tmp_path).load()) == []
    assert list_checkpoints(tmp_path) == []


def test_checkpoints_of_other_packs_stay(place):
    make(place).save(np.array([5]), TENSORS, FACTS)
    other = PackCheckpoints(place, "0123", TRIALS, str, frozenset({"sweep-mtaf-1-0"}), every=300)
    assert list(other.load()) == []
    assert list_checkpoints(place) == ["sweep-mtaf-0-5-5.parquet"]
    remove_checkpoints(place)
    remove_checkpoints(place)
    assert list_checkpoints(place) == []
