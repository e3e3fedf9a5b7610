"""Which fonts figures are set in, which letters none of them has, and where a long text breaks into lines."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator

# Behind the first, which comes with matplotlib, common fonts of other scripts; those that are installed are used.
_FAMILIES = (
    "DejaVu Sans",
    *(f"Noto Sans CJK {country}" for country in ("SC", "TC", "JP", "KR")),
    *(f"Noto Sans {country}" for country in ("SC", "TC", "JP", "KR")),
    *("Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback"),
    *("Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans", "Hiragino Sans GB", "Yu Gothic", "MS Gothic"),
    *("IPAexGothic", "Malgun Gothic", "Apple SD Gothic Neo", "NanumGothic"),
    *(f"Noto Sans {script}" for script in ("Devanagari", "Bengali", "Tamil", "Telugu", "Thai", "Ethiopic", "Khmer")),
    *("Nirmala UI", "Leelawadee UI", "Ebrima", "FreeSans", "Unifont", "Arial Unicode MS", "Noto Sans Symbols2"),
)


@functools.cache
def find_fonts() -> tuple[str, ...]:
    """The families that are installed, in the order in which a letter is looked for."""
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    return tuple(name for name in _FAMILIES if name in installed)


def find_missing_letters(texts: Iterable[str]) -> list[str]:
    """The letters that no font has, in their order."""
    letters = {letter for text in texts for letter in text if letter.isprintable() and not letter.isspace()}
    return sorted(letter for letter in letters if ord(letter) not in _known())


@functools.cache
def _known() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(code for name in find_fonts() for code in get_font(findfont(name)).get_charmap())


def tell_missing_letters(texts: Iterable[str]) -> str:
    """A sentence on the letters of these texts that figures cannot show; empty where they show all."""
    missing = find_missing_letters(texts)
    if not missing:
        return ""
    shown = " ".join(missing[:20]) + (f" and {len(missing) - 20} more" if len(missing) > 20 else "")
    return (
        f"No installed font has the letters {shown}, for which figures show boxes: install one that has (Noto Sans, "
        "say), or give such names a text under labels in the space file."
    )


def wrap_text(text: str, longest: int, lines: int = 4) -> str:
    """A long text in up to so many lines of at most `longest` letters, broken at spaces; a word that is longer than a
    line is broken behind `_`, `-` or `/`, or anywhere. What does not fit ends in `…`.

    >>> wrap_text("a_method_with_a_long_name", 14)
    'a_method_with_\\na_long_name'
    """
    found = [""]
    for part in _break_up(text, longest):
        if found[-1] and measure_width(found[-1]) + measure_width(part.rstrip()) > longest:
            found.append("")
        found[-1] += part
    if len(found) > lines:
        last = found[lines - 1].rstrip()
        while measure_width(last) >= longest:
            last = last[:-1]
        found = [*found[: lines - 1], f"{last}…"]
    return "\n".join(line.rstrip() for line in found)


def measure_width(text: str) -> int:
    """In letters, of which those of some scripts are two wide."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _break_up(text: str, longest: int) -> Iterator[str]:
    """Parts that stand on one line each."""
    for word in re.findall(r"\S+\s*|\s+", text):
        if measure_width(word.rstrip()) <= longest:
            yield word
            continue
        for piece in re.findall(r"[^_\-/]*[_\-/]*", word):
            part = ""
            for letter in piece:
                if measure_width(part + letter) > longest and not letter.isspace():
                    yield part
                    part = ""
                part += letter
            if part:
                yield part
