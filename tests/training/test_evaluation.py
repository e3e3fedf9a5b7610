"""Headline metrics of a stack against scikit-learn and plain counting, trial by trial."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from paretofair import user_code
from paretofair.data import split
from paretofair.errors import DataError
from paretofair.metrics import rates
from paretofair.metrics.registry import ASKED_FOR, HEADLINE, METRICS, conditional_parity, own_metric
from paretofair.models import MultilayerPerceptron
from paretofair.tasks import BINARY, TaskKind
from paretofair.training import Threshold, to_device
from paretofair.training.measuring.evaluation import compute_outputs, evaluate, merge_by_task

from ..conftest import make_dataset


def stack(data):
    """Three networks of random weights, their evaluation, and the scores of every split by a plain forward pass."""
    network = MultilayerPerceptron(data.numeric, data.categories, len(data.tasks), (16,), (8,), 3)
    parameters = network.initial([0, 1, 2], torch.float64)
    scores = {
        name: torch.sigmoid(network.forward(parameters, part.examples()).logits).numpy()
        for name, part in data.splits.items()
    }
    return network, parameters, scores


@pytest.mark.parametrize("protocol", ["validation", "paper"])
@pytest.mark.parametrize("threshold", [Threshold(), Threshold("fixed", 0.3), Threshold("least_error")])
@pytest.mark.parametrize("sensitive", ["sex", "race"])
def test_metrics_by_plain_counting(protocol, threshold, sensitive):
    splits = split(make_dataset(700, unknown=0.1), validation=0.2 if protocol == "validation" else 0)
    data = to_device(splits, dict.fromkeys(splits.tasks, sensitive), torch.device("cpu"), torch.float64)
    network, parameters, scores = stack(data)
    found = evaluate(network, parameters, data, threshold)
    assert found.finite.all()
    assert set(found.metrics) == {f"{name}_{metric}" for name in data.splits for metric in HEADLINE}
    for k in range(3):
        for t in range(2):
            train = splits.train.labels[:, t]
            cut = threshold.value
            if threshold.rule == "base_rate":
                rate = (train == 1).sum() / (train >= 0).sum()
                selecting = splits.validation if splits.validation is not None else splits.test
                chosen = np.sort(scores[data.selection_split][k, t][selecting.labels[:, t] >= 0])
                if protocol == "paper":
                    cut = chosen[max(0, int((1 - rate) * len(chosen)) - 1)]
                else:
                    cut = min(value for value in chosen if (chosen >= value).mean() <= rate)
            if threshold.rule == "least_error":
                labels = (splits.validation if splits.validation is not None else splits.test).labels[:, t]
                own, labels = scores[data.selection_split][k, t][labels >= 0], labels[labels >= 0]
                cut = min((np.inf, *-np.sort(-own)), key=lambda value: ((own >= value) != labels).sum())
                cut = -np.inf if cut == own.min() else cut
            for name, part in (("train", splits.train), ("validation", splits.validation), ("test", splits.test)):
                if part is None:
                    assert f"{name}_error" not in found.metrics
                    continue
                y, p = part.labels[:, t], scores[name][k, t]
                known = y >= 0
                decision = p >= cut
                group = part.groups[:, splits.dataset.attributes.index(sensitive)]
                present = sorted(set(group[known & (group >= 0)]))
                expected = {
                    "error": (decision != y)[known].mean(),
                    "realised_positive_rate": decision[known].mean(),
                    "auc": roc_auc_score(y[known], p[known]),
                    "average_precision": average_precision_score(y[known], p[known]),
                }
                areas = [roc_auc_score(y[known & (group == g)], p[known & (group == g)]) for g in present]
                expected["auc_gap"] = max(areas) - min(areas)
                for metric, label in (("fpr_gap", 0), ("tpr_gap", 1)):
                    for soft, values in (("", decision), ("soft_", p)):
                        rates = [values[(y == label) & (group == g)].mean() for g in present]
                        expected[f"{soft}{metric}"] = max(rates) - min(rates)
                        if metric == "fpr_gap" and not soft:
                            signed = rates[0] - rates[1] if sensitive == "sex" else np.nan
                            expected["fpr_gap_signed"] = signed
                for metric, value in expected.items():
                    np.testing.assert_allclose(
                        found.metrics[f"{name}_{metric}"][k, t], value, rtol=1e-6, atol=1e-9, err_msg=metric
                    )


def test_a_score_that_is_not_finite_is_told():
    splits = split(make_dataset(300))
    data = to_device(splits, dict.fromkeys(splits.tasks, "sex"), torch.device("cpu"), torch.float32)
    network = MultilayerPerceptron(data.numeric, data.categories, 2, (16,), (8,), 3)
    parameters = network.initial([0, 0], torch.float32)
    parameters[1] *= 1e20
    assert evaluate(network, parameters, data, Threshold()).finite.tolist() == [True, False]


def test_metrics_of_the_users_own(device_data, monkeypatch):
    data = device_data(unknown=0.1)
    network, parameters, _ = stack(data)

    def brier(labels, scores, decisions, groups):
        assert set(labels) <= {0, 1}
        assert len(labels) == len(scores) == len(decisions) == len(groups)
        return brier_score_loss(labels, scores)

    def share(counts):
        return counts[..., :4].sum((-1, -2))

    functions = {"own:brier": brier, "own:share": share}
    monkeypatch.setattr(user_code, "load", functions.__getitem__)
    metrics = (
        own_metric("brier", "own:brier", "rows", "minimised"),
        own_metric("share", "own:share", "counts", "maximised"),
    )
    found = evaluate(network, parameters, data, Threshold("fixed", 0.5), own_metrics=metrics)
    plain = evaluate(network, parameters, data, Threshold("fixed", 0.5))
    own_names = {f"{name}_{own}" for name in data.splits for own in ("brier", "share")}
    assert set(found.metrics) - set(plain.metrics) == own_names
    for name, own in data.splits.items():
        logits = compute_outputs(network, parameters, own)
        for task in range(len(data.tasks)):
            known = (own.labels[task] >= 0).numpy()
            for trial in range(3):
                scores = torch.sigmoid(logits[trial, task]).numpy()[known]
                expected = brier_score_loss(own.labels[task].numpy()[known], scores)
                assert found.metrics[f"{name}_brier"][trial, task] == pytest.approx(expected)
            rows = int((known & (own.groups[task] >= 0).numpy()).sum())
            assert (found.metrics[f"{name}_share"][:, task] == rows).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_that_a_run_asks_for(weighted):
    dataset = make_dataset(400, unknown=0.1)
    random = np.random.default_rng(7)
    labels = dataset.labels.copy()
    labels[:, 1] = random.integers(-1, 3, 400)
    weights = random.integers(0, 4, 400).astype(float) if weighted else None
    kinds = (BINARY, TaskKind("multiclass", ("a", "b", "c")))
    splits = split(dataclasses.replace(dataset, labels=labels, kinds=kinds, weights=weights))
    column = dataset.inputs.categorical_names[0]
    where = dict.fromkeys(splits.tasks, "sex"), torch.device("cpu"), torch.float64
    data = to_device(splits, *where, given=(column,))
    outputs = tuple(task.outputs for task in data.predicted)
    network = MultilayerPerceptron(data.numeric, data.categories, 2, (16,), (8,), 3, outputs=outputs)
    parameters, rule = network.initial([0, 1], torch.float64), Threshold("fixed", 0.5)
    metrics = (*(each for each in ASKED_FOR.values() if each.of_rows is not None), conditional_parity("within", column))
    found = evaluate(network, parameters, data, rule, own_metrics=metrics)
    plain = evaluate(network, parameters, data, rule)
    names = {f"{name}_{metric.name}" for name in data.splits for metric in metrics}
    assert set(found.metrics) - set(plain.metrics) == names
    assert [name for name in names if not np.isfinite(found.metrics[name]).all()] == []
    for name, own in data.splits.items():
        logits = compute_outputs(network, parameters, own)
        known = (own.labels >= 0).numpy()
        told = None if own.weights is None else own.weights.numpy()
        for trial in range(2):
            scores = torch.sigmoid(logits[trial, 0]).numpy()[known[0]], torch.softmax(logits[trial, 1:], 0).numpy().T
            for task, scored in enumerate((scores[0], scores[1][known[1]])):
                told_here = {"sample_weight": None if told is None else told[known[task]], "scale_by_half": True}
                own_labels = own.labels[task].numpy()[known[task]]
                expected = brier_score_loss(own_labels, scored, labels=range(2 + task), **told_here)
                assert found.metrics[f"{name}_brier"][trial, task] == pytest.approx(expected)
    with pytest.raises(DataError, match="a metric is given 'shoe', which is no column of the inputs; accepted: "):
        to_device(splits, *where, given=("shoe",))


def test_values_of_any_metric(device_data):
    data = device_data()
    network, parameters, _ = stack(data)
    found = evaluate(network, parameters, data, Threshold("fixed", 0.5))
    for metric in METRICS.values():
        if metric.of_groups is None:
            continue
        for task, attribute in enumerate(data.acts_on):
            counts = rates.merge(found.confusion["test"][task], data.cells[:, attribute], data.n_groups[attribute])
            np.testing.assert_allclose(found.values_of(metric, "test", data)[:, task], metric.of_groups(counts))


def test_own_metrics_of_several_classes(monkeypatch):
    seen = {}

    def accuracy(labels, scores, decisions, groups):
        seen["shapes"] = labels.shape, scores.shape, decisions.shape
        return np.mean(labels == decisions)

    def missed(counts):
        return (counts[..., 3] / (counts[..., 0] + counts[..., 3])).max(-1)

    monkeypatch.setattr(user_code, "load", {"own:accuracy": accuracy, "own:missed": missed}.__getitem__)
    metrics = (
        own_metric("mine", "own:accuracy", "rows", "maximised"),
        own_metric("missed", "own:missed", "counts", "minimised"),
    )
    dataset = make_dataset(400)
    labels = dataset.labels.copy()
    labels[:, 1] = np.arange(400) % 3
    kinds = (BINARY, TaskKind("multiclass", ("a", "b", "c")))
    splits = split(dataclasses.replace(dataset, labels=labels, kinds=kinds))
    data = to_device(splits, dict.fromkeys(splits.tasks, "sex"), torch.device("cpu"), torch.float64)
    outputs = tuple(task.outputs for task in data.predicted)
    network = MultilayerPerceptron(data.numeric, data.categories, 2, (16,), (8,), 3, outputs=outputs)
    found = evaluate(
        network, network.initial([0, 1], torch.float64), data, Threshold("fixed", 0.5), own_metrics=metrics
    )
    assert seen["shapes"][1] == (*seen["shapes"][0], 3)
    np.testing.assert_allclose(found.metrics["test_mine"], 1 - found.metrics["test_error"])
    by_group = merge_by_task(found.confusion["test"], data)[1]
    np.testing.assert_allclose(found.metrics["test_missed"][:, 1], missed(by_group.by_class).max(-1))
    assert np.isfinite(found.values_of(METRICS["demographic_parity_gap"], "test", data)).all()
