"""Results as a whole: what is none, and that they are forgotten."""

from __future__ import annotations

import gc
import weakref

import pytest

from paretofair.analysis.results import Results
from paretofair.errors import RunError


def test_results_are_forgotten(made_up_results):
    results = made_up_results(trials=3)
    results.frontier("arfg_are")
    known = weakref.ref(results)
    del results
    gc.collect()
    assert known() is None


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(RunError, match="nowhere does not exist; give the results folder"):
        Results(tmp_path / "nowhere")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(RunError, match="not a readable Parquet file"):
        Results(tmp_path / "text.parquet")
    (tmp_path / "empty" / "trials").mkdir(parents=True)
    with pytest.raises(RunError, match="has no finished trials yet"):
        Results(tmp_path / "empty")
    (tmp_path / "parent" / "run").mkdir(parents=True)
    with pytest.raises(RunError, match="parent holds no trial table; give the results folder"):
        Results(tmp_path / "parent")
    with pytest.raises(RunError, match="no run was given"):
        Results()
