"""A CSV file as the data of a space."""

from __future__ import annotations

import numpy as np
import pytest

from paretofair.errors import DataError, SpaceError
from paretofair.search.run import Options, load_splits
from paretofair.search.space import dump, load_space

SPACE = """\
name: loans
data:
  csv:
    path: loans.csv
    tasks: {repaid: "status == 'good'", large: "amount > 2000"}
    sensitive: {sex: gender, age: {column: age, bins: [25, 60]}}
    inputs: {exclude: [id]}
    test: 0.25
  sensitive: {repaid: sex, large: sex_x_age}
parameters: {learning_rate: 0.1, epochs: 5, fairness_weight: 1}
methods: {vanilla: , mtaf: }
stages: {sweep: {trials: 3}}
"""


@pytest.fixture
def path(tmp_path):
    random = np.random.default_rng(0)
    rows = ["id,status,amount,gender,age,kind"]
    for i in range(400):
        status, gender, kind = random.choice(["good", "bad", ""]), random.choice(["f", "m"]), random.choice(["x", "y"])
        rows.append(f"{i},{status},{random.integers(100, 5000)},{gender},{random.integers(18, 90)},{kind}")
    (tmp_path / "loans.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "loans.yaml").write_text(SPACE)
    return tmp_path / "loans.yaml"


def splits(space, folder):
    return load_splits(space, Options(output=folder, methods=["mtaf"]))


def test_the_file_beside_the_space_is_read(path):
    space = load_space(path)
    assert space.data.name == "loans"
    assert space.tasks == ("repaid", "large")
    found = splits(space, path.parent)
    assert (found.name, found.source, found.tasks) == ("loans", "real", ("repaid", "large"))
    assert found.attributes == ("sex", "age", "sex_x_age")
    assert found.group_names["sex"] == ("f", "m")
    assert len(found.test) == 100
    assert (found.train.labels[:, 0] == -1).any()
    # The labels' columns and the identifier are no inputs; age and sex are.
    assert found.encoding.numeric_names == ("age",)
    assert found.encoding.categorical_names == ("gender", "kind")


def test_dumped_and_read_from_elsewhere(path, tmp_path):
    space = load_space(path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "space.yaml").write_text(dump(space))
    again = load_space(tmp_path / "results" / "space.yaml")
    assert again == space
    assert splits(again, path.parent).split_id == splits(space, path.parent).split_id


def test_the_test_rows_can_be_drawn_again(path):
    given = splits(load_space(path), path.parent)
    drawn = splits(load_space(path, ["data.test_seed=3"]), path.parent)
    assert given.split_id != drawn.split_id
    assert len(drawn.test) == len(given.test)
    ids = [load_space(path, each).method("mtaf").space_id("sweep") for each in ([], ["data.test_seed=3"])]
    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.csv.tasks={}", "data.csv.tasks: found {}; needs at least 1"),
        ("data.csv.tasks.repaid='amount >'", "data.csv.tasks.repaid"),
        ("data.csv.test=1.5", "data.csv.test: found 1.5; must be below 1"),
        ("data.csv.inputs.numeric=some", "data.csv.inputs.numeric: found 'some'; expected auto or a list of columns"),
        ("data.csv.missing.inputs=drop", "accepted: fill, error"),
        ("data.csv.colour=red", "data.csv.colour: unknown key"),
        ("data.sensitive=race", "data.sensitive: found 'race'; accepted: sex, age, sex_x_age"),
    ],
)
def test_mistakes_in_the_space(path, override, words):
    with pytest.raises(SpaceError) as error:
        load_space(path, [override])
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.csv.path=lons.csv", "lons.csv"),
        ("data.csv.tasks.repaid='statu == 1'", "did you mean 'status'"),
        ("data.csv.sensitive.sex={column: gender, bins: [1]}", "expected a number"),
    ],
)
def test_mistakes_about_the_file(path, override, words):
    with pytest.raises(DataError, match=words):
        splits(load_space(path, [override]), path.parent)
