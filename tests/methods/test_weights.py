"""A row of weight 2 does to every loss what two equal rows do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from paretofair.methods import METHODS, LossSettings, Names, Rows
from paretofair.methods.balance import balance_cells, weigh_cells
from paretofair.methods.row_plan import TrainingRows
from paretofair.models import MultilayerPerceptron
from paretofair.tasks import BINARY, TaskKind
from paretofair.tasks.known import make_tasks
from paretofair.tasks.multiclass import Multiclass
from paretofair.tasks.task import MARGINS

TASKS, ROWS, TRIALS, GROUPS = 2, 64, 3, 3
NETWORK = MultilayerPerceptron(numeric=4, categories=(), tasks=TASKS, shared=(8,), head=(4,), embedding=0)
NAMES = Names(("one", "two"), (("a", "b", "c"),) * TASKS)
OPTIONS = {
    "oversample": {"balance_task": "one"},
    "gcm": {"balance_task": "one"},
    "label_flip": {"group": "b"},
    "adversarial_features": {"penalised_group": "a", "target_group": "b"},
    "bias_alignment": {"group_task": "one"},
    "corpus_constraint": {"group_task": "one"},
    "pseudo_groups": {"schedule": "fixed"},
}
CASES = [(name, {}) for name, kind in METHODS.items() if MARGINS not in kind.needs]
CASES += [("per_task", {"goal": goal}) for goal in ("tpr", "odds", "parity")]
CASES += [("mtaf", {"distance": distance, "goal": "odds"}) for distance in ("mmd", "fpr_gap", "differential")]
CASES += [("mtaf", {"reduction": "mean"}), ("adversarial", {"goal": "odds"})]


def make_rows() -> Rows:
    generator = torch.Generator().manual_seed(0)
    weights = torch.randint(0, 4, (ROWS,), generator=generator)
    labels = torch.randint(-1, 2, (TASKS, ROWS), generator=generator).double()
    groups = torch.randint(-1, GROUPS, (TASKS, ROWS), generator=generator)
    return Rows(
        inputs=torch.randn(ROWS, 4, generator=generator, dtype=torch.float64),
        labels=labels,
        loss_weight=(labels >= 0) * weights,
        penalty_weight=weights.double().expand(TASKS, -1),
        groups=groups,
        n_groups=GROUPS,
        uniform=torch.rand(1, ROWS, generator=generator, dtype=torch.float64),
    )


def repeat_rows(rows: Rows) -> Rows:
    """Every row as often as it counts, and rows of weight 0 up to whole vectors."""
    times = rows.penalty_weight[0].long()
    index = torch.arange(ROWS).repeat_interleave(times)
    filling = -len(index) % 32
    index = torch.cat([index, index.new_zeros(filling)])
    real = (torch.arange(len(index)) < len(index) - filling).double()
    return rows._replace(
        inputs=rows.inputs[index],
        labels=rows.labels[:, index],
        loss_weight=(rows.labels[:, index] >= 0) * real,
        penalty_weight=real.expand(TASKS, -1),
        groups=rows.groups[:, index],
        uniform=rows.uniform[:, index],
    )


@pytest.mark.parametrize(("name", "fairness"), CASES)
def test_a_weight_is_as_many_rows(name, fairness):
    kind = METHODS[name]
    method = kind(LossSettings(**fairness), kind.Options(**OPTIONS.get(name, {})), NAMES)
    random = np.random.default_rng(0)
    hyper = {
        each.name: torch.from_numpy(random.uniform(0.1, 0.9, (TRIALS, TASKS) if each.per_task else TRIALS))
        for each in kind.parameters
    }
    parameters = NETWORK.initial(range(TRIALS), torch.float64)
    opponent = method.adversary(NETWORK)
    against = None if opponent is None else opponent.initial(range(TRIALS), torch.float64)
    rows = make_rows()
    weighted = method.gradient(NETWORK, parameters, rows, hyper, against)
    repeated = method.gradient(NETWORK, parameters, repeat_rows(rows), hyper, against)
    torch.testing.assert_close(weighted.parameters, repeated.parameters, rtol=1e-9, atol=1e-9)
    assert weighted.parameters.abs().max() > 1e-4
    if against is not None:
        torch.testing.assert_close(weighted.adversary, repeated.adversary, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name].needs <= Multiclass.gives])
def test_a_weight_is_as_many_rows_of_several_classes(name):
    tasks = make_tasks((BINARY, TaskKind("multiclass", ("x", "y", "z"))))
    network = MultilayerPerceptron(4, (), TASKS, (8,), (4,), 0, tuple(task.outputs for task in tasks))
    kind = METHODS[name]
    method = kind(LossSettings(), kind.Options(**OPTIONS.get(name, {})), NAMES)
    random = np.random.default_rng(0)
    hyper = {
        each.name: torch.from_numpy(random.uniform(0.1, 0.9, (TRIALS, TASKS) if each.per_task else TRIALS))
        for each in kind.parameters
    }
    rows = make_rows()
    labels = torch.stack([rows.labels[0], torch.from_numpy(random.integers(-1, 3, ROWS)).double()])
    rows = rows._replace(labels=labels, loss_weight=(labels >= 0) * rows.penalty_weight, tasks=tasks)
    parameters = network.initial(range(TRIALS), torch.float64)
    opponent = method.adversary(network)
    against = None if opponent is None else opponent.initial(range(TRIALS), torch.float64)
    weighted = method.gradient(network, parameters, rows, hyper, against)
    repeated = method.gradient(network, parameters, repeat_rows(rows), hyper, against)
    torch.testing.assert_close(weighted.parameters, repeated.parameters, rtol=1e-9, atol=1e-9)


def training_rows(random: np.random.Generator) -> TrainingRows:
    return TrainingRows(
        labels=random.integers(0, 2, (TASKS, 200)),
        groups=random.integers(0, GROUPS, (TASKS, 200)),
        origins=np.zeros(200, dtype=int),
        origin_names=(),
        tasks=NAMES.tasks,
        attributes=("x", "x"),
        group_names=NAMES.groups,
        classes=(("0", "1"),) * TASKS,
        weights=random.integers(0, 4, 200).astype(float),
    )


def change(train: TrainingRows, **values: Any) -> TrainingRows:
    return TrainingRows(**(train._asdict() | values))


def repeat_training_rows(train: TrainingRows) -> tuple[TrainingRows, np.ndarray]:
    index = np.repeat(np.arange(200), train.weights.astype(int))
    of_rows = {"origins": train.origins[index], "labels": train.labels[:, index], "groups": train.groups[:, index]}
    return change(train, weights=None, **of_rows), index


def test_reweighing_as_of_repeated_rows():
    train = training_rows(np.random.default_rng(0))
    repeated, index = repeat_training_rows(train)
    np.testing.assert_allclose(weigh_cells(train)[:, index], weigh_cells(repeated), rtol=1e-12)


def test_cells_of_a_balanced_batch_count_alike():
    """On average over draws; rows of weight 0 are never drawn."""
    train = training_rows(np.random.default_rng(1))
    plan = balance_cells(train, 0, 60, holdout=False)
    assert plan.weights is not None
    total = np.zeros(2 * GROUPS)
    for part in plan.parts:
        assert (train.weights[part.rows] > 0).all()
        total[part.number - 1] = (train.weights * plan.weights[0])[part.rows].mean() * part.size
    np.testing.assert_allclose(total, 10)
    assert balance_cells(change(train, weights=None), 0, 60, holdout=False).weights is None


def test_what_stays_together_is_held_out_together():
    train = training_rows(np.random.default_rng(2))
    together = np.random.default_rng(3).integers(0, 60, 200)
    method = METHODS["vanilla"](LossSettings())
    plan = method.row_plan(change(train, together=together), 50, holdout=True)
    own, held_out = (set(together[part.rows].tolist()) for part in plan.parts)
    assert not own & held_out
    assert 20 <= len(plan.parts[1].rows) < 30
    alone = method.row_plan(change(train, together=np.arange(200)), 50, holdout=True)
    assert len(alone.parts[1].rows) == 20
