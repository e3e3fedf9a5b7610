"""Columns keep the contract of inputs."""

from __future__ import annotations

import numpy as np

from paretofair.data import Columns
from paretofair.testing import InputsContract


class TestColumns(InputsContract):
    def make(self) -> Columns:
        random = np.random.default_rng(0)
        return Columns.of({"one": random.normal(size=80)}, {"colour": random.choice(["red", "green"], 80)})
