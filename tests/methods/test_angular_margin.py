"""Methods on identities: margins of groups, flipped identities, balanced groups, focal and weighted losses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from paretofair.data.assemble import assemble
from paretofair.data.splits import split
from paretofair.methods import METHODS, LossSettings, Names, Rows
from paretofair.methods.losses.terms import row_losses
from paretofair.models import CosineNetwork, MultilayerPerceptron
from paretofair.tasks import TaskKind
from paretofair.tasks.identity import MARGIN, SCALE, Identity
from paretofair.training import Experiment, TrainingSettings
from paretofair.training.batches import Batches
from paretofair.training.tensors import to_device

C, B, K = 6, 64, 3
NAMES = Names(("person",), (("men", "women"),), (Identity(C),))
FOCAL = LossSettings(reduction="mean", loss="focal")
PERSON_OF_WOMEN = torch.tensor([1, 3, 5])


def make_rows(**more):
    torch.manual_seed(0)
    labels = torch.randint(0, C, (1, B)).double()
    weights = torch.ones(1, B, dtype=torch.float64)
    weights[:, 60:] = 0
    groups = (labels.long() % 2).clone()
    groups[:, :2] = -1
    return Rows(torch.zeros(B, 1), labels, weights, weights, groups, 2, tasks=(Identity(C),), **more)


def focal_loop(cosines, rows, margins):
    """The mean focal CosFace of one trial, number by number."""
    total = 0.0
    for row in range(60):
        label = int(rows.labels[0, row])
        margin = margins.get(int(rows.groups[0, row]), MARGIN)
        values = [float(value) - (margin if each == label else 0) for each, value in enumerate(cosines[:, row])]
        logits = [SCALE * value for value in values]
        largest = max(logits)
        log_p = logits[label] - largest - math.log(sum(math.exp(logit - largest) for logit in logits))
        total += -((1 - math.exp(log_p)) ** 2) * log_p
    return total / 60


def test_focal_losses_with_two_margins_are_those_of_a_plain_loop():
    method = METHODS["angular_margin"](FOCAL, names=NAMES)
    torch.manual_seed(1)
    cosines = 0.3 * torch.rand(K, C, B, dtype=torch.float64)
    rows = make_rows()
    men, women = torch.tensor([0.35, 0.2, 0.5]).double(), torch.tensor([0.75, 0.35, 0.1]).double()
    hyper = {"task_weight": torch.ones(K, 1).double(), "margin_men": men, "margin_women": women}
    found = method.losses(cosines, rows, hyper).shared
    for k in range(K):
        expected = focal_loop(cosines[k], rows, {0: float(men[k]), 1: float(women[k])})
        assert found[k].item() == pytest.approx(expected, rel=1e-9)


def test_without_margins_it_is_vanilla():
    cosines, rows = torch.rand(K, C, B).double(), make_rows()
    hyper = {"task_weight": torch.ones(K, 1).double()}
    method, vanilla = (METHODS[name](FOCAL, names=NAMES) for name in ("angular_margin", "vanilla"))
    torch.testing.assert_close(method.losses(cosines, rows, hyper).shared, vanilla.losses(cosines, rows, hyper).shared)


def test_focal_and_weighted_losses_of_binary_tasks():
    torch.manual_seed(0)
    logits, labels = torch.randn(K, 2, B).double(), torch.randint(-1, 2, (2, B)).double()
    weights = (labels >= 0).double()
    rows = Rows(torch.zeros(B, 1), labels, weights, weights, torch.zeros(2, B, dtype=torch.long), 2)
    plain = row_losses(logits, rows)
    p = torch.where(labels == 1, logits.sigmoid(), 1 - logits.sigmoid())
    focal = row_losses(logits, rows, LossSettings(loss="focal"))
    torch.testing.assert_close(focal * weights, (1 - p) ** 2 * plain * weights)
    weighted = row_losses(logits, rows, LossSettings(loss="weighted"))
    for task in range(2):
        negatives, positives = (labels[task] == 0).sum(), (labels[task] == 1).sum()
        factor = torch.where(labels[task] == 1, negatives / positives, 1)
        torch.testing.assert_close(weighted[:, task], factor * plain[:, task])
    nobody = rows._replace(labels=rows.labels.clamp_max(0))
    assert not row_losses(logits, nobody, LossSettings(loss="weighted")).any()


def focal_of(mean):
    return (1 - math.exp(-mean)) ** 2 * mean


def test_the_published_protocol_makes_the_focal_loss_of_means():
    torch.manual_seed(1)
    cosines, rows = 0.1 * torch.rand(K, C, B, dtype=torch.float64), make_rows()
    hyper = {"task_weight": torch.ones(K, 1).double(), "penalty_weight": torch.full((K,), 3.0).double()}
    plain = row_losses(cosines, rows)[:, 0]
    groups, known = rows.groups[0], rows.loss_weight[0] > 0
    for reduction, times in (("mean", 1), ("sum", 60)):
        settings = LossSettings(reduction=reduction, loss="focal_of_mean")
        found = {
            name: METHODS[name](settings, names=NAMES).losses(cosines, rows, hyper).shared
            for name in ("vanilla", "equal_loss", "max_min")
        }
        for k in range(K):
            whole = focal_of(plain[k, known].mean().item())
            men, women = (focal_of(plain[k, known & (groups == group)].mean().item()) for group in (0, 1))
            assert found["vanilla"][k].item() == pytest.approx(times * whole, rel=1e-9)
            # Losses of penalties are means, whatever the reduction.
            assert found["equal_loss"][k].item() == pytest.approx(whole + 3 * abs(men - women), rel=1e-9)
            assert found["max_min"][k].item() == pytest.approx(max(men, women), rel=1e-9)


def make_data():
    random = np.random.default_rng(0)
    person = np.repeat(np.arange(9), 12)
    data = assemble(
        "people",
        "simulated",
        labels={"person": person},
        kinds={"person": TaskKind("identity", tuple("abcdefghi"))},
        numeric={name: random.normal(size=len(person)) for name in "xyz"},
        categorical={},
        groups={"sex": (person % 3 == 0).astype(np.int8)},
        group_names={"sex": ("men", "women")},
        test=0.3,
        checksums={},
    )
    return to_device(split(data), {"person": "sex"}, torch.device("cpu"), torch.float64)


def make_experiment(data, name, **options):
    (task,) = data.predicted
    kind = METHODS[name]
    method = kind(FOCAL, kind.Options(**options), Names(data.tasks, (("men", "women"),), data.several))
    body = MultilayerPerceptron(data.numeric, data.categories, 1, (6,), (), outputs=(4,))
    return Experiment(data, CosineNetwork(body, 4, task.outputs), method, TrainingSettings(24))


def test_identities_are_flipped_to_others_of_the_same_group():
    data = make_data()
    experiment = make_experiment(data, "label_flip", group="men")
    method = experiment.method
    state = method.trial_state(experiment.training_rows)
    train = data.splits["train"]
    group_of = {int(each): int(train.groups[0][train.labels[0] == each][0]) for each in train.labels[0].unique()}
    hyper = {name: torch.from_numpy(each)[None] for name, each in state.items()} | {"flip": torch.ones(1).double()}
    moved = {}
    for epoch in range(40):
        for rows in Batches(experiment, [epoch]).epoch(epoch):
            others = method._other_labels(rows, hyper)[0, 0]
            for label, other, weight in zip(rows.labels[0], others, rows.loss_weight[0], strict=True):
                if weight:
                    moved.setdefault(int(label), []).append(int(other))
    for label, others in moved.items():
        peers = [each for each, group in group_of.items() if group == group_of[label] and each != label]
        assert set(others) == set(peers)
        share = np.bincount(others)[peers] / len(others)
        assert abs(share - 1 / len(peers)).max() < 0.1


def test_the_only_identity_of_its_group_keeps_its_label():
    method = METHODS["label_flip"](FOCAL, METHODS["label_flip"].Options(group="men"), NAMES)
    labels = torch.tensor([0.0, 1.0])
    order = np.array([1, 0])
    state = {"order": order, "place": np.array([1, 0]), "first": np.array([1, 0]), "size": np.array([1, 1])}
    hyper = {f"flip_{name}": torch.from_numpy(each)[None] for name, each in state.items()}
    hyper["flip"] = torch.ones(1)
    rows = make_rows(uniform=torch.tensor([[0.1, 0.9]]))._replace(labels=labels[None])
    assert method._other_labels(rows, hyper)[0, 0].tolist() == [0, 1]


def test_oversampling_balances_groups_of_identities():
    data = make_data()
    for rows in Batches(make_experiment(data, "oversample"), [0]).epoch(0):
        own = rows.groups[0][rows.loss_weight[0] > 0]
        assert (own == 0).sum() == (own == 1).sum() == 12


@pytest.mark.parametrize("name", ["vanilla", "equal_loss", "max_min", "label_flip", "angular_margin", "oversample"])
def test_trials_do_not_depend_on_their_neighbours(name):
    data = make_data()
    options = {"group": "men"} if name == "label_flip" else {}
    experiment = make_experiment(data, name, **options)
    network, method = experiment.network, experiment.method
    parameters = network.initial([0, 1, 2], torch.float64)
    state = method.trial_state(experiment.training_rows)
    hyper = {"task_weight": torch.ones(3, 1), "penalty_weight": torch.ones(3), "flip": torch.tensor([0.1, 0.3, 0.5])}
    hyper |= {"margin_women": torch.tensor([0.35, 0.5, 0.75])}
    hyper = {key: value.double() for key, value in hyper.items()}
    hyper |= {key: torch.from_numpy(value).expand(3, -1) for key, value in state.items()}
    rows = next(Batches(experiment, [0, 0, 0]).epoch(0))
    whole = method.gradient(network, parameters, rows, hyper).parameters
    for k in range(3):
        own = {key: value[k : k + 1] for key, value in hyper.items()}
        assert torch.equal(method.gradient(network, parameters[k : k + 1], rows, own).parameters[0], whole[k])
