"""What a report reads of a space file."""

from __future__ import annotations

import shutil

import pytest
import yaml

from paretofair.analysis.results import ReportSettings, Results, read_settings
from paretofair.errors import RunError

SPACE = """\
name: made_up
protocol: validation
data: {name: lsac, sensitive: {grade: sex, bar: race}}
threshold: {fixed: 0.4}
methods: {mtaf: {}, vanilla: {}}
constraints: [error_grade <= 0.9]
frontiers: {objectives: [arfg_are, bar], reference_point: {arfg: 2.0, are: 1.5}}
"""


def test_settings_come_from_the_space_file(tmp_path):
    assert read_settings(tmp_path) == ReportSettings()
    (tmp_path / "space.yaml").write_text(SPACE)
    found = read_settings(tmp_path)
    assert found.sensitive == {"grade": "sex", "bar": "race"}
    assert found.reference == (2.0, 1.5)
    assert found.objectives == ("arfg_are", "bar")
    assert found.methods == ("mtaf", "vanilla")
    assert found.constraints == ("error_grade <= 0.9",)
    assert found.threshold == "fixed 0.4"
    assert (found.selected_on, found.pooled) == ("validation", False)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"constraints": ["error_grade << 0.9"]}, "expected a name, <= or >=, and a number"),
        ({"constraints": ["eror_grade <= 0.9"]}, "no metric 'eror_grade'"),
        ({"frontiers": {"gap": "fpr_gp"}}, "no metric 'fpr_gp_grade'"),
        ({"frontiers": {"objectives": [{"name": "own", "of": ["auc_x"]}]}}, "no metric 'auc_x'"),
        ({"frontiers": {"objectives": [{"name": "own", "of": "auc"}]}}, "it is not what a run has written"),
        (
            {"frontiers": {"objectives": [{"name": "own", "of": ["auc", "error"], "reference": [1]}]}},
            "the set own has 2 objectives and 1 references",
        ),
        ({"metrics": {"own": {"function": "a:b", "direction": "upwards"}}}, "it is not what a run has written"),
        (
            {
                "metrics": {"own": {"function": "a:b", "direction": "minimised"}},
                "frontiers": {"objectives": [{"name": "two", "of": ["own_grade", "auc"]}]},
            },
            "the set two needs a reference point: own_grade has no worst value",
        ),
    ],
)
def test_a_damaged_space_file_is_named(run_folder, tmp_path, written, words):
    folder = shutil.copytree(run_folder, tmp_path / "run")
    (folder / "space.yaml").write_text(yaml.safe_dump(written))
    with pytest.raises(RunError) as error:
        Results(folder)
    named, _, said = str(error.value).partition(": ")
    assert named == str(folder / "space.yaml")
    assert words in said
    assert "\n" not in said
