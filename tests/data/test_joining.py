"""Several data sets as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from paretofair.data import Columns, Dataset, join_datasets, split
from paretofair.data.dataset import mark_test_rows
from paretofair.errors import DataError
from paretofair.tasks import TaskKind


def make(task: str, rows: int, names: tuple[str, ...] = ("f", "m"), **own) -> Dataset:
    random = np.random.default_rng(rows)
    return Dataset(
        name=task,
        source="real",
        inputs=Columns.of({"x": random.normal(size=rows)}, {}),
        tasks=(task,),
        labels=random.integers(0, 2, (rows, 1)).astype(np.int8),
        groups={"sex": random.integers(0, 2, rows).astype(np.int8)},
        group_names={"sex": names},
        part=mark_test_rows(np.arange(rows) % 3 == 0),
        checksums={f"{task}.csv": "0" * 64},
        **own,
    )


def test_rows_stand_one_after_the_other():
    one, other = make("a", 40, weights=np.full(40, 2.0)), make("b", 30, ("m", "f"), together=np.arange(30) % 3)
    joined = join_datasets("both", {"first": one, "second": replace(other, notes=("odd",))})
    assert joined.tasks == ("a", "b")
    assert (joined.labels[:40, 1] == -1).all()
    assert (joined.labels[40:, 0] == -1).all()
    np.testing.assert_array_equal(joined.labels[40:, 1], other.labels[:, 0])
    assert joined.group_names == {"sex": ("f", "m")}
    np.testing.assert_array_equal(joined.groups["sex"][:40], one.groups["sex"])
    np.testing.assert_array_equal(joined.groups["sex"][40:], 1 - other.groups["sex"])
    assert joined.origin_names == ("first", "second")
    assert joined.origins.tolist() == [0] * 40 + [1] * 30
    assert joined.weights.tolist() == [2.0] * 40 + [1.0] * 30
    assert len(np.unique(joined.together)) == 43
    assert set(joined.checksums) == {"a.csv", "b.csv"}
    assert joined.notes == ("second: odd",)
    assert split(joined).inputs.shape == (1,)


def test_an_attribute_that_a_source_lacks_is_unknown_there():
    without = replace(make("b", 30), groups={}, group_names={})
    joined = join_datasets("both", {"first": make("a", 40), "second": without})
    assert (joined.groups["sex"][40:] == -1).all()


def test_one_task_of_two_sources():
    joined = join_datasets("both", {"first": make("a", 40), "second": make("a", 30)})
    assert joined.tasks == ("a",)
    assert (joined.labels >= 0).all()


def test_what_differs_is_refused():
    with pytest.raises(DataError, match=r"attribute 'sex' has the groups w, m in 'second' and f, m in another source"):
        join_datasets("both", {"first": make("a", 40), "second": make("b", 30, ("w", "m"))})
    several = replace(make("a", 30), kinds=(TaskKind("multiclass", ("0", "1", "2")),))
    with pytest.raises(DataError, match="the classes of task 'a' in 'second' differ"):
        join_datasets("both", {"first": make("a", 40), "second": several})
    with pytest.raises(DataError, match="found the source"):
        join_datasets("both", {"a/b": make("a", 40), "second": make("b", 30)})
