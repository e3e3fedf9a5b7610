"""Checkpoints of unfinished stacks in a results folder: safetensors, each under the name that its rows will have."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paretofair.errors import RunError
from paretofair.results.files import check_file, inside, write_whole
from paretofair.results.store import Store
from paretofair.results.table import STACK_NAME

if TYPE_CHECKING:  # a report reads results without PyTorch
    from torch import Tensor

logger = logging.getLogger("paretofair")

CHECKPOINTS = "checkpoints"
_ENDING = ".safetensors"


@dataclass(frozen=True)
class PackCheckpoints:
    """The checkpoints of one pack: `trial_ids` are those of its trials that are still to be trained.

    `identity` names everything but the trials that a training follows from: a checkpoint with another one is never
    used, and removed. `name` gives the file of the rows of the trials at some positions; `firsts` are the beginnings of
    such names. A stack is kept after `every` seconds, and again; after `deadline` (`time.time()`) it stops then.
    """

    place: Path | Store
    identity: str
    trial_ids: Sequence[str]
    name: Callable[[np.ndarray], str]
    firsts: frozenset[str]
    every: float
    deadline: float | None = None
    # Files that this object has found or written: a stack that never had one costs no look at a URL.
    _files: set[str] = field(default_factory=set)

    def load(self) -> Iterator[tuple[np.ndarray, Mapping[str, Tensor], Mapping[str, Any]]]:
        """What is kept of stacks of this pack, none of whose trials is finished: positions, tensors and facts."""
        position = {trial: place for place, trial in enumerate(self.trial_ids)}
        taken: set[str] = set()
        for name in list_checkpoints(self.place):
            parts = STACK_NAME.fullmatch(name)
            if parts is None or parts[1] not in self.firsts:
                continue
            self._files.add(name)
            found = self._read(name)
            if found is None or found[1].get("identity") != self.identity:
                logger.warning("The checkpoint %s is not of this space, data and version; it is left out.", name)
                self.remove(name)
                continue
            tensors, facts = found
            trials = facts["trials"]
            if taken.isdisjoint(trials) and all(trial in position for trial in trials):
                taken.update(trials)
                yield np.array([position[trial] for trial in trials]), tensors, facts
            else:
                self.remove(name)

    def save(self, positions: np.ndarray, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Keeps a stack; the file appears whole or not at all."""
        import safetensors.torch

        known = {**facts, "identity": self.identity, "trials": [self.trial_ids[place] for place in positions]}
        content = safetensors.torch.save(dict(tensors), metadata={"facts": json.dumps(known)})
        name = self.name(positions)
        self._files.add(name)
        if isinstance(self.place, Store):
            self.place.put(f"{CHECKPOINTS}/{_file(name)}", content)
            return
        with write_whole(inside(self.place, f"{CHECKPOINTS}/{_file(name)}")) as partial:
            partial.write_bytes(content)

    def remove(self, name: str) -> None:
        """Forgets the stack whose rows have this file, where it was loaded or saved here."""
        if name not in self._files:
            return
        self._files.remove(name)
        if isinstance(self.place, Store):
            self.place.delete(f"{CHECKPOINTS}/{_file(name)}")
        else:
            inside(self.place, f"{CHECKPOINTS}/{_file(name)}").unlink(missing_ok=True)

    def _read(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """None where the file cannot be read."""
        import safetensors
        import safetensors.torch

        try:
            if isinstance(self.place, Store):
                with self.place.open(CHECKPOINTS, _file(name)) as source:
                    content = source.read()
            else:
                path = self.place / CHECKPOINTS / _file(name)
                check_file(path)
                content = path.read_bytes()
            return safetensors.torch.load(content), read_facts(content)
        except (OSError, ValueError, KeyError, TypeError, RunError, safetensors.SafetensorError) as error:
            logger.warning("The checkpoint %s cannot be read (%s).", name, error)
            return None


def read_facts(content: bytes) -> dict[str, Any]:
    """What a checkpoint says of itself beside its tensors: `epoch`, `trials`, `identity`, `status` and `seconds`.

    Raises ValueError or KeyError for other content.
    """
    # The metadata stand in the header, behind its length in eight bytes.
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    facts: dict[str, Any] = json.loads(header["__metadata__"]["facts"])
    if not isinstance(facts["identity"], str) or not isinstance(facts["trials"], list):
        raise ValueError("it does not say which trials it is of")
    return facts


def list_checkpoints(place: Path | Store) -> list[str]:
    """The stacks that are kept, by the names of the files that their rows will have."""
    if isinstance(place, Store):
        names = place.names(CHECKPOINTS)
    else:
        names = sorted(path.name for path in (place / CHECKPOINTS).glob(f"[!.]*{_ENDING}"))
    return [f"{name.removesuffix(_ENDING)}.parquet" for name in names if name.endswith(_ENDING)]


def remove_checkpoints(place: Path | Store) -> None:
    """Forgets every stack that is kept."""
    if isinstance(place, Store):
        place.remove(CHECKPOINTS)
    else:
        shutil.rmtree(inside(place, CHECKPOINTS), ignore_errors=True)


def _file(name: str) -> str:
    return f"{name.removesuffix('.parquet')}{_ENDING}"
