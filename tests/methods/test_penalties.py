"""Penalties on group differences, max-min and EOR against their formulas over index sets, value and gradient."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits

from paretofair.methods import LossSettings, Method, Rows
from paretofair.methods.penalties import EOR, DisparateImpact, EqualLoss, MaxMin, OddsPenalty
from paretofair.methods.vanilla import Vanilla
from paretofair.models import MultilayerPerceptron
from paretofair.training.compiler import compile_step

METHODS: dict[str, type[Method]] = {
    "equal_loss": EqualLoss,
    "odds_penalty": OddsPenalty,
    "disparate_impact": DisparateImpact,
    "max_min": MaxMin,
    "eor": EOR,
}
PENALISED = [name for name in METHODS if name != "max_min"]
TRIALS, TASKS, ROWS = 4, 3, 64


def make_rows(lead=(), n_groups=2, unknown=False, holdout=False, weighted=False, seed=0) -> Rows:
    """Rows of which the last 5 are padding; under `holdout` every third carries the penalty and no loss."""
    random = torch.Generator().manual_seed(seed)
    shape = (*lead, TASKS, ROWS)
    labels = torch.randint(-1 if unknown else 0, 2, shape, generator=random).double()
    real = (torch.arange(ROWS) < ROWS - 5).double()
    held_out = (torch.arange(ROWS) % 3 == 0).double() if holdout else torch.zeros(ROWS).double()
    penalty = (held_out if holdout else torch.ones(ROWS).double()) * real
    scale = 2 * torch.rand(shape, generator=random, dtype=torch.float64) if weighted else 1.0
    return Rows(
        inputs=torch.randn(*lead, ROWS, 5, generator=random, dtype=torch.float64),
        labels=labels,
        loss_weight=(labels >= 0) * (1 - held_out) * real,
        penalty_weight=(penalty * scale).expand(shape),
        groups=torch.randint(-1 if unknown else 0, n_groups, shape, generator=random),
        n_groups=n_groups,
        common=not lead,
    )


def make_values(trials=TRIALS, dtype=torch.float64) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return {
        "task_weight": torch.rand(trials, TASKS, generator=random, dtype=dtype),
        "fairness_weight": 3 * torch.rand(trials, TASKS, generator=random, dtype=dtype),
        "penalty_weight": 3 * torch.rand(trials, generator=random, dtype=dtype),
    }


def make_logits(trials=TRIALS, dtype=torch.float64) -> torch.Tensor:
    return 2 * torch.randn(trials, TASKS, ROWS, generator=torch.Generator().manual_seed(2), dtype=dtype)


def of_trial(rows: Rows, k: int) -> dict[str, torch.Tensor]:
    """Labels, groups and both weights of one trial, `(T, B)`."""
    names = ("labels", "groups", "loss_weight", "penalty_weight")
    return {name: each[k] if (each := getattr(rows, name)).dim() == 3 else each for name in names}


def group_values(chosen, weight, groups, value):
    """The weighted mean of `value(i)` over the chosen rows of each group that has any."""
    means = []
    for group in sorted({int(groups[i]) for i in chosen if groups[i] >= 0}):
        own = [i for i in chosen if groups[i] == group]
        means.append(sum(weight[i] * value(i) for i in own) / sum(weight[i] for i in own))
    return means


def spread(means):
    return (max(means) - min(means), 0) if len(means) > 1 else (0.0, 1)


def plain(name: str, logits: torch.Tensor, row: dict[str, torch.Tensor], hyper: dict[str, torch.Tensor]):
    """Loss and number of undefined penalties of one trial, row by row, from logits `(T, B)`."""
    total, undefined = 0.0, 0
    for t in range(TASKS):
        y, a, loss_weight, weight = (row[key][t] for key in ("labels", "groups", "loss_weight", "penalty_weight"))
        p = torch.sigmoid(logits[t])
        each = binary_cross_entropy_with_logits(logits[t], y.clamp_min(0), reduction="none")
        trained = [i for i in range(ROWS) if loss_weight[i] > 0]
        seen = [i for i in range(ROWS) if weight[i] > 0]
        known = [i for i in seen if y[i] >= 0]
        if name == "max_min":
            means = group_values([i for i in trained if i in seen], loss_weight, a, lambda i, each=each: each[i])
            loss, missing = (max(means), 0) if means else (0.0, 1)
            total, undefined = total + hyper["task_weight"][t] * loss, undefined + missing
            continue
        total = total + hyper["task_weight"][t] * sum(each[i] for i in trained) / max(len(trained), 1)
        factor = hyper["fairness_weight"][t] if name == "eor" else hyper["penalty_weight"]
        if name == "equal_loss":
            penalty, missing = spread(group_values(known, weight, a, lambda i, each=each: each[i]))
        elif name == "odds_penalty":
            fpr, missing = spread(group_values(known, weight, a, lambda i, p=p, y=y: p[i] * (1 - y[i])))
            fnr, _ = spread(group_values(known, weight, a, lambda i, p=p, y=y: (1 - p[i]) * y[i]))
            penalty = fpr + fnr
        elif name == "disparate_impact":
            means = group_values(seen, weight, a, lambda i, p=p: p[i])
            missing = int(len(means) < 2)
            penalty = 0.0 if missing else -min(means) / (max(means) + 1e-6)
        else:
            penalty, missing = 0.0, 0
            for label in (0, 1):
                gap, none = spread(group_values([i for i in known if y[i] == label], weight, a, lambda i, p=p: p[i]))
                penalty, missing = penalty + gap, missing + none
        total, undefined = total + factor * penalty / TASKS, undefined + missing
    return total, undefined


def value_and_gradient(name: str, logits: torch.Tensor, rows: Rows, hyper, **options):
    leaf = logits.clone().requires_grad_()
    method = Vanilla if name == "vanilla" else METHODS[name]
    losses = method(LossSettings(**options)).losses(leaf, rows, hyper)
    assert losses.heads is None
    (gradient,) = torch.autograd.grad(losses.shared.sum(), leaf)
    return losses.shared.detach(), gradient, losses.undefined


def assert_as_plain(name: str, logits: torch.Tensor, rows: Rows, hyper) -> None:
    value, gradient, undefined = value_and_gradient(name, logits, rows, hyper)
    for k in range(len(logits)):
        leaf = logits[k].clone().requires_grad_()
        expected, missing = plain(name, leaf, of_trial(rows, k), {key: each[k] for key, each in hyper.items()})
        assert undefined[k] == missing
        torch.testing.assert_close(value[k], torch.as_tensor(expected).detach(), rtol=1e-9, atol=1e-12)
        if torch.is_tensor(expected) and expected.requires_grad:
            (slope,) = torch.autograd.grad(expected, leaf)
            torch.testing.assert_close(gradient[k], slope, rtol=1e-9, atol=1e-9 * slope.abs().max().item())
        else:
            assert not gradient[k].any()


@pytest.mark.parametrize("n_groups", [2, 4])
@pytest.mark.parametrize(
    ("lead", "options"),
    [
        ((), {}),
        ((TRIALS,), {"unknown": True}),
        ((), {"unknown": True, "holdout": True}),
        ((TRIALS,), {"unknown": True, "weighted": True}),
    ],
)
@pytest.mark.parametrize("name", METHODS)
def test_as_the_formula_row_by_row(name, lead, options, n_groups):
    assert_as_plain(name, make_logits(), make_rows(lead, n_groups, **options), make_values())


sparse = st.lists(
    st.tuples(st.integers(-1, 1), st.integers(-1, 2), st.booleans(), st.booleans()), min_size=0, max_size=8
)


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=25)
@given(sparse)
def test_few_rows_with_whatever_is_missing(name, few):
    """No rows, one group, one label, nothing known: the value is that of the formula, 0 where it has none."""
    rows = make_rows()
    columns = torch.full((4, ROWS), -1.0, dtype=torch.float64)
    columns[2:] = 0
    columns[:, : len(few)] = torch.tensor(few, dtype=torch.float64).reshape(-1, 4).T
    labels, groups, trained, penalised = columns[:, None].expand(4, TASKS, ROWS)
    rows = rows._replace(
        labels=labels,
        groups=groups.long(),
        loss_weight=trained * (labels >= 0),
        penalty_weight=penalised,
        n_groups=3,
    )
    assert_as_plain(name, make_logits(1), rows, make_values(1))


@pytest.mark.parametrize(
    ("case", "undefined"),
    [
        # Of equal_loss, odds_penalty, disparate_impact, eor, for each task.
        ("one group", (1, 1, 1, 2)),
        ("no group known", (1, 1, 1, 2)),
        ("all padding", (1, 1, 1, 2)),
        ("no label known", (1, 1, 0, 2)),
        ("no negatives", (0, 0, 0, 1)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_undefined_adds_exactly_nothing(case, undefined, dtype):
    rows = make_rows()
    nothing = torch.zeros_like(rows.labels)
    rows = rows._replace(
        **{
            "one group": {"groups": torch.ones_like(rows.groups)},
            "no group known": {"groups": torch.full_like(rows.groups, -1)},
            "all padding": {"loss_weight": nothing, "penalty_weight": nothing},
            "no label known": {"labels": nothing - 1, "loss_weight": nothing},
            "no negatives": {"labels": nothing + 1, "loss_weight": nothing + rows.penalty_weight},
        }[case]
    )
    rows = Rows(*(each.to(dtype) if torch.is_tensor(each) and each.is_floating_point() else each for each in rows))
    logits, values = make_logits(dtype=dtype), make_values(dtype=dtype)
    vanilla = value_and_gradient("vanilla", logits, rows, values, reduction="mean")
    for name, expected in zip(PENALISED, undefined, strict=True):
        value, gradient, counted = value_and_gradient(name, logits, rows, values)
        assert counted.tolist() == [expected * TASKS] * TRIALS
        assert value.isfinite().all()
        assert gradient.isfinite().all()
        if expected == (2 if name == "eor" else 1):
            assert torch.equal(value, vanilla[0]), name
            assert torch.equal(gradient, vanilla[1]), name
    value, gradient, counted = value_and_gradient("max_min", logits, rows, values)
    nobody = case in ("no group known", "all padding", "no label known")
    assert counted.tolist() == [TASKS * nobody] * TRIALS
    assert gradient.isfinite().all()
    assert gradient.any() != nobody
    assert value.any() != nobody


@pytest.mark.parametrize("name", PENALISED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("holdout", [False, True])
def test_weight_zero_is_vanilla_bit_for_bit(name, dtype, holdout):
    rows = make_rows(unknown=True, holdout=holdout)
    rows = Rows(*(each.to(dtype) if torch.is_tensor(each) and each.is_floating_point() else each for each in rows))
    network = MultilayerPerceptron(numeric=5, categories=(), tasks=TASKS, shared=(8,), head=(6,))
    parameters = network.initial(range(TRIALS), dtype)
    values = make_values(dtype=dtype)
    values = values | {key: torch.zeros_like(values[key]) for key in ("fairness_weight", "penalty_weight")}
    expected = Vanilla(LossSettings(reduction="mean")).gradient(network, parameters, rows, values)
    for reduction in ("mean", "sum"):
        found = METHODS[name](LossSettings(reduction=reduction)).gradient(network, parameters, rows, values)
        assert torch.equal(found.parameters, expected.parameters)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("lead", [(), (64,)])
def test_a_trial_does_not_depend_on_its_neighbours(name, lead):
    rows = make_rows(lead, n_groups=3, unknown=True)
    rows = Rows(*(each.float() if torch.is_tensor(each) and each.is_floating_point() else each for each in rows))
    logits, values = make_logits(64, torch.float32), make_values(64, torch.float32)
    whole = value_and_gradient(name, logits, rows, values)
    for part in (slice(0, 1), slice(17, 24), slice(63, 64)):
        cut = Rows(*(each[part] if torch.is_tensor(each) and lead else each for each in rows))
        some = value_and_gradient(name, logits[part], cut, {key: each[part] for key, each in values.items()})
        for mine, theirs in zip(some, whole, strict=True):
            assert torch.equal(mine, theirs[part])


@pytest.mark.parametrize("name", ["equal_loss", "eor"])
def test_equal_rows_of_two_groups_have_no_penalty(name):
    """Rounding of the sums must not decide a sign: 7 equal rows of one group against 40 of the other."""
    rows = make_rows()
    groups = (torch.arange(ROWS) < 7).long().expand(TASKS, ROWS)
    rows = rows._replace(labels=torch.ones_like(rows.labels), groups=groups, loss_weight=rows.penalty_weight)
    logits = torch.full((TRIALS, TASKS, ROWS), 0.3, dtype=torch.float64)
    found = value_and_gradient(name, logits, rows, make_values())
    expected = value_and_gradient("vanilla", logits, rows, make_values(), reduction="mean")
    for mine, theirs in zip(found[:2], expected[:2], strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("name", METHODS)
def test_one_graph_for_the_compiler(name):
    rows, logits, values = make_rows(n_groups=3, unknown=True), make_logits(), make_values()
    method = METHODS[name](LossSettings())

    def losses(logits, rows, values):
        found = method.losses(logits, rows, values)
        return found.shared, found.undefined

    compiled = compile_step(losses, backend="eager")
    for mine, theirs in zip(compiled(logits, rows, values), losses(logits, rows, values), strict=True):
        assert torch.equal(mine, theirs)
