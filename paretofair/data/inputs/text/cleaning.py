"""What is done with a text before it is encoded, and what is counted on the way."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Markup = Literal["strip", "keep"]
LONGEST = 100_000  # characters of a text that are read, unless the space file says so

# A tag begins with a letter, so that `a < b` is none; comments and what scripts and styles hold are no text.
_HIDDEN = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_ENTITY = re.compile(r"&(#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]\w*);")
_REPLACED = "\N{REPLACEMENT CHARACTER}"


class TextCounts(NamedTuple):
    """How many texts were empty (before or after cleaning), cut, had markup taken out, or have letters that were
    unreadable where the file was written."""

    empty: int = 0
    cut: int = 0
    markup: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class Cleaning:
    """`markup`: `strip` takes tags of HTML and XML out and resolves entities. `longest`: characters that are read."""

    markup: Markup = "strip"
    longest: int = LONGEST

    def clean(self, text: str) -> tuple[str, bool, bool]:
        """The text, and whether markup was taken out and whether it was cut.

        >>> Cleaning(longest=12).clean("<p>Heart &amp; lungs,\\x00 clear</p>")
        ('Heart & lung', True, True)
        """
        # An exotic file may have a cell of gigabytes; what is behind the longest is never looked at.
        cut = len(text) > 10 * self.longest
        found = text[: 10 * self.longest] if cut else text
        plain = found
        if self.markup == "strip" and ("<" in found or "&" in found):
            plain = _TAG.sub(" ", _HIDDEN.sub(" ", found))
            plain = html.unescape(plain) if _ENTITY.search(plain) else plain
        stripped = plain != found
        plain = " ".join(plain.replace("\x00", " ").split()) if stripped or "\x00" in plain else plain.strip()
        cut = cut or len(plain) > self.longest
        return plain[: self.longest], stripped, cut

    def clean_all(self, texts: Sequence[str]) -> tuple[list[str], TextCounts]:
        """Every text cleaned, and what was counted."""
        cleaned, markup, cut = [], 0, 0
        for text in texts:
            plain, stripped, shortened = self.clean(text)
            cleaned.append(plain)
            markup += stripped
            cut += shortened
        empty = sum(not text for text in cleaned)
        unreadable = sum(_REPLACED in text for text in cleaned)
        return cleaned, TextCounts(empty, cut, markup, unreadable)


def describe_counts(counts: TextCounts, rows: int, cleaning: Cleaning) -> list[str]:
    """Sentences for the notes of a data set; none where there is nothing to say."""
    said = []
    for count, words in (
        (counts.empty, "empty; their numbers are all 0 before they are centred"),
        (counts.cut, f"longer than {cleaning.longest:,} characters; what is behind these is not read"),
        (counts.markup, "with tags or entities of HTML or XML, which are taken out (markup: keep leaves them)"),
        (counts.unreadable, "with letters that were lost before the file was written"),
    ):
        if count:
            said.append(f"{count:,} of {rows:,} texts {'is' if count == 1 else 'are'} {words}.")
    return said
