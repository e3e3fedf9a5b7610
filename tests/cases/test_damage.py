"""Damaged results folders: one sentence that names the file, nothing lost, nothing written elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy

import paretofair
from paretofair.cli.export import main as export
from paretofair.cli.report import main as report
from paretofair.cli.status import main as status
from paretofair.cli.sweep import main as sweep
from paretofair.results import TrialTable
from tests.cases.acts import (
    as_folder,
    as_pipe,
    change,
    change_weights,
    cut,
    drop,
    foreign,
    forget_metadata,
    no_rows,
    put,
    repeat_with_other_values,
    shorten_lists,
    through_pandas,
    write,
)
from tests.cases.damages import SPACE, STACK
from tests.stacks import read_rows

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("damage")
    (folder / "small.yaml").write_text(SPACE)
    paretofair.sweep(folder / "small.yaml", folder / "run", quiet=True)
    return folder / "run"


@pytest.fixture
def run(finished, tmp_path) -> Path:
    shutil.copy(finished.parent / "small.yaml", tmp_path)
    return Path(shutil.copytree(finished, tmp_path / "run"))


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.name not in (".lock", "run.log")
    }


def read_all(run: Path, capsys, *, trial: str = "0") -> dict[str, tuple[int, str]]:
    """What the reading commands end with, and what they say."""
    found = {}
    for name, work in {
        "report": lambda: report([str(run), "--only", "tables,page", "--output", str(run.parent / "out")]),
        "status": lambda: status([str(run)]),
        "export": lambda: export([str(run), "--trial", trial, "--output", str(run.parent / "model")]),
    }.items():
        code = work()
        said = capsys.readouterr()
        assert "Traceback" not in said.err + said.out, (name, said.err)
        found[name] = code, said.err
    return found


GARBAGE = [cut, as_folder, as_pipe, foreign, through_pandas, shorten_lists, forget_metadata]
GARBAGE += [drop(name) for name in ("status", "seed", "stage", "method", "trial_id")]
GARBAGE += [drop("data_id"), drop("test_error"), drop("confusion_test"), put("confusion_test", [-1.0] * 8)]
GARBAGE += [put("test_error", [31.0, 31.0]), put("validation_error", [float("inf"), 0.1])]
GARBAGE += [write(""), write("no"), change(status="well"), change(stage="dream"), no_rows, put("index", -1)]
GARBAGE += [change(method=name) for name in ("../../../evil", "x" * 300, "")]


@pytest.mark.parametrize("damage", GARBAGE)
def test_a_damaged_stack_is_named(run, capsys, damage):
    damage(run / STACK)
    before = snapshot(run)
    for name, (code, said) in read_all(run, capsys).items():
        assert code == 2, name
        assert f"{STACK}: " in said, (name, said)
        assert len(said.strip().splitlines()) == 1
    assert snapshot(run) == before


def test_one_trial_with_two_values_is_named(run, capsys):
    repeat_with_other_values(run / STACK)
    for name, (code, said) in read_all(run, capsys).items():
        assert (code, "stands in several files with other values" in said) == (2, True), name


def test_tables_that_say_the_same_in_other_types_are_read(run):
    path, before = run / STACK, TrialTable(run).read()
    table = pq.read_table(path)
    for name, kind in {"method": pa.large_string(), "stage": pa.large_string(), "seed": pa.float64()}.items():
        place = table.schema.names.index(name)
        table = table.set_column(place, name, table[name].cast(kind))
    pq.write_table(table, path)
    pd.testing.assert_frame_equal(TrialTable(run).read(), before)


@pytest.mark.parametrize("damage", [cut, write(""), write("[]"), write("garbage: ["), write("3"), as_folder, as_pipe])
@pytest.mark.parametrize("name", ["environment.json", "failed.json", "space.yaml", "groups.csv"])
def test_a_damaged_file_of_a_run_is_named(run, capsys, name, damage):
    path = run / name
    path.write_text(path.read_text() if path.exists() else '{"p": {"stage": "sweep"}}')
    damage(path)
    before = snapshot(run)
    ends = read_all(run, capsys)
    if damage in (cut, as_pipe):
        code = sweep(["--space", str(run.parent / "small.yaml"), "--output", str(run)])
        ends["sweep"] = code, capsys.readouterr().err
        assert "Traceback" not in ends["sweep"][1]
    assert any(code for code, _ in ends.values()) or name == "groups.csv"
    for command, (code, said) in ends.items():
        assert code in (0, 2, 3), command
        if code == 2 and "no trial with the id" not in said and "several trials" not in said:
            assert name in said, (command, said)
    after = snapshot(run)
    assert all(after[path] == content for path, content in before.items() if path.parent.name == "trials")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "task,split,metric,mean\nx,test,error,no\n"])
def test_damaged_baselines_beside_a_table_are_named(tmp_path, capsys, text):
    names = [f"{split}_{metric}_x" for split in ("validation", "test") for metric in ("error", "fpr_gap")]
    pd.DataFrame({"method": ["m"], **dict.fromkeys(names, 0.1)}).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "baselines.csv").write_text(text)
    assert report([str(tmp_path / "t.csv"), "--output", str(tmp_path / "out"), "--only", "tables"]) == 2
    assert "baselines.csv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("column", "value"),
    [("test_error_x", 31), ("test_error_x", -1), ("validation_fpr_gap_x", np.inf), ("seed", 1e30), ("seed", -1)],
)
def test_impossible_values_in_tables_made_elsewhere_are_named(tmp_path, capsys, column, value):
    names = [f"{split}_{metric}_x" for split in ("validation", "test") for metric in ("error", "fpr_gap")]
    table = pd.DataFrame({"method": ["m"], "seed": [0.0], **dict.fromkeys(names, 0.1)})
    table.assign(**{column: [value]}).to_csv(tmp_path / "t.csv", index=False)
    assert report([str(tmp_path / "t.csv"), "--output", str(tmp_path / "out"), "--only", "tables"]) == 2
    assert f"column {column}, row 1: found" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_report_leaves_what_it_reads_and_what_it_has_not_written(tmp_path, capsys):
    own = tmp_path / "own"
    own.mkdir()
    names = [f"{split}_{metric}_x" for split in ("validation", "test") for metric in ("error", "fpr_gap")]
    pd.DataFrame({"method": ["m"], **dict.fromkeys(names, 0.1)}).to_csv(own / "t.csv", index=False)
    alone = [("x", split, metric, 0.1) for split in ("validation", "test") for metric in ("error", "fpr_gap")]
    pd.DataFrame(alone, columns=["task", "split", "metric", "mean"]).to_csv(own / "baselines.csv", index=False)
    (own / "audit.csv").write_text("mine\n")
    before = snapshot(own)
    for _ in range(2):
        assert report([str(own / "t.csv"), "--output", str(own), "--only", "tables"]) == 0
        assert {path: snapshot(own)[path] for path in before} == before
    assert (own / "frontiers" / "all.csv").exists()
    shutil.move(own / "t.csv", own / "audit.csv")
    assert report([str(own / "audit.csv"), "--output", str(own), "--only", "tables"]) == 0


@pytest.mark.parametrize("name", [".lock", "frontiers/vanilla", "baselines.csv", "environment.json", "logs"])
def test_links_are_never_followed_when_writing(run, tmp_path, capsys, name):
    aim = tmp_path / "aim"
    if (run / name).is_dir():
        shutil.rmtree(run / name)
        aim.mkdir()
    else:
        (run / name).rename(aim)
    (run / name).symlink_to(aim)
    before = {path: path.read_bytes() for path in [aim, *aim.rglob("*")] if path.is_file()}
    assert sweep(["--space", str(tmp_path / "small.yaml"), "--output", str(run)]) == 2
    assert "is a symbolic link, which is not followed" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in [aim, *aim.rglob("*")] if path.is_file()} == before


def test_weights_that_do_not_give_the_metrics_of_the_table_are_refused(run, capsys):
    path = sorted((run / "models").glob("sweep-*.safetensors"))[0]
    trial = next(iter(safetensors.numpy.load(path.read_bytes())))
    change_weights(np.zeros_like)(path)
    assert export([str(run), "--trial", trial]) == 2
    assert f"the weights of trial {trial} give" in capsys.readouterr().err
    assert not (run / "exported").exists()
    change_weights(lambda row: row[:3])(path)
    assert export([str(run), "--trial", trial]) == 2
    assert "are not those of its network" in capsys.readouterr().err
    for damage in (cut, foreign, as_folder):
        damage(path)
        assert export([str(run), "--trial", trial]) == 2
        assert str(path.name) in capsys.readouterr().err


def test_a_sweep_puts_damaged_stacks_aside_and_trains_them_again(run, finished, capsys):
    cut(run / STACK)
    shorten_lists(run / "trials" / "sweep-vanilla-0-3-5.parquet")
    assert sweep(["--space", str(run.parent / "small.yaml"), "--output", str(run)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("It is put aside") == 2
    assert len(list((run / "trials" / "damaged").iterdir())) == 2
    found, expected = (
        read_rows(sorted((folder / "trials").glob("*.parquet"))).set_index("trial_id").sort_index()
        for folder in (run, finished)
    )
    pd.testing.assert_frame_equal(found.drop(columns="train_seconds"), expected.drop(columns="train_seconds"))


def test_what_rests_on_damaged_stacks_is_trained_from_those_that_take_their_place(run, capsys):
    """Also the denominators of ARE and ARFG, without which no frontier would be confirmed."""
    damaged = [*(run / "trials").glob("baselines-*"), run / STACK]
    for path in damaged:
        cut(path)
    more = ["--set", "stages.confirm.runs=1"]
    assert sweep(["--space", str(run.parent / "small.yaml"), "--output", str(run), *more]) == 0
    assert " ".join(capsys.readouterr().out.split()).count("It is put aside") == len(damaged) > 1
    results = paretofair.Results(run)
    confirmed = results.trials.loc[results.trials["stage"] == "confirm", "confirms"]
    assert set(confirmed) == set(results.frontier("arfg_are")["trial_id"])
