"""The space file: what a method sees of it, and that `dump` is read back alike."""

import pickle
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from paretofair.errors import SpaceError
from paretofair.methods import METHODS, Method, Parameter
from paretofair.sampling.distributions import Fixed, Simplex, Uniform, draw
from paretofair.space.identity import compare
from paretofair.space.schema import FixedThreshold
from paretofair.space.space import Space, dump, load_space

from .conftest import EXAMPLE, SMALLEST, edit_text

SPACES = sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))


@pytest.fixture
def example(write) -> Space:
    return load_space(write(EXAMPLE))


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_every_space_file_loads_and_round_trips(path: Path, write) -> None:
    space = load_space(path)
    assert space.name == path.stem
    assert load_space(write(dump(space))) == space


def test_published_sizes() -> None:
    paths = {path.stem: path for path in SPACES}
    laptop, paper = load_space(paths["mtaf_lsac"]), load_space(paths["mtaf_lsac_paper"])
    assert (laptop.protocol, laptop.stages.sweep.trials) == ("validation", 2000)
    assert (paper.protocol, paper.stages.sweep.trials, paper.stages.confirm) == ("paper", 20_000, None)
    assert paper.stages.tune.settings * paper.stages.tune.trials == 50_000


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        SMALLEST,
        edit_text(("threshold: base_rate", "threshold: {fixed: 0.25}")),
        edit_text(("name: example", "name: '1e3'")),
        edit_text(("name: example", "name: 'on'")),
        edit_text(("[0.01, 0.3]", "[1.0e-9, 1.0e+16]")),
        edit_text(("vanilla:", "vanilla: {network: {head: []}, threshold: {fixed: 0.5}}")),
        edit_text(("[20, 40, 60]", "&e [20, 40]"), ("{uniform: [0, 5]}", "*e")),
    ],
)
def test_dump_reads_back_to_an_equal_space(text: str, write) -> None:
    space = load_space(write(text))
    text = dump(space)
    again = load_space(write(text))
    assert again == space
    assert dump(again) == text
    assert [again.method(name) for name in again.methods] == [space.method(name) for name in space.methods]


def test_a_space_travels_to_workers(example: Space) -> None:
    assert pickle.loads(pickle.dumps(example)) == example


def test_defaults(write) -> None:
    space = load_space(write(SMALLEST))
    assert space.protocol == "validation"
    assert (space.data.source, space.data.validation, space.data.split_seed) == ("auto", 0.2, 0)
    assert (space.data.sensitive, space.data.audit) == ("sex", ())
    assert (space.network.shared, space.network.head, space.network.embedding) == ((32,), (16,), 10)
    training = space.training
    assert (training.initial_accumulator, training.batch_size, training.reduction) == (0.1, 512, "sum")
    assert space.method("mtaf").loss_settings.bandwidth == 0.1
    assert (space.fairness.distance, space.fairness.goal, space.fairness.hard) == ("correlation", "fpr", False)
    assert (space.threshold, space.seeds, space.points) == ("base_rate", tuple(range(8)), ())
    assert (space.stages.baselines.runs, space.stages.confirm) == (10, None)
    assert space.frontiers.gap == "fpr_gap"
    assert tuple(each.name for each in space.frontiers.objectives) == (
        "arfg_are",
        "high_grade",
        "pass_bar",
        "accuracies",
        "all",
    )
    assert (space.frontiers.reference_point.arfg, space.frontiers.reference_point.are) == (1.5, 1.1)
    assert (space.resources.cpus, space.resources.gpus, space.resources.pack) == (1, 0, None)
    assert space.method("mtaf").parameters["head_ratio"] == {"high_grade": Fixed(1.0), "pass_bar": Fixed(1.0)}
    assert space.method("mtaf").parameters["task_weight"] == {
        "high_grade": Fixed(0.5),
        "pass_bar": Fixed(0.5),
    }
    assert space.baselines.parameters == {"learning_rate": Fixed(0.1), "epochs": Fixed(5)}


def test_a_method_sees_what_it_reads(example: Space) -> None:
    assert set(example.method("vanilla").parameters) == {"learning_rate", "epochs", "task_weight"}
    assert set(example.method("mtaf").parameters) == {
        "learning_rate",
        "epochs",
        "task_weight",
        "fairness_weight",
        "head_ratio",
    }
    assert example.method("vanilla").parameters["task_weight"] == Simplex()
    assert example.method("mtaf").sensitive == {"high_grade": "sex", "pass_bar": "sex"}
    assert example.baselines.parameters == {"learning_rate": Fixed(0.08), "epochs": Fixed(60)}
    with pytest.raises(KeyError):
        example.method("single_task")


def test_own_settings_replace_shared_ones_key_by_key(write) -> None:
    own = (
        "per_task:",
        "per_task: {network: {head: [8, 8]}, training: {batch_size: 64}, fairness: {goal: odds},"
        " threshold: {fixed: 0.5}, parameters: {fairness_weight: {uniform: [0, 1]}}}",
    )
    space = load_space(write(edit_text(own)))
    view = space.method("per_task")
    assert (view.network.shared, view.network.head) == ((32,), (8, 8))
    assert (view.training.batch_size, view.training.optimizer) == (64, "adagrad")
    assert (view.fairness.distance, view.fairness.goal) == ("correlation", "odds")
    assert view.threshold == FixedThreshold(fixed=0.5)
    assert view.parameters["fairness_weight"] == dict.fromkeys(space.tasks, Uniform(0.0, 1.0))
    assert space.method("mtaf").network.head == (16,)
    assert space.method("mtaf").threshold == "base_rate"


def test_another_distance_starts_from_its_own_defaults(write) -> None:
    text = edit_text(
        ("distance: correlation", "distance: mmd, bandwidth: 0.3"),
        ("per_task:", "per_task: {fairness: {distance: fpr_gap, hard: true}}"),
    )
    space = load_space(write(text))
    assert space.method("per_task").fairness.model_dump() == {
        "distance": "fpr_gap",
        "goal": "fpr",
        "hard": True,
        "bandwidth": 0.1,
    }
    assert space.method("mtaf").fairness.bandwidth == 0.3


def test_points_take_centres_where_they_give_nothing_and_drop_what_a_method_lacks(example: Space) -> None:
    (point,) = example.method("mtaf").points
    assert point == {
        "learning_rate": pytest.approx(np.sqrt(0.003)),
        "epochs": 40,
        "task_weight_high_grade": 0.5,
        "task_weight_pass_bar": 0.5,
        "fairness_weight_high_grade": 2.0,
        "fairness_weight_pass_bar": 2.0,
        "head_ratio_high_grade": 1.0,
        "head_ratio_pass_bar": 1.0,
    }
    (point,) = example.method("vanilla").points
    assert set(point) == {"learning_rate", "epochs", "task_weight_high_grade", "task_weight_pass_bar"}


def test_methods_share_their_draws(example: Space) -> None:
    drawn = {
        name: draw(example.method(name).parameters, example.tasks, seed=1, first=0, last=50) for name in example.methods
    }
    for name in ("vanilla", "per_task"):
        for column, values in drawn[name].items():
            np.testing.assert_array_equal(values, drawn["mtaf"][column])
    assert len(drawn["mtaf"]) == 8


def key_paths(value: object, path: tuple = ()) -> list[tuple]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for key, item in items for inner in key_paths(item, (*path, key)))]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "mtaf", "sex", "simplex", "\t"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["uniform", "pass_bar", "mtaf", "csv", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.sampled_from(key_paths(yaml.safe_load(EXAMPLE))[1:]), anything)
@settings(max_examples=300)
def test_whatever_stands_in_a_file_it_loads_or_is_refused(path: tuple, value: object) -> None:
    data = yaml.safe_load(EXAMPLE)
    parent = data
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "space.yaml"
        file.write_text(yaml.safe_dump(data, sort_keys=False))
        try:
            space = load_space(file)
        except SpaceError:
            return
        file.write_text(dump(space))
        assert load_space(file) == space


class Tempered(Method):
    parameters = (
        Parameter("temperature", low=0, default=1),
        Parameter("layers", low=1, integer=True, default=2),
        Parameter("task_weight", per_task=True, low=0, high=1, sums_to_one=True),
    )
    reads = ("reduction",)


@dataclass(frozen=True)
class Source:
    tasks: tuple[str, ...] = ("a", "b", "c")
    attributes: tuple[str, ...] = ("age", "race", "sex")
    options: None = None
    files_in_options: tuple = ()

    @property
    def kinds(self) -> dict[str, str]:
        return dict.fromkeys(self.tasks, "binary")

    @property
    def group_names(self) -> dict[str, tuple[str, ...]]:
        return dict.fromkeys(self.attributes, ("one", "other"))


def test_other_methods_and_data_sets(write) -> None:
    text = """\
name: other
data: {name: mine, audit: [age_x_sex, age_x_race_x_sex]}
parameters: {learning_rate: 0.1, epochs: 5}
methods: {tempered: }
points: [{}, {layers: 3, task_weight: [1, 0, 0]}]
stages: {sweep: {trials: 3}}
"""
    known = {"methods": {**METHODS, "tempered": Tempered}, "datasets": {"mine": Source()}}
    space = load_space(write(text), **known)
    assert space.tasks == ("a", "b", "c")
    assert space.data.sensitive == "age"
    view = space.method("tempered")
    assert view.parameters["temperature"] == Fixed(1.0)
    assert [point["layers"] for point in view.points] == [2, 3]
    assert [point["task_weight_b"] for point in view.points] == [pytest.approx(1 / 3), 0.0]
    drawn = draw(view.parameters, view.tasks, seed=0, first=0, last=2)
    assert drawn["layers"].dtype == np.int64
    assert load_space(write(dump(space)), **known) == space


def test_methods_that_decide_by_different_rules_are_told(write) -> None:
    same = load_space(write(edit_text(("threshold: base_rate", "threshold: least_error"))))
    assert same.advice(list(same.methods)) == []
    space = load_space(write(edit_text(("vanilla:", "vanilla: {threshold: least_error}"))))
    (words,) = space.advice(list(space.methods))
    assert words.startswith("Methods decide by different rules (vanilla least_error, per_task base_rate)")
    fixed = load_space(write(edit_text(("vanilla:", "vanilla: {threshold: {fixed: 0.4}}"))))
    assert "(vanilla fixed 0.4, per_task base_rate)" in fixed.advice(list(fixed.methods))[0]
    assert space.advice(["vanilla"]) == []


def test_labels_name_what_there_is(write, refusal) -> None:
    text = "labels: {high_grade: good grades, mtaf: ours, auc: area, sex_x_race: both, Female: women}\nmethods:\n"
    space = load_space(write(edit_text(("methods:\n", text))))
    assert space.labels["high_grade"] == "good grades"
    assert load_space(write(dump(space))) == space
    unknown = "no task, attribute, group, method or metric of this name."
    said = refusal(("methods:\n", "labels: {high_grad: good grades, nothing: at all}\nmethods:\n"))
    assert f"labels.high_grad: {unknown} Did you mean `high_grade`?" in said
    assert f"labels.nothing: {unknown}" in said
    said = refusal(("methods:\n", 'labels: {mtaf: "a\\nb", auc: ""}\nmethods:\n'))
    assert "labels.mtaf: found 'a\\nb', which has a line break or another control character in it" in said
    assert "labels.auc: found '', an empty name" in said


def test_labels_change_no_trial(write) -> None:
    text = "labels: {high_grade: good grades}\nmethods:\n"
    plain, labelled = load_space(write(EXAMPLE)), load_space(write(edit_text(("methods:\n", text))))
    assert plain.method("mtaf").identity("sweep") == labelled.method("mtaf").identity("sweep")
    assert compare(plain, labelled) == []
