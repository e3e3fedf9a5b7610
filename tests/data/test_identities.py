"""Splits of identities: whole ones for the test, three pictures of each with more than six for validation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from paretofair.data.assemble import assemble
from paretofair.data.cautions import find_cautions
from paretofair.data.splits import split
from paretofair.data.stratify import draw_validation_rows
from paretofair.errors import DataError
from paretofair.tasks import TaskKind
from paretofair.training.tensors import to_device


def make_people(identities=30, rows=10, test=0.25, **more):
    random = np.random.default_rng(0)
    person = np.repeat(np.arange(identities), rows)
    order = random.permutation(len(person))
    person = person[order]
    return assemble(
        "people",
        "simulated",
        labels={"person": person},
        kinds={"person": TaskKind("identity", tuple(f"p{each:02d}" for each in range(identities)))},
        numeric={"x": random.normal(size=len(person)), "y": random.normal(size=len(person))},
        categorical={},
        groups={"sex": (person % 2).astype(np.int8)},
        group_names={"sex": ("men", "women")},
        test=test,
        checksums={},
        **more,
    )


def test_identities_of_test_are_apart_and_balanced():
    cut = split(make_people(), validation=0.2)
    of_part = {name: set(part.labels[:, 0].tolist()) for name, part in cut.parts.items()}
    assert not of_part["train"] & of_part["test"]
    assert of_part["validation"] <= of_part["train"]
    assert len(of_part["test"]) == 8
    assert sum(each % 2 for each in of_part["test"]) == 4
    _, counts = np.unique(cut.validation.labels[:, 0], return_counts=True)
    assert (counts == 3).all()
    assert len(counts) == 22


def test_another_seed_draws_other_identities_and_pictures():
    data = make_people()
    one, other = split(data, test_seed=1), split(data, test_seed=2)
    assert set(one.test.labels[:, 0]) != set(other.test.labels[:, 0])
    assert not set(one.test.labels[:, 0]) & set(one.train.labels[:, 0])
    assert not np.array_equal(split(data, split_seed=1).validation.rows, split(data, split_seed=2).validation.rows)


def test_only_identities_with_more_than_six_rows_give_three():
    identities = np.array([0] * 6 + [1] * 7 + [-1] * 20 + [2] * 9)
    drawn = draw_validation_rows(identities, 5)
    assert [drawn[identities == each].sum() for each in (0, 1, -1, 2)] == [0, 3, 0, 3]


def test_too_few_rows_are_said():
    with pytest.raises(DataError, match="no identity has more than 6 rows that are not test rows"):
        split(make_people(rows=5))
    assert split(make_people(rows=5), validation=0).validation is None
    alone = make_people(identities=2, test=0.5)
    with pytest.raises(DataError, match="1 identities among the 10 training rows; at least two must occur"):
        split(alone, validation=0)


def test_a_device_numbers_the_identities_of_training_first():
    cut = split(make_people())
    data = to_device(cut, {"person": "sex"}, torch.device("cpu"), torch.float32)
    (kind,) = data.kinds
    trained = np.unique(cut.train.labels[:, 0])
    assert kind.classes == tuple(f"p{each:02d}" for each in trained)
    assert data.predicted[0].outputs == 22
    found = {name: part.labels[0].long() for name, part in data.splits.items()}
    assert found["train"].unique().tolist() == list(range(22))
    assert found["test"].unique().tolist() == list(range(22, 30))
    assert np.array_equal(trained[found["validation"]], cut.validation.labels[:, 0])


def test_an_attribute_that_follows_from_the_identity_is_no_fault():
    assert not [line for line in find_cautions(split(make_people()), 1) if "person" in line]
