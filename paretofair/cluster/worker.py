"""The Ray Tune trainable: one worker that trains packs, one after the other, and writes their rows."""

from __future__ import annotations

import os
import socket
from typing import Any

import ray
import torch
from ray.tune import Trainable

from paretofair.cluster.ray_internals import name_process
from paretofair.results import TRIALS, Store, write_stack
from paretofair.results.files import STORAGE
from paretofair.results.table import find_finished
from paretofair.runs.jobs import Job
from paretofair.runs.packs import Pack
from paretofair.runs.rows import checkpoints_of, fingerprint, train_rows
from paretofair.training import DeviceData, Pause, to_device

# What the processes of workers are called.
NAME = "paretofair_packs"


class PackTrainable(Trainable):
    """Trains the pack `config["trials"]`; one training step is one pack."""

    def setup(self, config: dict[str, Any], job: Job) -> None:  # type: ignore[override]
        torch.set_num_threads(1)
        self._job = job
        self._device = torch.device(job.device)
        torch.set_float32_matmul_precision("high" if job.tf32 else "highest")
        self._data: tuple[str, DeviceData] | None = None
        self._place = job.folder if job.store is None else Store(job.store)
        self._numerics = fingerprint(self._device)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Actors are reused: the data stay, the next step reads the new pack."""
        return True

    def _data_of(self, split_id: str) -> DeviceData:
        """A split on the device. The last one is kept, since a worker's next pack mostly has the same."""
        if self._data is None or self._data[0] != split_id:
            self._data = None
            job = self._job
            own = to_device(job.splits[split_id], job.sensitive, self._device, torch.float32, job.given)
            self._data = split_id, own
        return self._data[1]

    def step(self) -> dict[str, Any]:
        pack: Pack = ray.get(self.config["trials"])
        # Ray's dashboard and the process list show it; Ray gives the process its old name back at the end of the step.
        name_process(f"ray::{NAME} {pack.name}")
        # A pack that failed half-way is tried again here: what it wrote stands.
        left = pack.without(
            find_finished(self._place, pack.stage, pack.method, pack.seeds.tolist(), pack.indices.tolist())
        )
        kept = checkpoints_of(pack, left, self._job, self._place, self._device, self._numerics)
        narrowed, paused, storage = 0, False, ""
        try:
            for name, tables, width in train_rows(left, self._job, self._data_of(pack.split_id), self._numerics, kept):
                # The trial table last: what it has is done.
                for into in sorted(tables, key=TRIALS.__eq__):
                    write_stack(self._place, name, tables[into], into=into)
                if kept is not None:
                    kept.remove(name)
                narrowed = width
        except Pause:
            paused = True
        except OSError as error:
            if error.errno not in STORAGE:
                raise
            # No other try, and no other worker, has more room.
            storage = f"{error.filename or self._place}: {error.strerror}"
        worker = f"{socket.gethostname()}:{os.getpid()}"
        return {
            "done": True,
            "trials": len(left),
            "worker": worker,
            "narrowed": narrowed,
            "paused": paused,
            "storage": storage,
        }
