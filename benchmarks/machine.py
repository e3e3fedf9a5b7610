"""Describes the machine, for the results of benchmarks."""

from __future__ import annotations

import os
import platform
import re
import time
from pathlib import Path
from typing import Any

import torch


def describe() -> dict[str, Any]:
    """Date, processor, cores, versions and the device, as plain JSON data."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.processor()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor,
        "cores": os.cpu_count(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "gpu": gpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def hide_paths(text: str) -> str:
    """What a command has said, without the folders in which programs and checkouts happen to be on this machine."""
    return re.sub(r"/[^\s\"':]*/(?=(site-packages|lib/python3\.\d+|paretofair|launch|search_spaces)/)", "", text)
