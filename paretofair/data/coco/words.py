"""What a caption says: the gender of the people in it, and the objects that it names.

Gender here is what whoever wrote a caption took it to be. It is not the gender of anyone in a picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from paretofair.errors import DataError

GENDERS = ("man", "woman")

GENDER_WORDS: Mapping[str, tuple[str, ...]] = {
    "man": ("man", "men", "male", "boy", "boys", "gentleman", "father", "guy"),
    "woman": ("woman", "women", "female", "lady", "ladies", "girl", "girls", "mother"),
}

_WORD = re.compile(r"[^\W\d_]+")
# Plurals that are not made by adding s or es.
_PLURALS = {"knife": "knives", "sheep": "sheep", "mouse": "mice", "scissors": "scissors", "skis": "skis"}


def check_words(words: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """The words of each gender in small letters.

    Raises:
        DataError: a gender is missing or unknown, has no word, or a word stands for both.
    """
    if set(words) != set(GENDERS):
        raise DataError(f"gender words are given for {', '.join(words) or 'nothing'}; expected {' and '.join(GENDERS)}")
    found = {gender: frozenset(word.lower() for word in words[gender]) for gender in GENDERS}
    for gender, own in found.items():
        wrong = sorted(word for word in own if not _WORD.fullmatch(word))
        if wrong or not own:
            raise DataError(f"gender words of {gender}: found {wrong[0]!r}" if wrong else f"{gender} has no words")
    both = sorted(found["man"] & found["woman"])
    if both:
        raise DataError(f"the gender word {both[0]!r} stands for both")
    return found


def tell_gender(captions: Iterable[str], words: Mapping[str, Iterable[str]] = GENDER_WORDS) -> str | None:
    """The gender that the captions of one image name, `both`, or None where they name none.

    >>> tell_gender(["A man's bicycle", "the guy in red"]), tell_gender(["A man and a woman"]), tell_gender(["A dog"])
    ('man', 'both', None)
    """
    said = {word for caption in captions for word in _WORD.findall(caption.lower())}
    named = [gender for gender in GENDERS if not said.isdisjoint(words[gender])]
    return "both" if len(named) == 2 else named[0] if named else None


def tell_objects(captions: Iterable[str], objects: Sequence[str]) -> frozenset[str]:
    """Those of the `objects` that the captions name, in the singular or the plural.

    >>> sorted(tell_objects(["two knives beside a cell phone"], ["knife", "cell phone", "fork"]))
    ['cell phone', 'knife']
    """
    said = [f" {' '.join(_WORD.findall(caption.lower()))} " for caption in captions]
    return frozenset(
        name for name in objects if any(f" {form} " in caption for form in _forms(name) for caption in said)
    )


def _forms(name: str) -> tuple[str, ...]:
    *before, last = name.split()
    plurals = (_PLURALS[last],) if last in _PLURALS else (f"{last}s", f"{last}es")
    return tuple(" ".join((*before, form)) for form in (last, *plurals))
