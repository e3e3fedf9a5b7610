"""Every registered method keeps the contract of methods."""

from __future__ import annotations

from typing import Any

import pytest

from paretofair.methods import METHODS, LossSettings
from paretofair.tasks.task import MARGINS
from paretofair.testing import MethodContract

OPTIONS: dict[str, dict[str, Any]] = {
    "oversample": {"balance_task": "first"},
    "gcm": {"balance_task": "first"},
    "label_flip": {"group": "a"},
    "bias_alignment": {
        **{"group_task": "second", "samples": 40, "bank": 60, "filters": 8, "chains": 16},
        **{"filter_updates": 2, "weight_updates": 5},
    },
    "corpus_constraint": {"group_task": "second", "iterations": 10},
    "adversarial_features": {"penalised_group": "a", "target_group": "b"},
}
CASES = {
    name: type(f"Test{kind.__name__}", (MethodContract,), {"method": kind, "options": OPTIONS.get(name, {})})
    for name, kind in METHODS.items()
    if MARGINS not in kind.needs  # which are of identities: tests/methods/test_angular_margin.py
}
CHECKS = [name for name in dir(MethodContract) if name.startswith("test_")]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", CASES)
def test_contract(name, check):
    getattr(CASES[name](), check)()


class TestDifferential(MethodContract):
    method = METHODS["per_task"]
    settings = LossSettings(distance="differential", goal="odds", reduction="mean")
