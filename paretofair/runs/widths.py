"""Stack widths where the space file gives none: measured once, remembered in the user's cache."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs
import torch

from paretofair.errors import RunError
from paretofair.results.files import read_json, write_text
from paretofair.space.method_space import MethodSpace, digest
from paretofair.training import DeviceData, Experiment, Trials, measure_width
from paretofair.training.probe import UNMEASURED

_WIDEST = 100_000  # trials side by side; more is no width that was ever measured
_MOST_APART = 8  # trials that run one after another
_MEMORY_APART = 1 << 30  # bytes of what is kept of them
_COPIES = 5  # parameters, what the optimiser remembers of them, the best epoch, what is measured


def stack_width(
    space: MethodSpace,
    experiment: Experiment,
    trials: Trials,
) -> int:
    """The width for this network, method and device: the remembered one, else measured now, which takes a second or
    two; for a few trials the one that is right for most. Trials that run one after another are no faster in wide
    stacks: of them as many as take little memory, since those of one seed share their batches."""
    if experiment.network.runs_apart(experiment.device, 2):
        of_trial = _COPIES * experiment.network.size * experiment.dtype.itemsize
        return max(1, min(_MOST_APART, _MEMORY_APART // of_trial))
    known = _read().get(_key(space, experiment.data))
    if known is not None:
        return known
    usual = UNMEASURED[experiment.device.type]
    if len(trials) <= 2 * usual:
        return usual
    width = measure_width(experiment, trials)
    remember(space, experiment.data, width)
    return width


def remember(space: MethodSpace, data: DeviceData, width: int) -> None:
    """Keeps a width for later runs; where the cache cannot be written, it is measured again."""
    widths = _read() | {_key(space, data): width}
    with suppress(OSError, RunError):
        write_text(_file(), json.dumps(widths, indent=0))


def _file() -> Path:
    return Path(platformdirs.user_cache_dir("paretofair")) / "widths.json"


def _read() -> dict[str, Any]:
    try:
        known = read_json(_file())
    except RunError:
        return {}
    # Whatever else stands there is measured again.
    return {name: width for name, width in known.items() if type(width) is int and 1 <= width <= _WIDEST}


def _key(space: MethodSpace, data: DeviceData) -> str:
    """Everything that the best width depends on."""
    on_gpu = data.device.type == "cuda"
    device = f"{torch.cuda.get_device_name()}" if on_gpu else f"cpu {torch.backends.cpu.get_cpu_capability()}"
    settings = space.identity("sweep")
    return digest(
        [
            device,
            torch.__version__,
            [len(data.splits["train"]), *data.shape],
            str(data.dtype),
            [settings.get(name) for name in ("method", "protocol", "network", "training", "fairness")],
        ]
    )
