"""Spaces of several files, and what is said of faults in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretofair.data import join_datasets, read_csv_dataset, split
from paretofair.data.inputs.joined import Joined
from paretofair.errors import SpaceError
from paretofair.space.space import Space, dump, load_space
from tests.pictures import write_pictures

SPACE = """
name: both
data:
  sources:
    one: {path: one.csv, tasks: {a: a}, sensitive: {sex: sex}}
    other: {path: other.csv, tasks: {b: "b > 1"}, rows: "year == 2020"}
  sensitive: sex
parameters: {learning_rate: 0.01, epochs: 2, task_weight: simplex, fairness_weight: 1}
methods:
  vanilla:
  transfer: {schedule: linear, parameters: {warm_up: 0.5, known_share: {a: 1, b: 0}}}
stages: {baselines: {runs: 2, parameters: {learning_rate: 0.01, epochs: 2}}, sweep: {trials: 2}}
"""


def load(tmp_path: Path, text: str = SPACE) -> Space:
    (tmp_path / "space.yaml").write_text(text)
    return load_space(tmp_path / "space.yaml")


def test_a_space_of_sources(tmp_path):
    space = load(tmp_path)
    assert space.tasks == ("a", "b")
    assert [Path(file.path).parent for file in space.data.files] == [tmp_path, tmp_path]
    (tmp_path / "again.yaml").write_text(dump(space))
    assert load_space(tmp_path / "again.yaml") == space
    assert "\n  sources:" not in dump(load_space(Path(__file__).parents[2] / "search_spaces" / "mtaf_lsac.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    one:", "    two: {}\n    one:", "data.sources.two.path: required"),
        (", sensitive: {sex: sex}}", "}", "no source has an attribute (sensitive)"),
        ('    other: {path: other.csv, tasks: {b: "b > 1"}, rows: "year == 2020"}\n', "", "sources has but 'one'"),
        ("  sources:", "  csv: {path: x.csv, tasks: {a: a}, sensitive: {s: s}}\n  sources:", "csv and sources exclude"),
        ("year == 2020", "year = 2020", "data.sources.other.rows: "),
        ("path: one.csv", "path: s3://bucket/one.csv", "data.sources.one.path: found 's3://bucket/one.csv'; a URL"),
        ("schedule: linear, ", "", "transfer.parameters.warm_up: is read by schedule: linear and step"),
        ("schedule: linear", "schedule: linaer", "schedule"),
    ],
)
def test_faults(tmp_path, old, new, words):
    assert old in SPACE
    with pytest.raises(SpaceError) as told:
        load(tmp_path, SPACE.replace(old, new, 1))
    assert words in str(told.value)


def test_pictures_of_two_folders(tmp_path):
    """Sets of faces, say, with other labels: an example is a picture, whatever set it is from."""
    sources = {}
    for number, name in enumerate(("one", "other")):
        names = write_pictures(tmp_path / name, 40, seed=number)
        frame = pd.DataFrame(
            {"file": names, name: np.arange(40) % 2, "sex": np.array(["f", "m"])[np.arange(40) // 2 % 2]}
        )
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        inputs = f"{{images: {{column: file, root: {name}, size: 8}}}}"
        sources[name] = f"{{path: {name}.csv, tasks: {{{name}: {name}}}, sensitive: {{sex: sex}}, inputs: {inputs}}}"
    own = "".join(f"    {name}: {described}\n" for name, described in sources.items())
    text = SPACE[: SPACE.index("    one:")] + own + SPACE[SPACE.index("  sensitive: sex\nparameters") :]
    data = load(tmp_path, text.replace("{a: 1, b: 0}", "{one: 1, other: 0}")).data
    joined = join_datasets(data.name, {name: read_csv_dataset(each, name=name) for name, each in data.sources.items()})
    assert isinstance(joined.inputs, Joined)
    assert joined.origin_names == ("one", "other")
    assert split(joined).inputs.shape == (3, 8, 8)
