"""Metrics of one group alone against scikit-learn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from paretofair.data import split
from paretofair.metrics.metric import OfGroup
from paretofair.metrics.registry import metric_of_group
from paretofair.models import MultilayerPerceptron
from paretofair.tasks import BINARY, TaskKind
from paretofair.training import Threshold, to_device
from paretofair.training.measuring.evaluation import compute_outputs, evaluate
from paretofair.training.measuring.one_group import find_group

from ...conftest import make_dataset

METRICS = (
    metric_of_group("auc_first", OfGroup("auc", "Female")),
    metric_of_group("auc_of_race", OfGroup("auc", "White", "race")),
    metric_of_group("angle", OfGroup("intra_angle", "Female")),
)


def make_data():
    dataset = make_dataset(500, unknown=0.05)
    labels = dataset.labels.copy()
    labels[:, 1] = np.arange(500) % 3
    kinds = (BINARY, TaskKind("multiclass", ("a", "b", "c")))
    splits = split(dataclasses.replace(dataset, labels=labels, kinds=kinds))
    return splits, to_device(splits, dict.fromkeys(splits.tasks, "sex"), torch.device("cpu"), torch.float64)


def test_areas_of_groups_are_those_of_scikit_learn():
    splits, data = make_data()
    outputs = tuple(task.outputs for task in data.predicted)
    network = MultilayerPerceptron(data.numeric, data.categories, 2, (16,), (8,), 3, outputs=outputs)
    parameters = network.initial([0, 1], torch.float64)
    found = evaluate(network, parameters, data, Threshold(), own_metrics=METRICS)
    scores = compute_outputs(network, parameters, data.splits["test"]).numpy()
    for name, attribute, group in (("auc_first", "sex", "Female"), ("auc_of_race", "race", "White")):
        place = splits.dataset.group_names[attribute].index(group)
        own = splits.test.groups[:, splits.dataset.attributes.index(attribute)] == place
        for k in range(2):
            binary, several = (splits.test.labels[:, task] for task in range(2))
            known = own & (binary >= 0)
            expected = roc_auc_score(binary[known], scores[k, 0, known])
            assert found.metrics[f"test_{name}"][k, 0] == pytest.approx(expected, abs=1e-12)
            shares = torch.from_numpy(scores[k, 1:]).softmax(0).numpy()
            areas = [roc_auc_score(several[own] == each, shares[each, own]) for each in range(3)]
            assert found.metrics[f"test_{name}"][k, 1] == pytest.approx(np.mean(areas), abs=1e-12)
    assert np.isnan(found.metrics["test_angle"]).all()
    assert {"train_auc_first", "validation_auc_first"} <= set(found.metrics)


def test_groups_that_nobody_has_are_named():
    _, data = make_data()
    with pytest.raises(ValueError, match=r"metrics.mine.group: found Nobody; expected Female, Male"):
        find_group(metric_of_group("mine", OfGroup("auc", "Nobody")), 0, data)
    with pytest.raises(ValueError, match=r"metrics.mine.attribute: found age; expected sex, race"):
        find_group(metric_of_group("mine", OfGroup("auc", "Female", "age")), 0, data)
