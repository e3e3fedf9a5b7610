"""The space file: what it accepts, what it says about everything else, and that `dump` is read back alike."""

import os
import pickle
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from paretofair.data import DATASETS
from paretofair.errors import SpaceError
from paretofair.methods import METHODS, Method, Parameter
from paretofair.sampling.distributions import Fixed, Simplex, Uniform, draw
from paretofair.space.identity import compare
from paretofair.space.schema import FixedThreshold
from paretofair.space.space import Space, dump, load_space

from .conftest import EXAMPLE, edit_text

SPACES = sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))
SMALLEST = """\
name: small
data: {name: lsac}
parameters: {learning_rate: 0.1, epochs: 5, fairness_weight: 1}
methods: {mtaf: , vanilla: }
stages: {sweep: {trials: 3}}
"""


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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[0.01, 0.3]", "[0.3, 0.01]", "space.yaml:9: parameters.learning_rate: empty range [0.3, 0.01]; the first"),
        ("[20, 40, 60]", "{uniform: [1, 9]}", "space.yaml:10: parameters.epochs: takes whole numbers; write {int"),
        ("epochs: [20", "epoch: [20", "space.yaml:10: parameters.epoch: no listed method reads it. Did you mean `epo"),
        ("name: example\n", "", "space.yaml:1: name: required, but not given"),
        ("name: example", "name: a/b", "space.yaml:1: name: found 'a/b'; accepted: letters, digits, _ and -"),
        ("name: example", "name: 5", "space.yaml:1: name: found 5; expected text"),
        ("protocol: validation", "protocol: test", "found 'test'; accepted: validation, paper."),
        ("protocol: validation", "protocl: paper", "space.yaml:2: protocl: unknown key. Did you mean `protocol`?"),
        ("name: lsac", "name: lsca", f"space.yaml:3: data.name: found 'lsca'; accepted: {', '.join(DATASETS)}."),
        ("name: lsac", "csv: {path: a.csv}", "space.yaml:3: data.csv.tasks: required, but not given"),
        ("validation: 0.2", "validation: 0.6", "data.validation: found 0.6; must be at most 0.5"),
        ("validation: 0.2", "validation: 0", "data.validation: found 0; must be above 0"),
        ("validation: 0.2", "validation: .nan", "data.validation: found .nan; "),
        ("validation: 0.2", "validation: '0.2'", "data.validation: found '0.2'; expected a number"),
        ("sensitive: sex", "sensitive: gender", "data.sensitive: found 'gender'; accepted: sex, race, sex_x_race."),
        ("sensitive: sex", "sensitive: 5", "data.sensitive: found 5; expected an attribute, or a mapping"),
        ("sensitive: sex", "sensitive: {pass_bar: sex}", "data.sensitive: names no attribute for high_grade"),
        ("sensitive: sex", "sensitive: {pass: sex}", "data.sensitive.pass: no task of the data set. Did you mean"),
        ("[race, sex_x", "[rase, sex_x", "data.audit[0]: found 'rase'; accepted: sex, race, sex_x_race. Did you mean"),
        ("[race, sex_x", "[race, race, sex_x", "data.audit: 'race' stands in the list more than once"),
        ("shared: [32]", "shared: []", "network.shared: found []; needs at least 1"),
        ("shared: [32]", "shared: [32, 0]", "network.shared[1]: found 0; must be at least 1"),
        ("shared: [32]", "shared: 32", "network.shared: found 32; expected a list"),
        ("head: [16]", "head: [16.0]", "network.head[0]: found 16.0; expected a whole number"),
        ("optimizer: adagrad", "optimizer: adagrd", "accepted: adagrad, adam, adamw, sgd. Did you mean `adagrad`?"),
        ("batch_size: 512", "batchsize: 512", "training.batchsize: unknown key. Did you mean `batch_size`?"),
        ("distance: correlation", "distance: mdd", "accepted: correlation, mmd, fpr_gap, differential. Did you"),
        ("goal: fpr", "goal: fpr, hard: true", "fairness: hard is a setting of distance fpr_gap; found distance corr"),
        ("goal: fpr", "goal: fpr, bandwidth: 0.2", "fairness: bandwidth is a setting of distance mmd"),
        ("goal: fpr", "goal: fpr, hard: 1", "fairness.hard: found 1; expected true or false"),
        ("goal: fpr", "goal: parity", "space.yaml:6: fairness.goal: mtaf has no exclusive rows under goal: parity"),
        (
            "threshold: base_rate",
            "threshold: per_group",
            "threshold: thresholds by group are the method th",
        ),
        ("threshold: base_rate", "threshold: {fixed: 2}", "threshold: found fixed: 2; expected a number between 0 a"),
        (
            "threshold: base_rate",
            "threshold: half",
            "threshold: found 'half'; accepted: base_rate, least_error, {fixed",
        ),
        ("simplex", "[0.5, 0.5]", "parameters.task_weight: found [0.5, 0.5], which would be a choice; expected `simp"),
        ("{uniform: [0, 5]}", "{uniform: [-1, 5]}", "parameters.fairness_weight: found -1; must be at least 0"),
        ("{uniform: [0, 5]}", "", "parameters.fairness_weight: found nothing; expected a number"),
        ("head_ratio:", "head_ration:", "methods.mtaf.parameters.head_ration: no parameter of mtaf. Did you mean `he"),
        ("vanilla:", "vanilla: {parameters: {head_ratio: 1}}", "methods.vanilla.parameters.head_ratio: no parameter"),
        ("vanilla:", "vanilla: {fairness: {goal: tpr}}", "methods.vanilla.fairness.goal: vanilla does not read it"),
        ("per_task:", "per_task: {network: {heads: []}}", "methods.per_task.network.heads: unknown key. Did you mean"),
        ("per_task:", "per_task: {data: {name: lsac}}", "methods.per_task.data: unknown key."),
        ("per_task:", "per_task: {training: {batch_size: 0}}", "methods.per_task.training.batch_size: found 0; must"),
        ("per_task:", "pertask:", "space.yaml:15: methods.pertask: unknown method. Did you mean `per_task`?"),
        (
            "per_task:",
            "per/task:",
            "space.yaml:15: methods.per/task: found 'per/task'; accepted: letters, digits, _",
        ),
        ("per_task:", "single_task:", "methods.single_task: the baselines stage runs it; see stages.baselines"),
        ("seeds: [0, 1, 2]", "seeds: [0, 1, 1]", "seeds: 1 stands in the list more than once"),
        ("seeds: [0, 1, 2]", "seeds: [1000000]", "seeds[0]: found 1000000; must be at most 999999"),
        ("seeds: [0, 1, 2]", "seeds: []", "seeds: found []; needs at least 1"),
        ("seeds: [0, 1, 2]", "seeds: 0", "seeds: found 0; expected a list"),
        ("fairness_weight: 2,", "weight: 2,", "points[0].weight: no parameter of any method."),
        ("[0.5, 0.5]", "0.5", "space.yaml:20: points[0].task_weight: found 0.5; the tasks share 1, so give a list"),
        ("[0.5, 0.5]", "[0.5, 0.6]", "points[0].task_weight: the values sum to 1.1; they must sum to 1"),
        ("head_ratio: 1}", "head_ratio: -1}", "points[0].head_ratio.high_grade: found -1; must be at least 0"),
        ("trials: 2000", "trials: -1", "stages.sweep.trials: found -1; must be at least 0"),
        ("runs: 10", "runs: 0", "stages.baselines.runs: found 0; must be at least 1"),
        ("epochs: 60", "epochs: [0]", "stages.baselines.parameters.epochs[0]: found 0; must be at least 1"),
        ("runs: 10", "tune: {}", "stages.baselines.tune: every parameter of the baselines is one number; remove this"),
        ("epochs: 60}", "epochs: [2]}, tune: {runs: 0}", "stages.baselines.tune.runs: found 0; must be at least 1"),
        (", epochs: 60", ", epochs: 60, task_weight: 1", "baselines.parameters.task_weight: no parameter of the ba"),
        ("high_grade, all", "high_grades", "frontiers.objectives[1]: found 'high_grades'; accepted: arfg_are, high_"),
        ("high_grade, all]", "all], reference_point: {are: 0}", "frontiers.reference_point.are: found 0; must be ab"),
        ("gpus: 0.5", "gpus: -1", "resources.gpus: found -1; must be at least 0"),
        ("pack: 256", "pack: 0", "resources.pack: found 0; must be at least 1"),
        ("training: {", "training:\nunused: {", "training: found nothing; expected a mapping"),
    ],
)
def test_a_problem_is_told_with_place_found_and_accepted(refusal, old: str, new: str, message: str) -> None:
    assert message in refusal((old, new))


def test_a_shared_parameter_that_only_other_methods_read(refusal) -> None:
    message = refusal(("{mtaf: , vanilla: }", "{vanilla: }"), text=SMALLEST)
    assert message == (
        "space.yaml:3: parameters.fairness_weight: no listed method reads it. "
        "Read by: per_task, mtaf, eor, gcm, transfer, pseudo_groups. Accepted: epochs, learning_rate, task_weight, "
        "weight_decay"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("protocol: validation", "protocol: yes", "space.yaml:2: protocol: YAML reads yes as true or false; write tr"),
        ("[20, 40, 60]", "[20, off]", "parameters.epochs[1]: YAML reads off as true or false"),
        ("0.08", "8e-2", "parameters.learning_rate: YAML reads 8e-2 as text; write 8.0e-2 or 0.08"),
        ("trials: 2000", "trials: 1e3", "stages.sweep.trials: YAML reads 1e3 as text; write 1.0e+3 or 1000"),
        (
            "trials: 2000",
            "trials: 1e400",
            "stages.sweep.trials: YAML reads 1e400 as text, and it is larger than any number",
        ),
        ("batch_size: 512", "batch_size: 0512", "training.batch_size: YAML does not read 0512 as it looks; write a p"),
        ("batch_size: 512", "batch_size: 8:32", "YAML does not read 8:32 as it looks"),
        ("name: example", "name: 2021-03-09", "name: YAML reads 2021-03-09 as timestamp; quote it"),
        ("name: example", "name: !!python/name:os.system x", "name: YAML reads x as "),
        ("seeds: [0, 1, 2]", "seeds: [0]\nseeds: [1]", "space.yaml:18: seeds: given twice, on lines 18 and 19"),
        ("vanilla:", "no:", "methods.no: YAML reads this key as bool, not as text; quote it"),
        ("vanilla:", "5:", "methods.5: YAML reads this key as int, not as text; quote it"),
        ("head_ratio: 1}", "head_ratio: &a [*a]}", "an alias to a value that contains it"),
        ("vanilla:", "<<: 5", "methods: `<<` merges mappings only"),
    ],
)
def test_what_yaml_would_misread(refusal, old: str, new: str, message: str) -> None:
    assert message in refusal((old, new))


def test_anchors_and_merges(write) -> None:
    text = edit_text(
        ("training: {optimizer: adagrad, batch_size: 512}", "training: &t {batch_size: 64, reduction: mean}"),
        ("per_task:", "per_task: {training: {<<: *t, batch_size: 32}}"),
    )
    training = load_space(write(text)).method("per_task").training
    assert (training.batch_size, training.reduction) == (32, "mean")


def test_thousands_may_have_underscores(write) -> None:
    assert load_space(write(edit_text(("2000", "20_000")))).stages.sweep.trials == 20_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty; a space file needs name, data, parameters, methods and stages"),
        (b"# nothing\n", "empty"),
        (b"- 1\n", ":1: found [1]; expected a mapping"),
        (b"name: x\nseeds: [1\nb: 2\n", ":3:2: not YAML: "),
        (b"name: x\n\tdata: y\n", ":2:1: not YAML: a tab; YAML indents with spaces"),
        (b"name: x\ndata: \xff\n", ":2: not UTF-8 (byte 0xff); save the file as UTF-8"),
        (b"name: *x\n", ":1:7: not YAML: found undefined alias"),
        (b"name: x\n---\nname: y\n", ":2:1: not YAML: found another document"),
        (b"name: \x01\n", "not YAML: special characters are not allowed"),
        (b"[" * 5000, "nested too deeply"),
    ],
)
def test_files_that_are_no_space(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_bytes(content)
    with pytest.raises(SpaceError) as caught:
        load_space(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_paths_that_are_no_file(tmp_path: Path) -> None:
    (tmp_path / "mtaf_lsac.yaml").touch()
    with pytest.raises(SpaceError, match=r"mtaf_lsca.yaml: no such file; did you mean .*mtaf_lsac.yaml\?"):
        load_space(tmp_path / "mtaf_lsca.yaml")
    with pytest.raises(SpaceError, match="a folder; a space is one YAML file"):
        load_space(tmp_path)
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(SpaceError, match=r"pipe.yaml: a pipe or a device; expected a file"):
        load_space(tmp_path / "pipe.yaml")
    with pytest.raises(SpaceError, match="cannot be read: File name too long"):
        load_space(tmp_path / f"{'x' * 300}.yaml")
    with pytest.raises(SpaceError, match="cannot be read: embedded null byte"):
        load_space("a\0b")


def test_all_problems_are_listed_in_the_order_of_the_file(refusal) -> None:
    message = refusal(
        ("name: example", "name: a b"),
        ("protocol: validation", "protocol: on"),
        ("[0.01, 0.3]", "[3, 1]"),
        ("head_ratio:", "head_ration:"),
        ("0.5, 0.5", "0.5"),
        ("trials: 2000", "trials: many"),
    )
    assert [line.split(": ")[1] for line in message.splitlines()] == [
        "name",
        "protocol",
        "parameters.learning_rate",
        "methods.mtaf.parameters.head_ration",
        "points[0].task_weight",
        "stages.sweep.trials",
    ]


def test_at_most_ten_problems_are_listed(refusal) -> None:
    lines = refusal(("seeds: [0, 1, 2]", f"seeds: {['x'] * 13}")).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "and 3 more"


def test_overrides(write) -> None:
    path = write(EXAMPLE)
    space = load_space(
        path,
        [
            "stages.sweep.trials=50",
            "stages.confirm.runs=2",
            "methods.mtaf.fairness.distance=mmd",
            "parameters.epochs={integer: [1, 5]}",
            "points=[]",
            "seeds=[7]",
        ],
    )
    assert (space.stages.sweep.trials, space.stages.confirm.runs) == (50, 2)
    assert (space.method("mtaf").fairness.distance, space.fairness.distance) == ("mmd", "correlation")
    assert (space.points, space.seeds) == ((), (7,))
    assert list(load_space(path, ["methods={vanilla: , mtaf: }"]).methods) == ["vanilla", "mtaf"]
    assert load_space(path, ["seeds=[7]", "seeds=[8]"]).seeds == (8,)
    assert load_space(write(EXAMPLE.replace("2000", "1e3")), ["stages.sweep.trials=5"]).stages.sweep.trials == 5


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("stages.swep.trials=5", "stages.swep: unknown key. Did you mean `sweep`?"),
        ("stages.sweep.trails=5", "stages.sweep.trails: unknown key. Did you mean `trials`?"),
        ("stages.sweep.trials=1e3", "stages.sweep.trials: YAML reads 1e3 as text; write 1.0e+3 or 1000"),
        ("stages.sweep.trials=-1", "stages.sweep.trials: found -1; must be at least 0"),
        ("methods.mtaf.fairness.distnce=mmd", "methods.mtaf.fairness.distnce: unknown key. Did you mean `distance`?"),
        ("data.name=adlt", f"data.name: found 'adlt'; accepted: {', '.join(DATASETS)}. Did you mean `adult`?"),
        ("name.first=x", "name is 'example'; it has no keys of its own"),
        ("stages.sweep.trials", "expected key.path=value, such as stages.sweep.trials=50"),
        ("stages..trials=5", "expected key.path=value"),
        ("=5", "expected key.path=value"),
        (f"{'a.' * 99}b=5", "found 100 keys in one another; accepted: at most 50"),
        ("seeds=[1", "not YAML"),
    ],
)
def test_overrides_are_named_in_their_problems(refusal, setting: str, message: str) -> None:
    words = refusal(overrides=(setting,))
    assert words.startswith(f"--set {setting}")
    assert message in words
    assert "space.yaml" not in words


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
