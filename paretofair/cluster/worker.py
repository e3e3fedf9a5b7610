"""The Ray Tune trainable: one worker that trains packs, one after the other, and writes their rows."""

from __future__ import annotations

from typing import Any

import ray
from ray.tune import Trainable

from paretofair.cluster.ray_internals import name_process
from paretofair.runs.engines.worker import PackWorker
from paretofair.runs.jobs import Job
from paretofair.runs.packs import Pack

# What the processes of workers are called.
NAME = "paretofair_packs"


class PackTrainable(Trainable):
    """Trains the pack `config["trials"]`; one training step is one pack."""

    def setup(self, config: dict[str, Any], job: Job) -> None:  # type: ignore[override]
        self._worker = PackWorker(job)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Actors are reused: the data stay, the next step reads the new pack."""
        return True

    def step(self) -> dict[str, Any]:
        pack: Pack = ray.get(self.config["trials"])
        # Ray's dashboard and the process list show it; Ray gives the process its old name back at the end of the step.
        name_process(f"ray::{NAME} {pack.name}")
        return {"done": True, **self._worker.train(pack)}
