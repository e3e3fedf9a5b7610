"""What is taken out of texts, and what is counted."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretofair.data.inputs.text.cleaning import Cleaning


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Heart</p><p>normal.</p>", "Heart normal."),
        ("a < b and c > d", "a < b and c > d"),
        ("x <!-- a note --> y<script>let a = '<b>';</script> z", "x y z"),
        ("caf&eacute; &#39;n&#x27; tea", "café 'n' tea"),
        ("AT&T", "AT&T"),
        ("two\nlines", "two\nlines"),
        ("nul\x00l", "nul l"),
        ("  ", ""),
    ],
)
def test_markup(text, plain):
    assert Cleaning().clean(text)[0] == plain


@given(st.text())
def test_plain_words_stay_and_escaped_ones_come_back(text):
    words = " ".join(text.replace("\x00", " ").split())
    kept, stripped, _ = Cleaning("keep").clean(words)
    assert (kept, stripped) == (words, False)
    once, _, _ = Cleaning().clean(html.escape(words))
    assert once == words


def test_counts():
    _, counts = Cleaning(longest=10).clean_all(["", "<br>", "word " * 9, "<i>x</i>", "a\ufffdb", "plain"])
    assert counts == (2, 1, 2, 1)


def test_texts_of_megabytes_are_cut_at_once():
    text, _, cut = Cleaning(longest=20).clean("word " * 5_000_000)
    assert (text, cut) == ("word word word word ", True)
