"""A small table of loans, and one comparison on it that all tests look at."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import paretofair

SHORT = {
    "parameters": {"epochs": 2},
    "network": {"shared": [4], "head": []},
    "stages": {"baselines": {"runs": 1}},
    "resources": {"pack": 8},
}


def make_loans(rows: int = 400) -> pd.DataFrame:
    """Rows of made-up people: `repaid` good or bad, `large` a truth, three `region`s, `sex` and numbers."""
    random = np.random.default_rng(0)
    sex = random.choice(["f", "m"], rows)
    income = random.normal(0, 1, rows) + (sex == "m")
    frame = pd.DataFrame({"sex": sex, "income": income, "years": random.integers(0, 30, rows)})
    frame["purpose"] = random.choice(["car", "house"], rows)
    frame["repaid"] = np.where(income + random.normal(0, 1, rows) > 0, "good", "bad")
    frame["large"] = random.normal(0, 1, rows) + frame["years"] / 10 > 1.5
    return frame


@pytest.fixture(scope="session")
def loans() -> pd.DataFrame:
    return make_loans()


@pytest.fixture(scope="session")
def comparison(loans, tmp_path_factory):
    """Two methods, three trials each, two seeds, trained in this process."""
    return paretofair.compare(
        loans,
        tasks=["repaid", "large"],
        sensitive="sex",
        methods=["vanilla", "eor"],
        trials=3,
        seeds=2,
        settings=SHORT,
        output=tmp_path_factory.mktemp("comparison") / "run",
        engine="process",
        quiet=True,
    )
