"""What a worker does with a pack, wherever it runs: it trains what is missing and writes the rows."""

from __future__ import annotations

import os
import socket
from typing import Any

import numpy as np
import torch

from paretofair.results import TRIALS, Store, write_stack
from paretofair.results.files import STORAGE
from paretofair.results.table import find_finished
from paretofair.results.weights import count_bytes, write_weights
from paretofair.runs.jobs import Job
from paretofair.runs.packs import Pack
from paretofair.runs.rows import TrainedStack, checkpoints_of, fingerprint, train_rows
from paretofair.training import DeviceData, Pause, to_device


class PackWorker:
    """Trains packs of a job, one after the other. Sets PyTorch to one thread, which the bits of a trial depend on."""

    def __init__(self, job: Job) -> None:
        torch.set_num_threads(1)
        self._job = job
        self._device = torch.device(job.device)
        torch.set_float32_matmul_precision("high" if job.tf32 else "highest")
        self._data: tuple[str, DeviceData] | None = None
        self._weights: int | None = None  # bytes that are kept, as far as it is known since the pack began
        self._place = job.folder if job.store is None else Store(job.store)
        self._numerics = fingerprint(self._device)

    def _data_of(self, split_id: str) -> DeviceData:
        """A split on the device. The last one is kept, since a worker's next pack mostly has the same."""
        if self._data is None or self._data[0] != split_id:
            self._data = None
            job = self._job
            own = to_device(job.splits[split_id], job.sensitive, self._device, torch.float32, job.given)
            self._data = split_id, own
        return self._data[1]

    def _keep_weights(self, stack: TrainedStack) -> int:
        """Writes the weights of a stack, while there is room for them; gives how many trials had none."""
        if not stack.weights:
            return 0
        if self._weights is None:
            self._weights = count_bytes(self._place)
        size = sum(row.nbytes for row in stack.weights.values())
        if self._weights + size > self._job.models_bytes:
            return len(stack.weights)
        self._weights += write_weights(
            self._place, stack.name, list(stack.weights), np.stack([*stack.weights.values()])
        )
        return 0

    def train(self, pack: Pack) -> dict[str, Any]:
        """Trains the trials of a pack that have no rows yet, and writes them.

        Gives the number of `trials` trained, who the `worker` is, the width to which a lack of memory has `narrowed`
        the stacks (0: none), of how many trials no weights were kept because these would have been more than
        `resources.models_gb` (`left_out`), whether a deadline has `paused` the pack, and why it could not write to its
        `storage` ("" where it could).
        """
        # Others write too, and what somebody removes makes room.
        self._weights = None
        # A pack that failed half-way is tried again here: what it wrote stands.
        left = pack.without(
            find_finished(self._place, pack.stage, pack.method, pack.seeds.tolist(), pack.indices.tolist())
        )
        kept = checkpoints_of(pack, left, self._job, self._place, self._device, self._numerics)
        narrowed, left_out, paused, storage = 0, 0, False, ""
        try:
            for stack in train_rows(left, self._job, self._data_of(pack.split_id), self._numerics, kept):
                left_out += self._keep_weights(stack)
                # The trial table last: what it has is done.
                for into in sorted(stack.tables, key=TRIALS.__eq__):
                    write_stack(self._place, stack.name, stack.tables[into], into=into)
                if kept is not None:
                    kept.remove(stack.name)
                narrowed = stack.narrowed
        except Pause:
            paused = True
        except OSError as error:
            if error.errno not in STORAGE:
                raise
            # No other try, and no other worker, has more room.
            storage = f"{error.filename or self._place}: {error.strerror}"
        return {
            "trials": len(left),
            "worker": f"{socket.gethostname()}:{os.getpid()}",
            "narrowed": narrowed,
            "left_out": left_out,
            "paused": paused,
            "storage": storage,
        }
