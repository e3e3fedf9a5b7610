"""Encoders against scikit-learn, and back from their arrays."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

from paretofair.data.inputs.text.encoders import TextEncoder, restore_encoder
from paretofair.errors import DataError
from tests.texts import make_texts

TEXTS = make_texts(120).texts
TOKENS = [" ".join(str(len(word) * 7 + ord(word[-1])) for word in text.split()) for text in TEXTS]
CASES = {
    "tfidf": (TfidfVectorizer, {"ngram_range": [1, 2], "sublinear_tf": True, "min_df": 2}),
    "hashing": (HashingVectorizer, {"n_features": 512}),
    "counts": (CountVectorizer, {"binary": True}),
}


def make(name: str, dimensions: int = 12) -> TextEncoder:
    return TextEncoder(name, json.dumps(CASES[name][1]), dimensions)


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_those_of_scikit_learn(name):
    kind, options = CASES[name]
    own = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    if name == "counts":
        own |= {"lowercase": False, "token_pattern": r"\S+"}
    train, test = TOKENS[:80], TOKENS[80:]
    vectorizer = kind(dtype=np.float32, **own)
    reduction = TruncatedSVD(12, random_state=0)
    counted = vectorizer.fit_transform(train)
    expected = reduction.fit(counted).transform(counted).astype(float)
    centre = expected.mean(0)
    scale = np.sqrt(((expected - centre) ** 2).mean())
    found = make(name).fit(train)
    np.testing.assert_allclose(found.encode(train), (expected - centre) / scale, atol=5e-4)
    others = reduction.transform(vectorizer.transform(test))
    np.testing.assert_allclose(found.encode(test), (others - centre) / scale, atol=5e-4)


@pytest.mark.parametrize("name", CASES)
def test_arrays_say_all_that_it_knows(name, tmp_path):
    found = make(name).fit(TEXTS[:80])
    np.savez(tmp_path / "encoder.npz", allow_pickle=False, **found.arrays())
    with np.load(tmp_path / "encoder.npz") as arrays:
        again = restore_encoder(make(name), dict(arrays))
    new = ["word1 word2 never seen", "", *TEXTS[80:]]
    assert np.array_equal(again.encode(new), found.encode(new))


def test_few_words_are_not_reduced():
    encoder = TextEncoder("counts", dimensions=50).fit(["1 2 2", "3", ""])
    assert encoder.components is None
    assert encoder.width == 3
    counts = np.array([[1, 2, 0], [0, 0, 1], [0, 0, 0]])
    centred = counts - counts.mean(0)
    np.testing.assert_allclose(encoder.encode(["1 2 2", "3", ""]), centred / centred.std(), atol=1e-6)


def test_tfidf_without_a_reduction():
    options = {"max_features": 20, "sublinear_tf": True}
    encoder = TextEncoder("tfidf", json.dumps(options), dimensions=20).fit(TEXTS[:80])
    assert encoder.components is None
    vectorizer = TfidfVectorizer(**options).fit(TEXTS[:80])
    expected, others = (vectorizer.transform(texts).toarray() for texts in (TEXTS[:80], TEXTS[80:]))
    scale = np.sqrt(((expected - expected.mean(0)) ** 2).mean())
    np.testing.assert_allclose(encoder.encode(TEXTS[80:]), (others - expected.mean(0)) / scale, atol=1e-5)


class Lengths:
    """An encoder of one's own: letters and words."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def fit(self, texts):
        return self

    def transform(self, texts):
        return self.factor * np.array([[len(text), len(text.split())] for text in texts], dtype=float)


def test_an_encoder_of_ones_own():
    own = TextEncoder(f"{__name__}:Lengths", '{"factor": 2}').fit(TEXTS[:80])
    raw = np.array([[len(text), len(text.split())] for text in TEXTS[:80]], dtype=float)
    assert own.encode(TEXTS).shape == (120, 2)
    centred = raw - raw.mean(0)
    np.testing.assert_allclose(own.encode(TEXTS[:80]), centred / np.sqrt((centred**2).mean()), rtol=1e-5)
    again = restore_encoder(own.form, own.arrays())
    np.testing.assert_array_equal(again.encode(TEXTS), own.encode(TEXTS))


class Guarded(Lengths):
    """An encoder that pickle cannot write."""

    def __init__(self) -> None:
        super().__init__()
        self.known = (text for text in TEXTS)


def test_an_encoder_that_cannot_be_written():
    own = TextEncoder(f"{__name__}:Guarded").fit(TEXTS)
    with pytest.raises(DataError, match="Guarded can't be written by pickle"):
        own.arrays()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("tfidf", {"input": "filename"}, r"tfidf has no option 'input'; accepted: analyzer"),
        ("tfidf", {"ngrams": 3}, r"tfidf has no option 'ngrams'; accepted: analyzer"),
        ("nothing", {}, r"encoder is 'nothing'; accepted: tfidf"),
        ("sentence", {"model": "/nowhere"}, r"no folder '/nowhere'"),
        ("sentence", {}, r"can't be made with these options: .*model"),
    ],
)
def test_what_cannot_be_made(name, options, words):
    with pytest.raises(DataError, match=words):
        TextEncoder(name, json.dumps(options)).make()


@pytest.mark.parametrize(
    "options", [{"min_df": 500}, {"token_pattern": "z{9}"}, {"token_pattern": "("}, {"max_df": -3}]
)
def test_what_cannot_be_fitted(options):
    with pytest.raises(DataError, match=r"tfidf can't be fitted on 120 texts: "):
        TextEncoder("tfidf", json.dumps(options)).fit(TEXTS)
