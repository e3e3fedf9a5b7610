"""Samplers: right columns in their ranges, pure functions of the index, and adaptive ones that learn and resume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import qmc

from paretofair.metrics.constraints import parse_constraint
from paretofair.sampling import SAMPLERS
from paretofair.sampling.distributions import Choice, Fixed, Integers, LogUniform, Simplex, Uniform, When

TASKS = ("one", "two", "three")
SPACE = {
    "learning_rate": LogUniform(0.01, 0.3),
    "epochs": Choice((20, 40, 60)),
    "task_weight": Simplex(),
    "fairness_weight": {"one": Fixed(0.5), "two": Uniform(0.0, 5.0), "three": Fixed(1.0)},
    "layers": Integers(1, 4),
    "momentum": Fixed(0.9),
}
COLUMNS = {
    *("learning_rate", "epochs", "task_weight_one", "task_weight_two", "task_weight_three"),
    *("fairness_weight_one", "fairness_weight_two", "fairness_weight_three", "layers", "momentum"),
}
ADAPTIVE = [name for name, kind in SAMPLERS.items() if kind.adaptive]
INDEXED = [name for name, kind in SAMPLERS.items() if not kind.adaptive]
SMALL = {"tpe": {"startup": 8}, "gp": {"startup": 8}, "nsga2": {"population": 16}, "nsga3": {"population": 16}}


def make(name, seed=0, space=SPACE, tasks=TASKS, **options):
    kind = SAMPLERS[name]
    return kind(space, tasks, seed, kind.Options(**SMALL.get(name, {}), **options))


@pytest.mark.parametrize("name", SAMPLERS)
def test_columns_types_and_ranges(name):
    values = make(name).ask(np.arange(16))
    assert set(values) == COLUMNS
    assert all(each.shape == (16,) for each in values.values())
    assert {column for column, each in values.items() if each.dtype == np.int64} == {"epochs", "layers"}
    assert set(values["epochs"]) <= {20, 40, 60}
    assert ((values["learning_rate"] >= 0.01) & (values["learning_rate"] <= 0.3)).all()
    assert set(values["layers"]) <= {1, 2, 3, 4}
    assert set(values["fairness_weight_one"]) == {0.5}
    shares = np.stack([values[f"task_weight_{task}"] for task in TASKS])
    assert shares.min() >= -1e-12
    np.testing.assert_allclose(shares.sum(0), 1)


@pytest.mark.parametrize("name", INDEXED)
def test_a_draw_is_a_function_of_its_index(name):
    whole = make(name).ask(np.arange(40))
    part = make(name).ask(np.array([31, 7, 12]))
    for column, values in whole.items():
        np.testing.assert_array_equal(part[column], values[[31, 7, 12]], err_msg=column)
    assert {len(values) for values in make(name).ask(np.arange(0)).values()} == {0}


def test_sobol_fills_the_space_more_evenly_than_chance():
    def points(name, seed):
        values = make(name, seed, {"a": Uniform(0.0, 1.0), "b": Uniform(0.0, 1.0), "w": Simplex()}, ("x", "y")).ask(
            np.arange(64)
        )
        return np.stack([values["a"], values["b"], values["w_x"]], 1)

    for seed in range(3):
        assert qmc.discrepancy(points("sobol", seed)) < 0.3 * qmc.discrepancy(points("random", seed))
    assert not np.allclose(points("sobol", 0), points("sobol", 1))


def test_sobol_shares_are_uniform_over_the_simplex():
    values = make("sobol", 3).ask(np.arange(4096))
    for task in TASKS:
        # Of three shares each is below 1/2 with probability 3/4, below 1/4 with 7/16.
        assert (values[f"task_weight_{task}"] < 0.5).mean() == pytest.approx(3 / 4, abs=0.01)
        assert (values[f"task_weight_{task}"] < 0.25).mean() == pytest.approx(7 / 16, abs=0.01)


def test_the_grid_is_every_combination_once():
    grid = make("grid", points=3)
    assert grid.size == 3 * 3 * 6 * 3 * 3
    values = grid.ask(np.arange(grid.size))
    rows = np.stack([values[name] for name in sorted(COLUMNS)], 1)
    assert len(np.unique(rows, axis=0)) == grid.size
    np.testing.assert_allclose(np.unique(values["learning_rate"]), [0.01, np.sqrt(0.003), 0.3])
    assert set(values["layers"]) == {1, 2, 4}
    assert set(values["task_weight_two"]) == {0, 0.5, 1}
    with pytest.raises(ValueError, match="beyond the 486 combinations"):
        grid.ask(np.array([486]))
    with pytest.raises(ValueError, match="take fewer points"):
        make("grid", points=1000)


def objectives(values):
    """Two that conflict along `fairness_weight_two` and are best at a small learning rate."""
    share = values["fairness_weight_two"] / 5
    away = np.log(values["learning_rate"] / 0.02) ** 2
    return np.stack([share + away, 1 - share + away], 1)


def search(sampler, trials, batch=8):
    found = []
    for first in range(0, trials, batch):
        indices = np.arange(first, first + batch)
        values = sampler.ask(indices)
        found.append(objectives(values))
        sampler.tell(indices, values, found[-1], np.empty((batch, 0)))
    return np.concatenate(found)


@pytest.mark.parametrize("name", sorted(set(ADAPTIVE) - {"gp"}))  # seconds for each trial
def test_an_adaptive_sampler_learns(name):
    late = search(make(name), 160)[-40:].sum(1)
    chance = objectives(make("random").ask(np.arange(400))).sum(1)
    assert np.median(late) < np.quantile(chance, 0.35)


@pytest.mark.parametrize("name", ADAPTIVE)
def test_what_was_told_survives_a_new_process(name):
    """From the table alone: the study holds the same trials, and goes on learning."""
    first = make(name)
    random = make("random").ask(np.arange(24))
    first.tell(np.arange(24), random, objectives(random), np.empty((24, 0)))
    own = np.arange(24, 26 if name == "gp" else 32)
    values = first.ask(own)
    first.tell(own, values, objectives(values), np.empty((len(own), 0)))

    second = make(name)
    both = {column: np.concatenate([random[column], values[column]]) for column in values}
    second.tell(np.arange(own[-1] + 1), both, objectives(both), np.empty((own[-1] + 1, 0)))
    for one, other in zip(first._told, second._told, strict=True):
        assert one.values == other.values
        assert one.params == pytest.approx(other.params, abs=1e-9)
    if name.startswith("nsga"):
        key = f"{SAMPLERS[name].kind}:generation"
        assert [trial.system_attrs[key] for trial in second._told] == [0] * 16 + [1] * 16
    assert set(second.ask(own[-1:] + 1)) == COLUMNS


# Edges of what Optuna may ask for, what is next to them, and ordinary numbers.
EDGES = [0.0, 5e-324, 1e-40, 1e-20, 2.0**-53, 1e-8, 1 - 1e-8, 1 - 2.0**-53, 1.0]
NUMBERS = st.sampled_from(EDGES) | st.floats(0.01, 0.99)


def of_shares(count):
    return make("tpe", space={"task_weight": Simplex()}, tasks=[f"task{place}" for place in range(count)])


def row_of(sampler, params):
    return {name: value.item() for name, value in sampler._values([params]).items()}


@given(st.lists(NUMBERS, min_size=2, max_size=5).filter(lambda raw: sum(raw) > 1e-10))
@example([0.1, 0.2, 0.7, 0.0, 0.0])
@example([1.0, 0.0, 0.0])
@example([0.0, 1.0, 0.0, 0.0])
@example([0.99995, 1e-5, 2e-5, 1e-5, 1e-5])
def test_shares_are_read_back(raw):
    """At the corners of the simplex too."""
    sampler = of_shares(len(raw))
    shares = {name: share / sum(raw) for name, share in zip(sampler.columns, raw, strict=True)}
    assert row_of(sampler, sampler._params(shares)) == pytest.approx(shares, abs=1e-11)


@given(st.lists(NUMBERS, min_size=1, max_size=4))
@example([0.0, 0.739])
@example([1.0, 0.0, 0.5])
@example([2.0**-53] * 4)
def test_what_is_told_of_shares_is_one_answer(asked):
    """Several asks may give one vector of shares: what is told follows from the vector, and gives it again."""
    sampler = of_shares(len(asked) + 1)
    shares = row_of(sampler, dict(zip(sampler._space, asked, strict=True)))
    assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
    assert min(shares.values()) >= 0
    told = sampler._params(shares)
    assert row_of(sampler, told) == pytest.approx(shares, abs=1e-11)
    assert sampler._params(row_of(sampler, told)) == pytest.approx(told, abs=1e-9)
    if np.prod(asked) > 1e-5:
        assert list(told.values()) == pytest.approx(asked, abs=1e-9)


@pytest.mark.parametrize("name", ADAPTIVE)
def test_what_was_asked_at_an_edge_is_told_as_the_table_says(name):
    """Where a task takes everything, the table does not say what the next one would have left of nothing."""
    first, own = make(name), np.arange(24, 29)
    random, missed = make("random").ask(np.arange(24)), np.linspace(-1, 1, 29)[:, None]
    first.tell(np.arange(24), random, objectives(random), missed[:24])
    for left, then in ((0.0, 0.739), (1e-40, 0.2), (0.0, 0.5), (0.5, 0.0), (1.0, 0.5)):
        first._study.enqueue_trial({"left by task_weight_one": left, "left by task_weight_two": then})
    values = first.ask(own)
    asked = first._study.get_trials()[24:]
    np.testing.assert_array_equal(values["task_weight_one"][:3], 1)
    goals = objectives(values)
    goals[2] = np.nan
    first.tell(own, values, goals, missed[24:])
    assert not first._waiting

    second = make(name)
    both = {column: np.concatenate([random[column], values[column]]) for column in values}
    second.tell(np.arange(29), both, np.concatenate([objectives(random), goals]), missed)
    studies = [[each for each in one._study.get_trials() if each.values] for one in (first, second)]
    assert [len(trials) for trials in studies] == [28, 28]
    for told in ((first._told, second._told), studies):
        # The first study was told of the trials that it could keep before those that it had to tell anew.
        for one, other in zip(*(sorted(trials, key=lambda trial: trial.values) for trials in told), strict=True):
            assert one.values == other.values
            assert one.params == pytest.approx(other.params, abs=1e-9)
            assert one.constraints == other.constraints
    if name.startswith("nsga"):
        key = f"{SAMPLERS[name].kind}:generation"
        generations = [each.system_attrs[key] for each in (asked[0], asked[1], *asked[3:])]
        assert [trial.system_attrs[key] for trial in first._told[24:]] == generations
    assert set(first.ask(own[-1:] + 1)) == COLUMNS


def test_a_trial_without_a_result_teaches_nothing():
    sampler = make("tpe")
    values = sampler.ask(np.arange(3))
    goals = objectives(values)
    goals[1] = np.nan
    sampler.tell(np.arange(3), values, goals, np.empty((3, 0)))
    assert [trial.number for trial in sampler._told] == [0, 2]


def test_history_is_bounded():
    sampler = make("tpe", history=10)
    search(sampler, 80)
    assert len(sampler._study.trials) <= 10 * 1.5 + 8
    assert len(sampler._told) == 80


@pytest.mark.parametrize("name", ["tpe", "nsga2"])
def test_constraints_are_kept_more_often(name):
    """`epochs` may be at most 40, though 60 would give the better objectives."""

    def run(constrained):
        sampler = make(name)
        kept = []
        for first in range(0, 160, 8):
            indices = np.arange(first, first + 8)
            values = sampler.ask(indices)
            goals = objectives(values) + (60 - values["epochs"])[:, None] / 40
            missed = (values["epochs"] - 40.0)[:, None] if constrained else np.empty((8, 0))
            sampler.tell(indices, values, goals, missed)
            kept.append(values["epochs"] <= 40)
        return np.concatenate(kept)[-60:].mean()

    assert run(True) > 0.6 > run(False)


def test_nothing_to_sample_is_an_error():
    with pytest.raises(ValueError, match="every parameter is fixed"):
        make("tpe", space={"learning_rate": Fixed(0.1)})


CONDITIONAL = {
    "epochs": Choice((20, 40, 60)),
    "learning_rate": When(parse_constraint("epochs >= 40"), LogUniform(0.01, 0.3), 1.0),
    "fairness_weight": {"one": Uniform(0.0, 1.0), "two": Choice((0.0, 0.5)), "three": Fixed(1.0)},
    "layers": {task: When(parse_constraint("fairness_weight <= 0.5"), Integers(1, 3), 0) for task in TASKS},
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_parameter_counts_only_where_its_condition_holds(name):
    sampler = make(name, space=CONDITIONAL)
    size = sampler.size or 16
    values = sampler.ask(np.arange(size))
    late = values["epochs"] >= 40
    assert 0 < late.sum() < size
    assert (values["learning_rate"][~late] == 1).all()
    assert (values["learning_rate"][late] <= 0.3).all()
    for task in TASKS:
        np.testing.assert_array_equal(values[f"layers_{task}"] > 0, values[f"fairness_weight_{task}"] <= 0.5)
    assert values["layers_one"].dtype == np.int64


def test_the_grid_has_no_combination_twice_where_a_condition_fails():
    grid = make("grid", space=CONDITIONAL, points=3)
    values = grid.ask(np.arange(grid.size))
    rows = np.stack(list(values.values()), 1)
    assert len(np.unique(rows, axis=0)) == grid.size
    # Learning rates 1 + 3 + 3 by epochs; layers of one 3 + 3 + 1 by its weight, of two 3 + 3, of three 1.
    assert grid.size == 7 * 7 * 6


@pytest.mark.parametrize("name", ADAPTIVE)
def test_a_study_with_conditions_is_rebuilt(name):
    first, indices = make(name, space=CONDITIONAL), np.arange(12)
    values = first.ask(indices)
    goals = np.stack([values["learning_rate"], 1 - values["fairness_weight_one"]], 1)
    first.tell(indices, values, goals, np.empty((12, 0)))
    second = make(name, space=CONDITIONAL)
    second.tell(indices, values, goals, np.empty((12, 0)))
    for one, other in zip(first._told, second._told, strict=True):
        assert one.params == pytest.approx(other.params, abs=1e-9)
        assert ("learning_rate" in one.params) == (one.params["epochs"] >= 40)
    assert set(second.ask(np.array([12]))) == set(values)
