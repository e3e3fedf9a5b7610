"""Pictures in a folder and small networks with weights."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from paretofair.models.named import NamedFactory
from tests.pictures import write_pictures


class Made(NamedTuple):
    folder: Path
    names: list[str]
    weights: Path  # of cnn


@pytest.fixture
def made(tmp_path) -> Made:
    names = write_pictures(tmp_path / "pictures", count=11)
    torch.manual_seed(0)
    weights = tmp_path / "cnn.pt"
    torch.save(NamedFactory("cnn")((3, 16, 16), 2).state_dict(), weights)
    return Made(tmp_path / "pictures", names, weights)
