"""The selection of images, by hand and on real cuts of the official files."""

from __future__ import annotations

import pandas as pd
import pytest

from paretofair.data.coco.table import (
    OBJECTS,
    PUBLISHED_BIAS,
    draw_test_images,
    object_columns,
    read_published,
    select_images,
)
from paretofair.errors import DataError
from tests.data.coco.conftest import IMAGES, write_annotations


def test_people_of_one_gender_with_an_object(annotations):
    table = select_images([annotations.instances], [annotations.captions], ("truck", "tie", "cell phone"))
    assert table.to_dict("list") == {
        "image_id": [7, 12, 30],
        "file_name": ["000000000007.jpg", "000000000012.jpg", "000000000030.jpg"],
        "gender": ["man", "woman", "man"],
        "truck": [1, 0, 0],
        "tie": [0, 0, 1],
        "cell_phone": [0, 1, 0],
    }
    assert object_columns(table) == ("truck", "tie", "cell_phone")


def test_all_objects_and_several_files(tmp_path, annotations):
    (tmp_path / "more").mkdir()
    more = write_annotations(tmp_path / "more", {99: ((1, 49), ("A girl",)), 7: IMAGES[7]})
    both = [annotations.instances, more.instances], [annotations.captions, more.captions]
    table = select_images(*both, None)
    assert object_columns(table) == ("truck", "tie", "cell_phone", "knife")
    assert table["image_id"].tolist() == [7, 12, 30, 99]


def test_other_words_select_other_images(annotations):
    files = [annotations.instances], [annotations.captions]
    table = select_images(*files, ("tie",), {"man": ["somebody"], "woman": ["woman"]})
    assert table["image_id"].tolist() == [11, 20]


def test_what_cannot_be_selected_is_told(tmp_path, annotations):
    files = [annotations.instances], [annotations.captions]
    with pytest.raises(DataError, match="no object is called 'tye'; did you mean 'tie'"):
        select_images(*files, ("tye",))
    (tmp_path / "other").mkdir()
    other = write_annotations(tmp_path / "other", {5: ((1, 3), ("A man",))})
    with pytest.raises(DataError, match="no image is in both"):
        select_images(files[0], [other.captions])
    with pytest.raises(DataError, match="among 8 images there is none with a person"):
        select_images(*files, ("knife",), {"man": ["nobody"], "woman": ["none"]})


def test_a_published_table(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("split,image_id,gender,objects\nval,3,man,tie;truck\ntest,4,woman,dog\nval,5,woman,tie\n")
    table = read_published(path, ("tie", "truck"))
    assert table["image_id"].tolist() == [3, 5]
    assert table["split"].tolist() == ["val", "val"]
    assert table["tie"].tolist() == [1, 1]
    assert object_columns(read_published(path, None)) == ("dog", "tie", "truck")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image_id,gender\n1,man\n", "has no column 'objects'"),
        ("image_id,gender,objects\n1,boy,tie\n", "gender is 'boy' in row 0"),
        ("image_id,gender,objects\n1,man,tie\n1,man,tie\n", "the image 1 stands twice"),
    ],
)
def test_a_published_table_that_is_none(tmp_path, text, says):
    path = tmp_path / "published.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=says):
        read_published(path, ("tie",))


def test_test_images_are_drawn_evenly():
    table = pd.DataFrame({"image_id": range(400), "file_name": "", "gender": ["man", "man", "woman", "man"] * 100})
    table["tie"] = [1, 0, 1, 1] * 100
    drawn = draw_test_images(table, 0.15, seed=3)
    assert (drawn["split"] == "test").sum() == 60
    assert abs((drawn[drawn["split"] == "test"]["gender"] == "woman").sum() - 15) <= 1
    assert draw_test_images(drawn, 0.15, seed=3).equals(drawn)
    assert not draw_test_images(table, 0.15, seed=4).equals(drawn)


@pytest.mark.real_data
def test_the_official_cuts(real_coco):
    folder = real_coco
    cuts = [
        [folder / f"mini_{kind}_{part}2017.json" for part in ("train", "val")] for kind in ("instances", "captions")
    ]
    table = select_images(*cuts)
    published = read_published(folder / "gender_objects_val2014.csv").set_index("image_id")
    shared = table[table["image_id"].isin(published.index)].set_index("image_id")
    assert len(shared) > 5
    columns = ["gender", *object_columns(table)]
    pd.testing.assert_frame_equal(shared[columns], published.loc[shared.index, columns], check_dtype=False)
    assert len(object_columns(select_images(*cuts, None))) == 79


@pytest.mark.real_data
def test_published_images_are_about_as_biased_as_the_papers_table(real_coco):
    """Its Table 1 is of train2014, which these images are not part of."""
    table = read_published(real_coco / "gender_objects_val2014.csv")
    man = table["gender"] == "man"
    for name, column in zip(OBJECTS, object_columns(table), strict=True):
        has = table[column] == 1
        error = (PUBLISHED_BIAS[name] * (1 - PUBLISHED_BIAS[name]) / has.sum()) ** 0.5
        assert abs(man[has].mean() - PUBLISHED_BIAS[name]) < 4 * error + 0.02
    assert man.mean() == pytest.approx(0.687, abs=0.02)
