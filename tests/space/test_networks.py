"""A module of the user's own in the space file."""

from __future__ import annotations

import sys

import pytest

from paretofair import user_code
from paretofair.errors import SpaceError
from paretofair.space.identity import compare
from paretofair.space.space import dump, load_space

SPACE = """\
name: own
data: {name: lsac}
network: {module: "own_nets:Net", arguments: {hidden: [8, 4]}}
parameters: {learning_rate: 0.1, epochs: 5, fairness_weight: 1}
methods:
  vanilla:
  mtaf: {network: {shared: [8]}}
  per_task: {network: {arguments: {hidden: [5]}}}
stages: {sweep: {trials: 3}}
"""
NETS = "def Net(inputs, tasks, hidden): pass\nnumber = 3\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a space file and a module that no other test has seen."""
    (tmp_path / "own_nets.py").write_text(NETS)
    (tmp_path / "space.yaml").write_text(SPACE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    yield tmp_path
    sys.modules.pop("own_nets", None)
    user_code.load.cache_clear()


def test_settings_of_each_method(folder):
    space = load_space(folder / "space.yaml")
    digest = user_code.digest("own_nets:Net")
    assert (space.network.module, space.network.code) == ("own_nets:Net", digest)
    assert space.method("vanilla").network == space.network == space.baselines.network
    assert (space.method("mtaf").network.module, space.method("mtaf").network.shared) == (None, (8,))
    own = space.method("per_task").network
    assert (own.module, own.arguments, own.code) == ("own_nets:Net", {"hidden": [5]}, digest)


def test_dumped_and_read_back(folder):
    space = load_space(folder / "space.yaml")
    (folder / "again.yaml").write_text(dump(space))
    again = load_space(folder / "again.yaml")
    assert again == space
    assert "shared" not in dump(space).split("methods:")[0]
    for name in space.methods:
        assert again.method(name).space_id("sweep") == space.method(name).space_id("sweep")


def test_changed_code_is_a_changed_space(folder):
    old = load_space(folder / "space.yaml")
    (folder / "own_nets.py").write_text(NETS + "# changed\n")
    new = load_space(folder / "space.yaml")
    assert any(line.startswith("network.code: ") for line in compare(old, new))
    assert old.method("mtaf").space_id("sweep") == new.method("mtaf").space_id("sweep")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("network={module: 'own_nets:Bet'}", "has no 'Bet'"),
        ("network={module: 'own_nets:number'}", "is not callable"),
        ("network={module: 'nowhere:Net'}", "cannot import 'nowhere'"),
        ("network={module: 'own_nets.Net'}", "expected package.module:name"),
        ("network={module: 'own_nets:Net', shared: [3]}", "shared and module exclude each other"),
        ("network={arguments: {a: 3}}", "arguments belongs to a module"),
        ("methods.vanilla.network={module: 'nowhere:Net'}", "methods.vanilla.network.module: cannot import"),
    ],
)
def test_mistakes(folder, override, words):
    with pytest.raises(SpaceError, match=words):
        load_space(folder / "space.yaml", [override])


METHOD = """\
from paretofair.methods import Method, Options
from paretofair.methods.vanilla import Vanilla


class MineOptions(Options):
    power: int = 2


class Mine(Vanilla):
    Options = MineOptions
"""


def test_a_method_of_the_users_own(folder):
    (folder / "own_nets.py").write_text(METHOD)
    own = "methods={vanilla: , mine: {class: 'own_nets:Mine', power: 3}, again: {class: vanilla}}"
    shared = ["network={}", own, "parameters={learning_rate: 0.1, epochs: 5}"]
    space = load_space(folder / "space.yaml", shared)
    mine = space.method("mine")
    assert (mine.kind, mine.options, mine.code) == ("own_nets:Mine", {"power": 3}, user_code.digest("own_nets:Mine"))
    assert space.method("again").kind == "vanilla"
    (folder / "again.yaml").write_text(dump(space))
    assert load_space(folder / "again.yaml") == space
    (folder / "own_nets.py").write_text(METHOD + "# changed\n")
    assert any(
        line.startswith("methods.mine.code: ") for line in compare(space, load_space(folder / "space.yaml", shared))
    )
    changed = load_space(folder / "space.yaml", [*shared, "methods.mine.power=4"])
    assert any("power" in line for line in compare(space, changed))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{class: 'own_nets:Mine', powr: 3}", "methods.mine.powr: unknown key. Did you mean `power`?"),
        ("{class: 'own_nets:Mine', power: high}", "methods.mine.power: found 'high'; expected a whole number"),
        ("{class: 'own_nets:Other'}", "methods.mine.class: "),
        ("{class: 'own_nets:MineOptions'}", "is no subclass of paretofair.methods.Method"),
        ("{class: vanila}", "methods.mine.class: unknown method. Did you mean `vanilla`?"),
        ("{class: max_min, penalty_split: holdout}", "max_min has no penalty that could be held out"),
    ],
)
def test_mistakes_about_methods(folder, entry, words):
    (folder / "own_nets.py").write_text(METHOD)
    with pytest.raises(SpaceError) as error:
        load_space(folder / "space.yaml", ["network={}", f"methods={{mine: {entry}}}", "parameters.fairness_weight=1"])
    assert words in str(error.value)
