"""Official COCO annotation files, of 2014 or 2017, plain or gzipped, through pycocotools."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from paretofair.errors import DataError

if TYPE_CHECKING:
    from pycocotools.coco import COCO

_INSTALL = "COCO annotations are read by pycocotools; install it by `pip install 'paretofair[coco]'`"
_Types = tuple[type, ...]
_ID: _Types = (int, str)
# The lists of each kind of file, and what their entries have.
_IMAGES = {"id": _ID}
_OF_CAPTIONS: Mapping[str, Mapping[str, _Types]] = {
    "images": _IMAGES,
    "annotations": {"id": _ID, "image_id": _ID, "caption": (str,)},
}
_OF_INSTANCES: Mapping[str, Mapping[str, _Types]] = {
    "images": _IMAGES,
    "annotations": {"id": _ID, "image_id": _ID, "category_id": _ID},
    "categories": {"id": _ID, "name": (str,)},
}
_ENTRY = {"images": "image", "annotations": "annotation", "categories": "category"}


class Instances(NamedTuple):
    """What an `instances_*.json` says: the names of its categories, and by image id the file and the categories of the
    objects in it, none where it has none."""

    categories: tuple[str, ...]
    file_names: dict[int, str]
    objects: dict[int, frozenset[str]]


def read_instances(path: Path) -> Instances:
    """The objects of every image. Crowds count like single objects, as in Zhao et al. (2017).

    Raises:
        DataError: pycocotools is not installed, or the file is no such file (with its name and what it lacks).
    """
    index = _index(path, "instances", _OF_INSTANCES)
    names = {number: str(category["name"]) for number, category in index.cats.items()}
    found: dict[int, frozenset[str]] = {}
    for image in index.imgs:
        numbers = [each["category_id"] for each in index.imgToAnns.get(image, ())]
        unknown = [number for number in numbers if number not in names]
        if unknown:
            raise DataError(f"{path}: image {image} has an object of category {unknown[0]}, which `categories` lacks")
        found[image] = frozenset(names[number] for number in numbers)
    files = {number: str(image.get("file_name", "")) for number, image in index.imgs.items()}
    return Instances(tuple(names.values()), files, found)


def read_captions(path: Path) -> dict[int, tuple[str, ...]]:
    """The captions of each image of a `captions_*.json`, by image id, in the order of the file.

    Raises:
        DataError: as by `read_instances`.
    """
    index = _index(path, "captions", _OF_CAPTIONS)
    return {image: tuple(each["caption"] for each in index.imgToAnns.get(image, ())) for image in index.imgs}


def _index(path: Path, kind: str, lists: Mapping[str, Mapping[str, _Types]]) -> COCO:
    content = _read(path, lists)
    for name, keys in lists.items():
        for place, entry in enumerate(content[name]):
            for key, types in keys.items():
                if not isinstance(entry, dict) or not isinstance(entry.get(key), types):
                    what = f"{_ENTRY[name]} {place} lacks {key!r}"
                    if isinstance(entry, dict) and key in entry:
                        what = f"{_ENTRY[name]} {place} has the {key} {entry[key]!r}"
                    raise DataError(f"{path}: {what}; expected a file of {kind}")
    try:
        from pycocotools.coco import COCO
    except ImportError as error:
        raise DataError(_INSTALL) from error
    # It prints what it does.
    with contextlib.redirect_stdout(io.StringIO()):
        index = COCO()
        index.dataset = {name: content[name] for name in lists}
        index.createIndex()
    return index


def _read(path: Path, lists: Collection[str]) -> Mapping[str, Any]:
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, zlib.error) as error:
        raise DataError(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from error
    except (ValueError, EOFError, RecursionError) as error:
        raise DataError(f"{path}: is no JSON: {error}") from error
    lacking = [key for key in lists if not isinstance(content, dict) or not isinstance(content.get(key), list)]
    if lacking:
        raise DataError(f"{path}: has no list {lacking[0]!r}; expected the official form of COCO annotations")
    return dict(content)
