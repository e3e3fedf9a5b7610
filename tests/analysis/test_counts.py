"""The counts of cells, and the audit that follows from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from paretofair.analysis.counts import CellCounts, audit_table
from paretofair.metrics import rates
from paretofair.results import write_stack
from paretofair.results.table_schema import TaskSchema
from tests.analysis.cells import ROWS, write_cells

IDS = ["a", "b", "c"]


@pytest.fixture
def counts(tmp_path):
    """Two attributes, four cells of which one has no rows; one task; three trials."""
    write_cells(tmp_path)
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.ones(4), (3, 4))
    sizes = np.array(ROWS)[:, None]
    hard = np.floor(shares * sizes)
    hard[..., 3] += sizes[:, 0] - hard.sum(-1)
    table = np.concatenate([hard, hard[..., :2] / 2], -1)
    lists = pa.array(list(table.reshape(3, -1)), pa.list_(pa.float32()))
    write_stack(tmp_path, "s.parquet", pa.table({"trial_id": IDS, "confusion_test": lists}))
    return tmp_path, table[:, None]


def cells_of(folder):
    return CellCounts(folder, tasks=[TaskSchema("x")])


def test_counts_are_read_in_the_order_asked_for(counts):
    folder, table = counts
    found = cells_of(folder).of(["c", "a"])
    np.testing.assert_array_equal(found["test"][0].values, table[[2, 0], 0])


def test_audit(counts):
    folder, table = counts
    chosen = pd.DataFrame(
        {"trial_id": IDS, "method": ["vanilla", "mtaf", "mtaf"], "seed": [0, 0, 1], "test_error_x": [0.1] * 3}
    )
    found = audit_table(chosen, ["x"], cells_of(folder)).set_index(["trial_id", "grouping", "metric"])
    assert set(found.index.get_level_values("grouping")) == {"sex", "race", "sex_x_race"}
    by_sex = np.stack([table[:, 0, :2].sum(1), table[:, 0, 2:].sum(1)], 1)
    gaps = rates.fpr_gap(by_sex)
    for k, trial in enumerate(IDS):
        assert found.loc[(trial, "sex", "fpr_gap"), "value"] == pytest.approx(gaps[k])
        # The first group less the second in the schema's order, which is not that of the alphabet.
        assert found.loc[(trial, "sex", "fpr_gap_signed"), "value"] == pytest.approx(rates.fpr_gap_signed(by_sex)[k])
    assert found.loc[("b", "sex", "fpr_gap"), "change"] == pytest.approx(gaps[1] - gaps[0])
    # No vanilla of seed 1.
    assert np.isnan(found.loc[("c", "sex", "fpr_gap"), "change"])
    assert found.loc[("b", "sex_x_race", "accuracy_gap"), "groups"] == 3


def test_counts_by_weights_and_of_rows(counts):
    """The counts are those of weights, of which a row has 3 on average."""
    folder, table = counts
    lists = {
        "confusion_test": pa.array(list(3 * table.reshape(3, -1)), pa.list_(pa.float32())),
        "confusion_test_rows": pa.array(list(table.reshape(3, -1)), pa.list_(pa.float32())),
    }
    write_stack(folder, "s.parquet", pa.table({"trial_id": IDS, **lists}))
    cells = cells_of(folder)
    np.testing.assert_allclose(cells.of(IDS)["test"][0].values, 3 * table[:, 0])
    np.testing.assert_array_equal(cells.rows_of(IDS)["test"][0].values, table[:, 0])
    assert set(cells.of(IDS)) == {"test"}
    chosen = pd.DataFrame({"trial_id": IDS, "method": "mtaf", "seed": 0, "test_error_x": 0.1})
    lines = audit_table(chosen, ["x"], cells_of(folder)).set_index(["trial_id", "grouping", "metric"])
    assert lines.loc[("a", "sex", "accuracy_gap"), "rows"] == 2400
