"""Command lines and variables of the environment that are wrong, and places that are none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.cases.attack import SECRET, Attack
from tests.cases.wrong.right import DATA, FILES, REPORT, SWEEP, make_trials, show

_COMMANDS: list[tuple[str, ...]] = [
    ("sweep",),
    ("sweep", "--space"),
    ("sweep", "--space", "nowhere.yaml"),
    ("sweep", "--space", "spce.yaml"),
    ("sweep", "--space", "."),
    ("sweep", "--space", ""),
    ("sweep", "--space", "\0"),
    ("sweep", "--space", "x" * 300),
    ("sweep", "--space", "/dev/null", "--output", "out"),
    ("sweep", "--space", "data.csv", "--output", "out"),
    *((*SWEEP, "--trials", each) for each in ("-1", "x", "1.5", "9" * 40, "")),
    *((*SWEEP, "--seeds", each) for each in ("", "x", "0,0", "-1", "1e30", "0,,1", "1000000000")),
    *((*SWEEP, "--methods", each) for each in ("nobody", ",", "", "vanilla,nobody", "../x")),
    *((*SWEEP, "--stack-size", each) for each in ("0", "-5", "abc")),
    *((*SWEEP, "--time-budget", each) for each in ("-1h", "soon", "", "inf", "nan")),
    *((*SWEEP, "--address", each) for each in ("http://head:8265", "head", "127.0.0.1:1", "a:b:c", "127.0.0.1:99999")),
    (*SWEEP, "--address", f"http://me:{SECRET}@head:8265"),
    (*SWEEP, "--nonsense"),
    (*SWEEP, "nonsense"),
    (*SWEEP, "--data-dir", "nowhere", "--set", "data={name: lsac}", "--require-real-data"),
    ("report",),
    ("report", "nowhere"),
    ("report", "."),
    ("report", ""),
    ("report", "\0"),
    ("report", "x" * 300),
    ("report", "/dev/null", "--output", "out"),
    ("report", "/dev/zero", "--output", "out"),
    ("report", "data.csv", "--output", "out"),
    ("report", "space.yaml", "--output", "out"),
    ("report", "table.csv"),
    ("report", "table.csv", "table.csv", "--output", "out", "--only", "nonsense"),
    ("report", "table.csv", "nowhere", "--output", "out"),
    *((*REPORT, "--reference", each) for each in ("1", "a,b", "-1,1", "inf,1", "nan,1", "1,2,3", "")),
    *((*REPORT, "--objectives", each) for each in ("nobody", "../x", "x,nobody")),
    ("status",),
    ("status", "nowhere"),
    ("status", "data.csv"),
    ("status", "x" * 300),
    ("status", "\0"),
    ("status", ".", "--watch", "0"),
    ("status", ".", "--watch", "nan"),
    ("export",),
    ("export", "."),
    ("export", "nowhere", "--trial", "abc"),
    ("export", ".", "--trial", "../../x"),
    ("export", ".", "--rule", "midpoint"),
    ("export", ".", "--rule", "midpoint", "--trial", "a"),
    ("export", "data.csv", "--trial", "a"),
    ("export", "x" * 300, "--trial", "a"),
    ("paretofair.Results",),
    ("paretofair.Results", "nowhere"),
    ("paretofair.Results", "data.csv"),
    ("paretofair.Results", "x" * 300),
    ("paretofair.load", "x" * 300),
    ("paretofair.load", "nowhere"),
    ("paretofair.load", "."),
    ("paretofair.load", "data.csv"),
    ("paretofair.load", "\0"),
]

_VARIABLES: list[tuple[tuple[str, ...], dict[str, str], tuple[int, ...]]] = [
    *((SWEEP, {"RAY_ADDRESS": value}, (2,)) for value in ("http://127.0.0.1:8265", "head", "127.0.0.1:1", "a:b:c:d")),
    *((SWEEP, {"RAY_ADDRESS": f"{scheme}://me:{SECRET}@127.0.0.1:1"}, (2,)) for scheme in ("https", "ray")),
    ((*SWEEP, "--set", "data={name: lsac}", "--require-real-data"), {"PARETOFAIR_DATA": "nowhere"}, (2,)),
    ((*SWEEP, "--set", "data={name: lsac}", "--require-real-data"), {"PARETOFAIR_DATA": "space.yaml"}, (2,)),
    (("report", "table.csv", "--output", "out", "--only", "tables"), {"COLUMNS": "0"}, (0,)),
    (("report", "table.csv", "--output", "out", "--only", "tables"), {"COLUMNS": "wide"}, (0,)),
    (("report", "table.csv", "--output", "out", "--only", "tables"), {"TERM": "\x1b"}, (0,)),
]

_ALONE: list[tuple[str, tuple[str, ...], dict[str, str | None], tuple[int, ...]]] = [
    ("a backend of figures that nobody knows", (*REPORT[:-1], "figures"), {"MPLBACKEND": "nonsense"}, (0, 2)),
    ("no home", REPORT, {"HOME": None, "XDG_CACHE_HOME": None}, (0,)),
    ("a home that is a file", REPORT, {"HOME": "space.yaml", "XDG_CACHE_HOME": None}, (0,)),
    ("output in ASCII", REPORT, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}, (0,)),
    ("the dashboard's address", SWEEP, {"RAY_ADDRESS": f"http://me:{SECRET}@127.0.0.1:8265"}, (2,)),
    ("a folder for Ray that is a file", SWEEP, {"RAY_TMPDIR": "/dev/null"}, (0,)),
]


def list_words() -> Iterator[Attack]:
    """Every wrong command line, variable and place."""
    files = FILES | {"table.csv": make_trials()}
    for words in _COMMANDS:
        yield Attack(" ".join(map(show, words)), words, files)
    for words, variables, ends in _VARIABLES:
        for name, value in variables.items():
            yield Attack(f"{words[0]} with {name}={show(value)}", words, files, environment=variables, ends=ends)
    for name, words, changes, ends in _ALONE:
        yield Attack(f"{words[0]}: {name}", words, files, environment=changes, ends=ends, alone=True)
    yield from _list_outputs()
    yield from _list_no_files()


def _link_output(aim: str) -> Callable[[Path], object]:
    return lambda place: (place / "out").symlink_to(aim)


def _list_outputs() -> Iterator[Attack]:
    """Places to write to that are none."""
    report = ("report", "table.csv", "--only", "tables", "--output")
    for command, files in (("sweep", FILES), ("report", {"table.csv": make_trials()})):
        words = (*SWEEP[:-1],) if command == "sweep" else report
        for place in (
            "space.yaml" if command == "sweep" else "table.csv",
            "/dev/null",
            "/dev/null/x",
            "x" * 300,
            "/proc/x",
        ):
            yield Attack(f"{command}: --output {show(place)}", (*words, place), files)
        yield Attack(f"{command}: --output under a file", (*words, "data.csv/x"), {**files, "data.csv": DATA})
        yield Attack(f"{command}: --output that is a pipe", (*words, "out"), files, lambda at: os.mkfifo(at / "out"))
        yield Attack(f"{command}: --output that is a link to nowhere", (*words, "out"), files, _link_output("nowhere"))
    for url in (f"s3://{SECRET}:{SECRET}@", f"nowhere://me:{SECRET}@host/run", f"https://me:{SECRET}@127.0.0.1:1/run"):
        yield Attack(f"sweep: --output {url.partition(':')[0]} URL", (*SWEEP[:-1], url), FILES)
    yield Attack(
        "sweep: --output at a store that does not answer",
        (*SWEEP[:-1], f"s3://me:{SECRET}@bucket/run?scheme=http&endpoint_override=127.0.0.1:1"),
        FILES,
        writes=("out", "results"),  # its copies
        alone=True,
    )


def _act_on(name: str, act: Callable[[Path], object], place: Path) -> None:
    act(place / name)


def _list_no_files() -> Iterator[Attack]:
    """A pipe, which a reader would wait for, a folder, or a link to nowhere, where a file is expected."""
    for name, words in {"space.yaml": SWEEP, "data.csv": SWEEP, "table.csv": REPORT}.items():
        files = FILES | {"table.csv": make_trials()}
        del files[name]
        for what, act in {
            "a pipe": os.mkfifo,
            "a folder": os.mkdir,
            "a link to nowhere": lambda path: os.symlink("nowhere", path),
            "a link to itself": lambda path: os.symlink(path.name, path),
            "a device": lambda path: os.symlink("/dev/zero", path),
        }.items():
            # What is read without end would take the memory of this process.
            alone = name == "data.csv" and what in ("a pipe", "a device")
            yield Attack(f"{name}: {what}", words, files, partial(_act_on, name, act), alone=alone)
