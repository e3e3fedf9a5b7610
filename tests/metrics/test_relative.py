import numpy as np
import pytest

from paretofair.metrics.relative import are, arfg, group_harm


def test_mtaf_table_2() -> None:
    models = np.array([[0.40, 0.02], [0.38, 0.04]])
    assert models.mean(axis=1) == pytest.approx([0.21, 0.21])
    assert are(models, [0.40, 0.04]) == pytest.approx([0.75, 0.975])


def test_single_task_values_give_one() -> None:
    assert arfg([0.12, 0.066], [0.12, 0.066]) == 1
    assert arfg(np.zeros((3, 4, 2)), [0.12, 0.066]).tolist() == np.zeros((3, 4)).tolist()


@pytest.mark.parametrize("denominator", [0.0, np.nan])
def test_no_ratio_to_nothing(denominator: float) -> None:
    assert np.isnan(arfg([[0.1, 0.2], [0.0, 0.0]], [0.1, denominator])).all()


def test_an_undefined_task_makes_its_own_trial_nan() -> None:
    assert np.isnan(are([[0.1, np.nan], [0.1, 0.2]], [0.1, 0.2])).tolist() == [True, False]


@pytest.mark.parametrize("tasks", [[0.1, 0.1, 0.1], [[0.1, 0.1]], 0.1, []])
def test_number_of_tasks_is_checked(tasks) -> None:
    with pytest.raises(ValueError, match=r"expected \(\.\.\., tasks\) and \(tasks,\)"):
        are([[0.1, 0.2]], tasks)


def test_inputs_not_mutated() -> None:
    values, denominators = np.array([[0.1, 0.2]]), np.array([0.0, 0.1])
    values.setflags(write=False)
    denominators.setflags(write=False)
    are(values, denominators)


def test_harm_is_of_the_group_that_fares_worst() -> None:
    assert group_harm([[0.2, 0.3], [0.1, 0.1]], [0.1, 0.25]).tolist() == pytest.approx([0.1, 0.0])
    assert group_harm([0.1, 0.2], [0.2, 0.25]) == pytest.approx(-0.05)  # nobody is harmed
    assert group_harm([np.nan, 0.2], [0.2, 0.1]) == pytest.approx(0.1)
    assert np.isnan(group_harm([np.nan, 0.2], [0.1, np.nan]))
    assert np.isnan(group_harm(np.zeros((2, 0)), np.zeros(0))).all()
