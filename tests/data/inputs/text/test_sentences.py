"""What is said where there is no model of sentences, and what stands for one in the identity of a data set."""

from __future__ import annotations

import sys

import pytest

from paretofair.data.inputs.text.sentences import SentenceEncoder, digest_folder
from paretofair.errors import DataError


def test_a_missing_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(DataError, match=r"needs the extra text: pip install 'paretofair\[text\]'"):
        SentenceEncoder(str(tmp_path)).fit([])


def test_nothing_is_downloaded():
    with pytest.raises(DataError, match=r"no folder 'bert-base'; save a model there first, nothing is downloaded"):
        SentenceEncoder("bert-base")


def test_a_changed_model_is_another_one(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    before = digest_folder(str(tmp_path))
    assert len(before) == 16
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "a").write_text("1")
    after = digest_folder(str(tmp_path))
    assert after != before
    (tmp_path / "weights" / "a").rename(tmp_path / "weights" / "b")
    assert digest_folder(str(tmp_path)) not in (before, after)
    assert digest_folder(str(tmp_path / "nowhere")) == ""
