"""Official annotation files, and files that are none."""

from __future__ import annotations

import json

import pytest

from paretofair.data.coco.annotations import read_captions, read_instances
from paretofair.errors import DataError
from tests.data.coco.conftest import CATEGORIES, IMAGES, write_annotations


@pytest.mark.parametrize("gzipped", [False, True])
def test_every_image_with_its_objects_and_captions(tmp_path, gzipped, capsys):
    files = write_annotations(tmp_path, gzipped=gzipped)
    found = read_instances(files.instances)
    assert found.categories == tuple(CATEGORIES.values())
    assert found.objects == {
        image: frozenset(CATEGORIES[number] for number in present) for image, (present, _) in IMAGES.items()
    }
    assert found.file_names[7] == "000000000007.jpg"
    assert read_captions(files.captions) == {image: tuple(said) for image, (_, said) in IMAGES.items()}
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "has no list 'images'"),
        ("{", "is no JSON"),
        ('{"images": [], "annotations": []}', "has no list 'categories'"),
        (
            json.dumps({"images": [], "annotations": [{"id": 1, "image_id": 1, "caption": "x"}], "categories": []}),
            "annotation 0 lacks 'category_id'; expected a file of instances",
        ),
        (
            json.dumps(
                {"images": [{"id": 1}], "annotations": [{"id": 1, "image_id": 1, "category_id": 5}], "categories": []}
            ),
            "image 1 has an object of category 5",
        ),
        ('{"images": [1], "annotations": [], "categories": []}', "image 0 lacks 'id'"),
        ('{"images": [{"id": [1]}], "annotations": [], "categories": []}', "image 0 has the id [1]"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": [{"id": 1}]}', "category 0 lacks 'name'"),
        (
            json.dumps({"images": [], "annotations": [{"image_id": 1, "category_id": 5}], "categories": []}),
            "annotation 0 lacks 'id'",
        ),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path, content, words):
    path = tmp_path / "instances.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"instances\.json: ") as told:
        read_instances(path)
    assert words in str(told.value)


def test_a_file_that_is_not_there_or_not_gzipped(tmp_path):
    with pytest.raises(DataError, match=r"none\.json: can't be read: No such file"):
        read_captions(tmp_path / "none.json")
    captions = [{"id": 1, "image_id": 1, "caption": 5}]
    (tmp_path / "captions.json").write_text(json.dumps({"images": [{"id": 1}], "annotations": captions}))
    with pytest.raises(DataError, match="annotation 0 has the caption 5; expected a file of captions"):
        read_captions(tmp_path / "captions.json")
    (tmp_path / "text.json.gz").write_text("{}")
    with pytest.raises(DataError, match=r"text\.json\.gz: can't be read"):
        read_captions(tmp_path / "text.json.gz")
