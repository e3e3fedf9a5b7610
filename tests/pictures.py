"""Pictures made by code, for tests."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def write_pictures(folder: Path, count: int = 60, size: int = 20, suffix: str = ".png", seed: int = 0) -> list[str]:
    """Noise on a colour of its own in each, a little wider than high; gives the names."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for number in range(count):
        colour = random.integers(40, 216, 3)
        pixels = (colour + random.integers(-40, 40, (size, size + 4, 3))).astype(np.uint8)
        names.append(f"{number:04d}{suffix}")
        Image.fromarray(pixels).save(folder / names[-1])
    return names


def pack(folder: Path, archive: Path) -> Path:
    """The files of a folder in a zip archive."""
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(folder).as_posix())
    return archive
