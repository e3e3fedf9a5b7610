"""What one cell of a table means: a missing value, a number, a truth, or the text that it is."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import numpy as np

from paretofair.naming import fold_letters

# What databases, spreadsheets, pandas, R and C write where there is no value. An empty cell is always missing.
MISSING_WORDS = (
    *("?", ".", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NULL", "Null", "null", "<null>", "(null)"),
    *("[NULL]", "\\N", "None", "NaN", "nan", "NAN", "-NaN", "-nan", "NaT"),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
_TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y"), 1.0),
    **dict.fromkeys(("false", "f", "no", "n"), 0.0),
}
_GAPS = " \u00a0\u202f"  # between thousands, as some programs write them
_APOSTROPHES = "'\u2019"
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_TIME = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s?[ap]m)?"
_DATE = re.compile(
    rf"((19|20)\d\d[-/](0[1-9]|1[0-2])|\d{{4}}([-/.])\d{{1,2}}\4\d{{1,2}}|\d{{1,2}}([-/.])\d{{1,2}}\5(\d{{4}}|\d{{2}})"
    rf"|\d{{1,2}}[- ]{_MONTH}[- ,]+(\d{{4}}|\d{{2}})|{_MONTH}[- ]\d{{1,2}},?[- ]\d{{4}})"
    rf"([T ]\s?{_TIME}\s?(z|utc|[+-]\d{{2}}:?\d{{2}})?)?|{_TIME}",
    re.IGNORECASE,
)
_MONEY = re.compile(r"[$€£¥₹]|\b(usd|eur|gbp|chf)\b", re.IGNORECASE)
# Decimal mark and thousands separator, as tables of the world have them; the more common reading first.
_MARKS = ((".", ","), (".", " "), (".", "'"), (",", ""), (",", "."), (",", " "), (".", ""))
_WRITE_NUMBERS = "write the number alone"
_MOST_WHOLE = 2**53  # up to which floats hold every whole number


@dataclass(frozen=True)
class CellRules:
    """How the cells of one table are written. Cells are given without spaces at both ends.

    Attributes:
        missing: Words that count as missing; a word that is a number stands for every spelling of it. An empty cell is
            missing whatever they are.
        decimal: The mark before the decimals, "." or ",".
        thousands: What stands between thousands, or "".
    """

    missing: frozenset[str] = frozenset(MISSING_WORDS)
    decimal: str = "."
    thousands: str = ""

    @cached_property
    def _missing_numbers(self) -> frozenset[float]:
        return frozenset(value for word in self.missing if not math.isnan(value := self.read_number(word)))

    @cached_property
    def _grouped(self) -> re.Pattern[str]:
        mark = _class_of(self.thousands)
        return re.compile(rf"[+-]?\d{{1,3}}(?:{mark}\d{{2,3}})*{mark}\d{{3}}(?:{re.escape(self.decimal)}\d*)?")

    def is_missing(self, text: str) -> bool:
        """Whether a cell has no value."""
        if not text or text in self.missing:
            return True
        return bool(self._missing_numbers) and self.read_number(text) in self._missing_numbers

    def read_number(self, text: str) -> float:
        """The finite number that a cell holds, or NaN.

        >>> CellRules().read_number("1e3"), CellRules(decimal=",", thousands=".").read_number("35.446,5")
        (1000.0, 35446.5)
        """
        try:
            # float() rounds correctly, so equal texts are equal numbers in every file.
            value = float(self._write_plainly(text))
        except ValueError:
            return math.nan
        # float() also takes "nan", "inf" and "1_000": none of them is a number in a table.
        return value if math.isfinite(value) and "_" not in text else math.nan

    def read_exactly(self, text: str) -> float | Decimal:
        """As `read_number`, but a number beyond 2^53, where floats leave out whole ones, as it is written: ids of
        eighteen digits stay apart.

        >>> CellRules().read_exactly("100000000000000001") == CellRules().read_exactly("100000000000000002")
        False
        """
        value = self.read_number(text)
        return Decimal(self._write_plainly(text)) if abs(value) >= _MOST_WHOLE else value

    def _write_plainly(self, text: str) -> str:
        """A number as Python writes it; "" for a text that can be none."""
        text = text.replace("\u2212", "-")  # the minus sign of typesetters
        if self.thousands and self._grouped.fullmatch(text):
            text = re.sub(_class_of(self.thousands), "", text)
        if self.decimal != ".":
            text = "" if "." in text else text.replace(self.decimal, ".")
        return text

    def is_number(self, text: str) -> bool:
        """Whether a cell holds a finite number."""
        return not math.isnan(self.read_number(text))

    def read_truth(self, text: str) -> float:
        """1 for `1`, true, yes, t and y in any case, 0 for `0`, false, no, f and n; NaN for anything else."""
        value = self.read_number(text)
        if value in (0.0, 1.0):
            return value
        return _TRUTHS.get(text.lower(), math.nan)

    def explain(self, text: str) -> str | None:
        """What a cell that is no number here means to a reader, with the way out; None for any other text.

        >>> CellRules().explain("35,446"), CellRules().explain("blue")
        ("a number with thousands separators; write thousands: ','", None)
        """
        if not text or self.is_number(text):
            return None
        if re.fullmatch(r"[+-]?(inf|infinity)", text, re.IGNORECASE):
            return f"which is not finite; if it stands for a missing value, write missing: {{add: [{text!r}]}}"
        if _DATE.fullmatch(text):
            return "a date or a time, which are no numbers here; write days or years as a number"
        if not any(letter.isdigit() for letter in text):
            return None
        if text.endswith("%") and self._is_any_number(text[:-1].strip()):
            return f"a percentage; {_WRITE_NUMBERS}"
        if (bare := _MONEY.sub("", text).strip()) != text and self._is_any_number(bare):
            return f"an amount of money; {_WRITE_NUMBERS}"
        return self._explain_marks(text)

    def _explain_marks(self, text: str) -> str | None:
        """The same for numbers with other marks between thousands or before the decimals."""
        for decimal, thousands in _MARKS:
            if not re.search(_class_of(thousands), text) or not CellRules(frozenset(), decimal, thousands).is_number(
                text
            ):
                continue
            if decimal == self.decimal:
                return f"a number with thousands separators; write thousands: {_quote(thousands)}"
            if decimal == ".":
                return f"a number with a decimal point, in a file whose decimal is {_quote(self.decimal)}"
            if not thousands:
                return f"a number with a decimal comma; write decimal: {_quote(decimal)}"
            keys = f"decimal: {_quote(decimal)} and thousands: {_quote(thousands)}"
            return f"a number with thousands separators before a decimal comma; write {keys}"
        return None

    def _is_any_number(self, text: str) -> bool:
        return self.is_number(text) or self._explain_marks(text) is not None


def text_of(value: object) -> str:
    """What a value of a typed table, a Parquet file or a frame, is as a cell: numbers with all their digits and no
    `.0`, nothing for a missing value.

    >>> [text_of(value) for value in (2.0, 20130101, True, float("nan"), " a ")]
    ['2', '20130101', 'True', '', 'a']
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else format_number(float(value))
    if isinstance(value, bytes):
        return value.decode(errors="replace").strip()
    if isinstance(value, datetime.datetime) and value == value:
        return value.isoformat(" ")
    text = str(value).strip()
    return "" if value is None or text in ("<NA>", "NaT") else text


def format_number(value: float) -> str:
    """The fewest digits that tell a number from every other one, and no `.0`.

    >>> format_number(20130101.0), format_number(0.1), format_number(-0.0)
    ('20130101', '0.1', '0')
    """
    return repr(float(value) + 0.0).removesuffix(".0")


def merge_equal_numbers(texts: Iterable[str], rules: CellRules) -> dict[str, str]:
    """For texts that are all numbers: each with the shortest of its spellings, so that `1` and `1.0` are one value.

    >>> merge_equal_numbers(["1", "1.0", "01", "2.50"], CellRules())
    {'1': '1', '1.0': '1', '01': '1', '2.50': '2.50'}
    """
    texts = list(texts)
    shortest: dict[float | Decimal, str] = {}
    for text in sorted(texts, key=lambda text: (len(text), text)):
        shortest.setdefault(rules.read_exactly(text), text)
    return {text: shortest[rules.read_exactly(text)] for text in texts}


def fold(text: str) -> str:
    """A text without case, Unicode form and the number of spaces: what two spellings of one word have in common."""
    return " ".join(fold_letters(text).split())


def find_spellings(texts: Iterable[str]) -> Mapping[str, list[str]]:
    """Texts by what `fold` makes of them, where several are one."""
    by_fold: dict[str, list[str]] = {}
    for text in texts:
        by_fold.setdefault(fold(text), []).append(text)
    return {plain: found for plain, found in by_fold.items() if len(found) > 1}


def _class_of(mark: str) -> str:
    """A pattern of one mark, however programs write it."""
    for family in (_GAPS, _APOSTROPHES):
        if mark and mark in family:
            return f"[{family}]"
    return re.escape(mark)


def _quote(mark: str) -> str:
    return '"\'"' if mark == "'" else f"'{mark}'"
