"""Letters, fonts and lines of figures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paretofair.report.drawing import letters
from paretofair.report.drawing.letters import (
    find_fonts,
    find_missing_letters,
    measure_width,
    tell_missing_letters,
    wrap_text,
)

LETTERS = st.characters(exclude_categories=["C", "Z"]) | st.just(" ")


@given(st.text(LETTERS, max_size=200), st.integers(4, 40), st.integers(1, 4))
def test_no_line_is_longer_than_it_may_be(text, longest, lines):
    wrapped = wrap_text(text, longest, lines).split("\n")
    assert len(wrapped) <= lines
    assert max(map(measure_width, wrapped)) <= longest


def test_lines_break_at_spaces_first():
    assert wrap_text("learning rate", 20) == "learning rate"
    assert wrap_text("fairness weight, high_grade", 20) == "fairness weight,\nhigh_grade"
    assert wrap_text("a_method_with_a_long_name", 14) == "a_method_with_\na_long_name"
    assert wrap_text("x" * 25, 10) == "xxxxxxxxxx\nxxxxxxxxxx\nxxxxx"
    assert wrap_text("x" * 100, 10, lines=2) == "xxxxxxxxxx\nxxxxxxxxx…"
    assert wrap_text("学生贷款", 4) == "学生\n贷款"


def test_letters_that_no_font_has_are_named(monkeypatch):
    assert find_fonts()[0] == "DejaVu Sans"
    assert find_missing_letters(["größer, ελ, да", "≤ × −"]) == []
    monkeypatch.setattr(letters, "_known", lambda: frozenset(range(128)))
    assert find_missing_letters(["größer", "a\tb\n"]) == ["ß", "ö"]
    assert tell_missing_letters(["abc"]) == ""
    assert "has the letters ß ö, for which figures show boxes" in tell_missing_letters(["größer"])
