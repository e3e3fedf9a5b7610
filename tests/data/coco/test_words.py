"""What captions say, made up and real."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from paretofair.data.coco.annotations import read_captions
from paretofair.data.coco.words import GENDER_WORDS, check_words, tell_gender, tell_objects
from paretofair.errors import DataError


def test_words_are_whole_and_of_any_case():
    assert tell_gender(["A human mannequin, a postman"]) is None
    assert tell_gender(["MEN at work", "a guy's bike"]) == "man"
    assert tell_gender(["a boy", "his mother"]) == "both"


def test_other_words():
    words = check_words({"man": ["Herr"], "woman": ["Frau"]})
    assert tell_gender(["Der HERR im Hof", "a woman"], words) == "man"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"man": ["man"]}, "given for man; expected man and woman"),
        ({"man": ["man"], "woman": []}, "woman has no words"),
        ({"man": ["a man"], "woman": ["woman"]}, "found 'a man'"),
        ({"man": ["x"], "woman": ["X"]}, "'x' stands for both"),
    ],
)
def test_wrong_words_are_told(words, says):
    with pytest.raises(DataError, match=says):
        check_words(words)


def test_objects_in_singular_and_plural():
    objects = ["tie", "bus", "knife", "cell phone"]
    assert tell_objects(["two buses, necktie, cell phones", "Knives."], objects) == {"bus", "knife", "cell phone"}
    assert tell_objects(["a tied rope"], objects) == frozenset()


@pytest.mark.real_data
def test_the_published_gender_of_every_image_whose_captions_name_one(real_coco):
    """Of 1,320 images with published gender and all captions, 54 name both; the others never say the opposite."""
    folder = real_coco
    captions = read_captions(folder / "captions_val2017.json.gz")
    published = pd.read_csv(folder / "gender_objects_val2014.csv").set_index("image_id")["gender"]
    shared = [image for image in published.index if image in captions]
    found = Counter((tell_gender(captions[image], GENDER_WORDS), published[image]) for image in shared)
    assert sum(found.values()) == 1320
    assert found["man", "man"] + found["woman", "woman"] == 1266
    assert found["both", "man"] + found["both", "woman"] == 54
