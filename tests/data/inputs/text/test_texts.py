"""Texts as inputs: kept in the cache, the same in every process, and read back by an exported model."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from paretofair.data.inputs.text import texts as module
from paretofair.data.inputs.text.encoders import TextEncoder
from paretofair.data.inputs.text.packed import PackedTexts
from paretofair.data.inputs.text.reader import load_text_reader
from paretofair.data.inputs.text.texts import Texts
from paretofair.errors import DataError
from paretofair.testing import InputsContract
from tests.texts import make_texts

TEXTS = make_texts(60).texts


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def make(rows: int = 60, **own) -> Texts:
    return Texts.of({"body": TEXTS[:rows]}, TextEncoder(dimensions=6, **own))


class TestContract(InputsContract):
    def make(self):
        return make()


class TestOfWordNumbers(InputsContract):
    def make(self):
        numbers = [" ".join(word[4:] for word in text.split()) for text in TEXTS]
        return Texts.of({"tokens": numbers}, TextEncoder("counts", dimensions=6))


def test_packed_texts():
    given = ["", "größer", "two\nlines", "\ud800 half", "日本"]
    packed = PackedTexts.of(given)
    assert list(packed.take(np.array([4, 1, 0, 2]))) == ["日本", "größer", "", "two\nlines"]
    assert list(packed.take(np.array([3]))) == ["? half"]
    assert len(PackedTexts.of([])) == 0


def test_a_second_start_encodes_nothing(monkeypatch):
    first = make().fit(np.arange(40)).open()
    monkeypatch.setattr(module.TextEncoder, "fit", lambda *_: pytest.fail("encoded again"))
    assert np.array_equal(make().fit(np.arange(40)).open(), first)
    assert np.array_equal(pickle.loads(pickle.dumps(make().fit(np.arange(40)))).open(), first)


def test_other_training_rows_are_another_encoder():
    one, other = make().fit(np.arange(40)), make().fit(np.arange(20, 60))
    assert one.folder != other.folder
    assert not np.array_equal(one.open(), other.open())


def test_what_is_gone_is_made_again():
    fitted = make().fit(np.arange(40))
    first = fitted.open().copy()
    for file in fitted.folder.iterdir():
        file.unlink()
    fitted.folder.rmdir()
    assert np.array_equal(fitted.open(), first)


def test_no_other_row_is_looked_at():
    changed = Texts.of({"body": [*TEXTS[:40], *["other words entirely"] * 20]}, TextEncoder(dimensions=6))
    one, other = make().fit(np.arange(40)), changed.fit(np.arange(40))
    assert np.array_equal(one.open()[:40], other.open()[:40])


def test_a_reader_reads_as_training_read(tmp_path):
    inputs = Texts.of({"title": ["<b>note</b>"] * 60, "body": TEXTS}, TextEncoder(dimensions=6))
    fitted = inputs.fit(np.arange(40))
    reader = fitted.make_reader()
    reader.save(tmp_path / "text.npz")
    again = load_text_reader(reader.describe(), tmp_path / "text.npz")
    assert np.array_equal(again.read([["<b>note</b>"] * 60, TEXTS]), fitted.open())
    (tmp_path / "text.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match="holds no encoder of texts"):
        load_text_reader(reader.describe(), tmp_path / "text.npz")


def test_an_encoder_of_ones_own_is_kept_where_pickle_writes_it(tmp_path):
    own = TextEncoder("tests.data.inputs.text.test_encoders:Lengths")
    fitted = Texts.of({"body": TEXTS}, own).fit(np.arange(40))
    assert fitted.shape == (2,)
    reader = fitted.make_reader()
    reader.save(tmp_path / "text.npz")
    with pytest.raises(DataError, match=r"test_encoders:Lengths', whose code would run here: give trust=True"):
        load_text_reader(reader.describe(), tmp_path / "text.npz")
    again = load_text_reader(reader.describe(), tmp_path / "text.npz", trust=True)
    assert np.array_equal(again.read([TEXTS]), fitted.open())
    guarded = TextEncoder("tests.data.inputs.text.test_encoders:Guarded")
    with pytest.raises(DataError, match="Guarded was not kept, since pickle cannot write it"):
        Texts.of({"body": TEXTS}, guarded).fit(np.arange(40)).make_reader()


def test_rows_on_a_device():
    fitted = make().fit(np.arange(40))
    rows = fitted.on(np.array([5, 3]), torch.device("cpu"), torch.float64)
    np.testing.assert_array_equal(rows.take(torch.tensor([1])).numpy(), fitted.open()[[3]].astype(float))
