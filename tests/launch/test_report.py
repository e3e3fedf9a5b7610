"""`launch/report.py` as a user runs it: on a run, several, tables made elsewhere, and on what is none of these."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretofair.cli.report import main
from paretofair.report.output import MANIFEST
from tests.stacks import change_rows

from ..report.page_run import make_run
from .conftest import call, run

TABLES = ("summary", "per_task", "hypervolume", "volumes", "comparison", "dominance", "optimism", "selected")


def report(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Calls `report` in this process."""
    return call(main, *arguments, cwd=cwd)


def table(path: Path, splits: tuple[str, ...] = ("validation", "test"), seed: int = 0, **more: object) -> Path:
    """A small table made elsewhere: two methods, two seeds, two tasks."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"method": ["a", "b"] * 8, "seed": np.arange(16) // 2 % 2})
    for name in (f"{split}_{metric}_{task}" for split in splits for metric in ("error", "fpr_gap") for task in "xy"):
        frame[name] = random.uniform(0.1, 0.3, 16)
    path.parent.mkdir(exist_ok=True)
    frame.assign(**more).to_csv(path, index=False)
    rows = [f"{task},{split},{metric},0.2" for task in "xy" for split in ("validation", "test")
            for metric in ("error", "fpr_gap")]  # fmt: skip
    (path.parent / "baselines.csv").write_text("\n".join(["task,split,metric,mean", *rows]))
    return path


def files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST
    }


def test_everything_of_a_run(tmp_path):
    make_run(tmp_path / "run", 60)
    before = files(tmp_path / "run")
    done = run(tmp_path / "run", "--wide", script="report.py")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    for line, method in zip(lines, ("vanilla", "mtaf"), strict=False):
        assert line.startswith(f"{method}: 30 trials, hypervolume 0.")
        assert ", of the same points on test 0." in line
    assert "SIMULATED data: these numbers say nothing about real people." in lines
    assert f"written to {tmp_path / 'run'}:" in lines
    written = files(tmp_path / "run") - before
    counts = [int(line.rpartition("(")[2].split()[0]) for line in lines if line.endswith(" files)")]
    assert sum(counts) == len(written)
    assert {"report.html", "wide.parquet", "confirm.csv", "figures/captions.md", "tables/summary.tex"} <= written
    assert {f"tables/{name}.csv" for name in TABLES} <= written
    volume = pd.read_csv(tmp_path / "run" / "tables" / "volumes.csv").set_index("method")["hypervolume"]
    assert lines[0].split("hypervolume ")[1].split(",")[0] == f"{volume['vanilla']:.4f}"


def test_a_part_and_other_objectives(tmp_path):
    path, out = table(tmp_path / "in" / "t.csv"), tmp_path / "out"
    assert report(path, "--output", out, "--only", "tables").returncode == 0
    assert {"frontiers/a/y.csv", "frontiers/b/all.csv", "audit.csv"} & files(out) == {
        "frontiers/a/y.csv",
        "frontiers/b/all.csv",
    }
    arguments = ("--only", "tables", "--objectives", "arfg_are,x", "--reference", "2,1.5")
    assert report(path, "--output", out, *arguments).returncode == 0
    fronts = {f"frontiers/{method}/{name}.csv" for method in "ab" for name in ("arfg_are", "x")}
    tables = {f"tables/{name}.csv" for name in TABLES}
    assert files(out) == fronts | tables | {"frontiers/all.csv", "baselines.csv", "findings.md"}
    assert set(pd.read_csv(out / "tables" / "hypervolume.csv")["reference_arfg"]) == {2.0}


def test_methods_that_are_told_apart(tmp_path):
    """A line for each, with where to read what differs."""
    make_run(tmp_path / "one", 20)
    make_run(tmp_path / "other", 20, prefix="u")
    for name in ("one", "other"):
        path = tmp_path / name / "trials" / "sweep.parquet"
        change_rows(path, space_id=name)
    done = report("one", "other", "--output", "both", "--only", "tables", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for method in ("mtaf", "vanilla"):
        words = f"{method}@one (one/space.yaml), {method}@other (other/space.yaml)"
        assert f"{method} was trained in different ways: {words}" in done.stdout.splitlines()
    assert (tmp_path / "both" / "frontiers" / "mtaf@other" / "all.csv").exists()


def test_tables_made_elsewhere(tmp_path):
    """Of test columns alone, and with numbers for methods."""
    path = table(tmp_path / "in" / "paper.csv", splits=("test",), protocol="paper")
    done = report(path, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(pd.read_csv(tmp_path / "out" / "tables" / "selected.csv")["selected_on"]) == {"test"}
    paths = [table(tmp_path / "in" / f"{name}.csv", seed=name, method=[1, 2] * 8) for name in (1, 2)]
    done = report(*paths, "--output", tmp_path / "both", "--only", "tables")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"1 was trained in different ways: 1@1 ({paths[0]}), 1@2 ({paths[1]})" in done.stdout.splitlines()


def test_help_has_examples():
    done = run("--help", script="report.py")
    assert done.returncode == 0
    assert "python launch/report.py results/mtaf_lsac --only figures" in done.stdout
    assert "Exit codes: 0 done, 1 a failure of the program, 2 wrong input" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere does not exist; give the results folder"),
        (["in"], "in holds no trial table; give the results folder"),
        (["empty"], "empty has no finished trials yet"),
        (["in/short.csv", "--output", "out"], "in/short.csv has no column validation_fpr_gap_x, test_error_x"),
        (["in/none.csv", "--output", "out"], "in/none.csv: not a readable CSV file"),
        (["in/t.csv"], "--output is needed for several runs, and for tables made elsewhere"),
        (["in/t.csv", "--output", "file"], "--output file: file is a file; give a folder"),
        (["in/t.csv", "--output", "file/under/it"], "--output file/under/it: file is a file; give a folder"),
        (["in/t.csv", "--output", "x" * 300], f"--output {'x' * 300} cannot be written: File name too long"),
        (["in/t.csv", "--output", "/proc/nowhere"], "--output /proc/nowhere cannot be written: "),
        (["x" * 300], f"{'x' * 300} does not exist; give the results folder of a sweep, or a table"),
        (["in/t.csv", "--output", "out", "--objectives", "z"], "objectives: found 'z'; accepted: arfg_are, x, y, "),
        (["in/t.csv", "--output", "out", "--wide"], "the wide table needs groups.csv and the counts"),
    ],
)
def test_wrong_input(tmp_path, arguments, words):
    table(tmp_path / "in" / "t.csv")
    (tmp_path / "in" / "short.csv").write_text("method,validation_error_x\na,0.1\n")
    (tmp_path / "in" / "none.csv").write_text("")
    (tmp_path / "file").write_text("")
    (tmp_path / "empty" / "trials").mkdir(parents=True)
    done = report(*arguments, "--only", "tables", cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: {words}")
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: RUN"),
        (["run", "--only", "plots"], "found 'plots'; accepted: tables, latex, figures, page"),
        (["run", "--reference", "1"], "found '1'; expected two numbers, as in 1.5,1.1"),
        (["run", "--reference", "0,1"], "found '0,1'; expected two numbers above 0"),
    ],
)
def test_wrong_options(arguments, words):
    done = report(*arguments)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
