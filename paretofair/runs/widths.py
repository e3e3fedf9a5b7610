"""Stack widths where the space file gives none: measured once, remembered in the user's cache."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import platformdirs
import torch

from paretofair.errors import RunError
from paretofair.results.files import check_file
from paretofair.space.method_space import MethodSpace, digest
from paretofair.training import DeviceData, Experiment, Trials, measure_width
from paretofair.training.probe import UNMEASURED

_WIDEST = 100_000  # trials side by side; more is no width that was ever measured


def stack_width(
    space: MethodSpace,
    experiment: Experiment,
    trials: Trials,
) -> int:
    """The width for this network, method and device: the remembered one, else measured now, which takes a second or
    two; for a few trials the one that is right for most."""
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
    file = _file()
    widths = _read() | {_key(space, data): width}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".widths", delete=False) as partial:
            json.dump(widths, partial, indent=0)
        os.replace(partial.name, file)
    except OSError:
        return


def _file() -> Path:
    return Path(platformdirs.user_cache_dir("paretofair")) / "widths.json"


def _read() -> dict[str, Any]:
    try:
        check_file(_file())
        known = json.loads(_file().read_text())
    except (OSError, ValueError, RecursionError, RunError):
        return {}
    # Whatever else stands there is measured again.
    widths = known.items() if isinstance(known, dict) else ()
    return {name: width for name, width in widths if type(width) is int and 1 <= width <= _WIDEST}


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
