"""Weights of rows through a whole training: equal ones change no bit, and a weight is as many rows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from paretofair.data import Columns, Dataset, split
from paretofair.data.dataset import PARTS
from paretofair.methods import METHODS, LossSettings, Names
from paretofair.models import MultilayerPerceptron
from paretofair.training import DeviceData, Experiment, TrainingSettings, Trials, to_device, train_pack
from paretofair.training.measuring.contribution import disparities
from tests.conftest import make_dataset


def with_parts(**changes: object) -> Dataset:
    """Training, validation and test rows of its own."""
    data = make_dataset(400)
    return dataclasses.replace(data, part=(np.arange(400) % 4 % 3).astype(np.int8), **changes)  # type: ignore[arg-type]


def put(dataset: Dataset, dtype: torch.dtype = torch.float64) -> DeviceData:
    return to_device(split(dataset), dict.fromkeys(dataset.tasks, "sex"), torch.device("cpu"), dtype)


def train(data: DeviceData, name: str = "mtaf", **settings: str) -> dict[str, np.ndarray]:
    network = MultilayerPerceptron(data.numeric, data.categories, 2, (8,), (4,), 0)
    groups = tuple(data.group_names[data.attributes[attribute]] for attribute in data.acts_on)
    method = METHODS[name](LossSettings(**settings), None, Names(data.tasks, groups))
    random = np.random.default_rng(0)
    values = {"learning_rate": np.full(3, 0.02), "epochs": np.full(3, 4)}
    for each in method.parameters:
        values[each.name] = random.uniform(0.2, 0.8, (3, 2) if each.per_task else 3)
    full_batch = TrainingSettings(batch_size=10_000)
    (stack,) = train_pack(Experiment(data, network, method, full_batch), Trials(np.arange(3), values), width=8)
    found = {"parameters": stack.parameters, **stack.evaluation.metrics}
    found |= {f"confusion_{part}": np.stack(counts, 1) for part, counts in stack.evaluation.confusion.items()}
    return found | {f"rows_{part}": np.stack(counts, 1) for part, counts in stack.evaluation.unweighted.items()}


def test_equal_weights_have_the_bits_of_none():
    plain, equal = (train(put(with_parts(weights=own), torch.float32)) for own in (None, np.full(400, 0.3)))
    assert plain.keys() == equal.keys()
    for name, values in plain.items():
        np.testing.assert_array_equal(values, equal[name])


@pytest.mark.parametrize("name", ["vanilla", "per_task", "mtaf", "eor", "equal_loss", "reweigh", "max_min"])
def test_a_weight_is_as_many_rows(name):
    """In training on whole batches, and in every metric. The inputs are as scaled by rows, not by weights."""
    times = np.random.default_rng(1).integers(1, 4, 400)
    # On average 2, so that weights are whole numbers of halves, and nothing is rounded.
    times[with_parts().part == 0] = np.tile([1, 2, 3, 2], 50)
    data = with_parts(weights=times.astype(float))
    weighted = put(data)
    index = np.repeat(np.arange(400), times)
    inputs = data.inputs
    assert isinstance(inputs, Columns)
    repeated = dataclasses.replace(
        data,
        inputs=dataclasses.replace(inputs, numeric=inputs.numeric[index], codes=inputs.codes[index]),
        labels=data.labels[index],
        groups={name: members[index] for name, members in data.groups.items()},
        part=data.part[index],
        weights=None,
    )
    splits = split(repeated)
    scaled = split(data).inputs
    as_scaled = dataclasses.replace(splits.inputs, encoding=scaled.encoding)  # type: ignore[attr-defined, type-var]
    splits = dataclasses.replace(splits, inputs=as_scaled)
    plain = to_device(splits, dict.fromkeys(data.tasks, "sex"), torch.device("cpu"), torch.float64)
    found, expected = train(weighted, name, reduction="mean"), train(plain, name, reduction="mean")
    mean = times[data.part == 0].mean()
    for key, values in expected.items():
        counts = key.startswith("confusion_")
        np.testing.assert_allclose(found[key] * (mean if counts else 1), values, rtol=1e-9, atol=1e-9, err_msg=key)
    assert found["rows_test"][0, 0, :, :4].sum() == (data.part == PARTS.index("test")).sum()


def test_contributions_are_weighted():
    times = np.random.default_rng(1).integers(1, 4, 400).astype(float)
    data = put(with_parts(weights=times))
    network = MultilayerPerceptron(data.numeric, data.categories, 2, (8,), (4,), 0)
    parameters = network.initial([0, 1], torch.float64)
    found = disparities(network, parameters, data)["ratio_of_sums_1_all"]
    train = data.splits["train"]
    weights = train.weights
    assert weights is not None
    for k in range(2):
        for task in range(2):
            module = network.module(parameters[k])
            sums = []
            for group in (0, 1):
                rows = (train.groups[task] == group) & (train.labels[task] == 1)
                logits = module(train.examples()[rows])[:, task]
                module.zero_grad()
                (torch.nn.functional.softplus(-logits) * weights[rows]).sum().backward()
                sums.append(sum(each.grad.abs().sum() for each in module.parameters() if each.grad is not None))
            np.testing.assert_allclose(found[k, task], float(sums[0] / sums[1]), rtol=1e-9)


def test_what_rows_are_worth():
    """Kish's number of rows: n for equal ones, and one for a cluster."""
    plain = put(with_parts())
    assert plain.independent is None
    weights = np.where(np.arange(400) < 200, 1.0, 3.0)
    found = put(with_parts(weights=weights)).independent
    assert found is not None
    for part, code in (("train", 0), ("test", 2)):
        rows = with_parts().part == code
        groups = np.stack([members[rows] for members in with_parts().groups.values()], 1)
        for cell, worth in zip(plain.cells, found[part], strict=True):
            own = weights[rows][(groups == cell).all(1)]
            np.testing.assert_allclose(worth, own.sum() ** 2 / (own**2).sum(), rtol=1e-4)
    clusters = np.arange(400) % 40
    clustered = put(
        dataclasses.replace(with_parts(), part=(clusters % 3).astype(np.int8), together=clusters)
    ).independent
    assert clustered is not None
    assert clustered["train"].sum() < 100
    np.testing.assert_array_equal(clustered["train"] >= 1, True)
