import numpy as np
import pandas as pd
import pytest

from paretofair.data.sets.simulation import (
    Numbers,
    Shares,
    allocate_labels,
    draw_inputs,
    read_weights,
    relabel,
    sum_terms,
    table,
)

ROWS = {("Female", "a"): 101, ("Male", "a"): 200}
RATES = {("Female",): (0.4, 0.1, 0.3, 0.2), ("Male", "a"): (0.25, 0.25, 0.25, 0.25)}
CELLS = (("00",), ("01",), ("10",), ("11",))
INPUTS = {
    "age": Numbers(("labels",), (0, 0.5, 1), table(CELLS, "20 30 40", "30 40 50", "20 20 20", "0 50 100")),
    "kind": Shares(("labels",), ("x", "y"), table(CELLS, "1 1", "1 3", "1 0", "5 5")),
    "size": Numbers(("sex",), (0, 1), {("Female",): (0, 1000), ("Male",): (0, 1000)}),
}


def draw(correlation: float = 0.0, shift: float = 0.0, seed: int = 0) -> pd.DataFrame:
    people = allocate_labels(("sex", "town"), ("first", "second"), ROWS, RATES)
    correlations = ((1,), (0, 1), (correlation, 0, 1))
    return draw_inputs(people, INPUTS, correlations, {("sex", "Male"): (0, shift, 0)}, seed)


def test_labels_are_allocated_by_their_rates() -> None:
    people = allocate_labels(("sex", "town"), ("first", "second"), ROWS, RATES)
    women = people[people["sex"] == "Female"]["labels"].value_counts().to_dict()
    assert women == {"00": 41, "01": 10, "10": 30, "11": 20}
    assert (people["first"] == people["labels"].str[0].astype(int)).all()
    assert (people["second"] == people["labels"].str[1].astype(int)).all()


def test_values_are_those_of_the_tables() -> None:
    people = draw()
    assert len(people) == 301
    first = people[people["labels"] == "01"]
    assert (first["kind"] == "x").sum() == len(first) // 4
    assert first["age"].between(30, 50).all()
    assert abs(first["age"].astype(float).median() - 40) <= 1
    assert set(people[people["labels"] == "10"]["kind"]) == {"x"}
    assert set(people[people["labels"] == "10"]["age"]) == {20}


def test_correlations_and_shifts_act() -> None:
    def correlation(people: pd.DataFrame) -> float:
        cell = people[people["labels"] == "11"]
        return float(np.corrcoef(cell["age"].astype(float), cell["size"].astype(float))[0, 1])

    assert correlation(draw(0.9)) > 0.6
    assert correlation(draw(-0.9)) < -0.6

    def share(people: pd.DataFrame) -> float:
        return float((people[people["sex"] == "Male"]["kind"] == "y").mean())

    assert share(draw(shift=2)) > share(draw()) + 0.05


def test_the_same_rows_at_every_call_in_random_order() -> None:
    pd.testing.assert_frame_equal(draw(), draw())
    assert not draw().equals(draw(seed=1))
    assert draw()["labels"].iloc[:20].nunique() > 1


def test_a_table_has_a_row_for_each_cell() -> None:
    assert table([("a",), ("b",)], "1 2", "0.5 3") == {("a",): (1, 2), ("b",): (0.5, 3)}
    with pytest.raises(ValueError, match="shorter"):
        table([("a",), ("b",)], "1 2")


def test_terms_are_values_logarithms_and_categories() -> None:
    weights = read_weights("age value 0.5, age log -2", "kind x 3")
    people = pd.DataFrame({"age": [0, 3, -1], "kind": ["x", "y", "x"]})
    expected = [3, 1.5 - 2 * np.log(4), 3 - 0.5]
    np.testing.assert_allclose(sum_terms(people, weights), expected)


def test_labels_follow_from_inputs_and_keep_their_numbers() -> None:
    people = draw()
    weights = {"first": read_weights("age value 2"), "second": read_weights("kind x 50")}
    again = relabel(people, ("sex", "town"), weights, np.random.RandomState(0))
    for sex, own in people.groupby("sex"):
        mine = again[again["sex"] == sex]
        assert mine["labels"].value_counts().to_dict() == own["labels"].value_counts().to_dict()
        assert mine.loc[mine["first"] == 1, "age"].median() > mine.loc[mine["first"] == 0, "age"].median() + 10
        for _, part in mine.groupby("first"):
            # Whoever is of the favoured kind has the second label before anybody else.
            favoured = part["kind"] == "x"
            assert part.loc[favoured, "second"].all() or not part.loc[~favoured, "second"].any()
    assert (again["labels"] == again["first"].astype(str) + again["second"].astype(str)).all()
    inputs = ["age", "kind", "size", "sex", "town"]
    pd.testing.assert_frame_equal(again[inputs], people[inputs])
