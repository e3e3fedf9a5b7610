"""What names a trial, and what may change between two runs into one results folder."""

from pathlib import Path

import pytest

from paretofair.results import STAGES
from paretofair.space.identity import compare
from paretofair.space.method_space import digest, trial_id
from paretofair.space.space import Space, dump, load_space

EXAMPLE = """\
name: example
data: {name: lsac, audit: [race]}
fairness: {distance: correlation, goal: fpr}
parameters:
  learning_rate: {log_uniform: [0.01, 0.3]}
  epochs: 20
  task_weight: simplex
  fairness_weight: {uniform: [0, 5]}
methods:
  vanilla:
  per_task:
  mtaf:
    parameters: {head_ratio: {log_uniform: [0.1, 3]}}
points:
  - {fairness_weight: 2}
stages:
  baselines: {parameters: {learning_rate: 0.08}}
  sweep: {trials: 20}
"""


@pytest.fixture
def load(tmp_path: Path):
    path = tmp_path / "space.yaml"
    path.write_text(EXAMPLE)
    return lambda *overrides: load_space(path, overrides)


def ids(space: Space) -> dict[tuple[str, str], str]:
    result = {(name, stage): space.method(name).space_id(stage) for name in space.methods for stage in STAGES}
    return {**result, ("single_task", "baselines"): space.baselines.space_id("baselines")}


def test_every_method_and_stage_has_its_own_id(load) -> None:
    found = ids(load())
    assert len(set(found.values())) == len(found) == 19
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in found.values())


@pytest.mark.parametrize(
    "setting",
    [
        "name=other",
        "stages.sweep.trials=4000",
        "stages.baselines.runs=3",
        "stages.confirm.runs=3",
        "seeds=[5]",
        "data.audit=[]",
        "data.source=real",
        "data.sensitive={high_grade: sex, pass_bar: sex}",
        "data.sensitive=sex",
        "resources={cpus: 4, gpus: 1, pack: 10, stack: 5}",
        "frontiers={objectives: [all], reference_point: {arfg: 2, are: 2}}",
        "points=[{fairness_weight: 2}, {fairness_weight: 3}]",
        "stages.sweep.sampler={name: random}",
        "fairness.hard=false",
        "parameters.epochs=20",
        "parameters.fairness_weight={uniform: [0.0, 5.0]}",
        "parameters.fairness_weight={high_grade: {uniform: [0, 5]}, pass_bar: {uniform: [0, 5]}}",
        "methods.per_task.network={shared: [32]}",
    ],
)
def test_what_changes_no_result_changes_no_id(load, setting: str) -> None:
    old, new = load(), load(setting)
    assert ids(new) == ids(old)
    assert compare(old, new) == []


def test_other_methods_change_no_id(load) -> None:
    old, new = load(), load("methods.vanilla.parameters.epochs=3", "methods={mtaf: {parameters: {head_ratio: 1}}}")
    shared = load("methods.mtaf.parameters.head_ratio=1")
    assert ids(new)["mtaf", "sweep"] == ids(shared)["mtaf", "sweep"]
    fewer = load("methods={vanilla: , per_task: }")
    assert all(ids(old)[key] == value for key, value in ids(fewer).items())
    assert compare(old, fewer) == compare(fewer, old) == []


ALL = {"vanilla", "per_task", "mtaf", "single_task"}


@pytest.mark.parametrize(
    ("setting", "changed", "line"),
    [
        ("protocol=paper", ALL, "protocol: 'validation' -> 'paper'"),
        ("data.validation=0.3", ALL, "data.validation: 0.2 -> 0.3"),
        ("data.split_seed=1", ALL, "data.split_seed: 0 -> 1"),
        (
            "data.sensitive=race",
            ALL,
            "data.sensitive: {high_grade: sex, pass_bar: sex} -> {high_grade: race, pass_bar: race}",
        ),
        ("network.shared=[64]", ALL, "network.shared: [32] -> [64]"),
        ("network.embedding=5", ALL, "network.embedding: 10 -> 5"),
        ("methods.mtaf.network.head=[8]", {"mtaf"}, "methods.mtaf.network.head: [16] -> [8]"),
        ("training.reduction=mean", ALL, "training.reduction: 'sum' -> 'mean'"),
        ("training.initial_accumulator=1.0", ALL, "training.initial_accumulator: 0.1 -> 1.0"),
        ("training.batch_size=64", ALL, "training.batch_size: 512 -> 64"),
        ("threshold={fixed: 0.5}", ALL, "threshold: 'base_rate' -> {fixed: 0.5}"),
        (
            "methods.vanilla.threshold={fixed: 0.5}",
            {"vanilla"},
            "methods.vanilla.threshold: 'base_rate' -> {fixed: 0.5}",
        ),
        ("fairness.goal=odds", {"per_task", "mtaf"}, "fairness.goal: 'fpr' -> 'odds'"),
        ("fairness.distance=fpr_gap", {"per_task", "mtaf"}, "fairness.distance: 'correlation' -> 'fpr_gap'"),
        (
            "methods.mtaf.fairness.distance=mmd",
            {"mtaf"},
            "methods.mtaf.fairness.distance: 'correlation' -> 'mmd'",
        ),
        (
            "parameters.learning_rate={log_uniform: [0.01, 0.5]}",
            ALL - {"single_task"},
            "parameters.learning_rate: {log_uniform: [0.01, 0.3]} -> {log_uniform: [0.01, 0.5]}",
        ),
        ("parameters.epochs=30", ALL, "parameters.epochs: 20 -> 30"),
        ("stages.baselines.parameters.epochs=30", {"single_task"}, "stages.baselines.parameters.epochs: 20 -> 30"),
        (
            "methods.mtaf.parameters.head_ratio=[1, 2]",
            {"mtaf"},
            "methods.mtaf.parameters.head_ratio: {high_grade: {log_uniform: [0.1, 3.0]}, pass_bar: {log_uniform: "
            "[0.1, 3.0]}} -> {high_grade: [1.0, 2.0], pass_bar: [1.0, 2.0]}",
        ),
    ],
)
def test_what_changes_a_result_changes_the_ids_of_the_methods_concerned(
    load, setting: str, changed: set[str], line: str
) -> None:
    old, new = load(), load(setting)
    before, after = ids(old), ids(new)
    assert {method for method, stage in before if before[method, stage] != after[method, stage]} == changed
    assert line in compare(old, new)


def test_settings_that_the_distance_does_not_read_are_left_out(load) -> None:
    assert load().method("mtaf").identity("sweep")["fairness"] == {"distance": "correlation", "goal": "fpr"}
    narrow, wide = load("fairness.distance=mmd"), load("fairness={distance: mmd, bandwidth: 0.5}")
    assert "fairness.bandwidth: 0.1 -> 0.5" in compare(narrow, wide)
    soft, hard = load("fairness.distance=fpr_gap"), load("fairness={distance: fpr_gap, hard: true}")
    assert "fairness.hard: false -> true" in compare(soft, hard)


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ("training.reduction=mean", {"vanilla", "per_task", "threshold_frontier"}),
        ("fairness.goal=odds", {"per_task", "transfer", "adversarial", "threshold_frontier"}),
        ("fairness.distance=differential", {"per_task", "transfer"}),
        ("fairness={distance: mmd, bandwidth: 0.5}", {"per_task", "transfer"}),
        ("fairness={distance: fpr_gap, hard: true}", {"per_task", "transfer"}),
    ],
)
def test_settings_that_a_method_does_not_read_are_left_out(load, setting: str, changed: set[str]) -> None:
    listed = (
        "methods={vanilla: , per_task: , transfer: , eor: , max_min: , reweigh: , gcm: {balance_task: pass_bar}, "
        "adversarial: {parameters: {penalty_weight: 1}}, threshold_frontier: {parameters: {tolerance: 0.1}}}"
    )
    old, new = load(listed), load(listed, setting)
    found = [name for name in old.methods if old.method(name).space_id("sweep") != new.method(name).space_id("sweep")]
    assert set(found) == changed


def test_losses_that_are_always_means_are_written_as_such(load) -> None:
    space = load("methods={max_min: , mtaf: }")
    assert space.method("max_min").identity("sweep")["training"]["reduction"] == "mean"
    assert space.method("mtaf").identity("sweep")["training"]["reduction"] == "sum"


def test_without_validation_rows_their_share_changes_nothing(load) -> None:
    old, new = load("protocol=paper"), load("protocol=paper", "data.validation=0.3", "data.split_seed=4")
    assert ids(old) == ids(new)


def test_ids_survive_the_resolved_file(load, tmp_path: Path) -> None:
    space = load()
    path = tmp_path / "resolved.yaml"
    path.write_text(dump(space))
    assert ids(load_space(path)) == ids(space)


def test_points_may_only_be_added_at_the_end(load) -> None:
    old = load()
    assert compare(old, load("points=[{fairness_weight: [2, 2]}, {fairness_weight: 1}]")) == []
    assert compare(old, load("points=[{fairness_weight: 1}, {fairness_weight: 2}]")) == [
        "points[0]: {fairness_weight: 2} -> {fairness_weight: 1}"
    ]
    assert compare(old, load("points=[]")) == ["points[0]: {fairness_weight: 2} -> nothing"]


def test_unknown_stages_are_refused(load) -> None:
    with pytest.raises(ValueError, match="stage 'sweeps' is none of tune_baselines, baselines"):
        load().method("mtaf").identity("sweeps")


def test_trial_ids_stay_what_they_are() -> None:
    """Exact values: a change here orphans the rows of every results folder."""
    assert digest({"b": 1, "a": [0.1, "x"]}) == digest({"a": [0.1, "x"], "b": 1})
    first = trial_id("0123456789abcdef", "76543210", "sweep", "mtaf", 0, 0)
    assert first == "78c722d157982e67"
    others = [("points", "mtaf", 0, 0), ("sweep", "vanilla", 0, 0), ("sweep", "mtaf", 1, 0), ("sweep", "mtaf", 0, 1)]
    assert len({first, *(trial_id("0123456789abcdef", "76543210", *other) for other in others)}) == 5
