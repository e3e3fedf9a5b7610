"""Adversarial debiasing against one ordinary predictor and its adversaries in float64, one task at a time."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from paretofair.methods import LossSettings, Method, Names, Rows
from paretofair.methods.adversarial import Adversarial
from paretofair.methods.row_plan import epoch_order
from paretofair.methods.vanilla import Vanilla
from paretofair.models import ModuleNetwork, MultilayerPerceptron
from paretofair.training import DeviceData, Experiment, TrainingSettings, Trials, train_pack
from paretofair.training.optimizers import Adagrad, Adam, Optimizer

TASKS, ROWS, TRIALS = 2, 96, 3
NETWORK = MultilayerPerceptron(numeric=4, categories=(4,), tasks=TASKS, shared=(8, 7), head=(6,), embedding=2)
SMALL = MultilayerPerceptron(numeric=4, categories=(4,), tasks=TASKS, shared=(8,), head=())
GROUPS = {2: ("Female", "Male"), 3: ("White", "Black", "Other")}
OPTIMIZERS: list[tuple[Optimizer, Callable]] = [
    (Adagrad(), lambda leaves, lr: torch.optim.Adagrad(leaves, lr=lr, initial_accumulator_value=0.1, eps=0)),
    (Adam(), lambda leaves, lr: torch.optim.Adam(leaves, lr=lr)),
]
Leaves = dict[str, Tensor]


def names(n_groups: int = 2) -> Names:
    return Names(("task_0", "task_1"), (GROUPS[n_groups],) * TASKS)


def make_rows(n_groups: int, device: str = "cpu", *, per_trial: bool = False) -> Rows:
    """Rows with unknown labels and groups, filling, and rows that only the loss or only the penalty sees."""
    torch.manual_seed(0)
    lead = (TRIALS,) if per_trial else ()
    one_hot = torch.eye(4, dtype=torch.float64)[torch.randint(0, 4, (*lead, ROWS))]
    labels = torch.randint(-1, 2, (*lead, TASKS, ROWS)).double()
    real = (torch.arange(ROWS) < ROWS - 5).double().expand_as(labels)
    rows = Rows(
        inputs=torch.cat([torch.randn(*lead, ROWS, 4, dtype=torch.float64), one_hot], -1),
        labels=labels,
        loss_weight=real * (labels >= 0) * (torch.rand(labels.shape) < 0.9),
        penalty_weight=real * (torch.rand(labels.shape) < 0.8),
        groups=torch.randint(-1, n_groups, labels.shape),
        n_groups=n_groups,
        common=not per_trial,
    )
    return Rows._make(each.to(device) if isinstance(each, Tensor) else each for each in rows)


def make_hyper(count: int = TRIALS, device: str = "cpu") -> dict[str, Tensor]:
    torch.manual_seed(1)
    hyper = {"task_weight": torch.rand(count, TASKS).double(), "penalty_weight": 3 * torch.rand(count).double()}
    return {name: value.to(device) for name, value in hyper.items()}


def of_trial(rows: Rows, k: int) -> SimpleNamespace:
    """The rows of one trial, weights as masks."""
    own = {name: each[k] if rows.labels.dim() == 3 else each for name, each in rows._asdict().items() if name in USED}
    return SimpleNamespace(
        inputs=own["inputs"],
        labels=own["labels"],
        groups=own["groups"],
        in_loss=own["loss_weight"] > 0,
        in_penalty=(own["penalty_weight"] > 0) & (own["groups"] >= 0),
    )


USED = ("inputs", "labels", "groups", "loss_weight", "penalty_weight")


def leaves_of(network: MultilayerPerceptron, row: Tensor) -> Leaves:
    return {name: value[0].clone().requires_grad_() for name, value in network.named(row[None]).items()}


def plain_network(leaves: Leaves, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Features `(B, H)` and logits `(T, B)` of one ordinary network."""
    x = torch.cat([inputs[:, :4], inputs[:, 4:] @ leaves["embedding_0"]], 1)
    for layer in range(2):
        x = torch.relu(x @ leaves[f"weight_{layer}"].T + leaves[f"bias_{layer}"])
    logits = []
    for t in range(TASKS):
        z = torch.relu(x @ leaves["weight_2"][t].T + leaves["bias_2"][t])
        logits.append((z @ leaves["weight_3"][t].T + leaves["bias_3"][t])[:, 0])
    return x, torch.stack(logits)


def accuracy_loss(logits: Tensor, rows: SimpleNamespace, weights: Tensor) -> Tensor:
    """Σ_t w_t L_t with means."""
    return sum(
        weights[t] * binary_cross_entropy_with_logits(logits[t][rows.in_loss[t]], rows.labels[t][rows.in_loss[t]])
        for t in range(TASKS)
    )


def plain_adversary(leaves: Leaves, x: Tensor) -> Tensor:
    """Scores of groups `(B, G)`."""
    layers = len(leaves) // 2
    for layer in range(layers - 1):
        x = torch.relu(x @ leaves[f"weight_{layer}"].T + leaves[f"bias_{layer}"])
    return x @ leaves[f"weight_{layers - 1}"][:, 0].T + leaves[f"bias_{layers - 1}"][:, 0]


def unfairness(goal: str, opponent: Leaves, z: Tensor, y: Tensor, a: Tensor, seen: Tensor) -> Tensor:
    """A_t by index sets."""
    if goal != "parity":
        seen = seen & {"fpr": y == 0, "tpr": y == 1, "odds": y >= 0}[goal]
    a = a[seen]
    if len(a.unique()) < 2:
        return (z * 0).sum() + sum((leaf * 0).sum() for leaf in opponent.values())
    scores = plain_adversary(opponent, torch.stack([z, y], 1)[seen] if goal == "odds" else z[seen][:, None])
    if scores.shape[1] == 1:
        return binary_cross_entropy_with_logits(scores[:, 0], (a == 1).double())
    return cross_entropy(scores, a)


def plain_step(goal: str, leaves: Leaves, opponents: list[Leaves], rows: SimpleNamespace, w: Tensor, alpha: Tensor):
    """Sets the gradient of every leaf to what its player follows."""
    _, logits = plain_network(leaves, rows.inputs)
    unfair = [
        unfairness(goal, opponents[t], logits[t], rows.labels[t], rows.groups[t], rows.in_penalty[t])
        for t in range(TASKS)
    ]
    every = list(leaves.values())
    own = torch.autograd.grad(accuracy_loss(logits, rows, w), every, retain_graph=True)
    against = torch.autograd.grad(sum(unfair) / TASKS, every, retain_graph=True)
    for leaf, g, h in zip(every, own, against, strict=True):
        unit = h / (h.norm() + 1e-8)
        leaf.grad = g - (g * unit).sum() * unit - alpha * h
    for opponent, loss in zip(opponents, unfair, strict=True):
        found = torch.autograd.grad(loss, list(opponent.values()), retain_graph=True)
        for leaf, gradient in zip(opponent.values(), found, strict=True):
            leaf.grad = gradient


def check_gradient(method: Method, rows: Rows, step: Callable, device: str) -> None:
    """One step of every trial is that of `step` with one model, to 1e-9, for both players."""
    hyper = make_hyper(device=device)
    parameters = NETWORK.initial(range(TRIALS), torch.float64).to(device) + 0.05
    opponents = method.adversary(NETWORK)
    against = opponents.initial(range(TRIALS), torch.float64).to(device) + 0.05
    found = method.gradient(NETWORK, parameters, rows, hyper, against)
    for k in range(TRIALS):
        leaves = leaves_of(NETWORK, parameters[k])
        theirs = [leaves_of(opponents.each, row) for row in against[k].view(opponents.count, -1)]
        step(leaves, theirs, of_trial(rows, k), hyper["task_weight"][k], hyper["penalty_weight"][k])
        compare(NETWORK, found.parameters[k], leaves)
        for row, of_one in zip(found.adversary[k].view(opponents.count, -1), theirs, strict=True):
            compare(opponents.each, row, of_one)


def compare(network: MultilayerPerceptron, row: Tensor, leaves: Leaves) -> None:
    scale = max(leaf.grad.abs().max().item() for leaf in leaves.values())
    assert scale > 1e-3
    for name, value in network.named(row[None]).items():
        torch.testing.assert_close(value[0], leaves[name].grad, rtol=1e-9, atol=1e-9 * scale)
    assert not row[max(columns.stop for columns in network.slices.values()) :].any()


@pytest.mark.parametrize("goal", ["fpr", "tpr", "odds", "parity"])
@pytest.mark.parametrize(("n_groups", "per_trial"), [(2, False), (2, True), (3, True)])
def test_both_players_equal_a_plain_loop(goal, n_groups, per_trial, device):
    rows = make_rows(n_groups, device, per_trial=per_trial)
    method = Adversarial(LossSettings(goal=goal), None, names(n_groups))
    check_gradient(method, rows, lambda *given: plain_step(goal, *given), device)


def make_trials(count: int, seeds, epochs) -> Trials:
    random = np.random.default_rng(1)
    return Trials(
        np.asarray(seeds),
        {
            "task_weight": random.dirichlet(np.ones(TASKS), count),
            "penalty_weight": random.uniform(0, 3, count),
            "learning_rate": random.uniform(0.005, 0.05, count),
            "adversary_learning_rate": random.uniform(0.005, 0.05, count),
            "epochs": np.full(count, epochs),
        },
    )


def run(data: DeviceData, method: Method, trials: Trials, *, optimizer=None, width: int = 64, compiled: bool = False):
    """Parameters and counts of undefined penalties, in the order of `trials`; compiled those of a small network."""
    settings, network = TrainingSettings(100, optimizer or Adagrad(), compiled=compiled), SMALL if compiled else NETWORK
    stacks = list(train_pack(Experiment(data, network, method, settings), trials, width=width))
    order = np.argsort(np.concatenate([stack.positions for stack in stacks]))
    assert all((stack.status == "completed").all() for stack in stacks)
    parameters, undefined = ([getattr(stack, name) for stack in stacks] for name in ("parameters", "undefined_losses"))
    return np.concatenate(parameters)[order], np.concatenate(undefined)[order]


def check_training(data: DeviceData, method: Method, step: Callable, optimizer: Optimizer, plain: Callable) -> None:
    """Over twenty steps through a pack are those of one model with optimisers of PyTorch, to 1e-9."""
    trials = make_trials(3, [0, 1, 1], 7)
    found, _ = run(data, method, trials, optimizer=optimizer)
    train, opponents = data.splits["train"], method.adversary(NETWORK)
    for k, seed in enumerate([0, 1, 1]):
        values = {name: torch.tensor(value[k]) for name, value in trials.values.items()}
        leaves = leaves_of(NETWORK, NETWORK.initial([seed], torch.float64)[0])
        rows_of = opponents.initial([seed], torch.float64).view(opponents.count, -1)
        theirs = [leaves_of(opponents.each, row) for row in rows_of]
        players = [
            plain(list(leaves.values()), values["learning_rate"].item()),
            plain([leaf for of_one in theirs for leaf in of_one.values()], values["adversary_learning_rate"].item()),
        ]
        steps = 0
        for epoch in range(7):
            for index in torch.from_numpy(epoch_order(seed, epoch, len(train))).split(100):
                labels, groups = train.labels[:, index], train.groups[:, index]
                rows = SimpleNamespace(inputs=train.inputs.take(index), labels=labels, groups=groups)
                rows.in_loss, rows.in_penalty = labels >= 0, groups >= 0
                step(leaves, theirs, rows, values["task_weight"], values["penalty_weight"])
                for player in players:
                    player.step()
                steps += 1
        assert steps > 20
        mine = NETWORK.named(torch.from_numpy(found[k : k + 1]))
        for name, leaf in leaves.items():
            torch.testing.assert_close(mine[name][0], leaf.detach(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("optimizer", "plain"), OPTIMIZERS)
def test_training_equals_a_plain_loop(device_data, optimizer, plain):
    method = Adversarial(LossSettings(goal="odds"), None, names())
    data = device_data(torch.float64, unknown=0.1)
    check_training(data, method, lambda *given: plain_step("odds", *given), optimizer, plain)


def check_neighbours(data: DeviceData, method: Method, fresh_seeds: bool, compiled: bool, width: int = 64) -> None:
    """A trial is bit for bit the same alone, in a stack of 7 and of `width`, and in any position."""
    trials = make_trials(64, np.arange(64) // 3 if fresh_seeds else np.zeros(64, int), 2)
    whole, counts = run(data, method, trials, width=width, compiled=compiled)
    shuffled = np.random.default_rng(0).permutation(64)
    for rows in (shuffled, np.arange(20, 27), np.array([17]), np.array([63])):
        found, undefined = run(data, method, trials.take(rows), width=width, compiled=compiled)
        np.testing.assert_array_equal(found, whole[rows])
        np.testing.assert_array_equal(undefined, counts[rows])
    if not compiled:
        np.testing.assert_array_equal(run(data, method, trials, width=7)[0], whole)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("fresh_seeds", [False, True])
@pytest.mark.parametrize(("goal", "sensitive"), [("odds", "sex"), ("parity", "race")])
def test_a_trial_does_not_depend_on_its_neighbours(device_data, dtype, fresh_seeds, goal, sensitive):
    method = Adversarial(LossSettings(goal=goal), None, names(3 if sensitive == "race" else 2))
    check_neighbours(device_data(dtype, sensitive=sensitive, unknown=0.1), method, fresh_seeds, compiled=False)


def test_a_compiled_trial_does_not_depend_on_its_neighbours(device_data):
    method = Adversarial(LossSettings(goal="odds"), None, names())
    check_neighbours(device_data(torch.float32, unknown=0.1), method, fresh_seeds=False, compiled=True)


def test_nothing_to_tell_apart_is_vanilla(device_data):
    """With one group left the adversary rests, and the predictor's gradient is that of the mean loss bit for bit."""
    method = Adversarial(LossSettings(goal="odds"), None, names())
    rows = make_rows(2)
    hyper, parameters = make_hyper(), NETWORK.initial(range(TRIALS), torch.float64)
    against = method.adversary(NETWORK).initial(range(TRIALS), torch.float64)
    vanilla = Vanilla(LossSettings(reduction="mean")).gradient(NETWORK, parameters, rows, hyper)
    nowhere = torch.full_like(rows.groups, -1)
    only_one = torch.where(rows.labels == 1, rows.groups, 1)  # the first task's positives alone have two groups
    only_one[1] = 1
    for groups, undefined in ((nowhere, 2), (torch.ones_like(nowhere), 2), (only_one, 1)):
        found = method.gradient(NETWORK, parameters, rows._replace(groups=groups), hyper, against)
        assert found.undefined.tolist() == [undefined] * TRIALS
        assert not found.adversary.chunk(TASKS, 1)[1].any()
        if undefined == 2:
            assert torch.equal(found.parameters, vanilla.parameters)
            assert not found.adversary.any()
        else:
            assert not torch.equal(found.parameters, vanilla.parameters)
            assert found.adversary.chunk(TASKS, 1)[0].any()


def test_a_module_follows_the_same_gradient():
    """The same network as an ordinary module, whose pass is differentiated twice."""

    def factory(inputs, tasks):
        return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, tasks))

    module, stacked = ModuleNetwork(factory, 8, 1), MultilayerPerceptron(8, (), 1, (8,), ())
    rows = make_rows(2)
    one_task = {name: getattr(rows, name)[:1] for name in USED[1:]}
    rows = rows._replace(**one_task, streams=(0,) * TRIALS)
    method = Adversarial(LossSettings(goal="odds"), None, Names(("task",), (GROUPS[2],)))
    hyper, parameters = make_hyper(), stacked.initial(range(TRIALS), torch.float64)
    hyper["task_weight"] = hyper["task_weight"][:, :1]
    against = method.adversary(module).initial(range(TRIALS), torch.float64)
    assert [columns.stop for columns in module.slices.values()] == [64, 72, 80, 81]
    found, expected = (method.gradient(net, parameters, rows, hyper, against) for net in (module, stacked))
    torch.testing.assert_close(found.parameters, expected.parameters, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found.adversary, expected.adversary, rtol=1e-12, atol=1e-12)


def test_adversaries_start_apart():
    """From their seed alone, each from other values, and none from those of a network of the same shape and seed."""
    opponents = Adversarial(LossSettings(), None, names()).adversary(NETWORK)
    rows = opponents.initial([5, 7, 5], torch.float64)
    assert rows.shape == (3, 2 * opponents.each.size)
    assert torch.equal(rows[0], rows[2])
    assert torch.equal(rows[1:2], opponents.initial([7], torch.float64))
    starts = [*rows[:2].view(4, -1), *opponents.each.initial([5, 7], torch.float64)]
    assert len({tuple(row.tolist()) for row in starts}) == 6
