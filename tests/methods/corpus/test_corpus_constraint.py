"""Decisions under constraints: within the margin, with little lost, and unchanged where nothing is asked."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from paretofair.data import load, split
from paretofair.methods import METHODS, LossSettings, Names
from paretofair.methods.corpus.corpus_constraint import CorpusConstraint, CorpusConstraintOptions
from paretofair.metrics.registry import METRICS
from paretofair.models import MultilayerPerceptron
from paretofair.training import Experiment, Threshold, TrainingSettings, Trials, to_device, train_pack

NAMES = Names(("tie", "cup", "man"), (("man", "woman"),) * 3)


def make_method(**options) -> CorpusConstraint:
    return CorpusConstraint(LossSettings(), CorpusConstraintOptions(**options), NAMES)


def draw(rows: int = 400, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Margins that exaggerate how often ties are of men, and training labels."""
    random = np.random.default_rng(seed)
    man = random.random(rows) < 0.6
    objects = random.random((2, rows)) < np.where(man, 0.5, [[0.3], [0.4]])
    training = np.concatenate([objects, man[None]]).astype(float)
    margins = random.normal(size=(3, rows)) + 2 * (training - 0.5)
    margins[0] += np.where(margins[2] > 0, 0.8, -0.8)
    return torch.tensor(margins), torch.tensor(training)


def share(decisions: torch.Tensor, task: int) -> float:
    return float(decisions[2][decisions[task]].double().mean())


def test_a_margin_of_one_changes_nothing():
    margins, training = draw()
    decisions = make_method().decide(margins[None], training, None, {"corpus_margin": np.array([1.0])})
    assert torch.equal(decisions[0], margins >= 0)


@pytest.mark.parametrize("margin", [0.01, 0.05])
def test_biases_are_within_the_margin(margin):
    margins, training = draw()
    before = margins >= 0
    bias = [share(training == 1, task) for task in range(2)]
    assert share(before, 0) - bias[0] > 0.1, "the plain decisions amplify"
    decisions = make_method().decide(margins[None], training, None, {"corpus_margin": np.array([margin])})[0]
    for task in range(2):
        assert abs(share(decisions, task) - bias[task]) <= margin + 0.01
    # Few decisions are changed, and the sum of the log-odds that were given up is small.
    assert (decisions != before).double().mean() < 0.15
    assert (margins * decisions).sum() > 0.9 * (margins * before).sum()


def test_rows_are_decided_as_well_as_they_can_be_under_given_multipliers():
    """Every decision of a row is tried: of log-odds less what the multipliers charge none has a larger sum."""
    random = np.random.default_rng(3)
    margins = torch.tensor(random.normal(size=(3, 200)))
    of_group, of_others = (torch.tensor(random.normal(size=3)) for _ in range(2))
    found = make_method()._decide_rows(margins, of_group, of_others)
    for row in range(200):
        values = {}
        for tie, cup, man in itertools.product((0, 1), repeat=3):
            cost = of_group if man else of_others
            own = margins[:, row]
            values[tie, cup, man] = float(tie * (own[0] - cost[0]) + cup * (own[1] - cost[1]) + man * own[2])
        assert values[tuple(found[:, row].int().tolist())] == pytest.approx(max(values.values()))


def test_trials_are_decided_alone_and_rows_count_by_their_weights():
    margins, training = draw()
    other = draw(seed=1)[0]
    hyper = {"corpus_margin": np.array([0.02, 0.05])}
    method = make_method(iterations=20)
    both = method.decide(torch.stack([margins, other]), training, None, hyper)
    alone = method.decide(other[None], training, None, {"corpus_margin": np.array([0.05])})
    assert torch.equal(both[1], alone[0])
    weights, hyper = torch.ones(400, dtype=torch.float64), {"corpus_margin": np.array([0.02])}
    assert torch.equal(method.decide(margins[None], training, weights, hyper)[0], both[0])
    repeated = torch.cat([training, training[:, :100]], 1)
    weights[:100] = 2
    found = method.decide(margins[None], training, weights, hyper)[0]
    assert torch.equal(found, method.decide(margins[None], repeated, None, hyper)[0])


def test_decisions_are_what_is_measured():
    dataset = load("coco_gender", source="simulated")
    data = to_device(split(dataset), dict.fromkeys(dataset.tasks, "gender"), torch.device("cpu"), torch.float32)
    names = Names(dataset.tasks, (("man", "woman"),) * 12)
    method = METHODS["corpus_constraint"](LossSettings(), None, names)
    network = MultilayerPerceptron(data.numeric, data.categories, 12, (16,), ())
    metric = METRICS["bias_amplification_absolute"]
    experiment = Experiment(data, network, method, TrainingSettings(256), Threshold("fixed", 0.5), (metric,))
    values = {"learning_rate": np.full(2, 0.1), "epochs": np.full(2, 2), "task_weight": np.full((2, 12), 1 / 12)}
    trials = Trials(np.zeros(2, dtype=np.int64), values | {"corpus_margin": np.array([1.0, 0.03])})
    (stack,) = train_pack(experiment, trials, width=2)
    plain, constrained = metric.average(stack.evaluation.metrics["test_bias_amplification_absolute"])
    assert constrained < min(0.05, plain / 2)
    np.testing.assert_array_equal(stack.parameters[0], stack.parameters[1])
    errors = stack.evaluation.metrics["test_error"].mean(1)
    assert errors[1] < errors[0] + 0.02
