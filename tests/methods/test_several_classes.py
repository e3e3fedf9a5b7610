"""Methods on tasks with several classes, beside binary ones: against plain losses, and each trial alone."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from paretofair.methods import METHODS, LossSettings, Names, Rows
from paretofair.methods.losses.distances import between_groups
from paretofair.methods.row_plan import TrainingRows
from paretofair.models import ModuleNetwork, MultilayerPerceptron
from paretofair.tasks.binary import Binary
from paretofair.tasks.multiclass import Multiclass
from paretofair.tasks.task import EVERYTHING

TASKS = (Multiclass(3), Binary())
NAMES = Names(("outcome", "repaid"), (("a", "b"), ("a", "b")), TASKS)
NETWORK = MultilayerPerceptron(5, (), 2, (8,), (4,), 0, (3, 1))
GOALS = {"adversarial": "odds"}
OPTIONS = {
    "oversample": {"balance_task": "outcome"},
    "gcm": {"balance_task": "outcome"},
    "label_flip": {"group": "b"},
    "adversarial_features": {"penalised_group": "b"},
}
ABLE = [
    name
    for name, method in METHODS.items()
    if all(method.needs <= task.gives for task in TASKS) and name not in ("transfer", "pseudo_groups")
]


def make_method(name, **settings):
    kind = METHODS[name]
    return kind(LossSettings(goal=GOALS.get(name, "odds"), **settings), kind.Options(**OPTIONS.get(name, {})), NAMES)


def make_rows(trials=None, count=64, seed=0):
    torch.manual_seed(seed)
    lead = () if trials is None else (trials,)
    labels = torch.stack([torch.randint(-1, 3, (*lead, count)), torch.randint(-1, 2, (*lead, count))], -2).double()
    ones = torch.ones(*lead, 2, count, dtype=torch.float64)
    return Rows(
        inputs=torch.randn(*lead, count, 5, dtype=torch.float64),
        labels=labels,
        loss_weight=ones * (labels >= 0),
        penalty_weight=ones,
        groups=torch.randint(-1, 2, (*lead, 2, count)),
        n_groups=2,
        common=trials is None,
        uniform=torch.rand(*lead, 1, count, dtype=torch.float64),
        tasks=TASKS,
    )


def make_hyper(trials):
    torch.manual_seed(1)
    weight = torch.rand(trials, 1, dtype=torch.float64)
    return {
        "task_weight": torch.cat([weight, 1 - weight], 1),
        "fairness_weight": torch.rand(trials, 2, dtype=torch.float64),
        "head_ratio": torch.rand(trials, 2, dtype=torch.float64),
        **{name: torch.rand(trials, dtype=torch.float64) for name in ("penalty_weight", "flip", "temperature")},
    }


def test_which_methods_have_a_meaning():
    """Those that read rows, losses or scores; MTA-F's exclusive rows and the penalties on rates are binary."""
    expected = {"single_task", "vanilla", "per_task", "equal_loss", "max_min", "oversample", "reweigh", "gcm"}
    assert set(ABLE) == expected | {"adversarial", "adversarial_features", "label_flip"}
    assert METHODS["mtaf"].needs == EVERYTHING


@pytest.mark.parametrize("name", ABLE)
@pytest.mark.parametrize("common", [True, False])
def test_a_trial_does_not_depend_on_its_neighbours(name, common):
    method, trials = make_method(name), 6
    rows, hyper = make_rows(None if common else trials), make_hyper(trials)
    parameters = NETWORK.initial(range(trials), torch.float64)
    opponent = method.adversary(NETWORK)
    theirs = None if opponent is None else opponent.initial(range(trials), torch.float64)

    def run(pick):
        own = (
            rows
            if common
            else rows._replace(
                **{key: value[pick] for key, value in rows._asdict().items() if isinstance(value, torch.Tensor)}
            )
        )
        against = None if theirs is None else theirs[pick]
        return method.gradient(
            NETWORK, parameters[pick], own, {key: value[pick] for key, value in hyper.items()}, against
        )

    whole = run(torch.arange(trials))
    assert torch.isfinite(whole.parameters).all()
    assert whole.parameters[:, NETWORK.slices["weight_2"]].abs().sum() > 0
    for pick in (torch.tensor([2]), torch.tensor([5, 0, 3])):
        found = run(pick)
        assert torch.equal(found.parameters, whole.parameters[pick])
        if theirs is not None:
            assert torch.equal(found.adversary, whole.adversary[pick])


def test_vanilla_is_the_weighted_sum_of_cross_entropies():
    method, rows, hyper = make_method("vanilla"), make_rows(), make_hyper(3)
    logits = torch.randn(3, 4, 64, dtype=torch.float64)
    found = method.losses(logits, rows, hyper).shared
    for k in range(3):
        of_classes = cross_entropy(logits[k, :3].T, rows.labels[0].long(), ignore_index=-1, reduction="sum")
        known = rows.labels[1] >= 0
        of_two = nn.functional.binary_cross_entropy_with_logits(
            logits[k, 3][known], rows.labels[1][known], reduction="sum"
        )
        weight = hyper["task_weight"][k]
        torch.testing.assert_close(found[k], weight[0] * of_classes + weight[1] * of_two)


@pytest.mark.parametrize("goal", ["fpr", "tpr", "odds", "parity"])
def test_per_task_averages_each_class_against_the_rest(goal):
    kind, rows, hyper = METHODS["per_task"], make_rows(), make_hyper(2)
    settings = LossSettings(goal=goal, reduction="mean")
    method = kind(settings, None, NAMES)
    logits = torch.randn(2, 4, 64, dtype=torch.float64)
    plain = METHODS["vanilla"](settings, None, NAMES).losses(logits, rows, hyper).shared
    found = method.losses(logits, rows, hyper).shared - plain
    scores = torch.cat([logits[:, :3].softmax(1), logits[:, 3:].sigmoid()], 1)
    total = 0
    for task, labels in ((0, (0, 1, 2)), (1, (1,))):
        seen = (rows.groups[task] >= 0).double()
        distances = []
        for label in labels:
            own = rows.labels[task]
            parts = {"fpr": [(own >= 0) & (own != label)], "tpr": [own == label], "parity": [torch.ones_like(own)]}
            parts["odds"] = parts["fpr"] + parts["tpr"]
            score = scores[:, [label if task == 0 else 3]]
            distances.append(
                sum(between_groups(score, seen * part, rows.groups[task], 2, settings)[0][:, 0] for part in parts[goal])
            )
        weight = hyper["task_weight"][:, task] * hyper["fairness_weight"][:, task]
        total = total + weight * torch.stack(distances).mean(0)
    torch.testing.assert_close(found, total)


def test_flipped_labels_are_other_classes_each_equally_often():
    method = make_method("label_flip")
    rows = make_rows(count=30_000)
    hyper = {"flip": torch.tensor([0.3], dtype=torch.float64)}
    labels = method._other_labels(rows, hyper)
    chosen = (rows.uniform < 0.3)[0]
    for task, classes in ((0, 3), (1, 2)):
        own = chosen & (rows.labels[task] >= 0)
        steps = (labels[0, task, own] - rows.labels[task, own]) % classes
        assert set(steps.tolist()) == set(range(1, classes))
        counts = torch.bincount(steps.long())[1:].double()
        assert (counts / counts.sum() - 1 / (classes - 1)).abs().max() < 0.02


def ordered_rows(per_cell, groups=2, dtype=torch.float64, holdout=0):
    """Rows in the order of the cells (group x label of the first task)."""
    torch.manual_seed(2)
    cells = list(itertools.product(range(groups), range(3)))
    count = per_cell * len(cells)
    width = -(-count // 32) * 32
    group = torch.zeros(width, dtype=torch.long)
    label = torch.zeros(width, dtype=dtype)
    for place, (a, y) in enumerate(cells):
        group[place * per_cell : (place + 1) * per_cell], label[place * per_cell : (place + 1) * per_cell] = a, y
    seen = (torch.arange(width) < count).to(dtype)
    other = torch.randint(0, 2, (width,)).to(dtype)
    return Rows(
        inputs=torch.randn(width, 5, dtype=dtype),
        labels=torch.stack([label, other]),
        loss_weight=seen.expand(2, -1),
        penalty_weight=seen.expand(2, -1),
        groups=group.expand(2, -1).clone(),
        n_groups=groups,
        cells=tuple((place * per_cell, (place + 1) * per_cell) for place in range(len(cells))),
        tasks=TASKS,
    )


def plain_gcm(module, rows, hyper, k, groups, matching, power):
    """One ordinary model, differentiated twice."""
    parameters = list(module.parameters())
    logits = module(rows.inputs)
    known = rows.loss_weight[0] > 0
    each = [
        cross_entropy(logits[:, :3], rows.labels[0].long(), reduction="none"),
        nn.functional.binary_cross_entropy_with_logits(logits[:, 3], rows.labels[1], reduction="none"),
    ]
    loss = sum(hyper["task_weight"][k, t] * each[t][known].mean() for t in range(2))
    scores = [logits[:, :3].softmax(1), torch.stack([1 - logits[:, 3].sigmoid(), logits[:, 3].sigmoid()], 1)]
    for t, classes in ((0, 3), (1, 2)):
        gradients, weights = {}, {}
        for a, y in itertools.product(range(groups), range(classes)):
            own = known & (rows.groups[t] == a) & (rows.labels[t] == y)
            found = torch.autograd.grad(each[t][own].mean(), parameters, create_graph=True, allow_unused=True)
            flat = [
                torch.zeros_like(p).flatten() if g is None else g.flatten()
                for p, g in zip(parameters, found, strict=True)
            ]
            gradients[a, y] = torch.cat(flat)
            weights[a, y] = scores[t][own, y].mean().detach() ** hyper["temperature"][k]
        total = 0
        pairs = list(itertools.combinations(range(groups), 2))
        for (a, b), y in itertools.product(pairs, range(classes)):
            one, other = gradients[a, y], gradients[b, y]
            if matching == "contribution":
                one, other = weights[a, y] * one.abs() ** power, weights[b, y] * other.abs() ** power
            total = total + ((one - other).abs() ** (power if matching == "direct" else 1)).sum() / len(pairs)
        loss = loss + hyper["fairness_weight"][k, t] / 2 * total
    return torch.autograd.grad(loss, parameters)


@pytest.mark.parametrize("matching", ["contribution", "direct"])
@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("kind", ["closed form", "module", "convolutions"])
def test_gcm_equals_a_plain_double_backward(matching, power, groups, kind):
    rows, hyper = ordered_rows(7, groups), make_hyper(2)
    names = Names(NAMES.tasks, (("a", "b", "c")[:groups],) * 2, TASKS)
    options = METHODS["gcm"].Options(balance_task="outcome", matching=matching, power=power)
    method = METHODS["gcm"](LossSettings(), options, names)
    if kind != "closed form":
        network = ModuleNetwork(make_module if kind == "module" else make_convolutions, 5, 2, (), (3, 1))
        count = 7 * groups * 3
        rows = rows._replace(inputs=rows.inputs[:count], streams=(0, 0))
    else:
        network = NETWORK
    parameters = network.initial([3, 4], torch.float64)
    parameters = parameters + 0.05 * torch.randn_like(parameters) * (parameters != 0)
    found = method.gradient(network, parameters.clone(), rows, hyper).parameters
    whole = ordered_rows(7, groups)
    for k in range(2):
        module = network.module(parameters[k])
        expected = plain_gcm(module, whole, hyper, k, groups, matching, power)
        back = network.module(found[k])
        for value, other in zip(back.parameters(), expected, strict=True):
            torch.testing.assert_close(value.detach(), other, rtol=1e-9, atol=1e-10)


def make_module(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs))


def make_convolutions(inputs, outputs):
    """A trial by itself, so that the rows of a cell of any task are gathered."""
    convolutions = nn.Unflatten(1, (1, inputs)), nn.Conv1d(1, 4, 3), nn.Tanh(), nn.MaxPool1d(2), nn.Flatten()
    return nn.Sequential(*convolutions, nn.Linear(4, outputs))


def test_gcm_on_convolutions_passes_every_row_once_for_each_task(monkeypatch):
    """The rows of the balanced task's cells, and then those of the other one's, of which some have no label."""
    network = ModuleNetwork(make_convolutions, 5, 2, (), (3, 1))
    rows = ordered_rows(7)
    count = 7 * 2 * 3
    rows = rows._replace(inputs=rows.inputs[:count], streams=(0, 0))
    passed = []
    record = ModuleNetwork.record

    def watch(self, parameters, row, inputs, streams, *, common):
        passed.append(len(inputs))
        return record(self, parameters, row, inputs, streams, common=common)

    monkeypatch.setattr(ModuleNetwork, "record", watch)
    options = METHODS["gcm"].Options(balance_task="outcome")
    METHODS["gcm"](LossSettings(), options, NAMES).gradient(
        network, network.initial([3, 4], torch.float64), rows, make_hyper(2)
    )
    counted = (rows.penalty_weight[1] > 0) & (rows.labels[1] >= 0) & (rows.groups[1] >= 0)
    assert sum(passed) == count + int(counted[:count].sum())


def test_gcm_on_a_module_is_that_of_the_same_perceptron():
    """On binary tasks, whose closed form is tested elsewhere."""
    rows = ordered_rows(5)._replace(tasks=())
    rows = rows._replace(labels=torch.stack([rows.labels[0].clamp_max(1), rows.labels[1]]), cells=())
    names = Names(("one", "two"), (("a", "b"),) * 2)
    method = METHODS["gcm"](LossSettings(), METHODS["gcm"].Options(balance_task="one"), names)
    hyper = make_hyper(2)
    perceptron = MultilayerPerceptron(5, (), 2, (8,), ())
    module = ModuleNetwork(lambda inputs, outputs: Shared(inputs, outputs), 5, 2)
    row = perceptron.initial([0, 1], torch.float64)
    same = torch.cat([row[:, perceptron.slices[name]] for name in perceptron.shapes], 1)
    padded = torch.zeros(2, module.size, dtype=torch.float64)
    padded[:, : same.shape[1]] = same
    count = 30
    short = rows._replace(inputs=rows.inputs[:count], streams=(0, 0))
    found = method.gradient(module, padded, short, hyper).parameters
    expected = method.gradient(perceptron, row, rows, hyper).parameters
    flat = torch.cat([expected[:, perceptron.slices[name]] for name in perceptron.shapes], 1)
    torch.testing.assert_close(found[:, : flat.shape[1]], flat, rtol=1e-9, atol=1e-10)


class Shared(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.shared, self.last = nn.Linear(inputs, 8), nn.Linear(8, outputs)

    def forward(self, x):
        return self.last(self.shared(x).relu())


def test_adversaries_of_several_classes_refuse_negatives_and_positives():
    with pytest.raises(ValueError, match="goal: found fpr; outcome has several classes"):
        METHODS["adversarial"](LossSettings(goal="fpr"), None, NAMES)


def test_cells_of_several_classes_are_balanced():
    """Every (group x class) cell has its share of each batch."""
    torch.manual_seed(0)
    labels = torch.randint(0, 3, (2, 300)).numpy()
    labels[1] %= 2
    groups = torch.randint(0, 2, (2, 300)).numpy()
    classes = (("low", "middle", "high"), ("0", "1"))
    shared = (labels[0] * 0, (), NAMES.tasks, ("sex", "sex"), NAMES.groups, classes)
    train = TrainingRows(labels, groups, *shared)
    plan = make_method("oversample").row_plan(train, 60, False)
    assert len(plan.parts) == 6
    rows = plan.rows(0, 0)[0, :60]
    cells, counts = torch.unique(torch.from_numpy(3 * groups[0, rows] + labels[0, rows]), return_counts=True)
    assert cells.tolist() == list(range(6))
    assert set(counts.tolist()) == {10}
