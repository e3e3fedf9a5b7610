"""Losses and gradients of every method against a plain two-network loop in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from paretofair.methods import METHODS, LossSettings, Rows
from paretofair.models import MultilayerPerceptron

TASKS, ROWS, TRIALS = 3, 96, 4


def make_rows(common: bool, unknown: bool) -> Rows:
    torch.manual_seed(0)
    lead = () if common else (TRIALS,)
    one_hot = torch.eye(3, dtype=torch.float64)[torch.randint(0, 3, (*lead, ROWS))]
    labels = torch.randint(-1 if unknown else 0, 2, (*lead, TASKS, ROWS)).double()
    real = (torch.arange(ROWS) < ROWS - 7).double().expand(*lead, 1, ROWS)
    return Rows(
        inputs=torch.cat([torch.randn(*lead, ROWS, 5, dtype=torch.float64), one_hot], -1),
        labels=labels,
        loss_weight=(labels >= 0) * real,
        penalty_weight=real.expand(*lead, TASKS, ROWS),
        groups=torch.randint(-1 if unknown else 0, 2, (*lead, TASKS, ROWS)),
        n_groups=2,
        common=common,
    )


NETWORK = MultilayerPerceptron(numeric=5, categories=(3,), tasks=TASKS, shared=(8,), head=(6,), embedding=2)
VALUES = {
    "task_weight": torch.rand(TRIALS, TASKS, dtype=torch.float64),
    "fairness_weight": 3 * torch.rand(TRIALS, TASKS, dtype=torch.float64),
    "head_ratio": 2 * torch.rand(TRIALS, TASKS, dtype=torch.float64),
}


def plain_distance(settings: LossSettings, p: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    if len(p) == 0 or a.min() == a.max():
        return p.sum() * 0
    a = a.double()
    if settings.distance == "fpr_gap":
        return (p[a == 1].mean() - p[a == 0].mean()).abs()
    if settings.distance == "correlation":
        covariance = ((p - p.mean()) * (a - a.mean())).mean()
        return covariance.abs() / (p.std(correction=0) * a.std(correction=0) + 1e-6)

    def kernel(x, y):
        return torch.exp(-((x[:, None] - y[None, :]) ** 2) / settings.bandwidth**2).mean()

    return kernel(p[a == 1], p[a == 1]) + kernel(p[a == 0], p[a == 0]) - 2 * kernel(p[a == 1], p[a == 0])


def plain_losses(method: str, settings: LossSettings, logits, labels, groups, real, hyper):
    """Shared and head loss of one trial, from logits `(T, B)`, by the printed formulas with index sets."""
    shared, heads = 0, 0
    for t in range(TASKS):
        known = real & (labels[t] >= 0)
        each = binary_cross_entropy_with_logits(logits[t][known], labels[t][known], reduction=settings.reduction)

        def unfair(rows, t=t):
            p, a = torch.sigmoid(logits[t][rows]), groups[t][rows]
            return plain_distance(settings, p, a) * (len(p) if settings.reduction == "sum" else 1)

        all_rows = exclusive = 0
        sides = {"fpr": [0], "tpr": [1], "odds": [0, 1], "parity": []}[settings.goal]
        seen = real & (groups[t] >= 0)
        if settings.goal == "parity":
            all_rows = unfair(seen)
        for side in sides:
            rows = seen & (labels[t] == side)
            all_rows = all_rows + unfair(rows)
            for k in range(TASKS):
                if k != t:
                    rows = rows & (labels[k] == 1 - side)
            exclusive = exclusive + unfair(rows)
        w, lam, r = (hyper[name][t] for name in ("task_weight", "fairness_weight", "head_ratio"))
        if method == "vanilla":
            shared, heads = shared + w * each, heads + w * each
        elif method == "per_task":
            shared, heads = shared + w * (each + lam * all_rows), heads + w * (each + lam * all_rows)
        else:
            shared = shared + w * each + w * lam * (all_rows - r * exclusive)
            heads = heads + w * (each + lam * r * exclusive)
    return shared, heads


def plain_logits(parameters: dict[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    """One ordinary network: embedding, shared layer, one head per task; `(T, B)`."""
    x = torch.cat([inputs[:, :5], inputs[:, 5:] @ parameters["embedding_0"]], 1)
    h = torch.relu(x @ parameters["weight_0"].T + parameters["bias_0"])
    heads = []
    for t in range(TASKS):
        z = torch.relu(h @ parameters["weight_1"][t].T + parameters["bias_1"][t])
        heads.append((z @ parameters["weight_2"][t].T + parameters["bias_2"][t])[:, 0])
    return torch.stack(heads)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("distance", ["correlation", "mmd", "fpr_gap"])
@pytest.mark.parametrize("goal", ["fpr", "tpr", "odds", "parity"])
@pytest.mark.parametrize("method", ["vanilla", "per_task", "mtaf"])
@pytest.mark.parametrize(("common", "unknown"), [(True, False), (False, True)])
def test_gradients_equal_a_plain_loop(method, goal, distance, reduction, common, unknown):
    if method == "mtaf" and goal == "parity":
        with pytest.raises(ValueError, match="no exclusive rows"):
            METHODS[method](LossSettings(goal=goal))
        return
    settings = LossSettings(distance=distance, goal=goal, reduction=reduction)
    rows = make_rows(common, unknown)
    parameters = NETWORK.initial([3, 1, 4, 1], torch.float64)
    found = METHODS[method](settings).gradient(NETWORK, parameters, rows, VALUES).parameters
    for trial in range(TRIALS):
        pick = (lambda x: x) if common else (lambda x, trial=trial: x[trial])
        leaves = {name: value[trial].clone().requires_grad_() for name, value in NETWORK.named(parameters).items()}
        labels, groups = pick(rows.labels), pick(rows.groups)
        shared, heads = plain_losses(
            method,
            settings,
            plain_logits(leaves, pick(rows.inputs)),
            labels,
            groups,
            pick(rows.penalty_weight)[0] > 0,
            {name: value[trial] for name, value in VALUES.items()},
        )
        of_heads = [name for name in leaves if name.endswith(("_1", "_2"))]
        of_shared = [name for name in leaves if name not in of_heads]
        expected = dict(
            zip(of_shared, torch.autograd.grad(shared, [leaves[n] for n in of_shared], retain_graph=True), strict=True)
        ) | dict(zip(of_heads, torch.autograd.grad(heads, [leaves[n] for n in of_heads]), strict=True))
        scale = max(value.abs().max().item() for value in expected.values())
        for name, value in NETWORK.named(found).items():
            torch.testing.assert_close(value[trial], expected[name], rtol=1e-9, atol=1e-9 * scale)


def test_one_class_batch_without_exclusive_rows_has_no_fairness_gradient():
    rows = make_rows(True, False)
    rows = rows._replace(labels=torch.ones_like(rows.labels))
    parameters = NETWORK.initial([0, 1, 2, 3], torch.float64)
    settings = LossSettings()
    plain = METHODS["vanilla"](settings).gradient(NETWORK, parameters, rows, VALUES).parameters
    for method in ("per_task", "mtaf"):
        found = METHODS[method](settings).gradient(NETWORK, parameters, rows, VALUES)
        treated, undefined = found.parameters, found.undefined
        assert torch.equal(plain, treated)
        assert undefined.tolist() == [TASKS * (1 if method == "per_task" else 2)] * TRIALS


def test_head_ratio_zero_sends_nothing_to_the_heads():
    rows, settings = make_rows(True, False), LossSettings()
    parameters = NETWORK.initial([0, 1, 2, 3], torch.float64)
    values = VALUES | {"head_ratio": torch.zeros(TRIALS, TASKS, dtype=torch.float64)}
    mtaf = METHODS["mtaf"](settings).gradient(NETWORK, parameters, rows, values).parameters
    vanilla = METHODS["vanilla"](settings).gradient(NETWORK, parameters, rows, values).parameters
    per_task = METHODS["per_task"](settings).gradient(NETWORK, parameters, rows, values).parameters
    for name, value in NETWORK.named(mtaf).items():
        same = NETWORK.named(vanilla if name.endswith(("_1", "_2")) else per_task)[name]
        torch.testing.assert_close(value, same, rtol=1e-12, atol=1e-12)


def test_single_task_equals_the_network_without_other_heads():
    """Weight 0 leaves a head and the shared layers alone, so one task of many is the single-task network."""
    rows, settings = make_rows(True, False), LossSettings()
    alone = MultilayerPerceptron(5, (3,), 1, (8,), (6,), 2)
    parameters = NETWORK.initial([0] * TRIALS, torch.float64)
    weight = torch.eye(TASKS, dtype=torch.float64)[[1] * TRIALS]
    method = METHODS["single_task"](settings)
    found = method.gradient(NETWORK, parameters, rows, {"task_weight": weight}).parameters
    own = torch.zeros(TRIALS, alone.size, dtype=torch.float64)
    for name, value in alone.named(own).items():
        whole = NETWORK.named(parameters)[name]
        value.copy_(whole[:, 1:2] if name.endswith(("_1", "_2")) else whole)
    cut = rows._replace(**{k: getattr(rows, k)[1:2] for k in ("labels", "loss_weight", "penalty_weight", "groups")})
    expected = method.gradient(alone, own, cut, {"task_weight": torch.ones(TRIALS, 1, dtype=torch.float64)}).parameters
    for name, value in alone.named(expected).items():
        whole = NETWORK.named(found)[name]
        if name.endswith(("_1", "_2")):
            assert not whole[:, [0, 2]].any()
            whole = whole[:, 1:2]
        torch.testing.assert_close(whole, value, rtol=1e-12, atol=1e-12)
    untrained = method.untrained({"task_weight": weight.numpy()})
    assert np.array_equal(untrained[0], [True, False, True])
