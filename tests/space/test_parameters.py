"""Distributions and points as the space file writes them."""

import math

import pytest

from paretofair.methods import Parameter
from paretofair.metrics.constraints import parse_constraint
from paretofair.sampling.distributions import Choice, Fixed, Integers, LogUniform, Simplex, Uniform, When
from paretofair.space.parameters import Invalid, centre, check_conditions, default, parse, point_values

TASKS = ("high_grade", "pass_bar")
SPACE = {
    "learning_rate": LogUniform(0.01, 0.3),
    "epochs": Choice((20, 40, 60)),
    "task_weight": Simplex(),
    "fairness_weight": {"high_grade": Fixed(0.0), "pass_bar": Uniform(0.0, 5.0)},
    "layers": Integers(1, 4),
}
SCALAR = Parameter("learning_rate", low=1e-12)
WHOLE = Parameter("epochs", low=1, integer=True)
VECTOR = Parameter("fairness_weight", per_task=True, low=0, high=100)
SHARES = Parameter("task_weight", per_task=True, low=0, high=1, sums_to_one=True)


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        (SCALAR, 1, Fixed(1.0)),
        (SCALAR, [0.1, 1], Choice((0.1, 1.0))),
        (SCALAR, {"uniform": [0.1, 1]}, Uniform(0.1, 1.0)),
        (SCALAR, {"log_uniform": [0.1, 1]}, LogUniform(0.1, 1.0)),
        (SCALAR, {"integer": [1, 5]}, Integers(1.0, 5.0)),
        (WHOLE, {"integer": [1, 5]}, Integers(1, 5)),
        (WHOLE, [20, 40], Choice((20, 40))),
        (VECTOR, 2, {"high_grade": Fixed(2.0), "pass_bar": Fixed(2.0)}),
        (
            VECTOR,
            {"pass_bar": {"uniform": [0, 5]}, "high_grade": 0},
            {"high_grade": Fixed(0.0), "pass_bar": Uniform(0.0, 5.0)},
        ),
        (
            SCALAR,
            {"when": "epochs >= 40", "then": {"uniform": [0.1, 1]}, "otherwise": 1},
            When(parse_constraint("epochs >= 40"), Uniform(0.1, 1.0), 1.0),
        ),
        (SHARES, "simplex", Simplex()),
        (SHARES, {"high_grade": 0.3, "pass_bar": 0.7}, {"high_grade": Fixed(0.3), "pass_bar": Fixed(0.7)}),
    ],
)
def test_parse(parameter: Parameter, value, expected) -> None:
    assert parse(parameter, value, TASKS) == expected


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        (SCALAR, {"uniform": [0.3, 0.01]}, r"empty range \[0.3, 0.01\]; the first number must be smaller"),
        (SCALAR, {"uniform": [0.3, 0.3]}, "empty range"),
        (SCALAR, {"log_uniform": [0, 1]}, "log_uniform needs numbers above 0"),
        (SCALAR, {"uniform": [1]}, r"found \[1\]; expected two numbers: \{uniform: \[a, b\]\}"),
        (SCALAR, {"uniform": 1}, "found 1; expected two numbers"),
        (SCALAR, {"when": "epochs >= 40", "then": 1}, "otherwise is missing"),
        (SCALAR, {"when": "epochs 40", "then": 1, "otherwise": 2}, "expected a name, <= or >=, and a number"),
        (SCALAR, {"when": "epochs >= 1", "than": 1, "otherwise": 2}, "Did you mean `then`"),
        (SCALAR, {"when": "epochs >= 1", "then": 1, "otherwise": -2}, "must be at least 1e-12"),
        (SCALAR, {"uniform": [1, "2"]}, "found '2'; expected a number"),
        (SCALAR, {"uniform": [math.nan, 1]}, "finite"),
        (SCALAR, {"uniform": [1, math.inf]}, "finite"),
        (SCALAR, 10**400, "finite"),
        (SCALAR, {"integer": [1.5, 3]}, "needs two whole numbers"),
        (SCALAR, {"log_unifrom": [1, 2]}, "Did you mean `log_uniform`"),
        (SCALAR, {"high_grade": 1}, "expected a number, a list"),
        (SCALAR, {"uniform": [1, 2], "log_uniform": [1, 2]}, "expected a number, a list"),
        (SCALAR, {}, "expected a number, a list"),
        (SCALAR, [], "empty list"),
        (SCALAR, [1, [2]], r"found \[2\]; expected a number"),
        (SCALAR, True, "found true; expected a number"),
        (SCALAR, None, "found nothing; expected a number"),
        (SCALAR, "simplex", "`simplex` is for values that sum to 1"),
        (SCALAR, -1, "found -1; must be at least 1e-12"),
        (WHOLE, 2.0, "found 2.0; expected a whole number"),
        (WHOLE, {"uniform": [1, 5]}, r"takes whole numbers; write \{integer: \[1, 5\]\}"),
        (WHOLE, 2**60, "too large"),
        (VECTOR, 200, "must be between 0 and 100"),
        (VECTOR, [1, 200], "must be between 0 and 100"),
        (VECTOR, {"high_grade": 1}, "gives no value for pass_bar"),
        (VECTOR, {"high_grade": 1, "pas_bar": 1}, "unknown task. Did you mean `pass_bar`"),
        (VECTOR, {"unifrom": [0, 1]}, "or a mapping of all tasks: high_grade, pass_bar. Did you mean `uniform`"),
        (SHARES, [0.5, 0.5], "which would be a choice; expected `simplex`, or a mapping of the tasks"),
        (SHARES, 0.5, "found 0.5; expected `simplex`"),
        (SHARES, {"uniform": [0, 1]}, "expected `simplex`"),
        (SHARES, {"high_grade": 0.5, "pass_bar": 0.6}, "sum to 1.1; they must sum to 1"),
        (SHARES, {"high_grade": 0.5, "pass_bar": {"uniform": [0, 1]}}, "expected a number"),
    ],
)
def test_parse_refuses(parameter: Parameter, value, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse(parameter, value, TASKS)


def test_problems_inside_a_value_say_where() -> None:
    with pytest.raises(Invalid) as caught:
        parse(VECTOR, {"high_grade": 1, "pass_bar": [1, -1]}, TASKS)
    assert caught.value.where == ("pass_bar", 1)


def test_centre_by_column() -> None:
    assert centre(SPACE, TASKS) == {
        "learning_rate": pytest.approx(math.sqrt(0.003)),
        "epochs": 40,
        "task_weight_high_grade": 0.5,
        "task_weight_pass_bar": 0.5,
        "fairness_weight_high_grade": 0.0,
        "fairness_weight_pass_bar": 2.5,
        "layers": 2,
    }


def test_point_values() -> None:
    both = {"fairness_weight_high_grade": 2.0, "fairness_weight_pass_bar": 3.0}
    assert point_values(VECTOR, [2, 3], TASKS) == both
    assert point_values(VECTOR, {"pass_bar": 3, "high_grade": 2}, TASKS) == both
    assert set(point_values(VECTOR, 2, TASKS).values()) == {2.0}
    assert point_values(WHOLE, 20, TASKS) == {"epochs": 20}
    assert point_values(SHARES, 1, ("only",)) == {"task_weight_only": 1.0}


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        (VECTOR, [1, 2, 3], "found 3 values; expected one for each task: high_grade, pass_bar"),
        (VECTOR, {"high_grade": 1}, "gives no value for pass_bar"),
        (VECTOR, {"uniform": [0, 1]}, "unknown task"),
        (SHARES, 0.5, "the tasks share 1, so give a list in task order"),
        (SHARES, [0.5, 0.6], "sum to 1.1"),
        (WHOLE, [20, 40], "expected a number"),
        (WHOLE, 0, "must be at least 1"),
    ],
)
def test_points_refuse(parameter: Parameter, value, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        point_values(parameter, value, TASKS)


def test_defaults() -> None:
    assert default(SHARES, TASKS) == {"high_grade": 0.5, "pass_bar": 0.5}
    assert default(SCALAR, TASKS) is None
    assert default(Parameter("temperature", default=1.0), TASKS) == 1.0
    whole = default(Parameter("layers", default=2.0, integer=True), TASKS)
    assert whole == 2
    assert isinstance(whole, int)


def test_conditions_name_other_parameters() -> None:
    def when(on):
        return When(parse_constraint(f"{on} >= 1"), Fixed(1.0), 2.0)

    good = SPACE | {"learning_rate": when("epochs"), "penalty": {task: when("fairness_weight") for task in TASKS}}
    assert not list(check_conditions(good))
    bad = SPACE | {"learning_rate": when("fairness_weight"), "penalty": {task: when("epoch") for task in TASKS}}
    problems = list(check_conditions(bad))
    assert [where for where, _ in problems] == [
        ("learning_rate", "when"),
        ("penalty", "high_grade", "when"),
        ("penalty", "pass_bar", "when"),
    ]
    assert "Did you mean `epochs`?" in problems[1][1]
