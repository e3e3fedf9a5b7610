"""Long stacks that are cut short, with real processes: killed drivers and workers, a time that is used up."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretofair.results.checkpoints import read_facts

from ..docs.test_images import write_people
from .conftest import command
from .processes import files, kill, raw, wait_for
from .test_faults import assert_same

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SPACE = """\
name: long
data: {name: german, source: simulated, sensitive: sex}
parameters:
  learning_rate: {log_uniform: [0.01, 0.3]}
  epochs: [300, 600]
  task_weight: simplex
  fairness_weight: {uniform: [0, 3]}
methods: {mtaf: {parameters: {head_ratio: {uniform: [0, 3]}}}}
seeds: [0]
stages: {baselines: {runs: 1, parameters: {learning_rate: 0.1, epochs: 2}}, sweep: {trials: 8}}
resources: {checkpoint: 1s, stack: 8, engine: ray}
"""

# Pictures that are turned and cut in training, and convolutions, trained in the driver.
PICTURES = """\
name: pictures
data:
  csv:
    path: people.csv
    tasks: {smiling: smiling, older: age > 45}
    sensitive: {gender: gender}
    keep_together: person
    inputs: {images: {column: photo, root: photos, size: 16, augment: [flip, crop]}}
network: {name: cnn, head: [4], width: 0.2}
training: {optimizer: adam, batch_size: 60, reduction: mean, schedule: {milestones: [10], factor: 0.5}}
parameters: {learning_rate: {log_uniform: [0.0005, 0.01]}, epochs: [20, 30], task_weight: simplex}
methods:
  mtaf: {parameters: {fairness_weight: {uniform: [0, 3]}, head_ratio: 1}}
  gcm: {balance_task: smiling, parameters: {fairness_weight: {uniform: [0, 3]}, temperature: 0}}
seeds: [0]
stages: {baselines: {runs: 1, parameters: {learning_rate: 0.003, epochs: 2}}, sweep: {trials: 2}}
resources: {checkpoint: 1s, engine: process}
"""


def epochs(folder: Path) -> int:
    """How far the stack is that is kept; 0 where none is."""
    for path in (folder / "checkpoints").glob("[!.]*.safetensors"):
        return int(read_facts(path.read_bytes())["epoch"])
    return 0


@pytest.fixture(autouse=True)
def space(tmp_path) -> None:
    (tmp_path / "long.yaml").write_text(SPACE)


def sweep(tmp_path: Path, folder: Path | str, *more: str) -> list[str]:
    return command("--space", tmp_path / "long.yaml", "--output", folder, *more)


@pytest.fixture
def whole(tmp_path, marked) -> Path:
    """What an undisturbed run leaves."""
    done = marked.run(sweep(tmp_path, tmp_path / "whole"))
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path / "whole"


def assert_whole(folder: Path, whole: Path) -> None:
    """The rows of the undisturbed run bit for bit, and no checkpoint left behind."""
    assert_same(raw(folder), raw(whole))
    assert not (folder / "checkpoints").exists()
    assert not (whole / "checkpoints").exists()


def test_killed_drivers_and_workers_lose_no_more_than_a_second(tmp_path, marked, whole):
    folder, kept = tmp_path / "killed", 0
    for what in ("driver", "worker"):
        process = marked.start(sweep(tmp_path, folder))
        assert wait_for(lambda: process.poll() is not None or epochs(folder) > kept)  # noqa: B023
        assert process.poll() is None, marked.finish(process).stdout
        begun = epochs(folder)
        assert begun > kept
        if what == "driver":
            kill(process.pid)
            process.wait()
            # Its workers end with it; what they keep meanwhile counts.
            assert wait_for(lambda: not marked.alive(process))  # noqa: B023
            kept = epochs(folder)
        else:
            for pid in marked.workers(process):
                kill(pid)
            done = marked.finish(process)
            assert done.returncode == 0, done.stdout + done.stderr
    assert_whole(folder, whole)


def test_a_time_budget_ends_at_an_epoch_and_the_same_command_goes_on(tmp_path, marked, whole):
    folder, kept = tmp_path / "budget", 0
    # How long Ray takes to start is not known: a budget that was too short is a longer one the next time.
    for seconds in (10, 15, 25, 40):
        done = marked.run(sweep(tmp_path, folder, "--time-budget", f"{seconds}s"))
        assert done.returncode == 0, done.stdout + done.stderr
        kept = epochs(folder)
        if kept:
            break
    assert 0 < kept < 600
    assert not list((folder / "trials").glob("sweep-*"))
    done = marked.run(sweep(tmp_path, folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert_whole(folder, whole)


def test_results_at_a_url(tmp_path, monkeypatch, marked, whole):
    place, url = tmp_path / "there", f"file://{tmp_path}/there"
    local = tmp_path / "here"
    local.mkdir()
    command_line = sweep(tmp_path, url)
    # Copies are kept in the working directory.
    monkeypatch.chdir(local)
    process = marked.start(command_line)
    assert wait_for(lambda: process.poll() is not None or epochs(place) > 0)
    assert process.poll() is None
    kill(process.pid)
    process.wait()
    assert wait_for(lambda: not marked.alive(process))
    done = marked.run(command_line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(raw(place), raw(whole))
    assert not (place / "checkpoints").exists()


def test_a_changed_split_or_space_is_not_mixed(tmp_path, marked):
    """Refused with words, as ever; and what was kept of the other stays unused."""
    folder = tmp_path / "changed"
    process = marked.start(sweep(tmp_path, folder))
    assert wait_for(lambda: process.poll() is not None or epochs(folder) > 0)
    kill(process.pid)
    process.wait()
    assert wait_for(lambda: not marked.alive(process))
    if not len(files(folder)):
        pytest.fail("the baselines were to be there")
    done = marked.run(sweep(tmp_path, folder, "--set", "network.shared=[8]"))
    assert done.returncode == 2
    assert "holds trials of a different space" in done.stderr


def test_killed_sweeps_over_pictures_go_on_with_the_bits_they_would_have_had(tmp_path, marked):
    """Killed in the first method's stack and in the second's, whose baselines and rows are there by then."""
    write_people(tmp_path)
    (tmp_path / "pictures.yaml").write_text(PICTURES)
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    line = lambda folder: command("--space", tmp_path / "pictures.yaml", "--output", folder)  # noqa: E731
    done = marked.run(line(tmp_path / "whole"), **cache)
    assert done.returncode == 0, done.stdout + done.stderr
    folder, before = tmp_path / "killed", 0
    for _ in range(2):
        process = marked.start(line(folder), **cache)
        assert wait_for(lambda: process.poll() is not None or (epochs(folder) > 0 and len(files(folder)) > before))  # noqa: B023
        assert process.poll() is None, marked.finish(process).stderr
        before = len(files(folder))
        kill(process.pid)
        process.wait()
    done = marked.run(line(folder), **cache)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_whole(folder, tmp_path / "whole")
