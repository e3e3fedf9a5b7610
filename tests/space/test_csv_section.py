"""A CSV file as the data of a space."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch

from paretofair.errors import DataError, SpaceError
from paretofair.methods import METHODS
from paretofair.runs.build import build_method, build_network, build_settings, build_threshold
from paretofair.runs.rehearsal import rehearse_methods
from paretofair.runs.run import RunOptions, load_splits
from paretofair.space.space import dump, load_space
from paretofair.training import Experiment, Trials, to_device, train_pack

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
    return load_splits(space, RunOptions(output=folder, methods=list(space.methods))).of(0)


def test_the_file_beside_the_space_is_read(path):
    space = load_space(path)
    assert space.data.name == "loans"
    assert space.tasks == ("repaid", "large")
    found = splits(space, path.parent)
    assert (found.dataset.name, found.dataset.source, found.tasks) == ("loans", "real", ("repaid", "large"))
    assert found.dataset.attributes == ("sex", "age", "sex_x_age")
    assert found.dataset.group_names["sex"] == ("f", "m")
    assert len(found.test) == 100
    assert (found.train.labels[:, 0] == -1).any()
    # The labels' columns and the identifier are no inputs; age and sex are.
    assert found.inputs.encoding.numeric_names == ("age",)
    assert found.inputs.encoding.categorical_names == ("gender", "kind")


def test_paths_that_are_none(path):
    os.mkfifo(path.parent / "pipe.csv")
    (path.parent / "loop.csv").symlink_to("loop.csv")
    for name, words in {
        "pipe.csv": "found 'pipe.csv'; a pipe or a device; expected a file",
        "loop.csv": "found 'loop.csv'; ",
        "a\0b": r"found 'a\\x00b'; embedded null byte",
        "s3://ME:SECRET@bucket/a.csv": r"found 's3://\*\*\*@bucket/a.csv'; a URL; download the file",
    }.items():
        text = path.read_text().replace("path: loans.csv", f"path: {json.dumps(name)}")
        (path.parent / "other.yaml").write_text(text)
        with pytest.raises(SpaceError, match=f"data.csv.path: {words}"):
            load_space(path.parent / "other.yaml")


@pytest.mark.parametrize("setting", ["network.shared=[1_000_000_000_000]", "training.steps=1_000_000_000_000_000"])
def test_what_needs_more_memory_than_there_is(path, setting):
    space = load_space(path, [setting])
    with pytest.raises(SpaceError, match=r"methods\.mtaf: two trials need more memory than there is; its network, its"):
        rehearse_methods([space.method("mtaf")], splits(space, path.parent))


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
        ("data.csv.separator='||'", "data.csv.separator: found '||'; expected one character"),
        ("data.csv.name=mine", "data.csv.name: unknown key."),
        ("data.csv.origin=5", "data.csv.origin: found 5; expected text"),
        ("data.csv.sensitive.sex=5", "data.csv.sensitive.sex: found 5; expected a column, or a mapping"),
        ("data.csv.sensitive.sex={colum: gender}", "data.csv.sensitive.sex.colum: unknown key. Did you mean `column`?"),
        ("data.csv.sensitive.age.bins=[60, 25]", "data.csv.sensitive.age.bins: found [60.0, 25.0]; they must ascend"),
        ("data.csv.sensitive.age.groups={a: b}", "yaml:6: data.csv.sensitive.age: bins and groups exclude each"),
        ("data.csv.inputs.numeric=[1]", "data.csv.inputs.numeric: found [1]; expected auto or a list of columns"),
        ("data.csv.inputs.exclude=[id, id]", "data.csv.inputs.exclude: 'id' stands in the list more than once"),
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


@pytest.mark.parametrize("name", ["per_task", "transfer"])
def test_joined_data_sets(path, monkeypatch, name):
    """Two banks, of which each knows the labels of one task: both fill half of every batch of `transfer`."""
    random = np.random.default_rng(1)
    rows = ["bank,status,amount,gender,age"]
    for i in range(400):
        known = f"south,,{random.integers(100, 5000)}" if i % 4 == 0 else f"north,{random.choice(['good', 'bad'])},"
        rows.append(f"{known},{random.choice(['f', 'm'])},{random.integers(18, 90)}")
    (path.parent / "loans.csv").write_text("\n".join(rows) + "\n")
    changes = ["data.csv.origin=bank", "data.csv.inputs={}", "data.sensitive=sex", f"methods={{{name}: }}"]
    space = load_space(path, [*changes, "training.batch_size=40"])
    again = path.parent / "again.yaml"
    again.write_text(dump(space))
    assert load_space(again) == space
    found = splits(space, path.parent)
    assert found.dataset.origin_names == ("north", "south")
    assert found.inputs.encoding.categorical_names == ("gender",)
    np.testing.assert_array_equal(found.train.labels >= 0, np.stack([found.train.origins == i for i in (0, 1)], 1))

    counts, kind = [], METHODS[name]
    losses = kind.losses

    def count_losses(self, logits, rows, hyper):
        counts.append((rows.loss_weight > 0).sum(-1).flatten().tolist())
        return losses(self, logits, rows, hyper)

    monkeypatch.setattr(kind, "losses", count_losses)
    own = space.method(name)
    data = to_device(found, own.sensitive, torch.device("cpu"), torch.float64)
    values = {"learning_rate": [0.1], "epochs": [2]}
    values |= {key: [[0.5, 0.5]] for key in ("task_weight", "fairness_weight", "known_share")}
    trials = Trials(np.zeros(1, dtype=np.int64), {key: np.array(value) for key, value in values.items()})
    network, settings = build_network(own, data), build_settings(own, compiled=False)
    method, threshold = build_method(own, data), build_threshold(own)
    (stack,) = train_pack(Experiment(data, network, method, settings, threshold), trials, width=1)
    assert stack.status.tolist() == ["completed"]
    assert len(counts) == 2 * 6
    if name == "transfer":
        assert counts == [[20, 20]] * 12
    else:
        assert sum(counts[0]) == 40
        assert np.mean(counts, 0)[0] > 25


def test_labels_of_groups_that_the_file_alone_has(path):
    """They are looked for when it is read."""
    path.write_text(SPACE + "labels: {f: women, up_to_25: young}\n")
    assert splits(load_space(path), path.parent).dataset.group_names["sex"] == ("f", "m")
    path.write_text(SPACE + "labels: {f: women, w: women}\n")
    space = load_space(path)
    with pytest.raises(SpaceError, match=r"labels\.w: no task, attribute, group, method or metric of this name"):
        splits(space, path.parent)
    path.write_text(SPACE + "labels: {repayd: women}\n")
    with pytest.raises(SpaceError, match="Did you mean `repaid`"):
        load_space(path)
