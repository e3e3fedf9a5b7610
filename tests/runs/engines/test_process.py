"""Packs that are trained in this process: the rows of Ray's workers, and the same endings."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from paretofair.cluster.connection import connect
from paretofair.cluster.engine import run_packs
from paretofair.errors import OutageError, RunError
from paretofair.results import TrialTable, weights_of
from paretofair.results.weights import count_bytes
from paretofair.runs.engines import process
from paretofair.runs.engines.process import ProcessEngine
from paretofair.runs.engines.worker import PackWorker
from paretofair.runs.jobs import PackList

from ...cluster.test_engine import make_job


def train(job, packs, **given):
    return ProcessEngine().run_packs(job, PackList(packs), cpus=1, gpus=0, **given)


def read(folder):
    return TrialTable(folder).read().drop(columns="train_seconds").sort_values("trial_id", ignore_index=True)


@pytest.mark.ray
def test_the_rows_are_those_of_rays_workers(tmp_path, ray_address):
    folders = [tmp_path / name for name in ("here", "there")]
    for folder in folders:
        folder.mkdir()
    job, packs = make_job(folders[0])
    threads = torch.get_num_threads()
    outcome = train(job, packs)
    assert (outcome.failed, outcome.workers, outcome.out_of_time) == ({}, 1, False)
    assert torch.get_num_threads() == threads
    with connect(ray_address):
        run_packs(replace(job, folder=folders[1]), PackList(packs), cpus=1, gpus=0)
    here, there = map(read, folders)
    assert len(here) == sum(map(len, packs))
    pd.testing.assert_frame_equal(here, there, check_exact=True)
    assert not (folders[0] / "logs").exists()


def test_rows_say_that_layers_were_in_bfloat16(tmp_path):
    """And what was trained so is near what float32 gives. A space file takes it on a GPU only, a worker anywhere."""
    data = "data={name: colored_mnist, source: simulated, sensitive: color}"
    small = "parameters={learning_rate: 0.01, epochs: 1}", "stages.sweep.trials=2"
    job, packs = make_job(tmp_path, data, "network={name: cnn, width: 0.1}", *small)
    found = {}
    for half in (False, True):
        folder = tmp_path / ("half" if half else "whole")
        folder.mkdir()
        train(replace(job, folder=folder, half=half), packs)
        found[half] = read(folder)
        assert (found[half]["status"] == "completed").all()
        assert set(found[half]["dtype"]) == {"bfloat16" if half else "float32"}
    half, whole = (found[each]["test_auc_five_or_more"] for each in (True, False))
    np.testing.assert_allclose(half, whole, atol=0.02)
    assert (half != whole).any()


def test_what_is_written_is_not_trained_again(tmp_path):
    job, packs = make_job(tmp_path)
    train(job, packs[:2])
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "trials").iterdir()}
    train(job, packs[:3])
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert len(read(tmp_path)) == sum(map(len, packs[:3]))


def test_a_pack_that_fails_is_tried_three_times_and_told(tmp_path, monkeypatch):
    job, packs = make_job(tmp_path)
    train_pack, broken = PackWorker.train, packs[0].name

    def fail(worker, pack):
        if pack.name == broken:
            raise ValueError("no number\nof this kind")
        return train_pack(worker, pack)

    monkeypatch.setattr(PackWorker, "train", fail)
    (tmp_path / "bucket").mkdir()
    train(replace(job, store=f"file://{tmp_path}/bucket/run"), packs[:2])
    assert len(list((tmp_path / "bucket" / "run" / "logs").glob(f"process-*/{broken}*/error.txt"))) == 3
    assert not (tmp_path / "logs").exists()
    outcome = train(job, packs[:2])
    assert list(outcome.failed) == [broken]
    assert outcome.reasons == {broken: "ValueError: no number"}
    assert len(read(tmp_path)) == len(packs[1])
    assert len(list((tmp_path / "logs").glob(f"process-*/{broken}*/error.txt"))) == 3


def test_a_gpu_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    job, packs = make_job(tmp_path)
    with pytest.raises(RunError, match=r"a pack needs 0\.5 GPUs \(resources in the space file\), this machine has 0"):
        ProcessEngine().run_packs(job, PackList(packs), cpus=1, gpus=0.5)


def test_no_pack_begins_after_the_deadline(tmp_path):
    job, packs = make_job(tmp_path)
    outcome = train(job, packs, deadline=time.monotonic() - 1)
    assert outcome.out_of_time
    assert not (tmp_path / "trials").exists()


def test_a_folder_that_is_moved_away_ends_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "EVERY", 0.05)
    folder = tmp_path / "run"
    folder.mkdir()
    job, packs = make_job(folder, "parameters.epochs=20000")
    train_pack = PackWorker.train

    def move(worker, pack):
        shutil.move(folder, tmp_path / "elsewhere")
        return train_pack(worker, pack)

    monkeypatch.setattr(PackWorker, "train", move)
    with pytest.raises(OutageError, match="run has been deleted or replaced while the run wrote there"):
        train(job, packs)


def test_weights_are_kept_up_to_a_limit(tmp_path):
    """Of all trials of the sweep, of none, and of as many as there is room for; the others are counted."""
    folders = {name: tmp_path / name for name in ("all", "none", "few")}
    found = {}
    for name, folder in folders.items():
        folder.mkdir()
        job, packs = make_job(folder)
        job = replace(job, models="none" if name == "none" else "all", models_bytes=1000 if name == "few" else 1e9)
        outcome = train(job, packs)
        trials = read(folder)
        swept = trials[trials["stage"] == "sweep"]["trial_id"]
        kept = [trial for trial in swept if weights_of(folder, trial) is not None]
        found[name] = (len(swept), len(kept), outcome.left_out)
        assert count_bytes(folder) <= job.models_bytes
    # What others have written counts as well.
    folder = tmp_path / "shared"
    folder.mkdir()
    job, packs = make_job(folder)
    sweep = [pack for pack in packs if pack.stage == "sweep"]
    job = replace(job, models="all", models_bytes=count_bytes(folders["all"]) / 2)
    workers = [PackWorker(job), PackWorker(job)]
    left_out = [workers[turn % 2].train(pack)["left_out"] for turn, pack in enumerate(sweep)]
    assert (left_out[0], left_out[-1]) == (0, len(sweep[-1]))
    assert count_bytes(folder) <= job.models_bytes
    count = found["all"][0]
    assert found == {"all": (count, count, 0), "none": (count, 0, 0), "few": (count, 0, count)}
