"""`launch/sweep.py` end to end, through a real local Ray."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretofair.cli.sweep import main as sweep_main
from paretofair.pareto.fronts import non_dominated
from tests.stacks import read_rows

from .conftest import SMOKE, SPACE, call, command, environment, run
from .processes import TIMEOUT

pytestmark = pytest.mark.ray


def table(folder: Path) -> pd.DataFrame:
    """Every row of every file of the trial table, in order of trial."""
    rows = read_rows(sorted((folder / "trials").glob("*.parquet")))
    return rows.sort_values(["stage", "method", "seed", "index"]).reset_index(drop=True)


def assert_same_trials(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Equal but for the time that trials took."""
    pd.testing.assert_frame_equal(
        found.drop(columns="train_seconds"), expected.drop(columns="train_seconds"), check_like=True
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The results folder of one undisturbed smoke run on simulated data."""
    folder = tmp_path_factory.mktemp("run") / "results"
    done = run("--space", SPACE, *SMOKE, "--output", folder, "--set", "data.source=simulated")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SIMULATED data" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    return folder


def test_every_stage_is_in_the_table(finished):
    trials = table(finished)
    assert trials["trial_id"].is_unique
    counts = trials.groupby(["stage", "method"]).size()
    assert counts["baselines", "single_task"] == 4
    for method in ("vanilla", "per_task", "mtaf"):
        assert counts["points", method] == 1
        assert counts["sweep", method] == 6
        assert counts["confirm", method] >= 2
    assert set(trials["source"]) == {"simulated"}
    assert set(trials["status"]) == {"completed"}
    assert (trials["epochs_trained"] == trials["epochs"]).all()
    # Paired comparison: methods share weights trial by trial.
    sweep = trials[trials["stage"] == "sweep"].set_index(["method", "index"])
    for column in ("task_weight_pass_bar", "fairness_weight_high_grade", "learning_rate"):
        np.testing.assert_array_equal(sweep.loc["per_task", column], sweep.loc["mtaf", column])
    assert np.isnan(sweep.loc["vanilla", "fairness_weight_high_grade"]).all()


def test_headline_columns_follow_from_the_counts(finished):
    trials, cells = table(finished), pd.read_csv(finished / "groups.csv")
    row = trials[trials["stage"] == "sweep"].iloc[0]
    for split in ("train", "validation", "test"):
        counts = np.array(row[f"confusion_{split}"], dtype=float).reshape(2, len(cells), 6)
        np.testing.assert_array_equal(counts[0, :, :4].sum(1), cells[f"rows_{split}"])
        for t, task in enumerate(("high_grade", "pass_bar")):
            tp, fp, tn, fn = counts[t, :, :4].sum(0)
            assert row[f"{split}_error_{task}"] == pytest.approx((fp + fn) / (tp + fp + tn + fn))
            rates = [
                counts[t][cells["sex"] == sex][:, 1].sum() / counts[t][cells["sex"] == sex][:, 1:3].sum()
                for sex in ("Female", "Male")
            ]
            assert row[f"{split}_fpr_gap_signed_{task}"] == pytest.approx(rates[0] - rates[1])
            assert row[f"{split}_fpr_gap_{task}"] == pytest.approx(abs(rates[0] - rates[1]))


def test_frontiers_follow_from_the_table(finished):
    trials = table(finished)
    baselines = pd.read_csv(finished / "baselines.csv").set_index(["split", "metric", "task"])["mean"]
    single = trials[trials["stage"] == "baselines"]
    own = single[single["task_weight_pass_bar"] == 1]["test_error_pass_bar"]
    assert baselines["test", "error", "pass_bar"] == pytest.approx(own.mean())
    searched = trials[trials["stage"].isin(["points", "sweep"])]
    everything = pd.read_csv(finished / "frontiers" / "all.csv")
    assert set(everything["objectives"]) == {"arfg_are", "high_grade", "pass_bar", "accuracies", "all"}
    for method, group in searched.groupby("method"):
        relative = {}
        for name, metric in (("arfg", "fpr_gap"), ("are", "error")):
            ratios = [
                group[f"validation_{metric}_{task}"] / baselines["validation", metric, task]
                for task in ("high_grade", "pass_bar")
            ]
            relative[name] = sum(ratios) / 2
        points = np.stack([relative["arfg"], relative["are"]], 1)
        expected = group["trial_id"][non_dominated(points)]
        front = pd.read_csv(finished / "frontiers" / method / "arfg_are.csv")
        assert set(front["trial_id"]) == set(expected)
        assert front["validation_arfg"].is_monotonic_increasing
        assert set(front["selected_on"]) == {"validation"}
        assert set(front["source"]) == {"simulated"}
        assert (front["confirmed_runs"] == 2).all()
        confirmed = trials[trials["confirms"] == front["trial_id"].iloc[0]]
        ratio = confirmed["test_error_high_grade"] / baselines["test", "error", "high_grade"]
        other = confirmed["test_error_pass_bar"] / baselines["test", "error", "pass_bar"]
        assert front["confirmed_are_mean"].iloc[0] == pytest.approx(((ratio + other) / 2).mean())
    assert set(pd.read_csv(finished / "tables" / "summary.csv")["method"]) == {"vanilla", "per_task", "mtaf"}
    environment_file = json.loads((finished / "environment.json").read_text())
    assert environment_file["data"]["source"] == "simulated"


def test_the_same_command_again_trains_nothing(finished, sweep):
    before = {path: path.stat().st_mtime_ns for path in (finished / "trials").iterdir()}
    done = sweep("--space", SPACE, *SMOKE, "--output", finished, "--set", "data.source=simulated")
    assert done.returncode == 0
    assert "nothing new" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in (finished / "trials").iterdir()} == before


def test_what_changes_results_is_refused(finished, sweep):
    common = ("--space", SPACE, *SMOKE, "--output", finished)
    done = sweep(*common, "--set", "data.source=simulated", "--set", "network.shared=[16]")
    assert done.returncode == 2
    assert "network.shared: [32] -> [16]" in done.stderr
    done = sweep(*common, "--set", "data.source=simulated", "--set", "methods.mtaf.fairness.distance=mmd")
    assert done.returncode == 2
    assert "methods.mtaf.fairness.distance: 'correlation' -> 'mmd'" in done.stderr


@pytest.mark.real_data
def test_real_data_do_not_extend_a_simulated_run(finished, sweep):
    done = sweep("--space", SPACE, *SMOKE, "--output", finished, "--require-real-data")
    assert done.returncode == 2
    assert "simulated" in done.stderr


@pytest.mark.real_data
def test_killed_and_resumed_equals_undisturbed(tmp_path, sweep):
    """SIGKILL in the middle; the same command; every finished row once, and the same table on real data. Then a run
    is extended by trials; Ctrl-C and SIGTERM leave a resumable run."""
    arguments = ["--space", SPACE, *SMOKE, "--require-real-data"]
    assert sweep(*arguments, "--output", tmp_path / "whole").returncode == 0
    folder = tmp_path / "killed"
    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(
            command(*arguments, "--output", folder),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        # Workers of a killed driver may write a stack more: it counts from where this one has begun.
        assert any("Stop it with" in line for line in process.stdout), process.communicate()
        already = len(list(folder.glob("trials/*.parquet")))
        deadline = time.monotonic() + TIMEOUT
        while len(list(folder.glob("trials/*.parquet"))) < already + 2:
            assert time.monotonic() < deadline, "no trial finished"
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=TIMEOUT)
        if number != signal.SIGKILL:
            assert process.returncode == 130, errors
            assert "same command goes on" in errors
        kept = table(folder)
        assert 0 < len(kept) < len(table(tmp_path / "whole"))
    done = sweep(*arguments, "--output", folder)
    assert done.returncode == 0, done.stderr
    assert_same_trials(table(folder), table(tmp_path / "whole"))
    assert set(kept["trial_id"]) <= set(table(folder)["trial_id"])
    for name in ("frontiers/all.csv", "baselines.csv", "tables/summary.csv"):
        assert (folder / name).read_text() == (tmp_path / "whole" / name).read_text()

    more = [*arguments, "--trials", "8", "--seeds", "0,1", "--output", folder]
    done = sweep(*more)
    assert done.returncode == 0, done.stderr
    sizes = table(folder).query("stage == 'sweep'").groupby(["method", "seed"]).size()
    assert (sizes == 8).all()
    assert len(sizes) == 6


@pytest.mark.parametrize("background", [False, True])
def test_a_run_says_how_it_is_stopped(tmp_path, ray_address, background):
    """A shell without job control starts a background job with SIGINT ignored."""
    arguments = command(*LONGER, "--output", tmp_path / "out")
    ignoring = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
    process = subprocess.Popen(
        [*ignoring, *arguments] if background else arguments,
        env=environment(RAY_ADDRESS=ray_address),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    said = next((line for line in process.stdout if line.startswith("Stop it with")), "")
    way = f"`kill {process.pid}`" if background else "Ctrl-C"
    assert said == f"Stop it with {way}; the same command goes on from there.\n", process.communicate()
    process.send_signal(signal.SIGTERM if background else signal.SIGINT)
    output, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130, output + errors
    assert "same command goes on" in errors


@pytest.mark.real_data
def test_the_paper_protocol_at_smoke_size(tmp_path, sweep):
    """No validation, frontiers chosen on test and pooled, every trial its own initial weights."""
    space = SPACE.with_name("mtaf_lsac_paper.yaml")
    done = sweep(
        *("--space", space, "--trials", 4, "--output", tmp_path, "--require-real-data"),
        *("--set", "parameters.epochs=1"),
        *("--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 1}}"),
        *("--set", "stages.tune.settings=2", "--set", "stages.tune.trials=2"),
    )
    assert done.returncode == 0, done.stderr
    trials = table(tmp_path)
    assert set(trials["protocol"]) == {"paper"}
    tuned = pd.read_csv(tmp_path / "tuned.csv")
    assert tuned.groupby("method")["trials"].sum().to_dict() == dict.fromkeys(("vanilla", "per_task", "mtaf"), 4)
    assert trials[trials["stage"] == "sweep"].groupby("method")["learning_rate"].nunique().eq(1).all()
    assert not [name for name in trials if name.startswith("validation_")]
    front = pd.read_csv(tmp_path / "frontiers" / "mtaf" / "arfg_are.csv")
    assert set(front["selected_on"]) == {"test"}
    assert set(front["protocol"]) == {"paper"}


def test_time_budget_finishes_cleanly(tmp_path, sweep):
    done = sweep(
        *("--space", SPACE, *SMOKE, "--output", tmp_path, "--set", "data.source=simulated", "--time-budget", "1s")
    )
    assert done.returncode == 0, done.stderr
    left = int(re.search(r"(\d+) trials are still to be trained", done.stdout)[1])
    assert left > 0


def test_a_time_budget_that_ends_before_the_first_trial(tmp_path):
    done = call(
        *(sweep_main, "--space", SPACE, *SMOKE, "--output", tmp_path, "--set", "data.source=simulated"),
        *("--time-budget", "0s", "--set", "resources.engine=process", "--set", "resources.compile=true"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ trials are still to be trained", done.stdout)
    assert list((tmp_path / "trials").glob("*.parquet")) == []


def test_dry_run_starts_nothing(tmp_path, sweep):
    done = sweep("--space", SPACE, "--dry-run", "--output", tmp_path / "none", "--set", "data.source=simulated")
    assert done.returncode == 0, done.stderr
    assert "20,000" in done.stdout
    assert not (tmp_path / "none").exists()


def test_help_has_examples():
    done = run("--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--space", "no/such.yaml"], "no/such.yaml"),
        (["--space", SPACE, "--set", "fairness.distanse=mmd"], "distance"),
        (["--space", SPACE, "--methods", "vanila"], "vanilla"),
        (["--space", SPACE, "--trials", "-3"], "trials"),
        (["--space", SPACE, "--time-budget", "soon"], "90s, 30m or 1h30m"),
        (["--space", SPACE, "--time-budget", "1h30"], "90s, 30m or 1h30m"),
        (["--space", SPACE, "--require-real-data", "--data-dir", "{empty}"], "lsac_arl_train.csv"),
        (["--space", SPACE, "--data-dir", "{wrong}"], "SHA-256"),
        (["--space", SPACE, "--set", "resources.cpus=1000"], "a pack needs 1000 CPUs"),
    ],
)
def test_wrong_input_is_one_screen_and_code_2(tmp_path, sweep, arguments, message):
    (tmp_path / "empty").mkdir()
    wrong = tmp_path / "wrong" / "lsac"
    wrong.mkdir(parents=True)
    for name in ("lsac_arl_train.csv", "lsac_arl_test.csv"):
        (wrong / name).write_text("zfygpa\n1\n")
    arguments = [str(argument).format(empty=tmp_path / "empty", wrong=tmp_path / "wrong") for argument in arguments]
    done = sweep(*arguments, "--output", tmp_path / "out", PARETOFAIR_DATA="", HOME=str(tmp_path))
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 25
    assert not (tmp_path / "out" / "trials").exists()


@pytest.mark.slow
def test_changed_points_are_refused_whatever_ran_between(tmp_path, sweep):
    """Also where the last space file in the folder does not list the method whose points changed."""
    text = SPACE.read_text()
    other = tmp_path / "other.yaml"
    other.write_text(text.replace("  vanilla:\n", ""))
    small = [*SMOKE, "--trials", "0", "--output", tmp_path / "out", "--set", "data.source=simulated"]
    small += ["--set", "stages.confirm=null"]
    assert sweep("--space", SPACE, *small, "--methods", "vanilla").returncode == 0
    assert sweep("--space", other, *small, "--methods", "mtaf").returncode == 0
    changed = ["--set", "points=[{task_weight: [0.9, 0.1], fairness_weight: 2, head_ratio: 1}]"]
    done = sweep("--space", SPACE, *small, *changed, "--methods", "vanilla")
    assert done.returncode == 2, done.stdout
    assert "points[0]" in done.stderr


def test_two_drivers_and_an_unreachable_cluster(finished, tmp_path, sweep):
    with open(finished / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = sweep("--space", SPACE, *SMOKE, "--output", finished, "--set", "data.source=simulated")
    assert done.returncode == 2
    assert "in use by another run" in done.stderr
    done = sweep(
        *("--space", SPACE, *SMOKE, "--output", tmp_path, "--set", "data.source=simulated"),
        *("--address", "127.0.0.1:1"),
    )
    assert done.returncode == 2
    assert "no Ray answers at 127.0.0.1:1" in done.stderr


LONGER = [
    *("--space", SPACE, *SMOKE, "--set", "parameters.epochs=[20]", "--trials", "16"),
    *("--set", "stages.confirm=null", "--set", "data.source=simulated"),
    *("--methods", "vanilla", "--set", "resources.pack=8", "--set", "resources.engine=ray"),
]


def test_a_killed_worker_is_replaced(tmp_path):
    """SIGKILL to workers in the middle, twice: their packs are tried again and no row is lost."""
    arguments = [*LONGER, "--output", tmp_path / "out"]
    process = subprocess.Popen(
        command(*arguments), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    killed: dict[int, str] = {}
    deadline = time.monotonic() + TIMEOUT
    while len(killed) < 2 and time.monotonic() < deadline and process.poll() is None:
        if list((tmp_path / "out").glob("trials/*.parquet")):
            for worker, name in list(workers_of(process.pid).items())[:1]:
                if worker not in killed and " " in name:
                    os.kill(worker, signal.SIGKILL)
                    killed[worker] = name
        time.sleep(0.1)
    output, errors = process.communicate(timeout=TIMEOUT)
    print(f"killed workers {killed}")
    assert killed, output + errors
    # The process list and Ray's dashboard say what a worker trains.
    for name in killed.values():
        assert re.fullmatch(r"ray::paretofair_packs (baselines|points|sweep)-\w+[-\d]*", name), killed
    assert process.returncode == 0, output + errors
    trials = table(tmp_path / "out")
    assert trials["trial_id"].is_unique
    assert trials.groupby("stage").size().to_dict() == {"baselines": 4, "points": 1, "sweep": 16}


@pytest.mark.slow
def test_failing_packs_are_listed_and_left_alone(tmp_path, sweep):
    """A pack that fails every time gives exit code 3 and is named, and is not tried again until that is asked for."""
    blocked, arguments = tmp_path / "blocked", LONGER
    for folder in (blocked, tmp_path / "elsewhere"):
        folder.mkdir()
    # A run reads there, and no worker writes there.
    (blocked / "trials").symlink_to(tmp_path / "elsewhere")
    done = sweep(*arguments, "--output", blocked)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "packs failed" in done.stdout
    assert "sweep-vanilla-0-0-7" in done.stdout
    # They are left alone until they are asked for.
    (blocked / "trials").unlink()
    again = [*arguments, "--output", blocked, "--time-budget", "0s"]
    done = sweep(*again)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "21 trials failed every time and are left alone" in done.stdout
    done = sweep(*again, "--retry-failed")
    assert "21 trials are still to be trained" in done.stdout


def workers_of(driver: int) -> dict[int, str]:
    """Process ids and names of the Ray workers that train for a driver."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            name = (status.parent / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
            ancestors = [int(status.parent.name)]
            while ancestors[-1] > 1:
                text = Path(f"/proc/{ancestors[-1]}/status").read_text()
                ancestors.append(int(re.search(r"PPid:\s+(\d+)", text)[1]))
        except OSError:
            continue
        if driver in ancestors and name.startswith("ray::") and "paretofair_packs" in name:
            found[int(status.parent.name)] = name
    return found
