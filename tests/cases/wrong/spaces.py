"""Space files and overrides that are wrong, and names that are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from tests.cases.attack import SECRET, Attack
from tests.cases.wrong.right import DATA, FILES, REPORT, SWEEP, edit, make_trials, show

_EDITS: list[tuple[str, Any]] = [
    *(("name", value) for value in ("a/b", "", "../x", 5, None, "x" * 300, ".hidden", "a b", ["x"], "a\nb", "ü")),
    *(("data", value) for value in (None, [], "lsac", {"name": "nobody"}, {"name": ["lsac"]}, {"csv": {}})),
    ("data__csv__path", "no.csv"),
    ("data__csv__path", "."),
    ("data__csv__path", "\0"),
    ("data__csv__path", "x" * 300),
    ("data__csv__path", 7),
    ("data__csv__path", f"s3://{SECRET}:{SECRET}@bucket/a.csv"),
    *(("data__csv__tasks", value) for value in ({}, [], {"x": "three"}, {"x": "one >"}, {"x": "__import__('os')"})),
    *(("data__csv__tasks", value) for value in ({"x": "one > (" * 100}, {"x": {"column": "one", "kind": "os:system"}})),
    *(("data__csv__tasks", value) for value in ({"x": "sex"}, {"x": 1}, {"x": {"column": "one", "kind": "count"}})),
    *(("data__csv__sensitive", value) for value in ({}, None, {"sex": "gender"}, {"sex": 3}, {"sex": {"column": []}})),
    ("data__csv__sensitive", {"sex": {"column": "age", "bins": [3, 1]}}),
    ("data__csv__sensitive", {"sex": {"column": "age", "bins": [float("nan")]}}),
    ("data__csv__sensitive", {"sex": {"column": "sex", "groups": {"f": ""}}}),
    ("data__csv__sensitive", {"sex": {"column": "sex", "groups": {"q": "nobody"}}}),
    *(("data__csv__separator", value) for value in ("", ",,", "\n", 5)),
    *(("data__csv__test", value) for value in (0, 1, -0.3, "half", float("inf"), 1e-9)),
    ("data__csv__test_seed", -1),
    ("data__csv__split", "age"),
    ("data__csv__split", "nowhere"),
    ("data__csv__weights", "sex"),
    ("data__csv__keep_together", "nowhere"),
    ("data__csv__inputs", {"exclude": ["age", "one", "two", "sex"]}),
    ("data__csv__inputs", {"numeric": ["sex"]}),
    *(("network__shared", value) for value in ([], [0], [-4], 4, ["4"], [10**12], [4.5], None)),
    *(("network__module", value) for value in ("os:system", "nowhere:Net", "a b", "../x:Net", 5)),
    ("network__embedding", -1),
    ("network__embedding", 10**12),
    *(("training__batch_size", value) for value in (0, -5, 1.5, "many", float("nan"))),
    ("training__optimizer", "adagrd"),
    ("training__steps", 10**15),
    ("fairness", {"distance": "mmd", "bandwidth": 0}),
    ("threshold", {"fixed": 2}),
    *(("parameters__learning_rate", value) for value in (-1, "fast", {"uniform": [1, 0]}, {"uniform": [0]})),
    *(("parameters__learning_rate", value) for value in (float("inf"), float("nan"), {"log": [0, 1]}, [], {})),
    *(("parameters__epochs", value) for value in (0, -1, 1.5, [], 10**40, {"uniform": [1, 9]})),
    ("parameters__task_weight", "simplx"),
    ("parameters__temperature", 1),
    *(("methods", value) for value in ({}, None, ["vanilla"], {"nobody": None}, {"os:system": None}, "vanilla")),
    ("methods", {"x": {"class": "os:system"}}),
    ("methods", {"x": {"class": "nowhere.at.all:Method"}}),
    *(("seeds", value) for value in ([], [-1], [0, 0], ["a"], [1e30], 0, [10**30], [True], None, [[0]])),
    ("stages", None),
    *(("stages__sweep__trials", value) for value in (-1, "many", 1.5, 10**30, None, True)),
    *(("stages__sweep__sampler", value) for value in ("nobody", "os:system", {"name": "tpe", "batch": 0}, [])),
    ("stages__sweep__successive_halving", {"bracket": 1, "rungs": [1]}),
    ("stages__baselines__runs", 0),
    ("stages__tune", {"parameters": ["epoch"], "settings": 1, "trials": 1}),
    ("stages__confirm__runs", -1),
    ("frontiers__objectives", ["nobody"]),
    ("frontiers__objectives", [{"name": "../x", "of": ["error", "fpr_gap"]}]),
    ("frontiers__gap", "nobody"),
    ("frontiers__reference_point", {"arfg": -1}),
    ("constraints", ["arfg <"]),
    ("constraints", ["__import__('os').system('true') < 1"]),
    ("metrics", {"own": {"function": "os:system", "direction": "minimise"}}),
    ("metrics", {"own": {"function": "nowhere:f", "direction": "minimise"}}),
    ("curves", {"stages": ["confirm"], "every": 0}),
    ("points", [{"method": "nobody"}]),
    *(("resources__stack", value) for value in (0, -5, "abc", [1], True)),
    *(("resources__cpus", value) for value in (0, -1, "all", float("inf"))),
    ("resources__pack", 0),
    ("resources__checkpoint", "soon"),
    ("protocol", "test"),
    ("nonsense", 1),
]

_BOMB = "".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10))
BOMB = f"a0: &a0 [x, x, x, x, x, x, x, x, x]\n{_BOMB}"
_MERGES = "x0: &x0 {a: 1}\n" + "".join(
    f"x{level}: &x{level} {{<<: [{', '.join([f'*x{level - 1}'] * 9)}]}}\n" for level in range(1, 9)
)
_TEXTS: list[tuple[str, bytes]] = [
    ("an empty file", b""),
    ("comments alone", b"# nothing\n"),
    ("a list", b"- 1\n- 2\n"),
    ("a word", b"hello"),
    ("brackets that stay open", b"[" * 5000),
    *((f"mappings {depth} deep", b"{a: " * depth + b"1" + b"}" * depth) for depth in (60, 120, 200, 300, 2000)),
    ("zero bytes", b"\0" * 4096),
    ("random bytes", bytes(range(256)) * 20),
    ("UTF-16", FILES["space.yaml"].encode("utf-16")),
    ("latin letters in another encoding", b"name: \xff\xe4\n"),
    ("a tab", b"name: x\n\tdata: y\n"),
    ("two documents", b"name: x\n---\nname: y\n"),
    ("an alias of nothing", b"name: *x\n"),
    ("an alias to itself", b"name: &a [*a]\n"),
    ("a bomb of aliases", BOMB.encode()),
    ("a bomb of merges", _MERGES.encode()),
    ("a tag of Python", b"name: !!python/object/apply:os.system ['touch pwned']\n"),
    ("a key that is a list", b"? [a, b]\n: 1\n"),
    ("a key of 100,000 letters", b"x" * 100_000 + b": 1\n"),
    ("a number of 100,000 digits", b"name: x\nseeds: [" + b"9" * 100_000 + b"]\n"),
    ("a key twice", b"name: x\nname: y\n"),
    ("a CSV file", DATA.encode()),
    ("17 MiB", b"# " + b"x" * (17 << 20)),
]  # fmt: skip

_OVERRIDES = [
    *("", "=", "a", "=5", "a.b.c=1", "stages..trials=5", "name.first=x", "seeds=[1", "stages.sweep.trials=1e3"),
    *("name=", "name=../x", f"name={'x' * 1000}", "seeds=[0,0]", "data=", "methods.vanilla=5"),
    *("methods.x=", "a=&x [*x]"),
    *("parameters.epochs=!!python/name:os.system x", "resources.stack=[1]", "stages.sweep.trials=\0", "name=\ud800"),
    *("data.csv.tasks.x=../x", "a" * 1000 + "=1", ".".join("a" * 3000) + "=1"),
]  # fmt: skip

HOSTILE = [
    *("", " ", ".", "..", "../../../x", "/etc/passwd", "a/b", "a\\b", "C:\\x", ".hidden", "a\nb", "a\rb", "\0"),
    "\u2028",
    *("x" * 300, "\u202ex", "\ud800", "\x1b[31m"),
]  # fmt: skip
# Strange, and no mistake: they must neither break anything nor be taken for markup or mathematics.
_ODD = ["$\\frac{x$", "[/b]", "[red]", "=1+1", "<script>alert(1)</script>", "%s%n", "{0}", "größer", "日本", "-x", "~"]


def list_spaces() -> Iterator[Attack]:
    """Every wrong space file, override and name."""
    for key, value in _EDITS:
        files = FILES | {"space.yaml": edit(**{key: value})}
        yield Attack(f"space: {key.replace('__', '.')}: {show(value)}", SWEEP, files)
    for name, text in _TEXTS:
        yield Attack(f"space: {name}", SWEEP, FILES | {"space.yaml": text})
    for setting in _OVERRIDES:
        yield Attack(f"--set {show(setting)}", (*SWEEP, "--set", setting), FILES)
    yield from _list_names()


def _list_names() -> Iterator[Attack]:
    """Names that are no names, and odd ones, of everything that a user may name."""
    roles: dict[str, Callable[[str], dict[str, Any]]] = {
        "task": lambda name: {"data__csv__tasks": {name: "one", "y": "two"}},
        "attribute": lambda name: {"data__csv__sensitive": {name: "sex"}},
        "method": lambda name: {"methods": {name: {"class": "vanilla"}}},
        "set of objectives": lambda name: {"frontiers__objectives": [{"name": name, "of": ["error", "fpr_gap"]}]},
    }
    for (role, change), name in product(roles.items(), HOSTILE):
        files = FILES | {"space.yaml": edit(**change(name))}
        yield Attack(f"{role} {show(name)}", (*SWEEP, "--dry-run"), files)
    for (role, change), name in product(roles.items(), _ODD):
        files = FILES | {"space.yaml": edit(**change(name))}
        yield Attack(f"{role} {show(name)}, odd", (*SWEEP, "--dry-run"), files, ends=(0, 2))
    for name in _ODD:
        files = {"table.csv": make_trials().replace("_x", f"_{name}")}
        yield Attack(f"task of a table {show(name)}, odd", (*REPORT[:-2],), files, ends=(0, 2))
