"""Damages of a finished run and of an exported model, and the commands that read them."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from paretofair.results.files import FAILED
from paretofair.results.table_schema import KEY
from tests.cases.acts import (
    Act,
    _Evil,
    as_file,
    as_folder,
    as_link_outside,
    as_link_to_itself,
    as_link_to_nowhere,
    as_pipe,
    change,
    change_weights,
    cut,
    drop,
    drop_key,
    foreign,
    forget_metadata,
    no_rows,
    put,
    rename_task,
    repeat_rows,
    repeat_with_other_values,
    save_tensors,
    set_key,
    shorten_lists,
    through_pandas,
    write,
)
from tests.cases.attack import COMMANDS, Attack, Ending, carry_out, run_here
from tests.launch.processes import raw

SPACE = """\
name: small
data: {name: german, source: simulated, sensitive: sex}
network: {shared: [8], head: [4], embedding: 3}
training: {batch_size: 128}
parameters: {learning_rate: {uniform: [0.02, 0.1]}, epochs: 2, task_weight: simplex}
methods: {vanilla: }
seeds: [0]
stages:
  baselines: {runs: 2, parameters: {learning_rate: 0.06, epochs: 2}}
  sweep: {trials: 6}
resources: {stack: 3, pack: 3, compile: false}
"""
STACK = "trials/sweep-vanilla-0-0-2.parquet"


@dataclass(frozen=True)
class Damage:
    """What is done to a file or a folder of a finished run, or of an exported model; the sentence names it."""

    name: str
    path: str
    act: Act
    named: bool = True

    def __str__(self) -> str:
        return f"{self.path}: {self.name}"


_TEXTS: dict[str, Act] = {
    "cut in half": cut,
    "empty": write(""),
    "a word": write("no"),
    "a list": write("[]"),
    "a number": write("3"),
    "half a mapping": write("garbage: ["),
    "random bytes": write(bytes(range(256)) * 9),
    "brackets": write("[" * 100_000),
    "a folder": as_folder,
    "a pipe": as_pipe,
    "a link to nowhere": as_link_to_nowhere,
    "a link to itself": as_link_to_itself,
}
_STACKS: dict[str, Act] = {
    "cut in half": cut,
    "empty": write(""),
    "a word": write("no"),
    "random bytes": write(bytes(range(256)) * 9),
    "a Parquet file's beginning alone": write(b"PAR1" + b"\0" * 40 + b"PAR1"),
    "a folder": as_folder,
    "a pipe": as_pipe,
    "a link to nowhere": as_link_to_nowhere,
    "a link to itself": as_link_to_itself,
    "a foreign table": foreign,
    "written again by pandas": through_pandas,
    "shorter lists": shorten_lists,
    "no names": forget_metadata,
    "names that are no JSON": lambda path: pq.write_table(
        pq.read_table(path).replace_schema_metadata({KEY: b"\xff{"}), path
    ),
    "a task that is a path": rename_task("../../../evil"),
    "a task of 300 letters": rename_task("x" * 300),
    "no rows": no_rows,
    "its rows twice": repeat_rows,
    "a trial twice with other values": repeat_with_other_values,
    **{f"no column {name}": drop(name) for name in ("status", "seed", "stage", "method", "trial_id", "index")},
    **{f"no column {name}": drop(name) for name in ("test_error", "confusion_test", "split_id", "data_id")},
    "a status that nobody knows": change(status="well"),
    "a stage that nobody knows": change(stage="dream"),
    "a method that is a path": change(method="../../../evil"),
    "a method of 300 letters": change(method="x" * 300),
    "trials without an id": put("trial_id", None, pa.string()),
    "trials whose ids are paths": put("trial_id", "../../../evil", pa.string()),
    "errors of 31": put("test_error", [31.0, 31.0]),
    "errors that are infinite": put("validation_error", [float("inf"), 0.1]),
    "errors that are words": put("test_error", "high"),
    "counts below 0": put("confusion_test", [-1.0] * 8),
    "seeds of 1e30": put("seed", 1e30),
    "seeds that are words": put("seed", "zero"),
    "indices below 0": put("index", -1),
}
_WEIGHTS: dict[str, Act] = {
    "cut in half": cut,
    "empty": write(""),
    "a folder": as_folder,
    "a pipe": as_pipe,
    "a link to nowhere": as_link_to_nowhere,
    "a foreign table": foreign,
    "all zero": change_weights(np.zeros_like),
    "of other numbers": change_weights(lambda row: row[::-1]),
    "not finite": change_weights(lambda row: row * np.nan),
    "too few": change_weights(lambda row: row[:3]),
    "of another type": change_weights(lambda row: row.astype(np.float64)),
    "not in a row": change_weights(lambda row: row.reshape(1, -1)),
}
_FOLDERS: dict[str, Act] = {"a file": as_file, "a pipe": as_pipe, "a link outside": as_link_outside}

DAMAGES: list[Damage] = [
    *(
        Damage(what, name, act)
        for name in ("environment.json", "failed.json", "space.yaml", "groups.csv", "baselines.csv", ".report.json")
        for what, act in _TEXTS.items()
    ),
    Damage("a list for a mapping deep inside", "environment.json", set_key("trials", value=[])),
    Damage("counts below 0", "environment.json", set_key("trials", value={"sweep": {"vanilla": -1}})),
    Damage("another place", "environment.json", set_key("store", value="s3://elsewhere/run"), named=False),
    Damage("names of others", "failed.json", write('{"../../../x": {"stage": "../x"}}')),
    Damage("files of others", ".report.json", write('["../../outside/bait.txt", "/etc/passwd", "trials"]')),
    Damage("files of others, as a mapping", ".report.json", write('{"files": ["../../outside/bait.txt"]}')),
    Damage("rows of other counts", "groups.csv", write("cell,rows_train\n0,-5\n")),
    *(Damage(what, STACK, act) for what, act in _STACKS.items()),
    *(Damage(what, "models/sweep-vanilla-0-0-2.safetensors", act) for what, act in _WEIGHTS.items()),
    *(
        Damage(what, name, act)
        for name in ("trials", "models", "logs", "frontiers", "tables", "frontiers/vanilla")
        for what, act in _FOLDERS.items()
    ),
    Damage("a folder", ".lock", as_folder, named=False),
    Damage("a pipe", ".lock", as_pipe),
    Damage("a link outside", ".lock", as_link_outside),
    *(Damage(what, "logs/run.log", act) for what, act in {"a folder": as_folder, "a pipe": as_pipe}.items()),
    Damage("a file in the place of damaged ones", "trials/damaged", write("a file")),
    Damage("a folder", "frontiers/all.csv", as_folder),
    Damage("a pipe", "frontiers/all.csv", as_pipe),
    Damage("a link outside", "frontiers/all.csv", as_link_outside),
    Damage("a link outside", "tables/summary.csv", as_link_outside),
    Damage("a link outside", STACK, as_link_outside),
]
_NETWORK = "network"
MODEL_DAMAGES: list[Damage] = [
    *(Damage(what, "model.json", act) for what, act in _TEXTS.items()),
    *(Damage(f"no key {key}", "model.json", drop_key(key)) for key in ("tasks", "network", "encoding", "thresholds")),
    *(Damage(f"no key {key}", "model.json", drop_key(key)) for key in ("format", "fills")),
    *(Damage(f"format {value!r}", "model.json", set_key("format", value=value)) for value in (0, 99, "1", None, True)),
    Damage("a program for a network", "model.json", set_key(_NETWORK, value={"module": "subprocess:call"})),
    Damage(
        "a program for a network, with arguments",
        "model.json",
        set_key(
            _NETWORK,
            value={
                "module": "os:system",
                "inputs": 1,
                "tasks": 1,
                "outputs": 1,
                "arguments": {"command": "touch pwned"},
            },
        ),
    ),
    *(
        Damage(f"network.shared {value!r}", "model.json", set_key(_NETWORK, "shared", value=value))
        for value in ([-1], [10**9], "many", [[8]], [], [8.5])
    ),
    *(Damage(f"tasks {value!r}", "model.json", set_key("tasks", value=value)) for value in ([], "x", [1, 2], ["../x"])),
    *(
        Damage(f"encoding.mean {value!r}", "model.json", set_key("encoding", "mean", value=value))
        for value in ([], ["NaN"], "x", [1e400], None)
    ),
    Damage("encoding.categories []", "model.json", set_key("encoding", "categories", value=[])),
    Damage("thresholds that are words", "model.json", set_key("thresholds", value={"x": "high"})),
    *(
        Damage(what, "weights.pt", act)
        for what, act in {
            "cut in half": cut,
            "empty": write(""),
            "random bytes": write(bytes(range(256)) * 9),
            "a folder": as_folder,
            "a pipe": as_pipe,
            "a link to nowhere": as_link_to_nowhere,
            "a program": write(pickle.dumps(_Evil())),
            "a program, as PyTorch saves it": lambda path: torch.save(_Evil(), path),
            "a list": save_tensors(list),
            "no tensor": save_tensors(lambda _: {}),
            "a tensor too few": save_tensors(lambda state: dict(list(state.items())[1:])),
            "other shapes": save_tensors(lambda state: {name: each.flatten()[:1] for name, each in state.items()}),
            "not finite": save_tensors(lambda state: {name: each * torch.nan for name, each in state.items()}),
            "words": save_tensors(lambda state: dict.fromkeys(state, "many")),
        }.items()
    ),
]

READERS: Mapping[str, tuple[str, ...]] = {
    "sweep": ("sweep", "--space", "small.yaml", "--output", "run"),
    "report": ("report", "run", "--output", "out", "--only", "tables,page"),
    "status": ("status", "run"),
    "export": ("export", "run", "--trial", "TRIAL", "--output", "out"),
    "paretofair.Results": ("paretofair.Results", "run"),
}
assert set(READERS) | {"paretofair.load"} == set(COMMANDS)


def find_answer(reader: str, place: Path, output: str) -> object:
    """What a command has come to: of an undamaged run, and of a damaged one where it ends well, the same."""
    if reader == "sweep":
        rows = raw(place / "run").drop(columns=["train_seconds", "stack_width"], errors="ignore")
        return rows[~rows.index.duplicated()].to_csv()
    if reader == "report":
        found = [path for path in (place / "out").rglob("*.csv") if path.name != "groups.csv"]
        return {str(path.relative_to(place)): path.read_text() for path in found}
    if reader == "export":
        return sum_weights(place / "out")
    if reader == "status":
        return [line for line in output.splitlines() if " old" not in line and "per minute" not in line]
    return output


def sum_weights(folder: Path) -> object:
    """The numbers of an exported model, whose file has the time of its writing in it."""
    state = torch.load(folder / "weights.pt", weights_only=True)
    return {name: tensor.double().sum().item() for name, tensor in state.items()}


@dataclass(frozen=True)
class Finished:
    """A folder with `small.yaml`, its finished `run` and `model`, its trial `trial` as exported; and what each command
    that reads comes to there."""

    folder: Path
    trial: str
    answers: Mapping[str, object] = field(default_factory=dict)


def finish(folder: Path, ray_address: str) -> Finished:
    """Trains the run, exports a trial of it and asks every command for its answer."""
    folder.mkdir()
    (folder / "small.yaml").write_text(SPACE)
    train = Attack("", ("sweep", "--space", "small.yaml", "--output", "run"))
    done = run_here(train, folder, ray_address)
    assert done.code == 0, done.output + done.errors
    trial = pq.read_table(folder / "run" / STACK)["trial_id"][0].as_py()
    done = run_here(Attack("", ("export", "run", "--trial", trial, "--output", "model")), folder, ray_address)
    assert done.code == 0, done.output + done.errors
    found = Finished(folder, trial)
    answers = {}
    for reader in READERS:
        with TemporaryDirectory(dir=folder.parent) as root:
            attack = _read_run(found, reader, None)
            ending, wrong = carry_out(attack, Path(root) / "root", ray_address)
            assert (ending.code, wrong) == (0, []), (reader, wrong, ending)
            answers[reader] = find_answer(reader, Path(root) / "root" / "inside", ending.output)
    return Finished(folder, trial, answers)


def list_damages(finished: Finished, step: int = 1) -> Iterator[Attack]:
    """Every damage, or one in `step`, before every command that reads."""
    for damage in DAMAGES[::step]:
        for reader in READERS:
            yield _read_run(finished, reader, damage)
    for damage in MODEL_DAMAGES[::step]:
        yield Attack(
            f"exported model, {damage}: paretofair.load",
            ("paretofair.load", "model"),
            prepare=partial(_damage_model, finished, damage),
            writes=(),
        )


def _read_run(finished: Finished, reader: str, damage: Damage | None) -> Attack:
    return Attack(
        f"{damage}: {reader}",
        tuple(finished.trial if word == "TRIAL" else word for word in READERS[reader]),
        prepare=partial(_damage, finished, damage),
        ends=(0, 2, 3),
        says=Path(damage.path).stem if damage and damage.named else "",
        # What a run holds is read by every command but its own, which puts aside what is damaged.
        writes=("run", "out") if reader == "sweep" else ("out",),
        check=partial(_check_answer, finished, reader, damage),
    )


def _damage(finished: Finished, damage: Damage | None, place: Path) -> None:
    shutil.copy(finished.folder / "small.yaml", place)
    shutil.copytree(finished.folder / "run", place / "run")
    if damage is not None:
        path = place / "run" / damage.path
        if damage.path == FAILED and not path.exists():
            path.write_text('{"pack": {"stage": "sweep", "method": "vanilla", "reason": "none", "trials": []}}')
        damage.act(path)


def _damage_model(finished: Finished, damage: Damage, place: Path) -> None:
    shutil.copytree(finished.folder / "model", place / "model")
    damage.act(place / "model" / damage.path)


def _check_answer(finished: Finished, reader: str, damage: Damage | None, place: Path, ending: Ending) -> Iterator[str]:
    """Results other than those of the undamaged run, and stacks that are not there any more as they were."""
    known = finished.answers.get(reader)
    if ending.code == 0 and known is not None and find_answer(reader, place, ending.output) != known:
        yield "other results than those of the undamaged run, without a word"
    for path in (finished.folder / "run" / "trials").iterdir():
        here = place / "run" / "trials" / path.name
        touched = damage is not None and damage.path in ("trials", f"trials/{path.name}")
        if path.is_file() and not touched and (not here.is_file() or here.read_bytes() != path.read_bytes()):
            yield f"{path.name} is not there any more as it was"
