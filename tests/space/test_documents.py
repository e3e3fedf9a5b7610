"""What stands in a space file and in `--set`: what YAML would misread, files that are no space, overrides."""

import os
from pathlib import Path

import pytest

from paretofair.data import DATASETS
from paretofair.errors import SpaceError
from paretofair.space.space import load_space

from .conftest import EXAMPLE, edit_text


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
