import numpy as np
import pytest

from paretofair.pareto.arrays import as_rows, check_objectives, finite_rows


def test_rows_are_floats_and_only_finite_ones_stay() -> None:
    points = [[1, 2], [np.nan, 0], [3, np.inf], [4, -np.inf], [5, 6]]
    np.testing.assert_array_equal(as_rows(points, "points"), np.array(points))
    assert finite_rows(points, "points").tolist() == [[1.0, 2.0], [5.0, 6.0]]


def test_empty() -> None:
    assert as_rows([], "points").shape == finite_rows([], "points").shape == (0, 0)
    assert finite_rows(np.empty((0, 3)), "points").shape == (0, 3)
    assert finite_rows([[np.nan, 0]], "points").shape == (0, 2)


@pytest.mark.parametrize("wrong", [[1.0, 2.0], 1.0, np.zeros((2, 2, 2)), np.zeros((3, 0))])
def test_shape_is_checked(wrong) -> None:
    for function in (as_rows, finite_rows):
        with pytest.raises(ValueError, match=r"got front of shape .* expected \(n, objectives\)"):
            function(wrong, "front")


def test_number_of_objectives_is_checked_where_there_are_rows() -> None:
    check_objectives(2, front=np.zeros((3, 2)), empty=np.zeros((0, 5)))
    with pytest.raises(ValueError, match="got by with 3 objectives, expected 2"):
        check_objectives(2, front=np.zeros((3, 2)), by=np.zeros((1, 3)))
