"""A module of the user's own in the space file."""

from __future__ import annotations

import sys
from typing import get_args

import pytest

from paretofair import user_code
from paretofair.errors import SpaceError
from paretofair.models.named import NETWORKS
from paretofair.space.identity import compare
from paretofair.space.schema import Network
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


NAMED = "network={name: resnet18, head: [16], width: 0.5}"
# Nothing but vanilla, which has no weight of fairness.
VANILLA = ("methods={vanilla: }", "parameters={learning_rate: 0.1, epochs: 5}")
ALONE = "methods={vanilla: , mtaf: {network: {shared: [8]}}, per_task: {network: {width: 2}}}"


def test_initial_values_belong_to_the_built_in_network(folder):
    plain, named = (load_space(folder / "space.yaml", [f"network={{shared: [8]{more}}}", *VANILLA])
                    for more in ("", ", initial: tensorflow"))  # fmt: skip
    assert plain.method("vanilla").space_id("sweep") == named.method("vanilla").space_id("sweep")
    other = load_space(folder / "space.yaml", ["network={shared: [8], initial: pytorch}", *VANILLA])
    assert other.method("vanilla").space_id("sweep") != plain.method("vanilla").space_id("sweep")
    (folder / "again.yaml").write_text(dump(other))
    assert load_space(folder / "again.yaml") == other
    with pytest.raises(SpaceError, match="initial is of mlp; found the network cnn"):
        load_space(folder / "space.yaml", ["network={name: cnn, initial: pytorch}", *VANILLA])
    with pytest.raises(SpaceError, match="found 'keras'; accepted: tensorflow, pytorch"):
        load_space(folder / "space.yaml", ["network={initial: keras}", *VANILLA])


def test_networks_by_name(folder):
    space = load_space(folder / "space.yaml", [NAMED, ALONE])
    assert space.network.model_dump() == {"name": "resnet18", "head": (16,), "width": 0.5}
    assert space.method("mtaf").network.model_dump() == {"shared": (8,), "head": (16,), "embedding": 10}
    assert space.method("per_task").network.width == 2
    (folder / "again.yaml").write_text(dump(space))
    assert load_space(folder / "again.yaml") == space
    bare = load_space(folder / "space.yaml", ["network={name: cnn}", *VANILLA])
    assert bare.network.model_dump() == {"name": "cnn", "head": ()}
    # The built-in network has a name as well, which changes no identity.
    old, new = (
        load_space(folder / "space.yaml", [f"network={{{name}shared: [8]}}", *VANILLA]) for name in ("", "name: mlp, ")
    )
    assert old.method("vanilla").space_id("sweep") == new.method("vanilla").space_id("sweep")
    assert "mlp" not in dump(new)


def test_weights_count_by_what_is_in_the_file(folder):
    overrides = ["network={name: cnn, weights: w.pt}", "methods={vanilla: , mtaf: {network: {weights: w.pt}}}"]
    (folder / "w.pt").write_bytes(b"some")
    old = load_space(folder / "space.yaml", overrides)
    assert old.network.weights == str(folder / "w.pt")
    assert old.method("mtaf").network == old.network
    (folder / "again.yaml").write_text(dump(old))
    assert load_space(folder / "again.yaml") == old
    (folder / "v.pt").write_bytes(b"some")
    moved = load_space(folder / "space.yaml", [overrides[0].replace("w.pt", "v.pt"), *VANILLA])
    assert moved.method("vanilla").space_id("sweep") == old.method("vanilla").space_id("sweep")
    (folder / "w.pt").write_bytes(b"other")
    assert any(
        line.startswith("network.digest: ") for line in compare(old, load_space(folder / "space.yaml", overrides))
    )
    with pytest.raises(SpaceError, match="is not the file that the space was written with"):
        load_space(folder / "again.yaml")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("network={name: resnet81}", "network.name: found 'resnet81'; accepted: mlp, cnn, resnet18"),
        ("network={name: cnn, shared: [3]}", "shared is of mlp; found the network cnn"),
        ("network={shared: [3], width: 0.5}", "width is of networks by name"),
        ("network={name: cnn, module: 'own_nets:Net'}", "name and module exclude each other"),
        ("network={name: cnn, width: 0}", "network.width: found 0; must be above 0"),
        ("network={name: cnn, weights: nowhere.pt}", "network.weights: found 'nowhere.pt'; .*No such file"),
    ],
)
def test_mistakes_about_names(folder, override, words):
    with pytest.raises(SpaceError, match=words):
        load_space(folder / "space.yaml", [override, *VANILLA])


def test_the_names_are_those_that_there_are():
    assert get_args(Network.model_fields["name"].annotation) == ("mlp", *NETWORKS)
