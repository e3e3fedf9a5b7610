"""Annotations in the official form, made up."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

CATEGORIES = {1: "person", 3: "truck", 32: "tie", 44: "cell phone", 49: "knife"}
IMAGES: Mapping[int, tuple[Sequence[int], Sequence[str]]] = {
    7: ((1, 3, 3), ("A man beside a truck.", "A truck and its driver")),
    11: ((1, 32), ("Two men", "A woman in a tie")),  # both genders
    12: ((1, 44, 49), ("The lady's phone", "a woman cuts")),
    15: ((3,), ("A truck that a man left",)),  # nobody in it
    18: ((1,), ("A boy waits",)),  # no object
    20: ((1, 32), ("Somebody in a suit",)),  # no gender
    21: ((), ("An empty street",)),
    30: ((1, 32), ("GUY with a tie!",)),
}


class Annotations(NamedTuple):
    instances: Path
    captions: Path


def write_annotations(folder: Path, images=IMAGES, *, gzipped: bool = False) -> Annotations:
    listed = [{"id": number, "file_name": f"{number:012}.jpg", "height": 4, "width": 4} for number in images]
    objects = [(number, category) for number, (present, _) in images.items() for category in present]
    said = [(number, caption) for number, (_, captions) in images.items() for caption in captions]
    files = {
        "instances": {
            "images": listed,
            "categories": [{"id": number, "name": name} for number, name in CATEGORIES.items()],
            "annotations": [
                {"id": place, "image_id": image, "category_id": category, "bbox": [0, 0, 1, 1], "iscrowd": 0}
                for place, (image, category) in enumerate(objects, 1)
            ],
        },
        "captions": {
            "images": listed,
            "annotations": [
                {"id": place, "image_id": image, "caption": caption} for place, (image, caption) in enumerate(said, 1)
            ],
        },
    }
    paths = []
    for kind, content in files.items():
        path = folder / f"{kind}_made2014.json{'.gz' if gzipped else ''}"
        text = json.dumps(content).encode()
        path.write_bytes(gzip.compress(text) if gzipped else text)
        paths.append(path)
    return Annotations(*paths)


@pytest.fixture
def annotations(tmp_path: Path) -> Annotations:
    return write_annotations(tmp_path)


@pytest.fixture
def real_coco() -> Path:
    """The real annotations."""
    folder = os.environ.get("PARETOFAIR_DATA")
    if not folder:
        pytest.skip("PARETOFAIR_DATA is not set")
    return Path(folder) / "coco"
