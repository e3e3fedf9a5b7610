"""Every data set that can be simulated keeps the contract of data sets."""

from __future__ import annotations

import pytest

from paretofair.data import DATASETS
from paretofair.testing import DatasetContract

SOURCES = {name: source for name, source in DATASETS.items() if source.simulate is not None}
CASES = {name: type(f"Test{name}", (DatasetContract,), {"source": source})() for name, source in SOURCES.items()}
CHECKS = [name for name in dir(DatasetContract) if name.startswith("test_")]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", CASES)
def test_contract(name, check):
    getattr(CASES[name], check)()
