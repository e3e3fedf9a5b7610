"""Packs as Ray Tune trials."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ray.cluster_utils import Cluster

from paretofair.cluster.connection import connect
from paretofair.cluster.engine import _slots, _tell_reasons, run_packs
from paretofair.errors import OutageError, RunError
from paretofair.interruption import end_by_threads
from paretofair.results import TrialTable
from paretofair.runs.jobs import Job, PackList
from paretofair.runs.packs import Pack
from paretofair.runs.run import RunOptions, load_splits
from paretofair.runs.stages import Context, packs_ahead
from paretofair.space.space import load_space

SPACE = """\
name: small
data: {name: german, source: simulated, sensitive: sex}
parameters: {learning_rate: 0.1, epochs: 2, task_weight: simplex}
methods: {vanilla: }
seeds: [0]
stages: {baselines: {runs: 2}, sweep: {trials: 24}}
resources: {pack: 4}
"""


@pytest.fixture(scope="module")
def two_machines():
    """A Ray of two nodes, one of them with a GPU, as far as Ray knows."""
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "num_gpus": 1, "include_dashboard": False})
    nodes.add_node(num_cpus=2)
    with connect(nodes.address):
        yield
    nodes.shutdown()


@pytest.mark.ray
def test_a_pack_is_on_one_machine_and_on_one_gpu(two_machines):
    assert [_slots(1, 0), _slots(2, 0), _slots(1, 1), _slots(1, 0.5), _slots(0.5, 0.3)] == [4, 2, 1, 2, 3]
    with pytest.raises(RunError, match=r"needs 3 CPUs and 0 GPUs.*no machine of the cluster has more than 2 and 1"):
        _slots(3, 0)
    with pytest.raises(RunError, match="needs 1 CPUs and 2 GPUs"):
        _slots(1, 2)


def test_why_packs_failed():
    """As Ray tells it of the last try; of a worker that died it may tell nothing."""
    tries = [("a", "ValueError: first"), ("a", "Traceback:\nValueError: last\n"), ("b", None), ("c", None), ("d", " ")]
    ended = [SimpleNamespace(config={"pack": pack}, error=error) for pack, error in tries]
    assert _tell_reasons(["a", "b", "d", "e"], ended) == {
        "a": "ValueError: last",
        **dict.fromkeys("bde", "no reason is known"),
    }


def make_job(folder: Path, *overrides: str) -> tuple[Job, list[Pack]]:
    """A job that trains on the CPU, and its packs."""
    (folder / "space.yaml").write_text(SPACE)
    space = load_space(folder / "space.yaml", list(overrides))
    splits = load_splits(space, RunOptions(folder, ()))
    job = Job(
        spaces={("baselines", "single_task"): space.baselines, ("sweep", "vanilla"): space.method("vanilla")},
        splits={splits.id_of(0): splits.of(0)},
        sensitive=space.baselines.sensitive,
        folder=folder,
        store=None,
        device="cpu",
        stack=4,
        compiled=False,
        tf32=False,
        halving=None,
        curves={},
        models="none",
    )
    return job, packs_ahead(Context(space, ["vanilla"], splits))


@pytest.mark.ray
def test_an_error_of_a_block_around_the_packs_ends_them(two_machines, tmp_path):
    """As the loss of a lease. While Tune runs, it takes some signals for itself."""
    job, packs = make_job(tmp_path, "parameters.epochs=20000")
    inside: list[object] = []

    def train() -> None:
        with end_by_threads() as end:
            threading.Timer(5, end, [OutageError("the lease is lost")]).start()
            try:
                run_packs(job, PackList(packs), cpus=1, gpus=0)
            except BaseException as error:
                inside.append(type(error))
                raise
            inside.append("the next stage")

    with pytest.raises(OutageError, match="the lease is lost"):
        train()
    assert inside == [KeyboardInterrupt]


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize(("gpus", "at_once"), [(0.5, 2), (1, 1)])
def test_packs_share_a_gpu_by_fractions(two_machines, tmp_path, caplog, gpus, at_once):
    """Scheduling alone: what they train, they train on the CPU."""
    job, packs = make_job(tmp_path)
    with caplog.at_level(logging.INFO, "paretofair"):
        outcome = run_packs(job, PackList(packs), cpus=1, gpus=gpus)
    assert outcome.failed == {}
    assert sorted(TrialTable(tmp_path).read()["trial_id"]) == sorted(name for pack in packs for name in pack.trial_ids)
    running = np.cumsum([1 if " begins: " in line else -1 for line in caplog.messages if "-" in line])
    assert running.max() == at_once
