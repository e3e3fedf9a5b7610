"""The columns of a pandas frame as training read the cells of a file, whatever pandas has inferred from them."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from paretofair.data.inputs.columns import MISSING
from paretofair.data.reading.cells import CellRules, text_of
from paretofair.errors import DataError

# What `pandas.read_csv` takes for missing by default. A category of such a name cannot be told from a missing value.
PANDAS_MISSING = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
_EXACT = "read the file with model.read_csv, or with dtype=str and keep_default_na=False"


def find_column(frame: pd.DataFrame, name: str) -> pd.Series | None:
    """The column of this name, spaces at its ends aside; None where there is none.

    Raises:
        DataError: several such columns.
    """
    places = [place for place, column in enumerate(frame.columns) if column == name]
    places = places or [place for place, column in enumerate(frame.columns) if text_of(column) == name]
    if len(places) > 1:
        raise DataError(f"the frame has {len(places)} columns of the name {name}")
    return frame.iloc[:, places[0]] if places else None


def read_numbers(values: pd.Series, name: str, rules: CellRules) -> np.ndarray:
    """A column as numbers, `(rows,)` float64, NaN where missing. Texts are read as cells, numbers taken as they are.

    Raises:
        DataError: a value that is no finite number, with its place in the index.
    """

    def read(value: Any) -> float:
        if isinstance(value, str):
            text = value.strip()
            number = rules.read_number(text)
            return math.nan if rules.is_missing(text) else (number if not math.isnan(number) else math.inf)
        return _to_number(value) if _is_number(value) else math.inf

    missing = _missing_numbers(rules)
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_complex_dtype(values):
        found = values.to_numpy(dtype=float, na_value=math.nan)
    else:
        found = _spread(values, read, math.nan)
    wrong = np.flatnonzero(np.isinf(found))
    if len(wrong):
        place, value = values.index[wrong[0]], values.astype(object).iloc[wrong[0]]
        hint = rules.explain(value.strip()) if isinstance(value, str) else None
        raise DataError(
            f"column {name}, row {place}: found {value!r}; expected a number{'' if hint is None else f': it is {hint}'}"
        )
    return np.where(np.isin(found, missing), np.nan, found)


@dataclass(frozen=True)
class Categories:
    """The categories of a column of texts, as training knows them.

    Attributes:
        name: The column.
        known: The categories; `MISSING` is that of missing cells.
        rules: What cells mean.
        are_numbers: Whether every value of the column was a number, so that equal numbers are one category.
    """

    name: str
    known: Sequence[str]
    rules: CellRules
    are_numbers: bool

    def read(self, values: pd.Series) -> np.ndarray:
        """The category of every value, `(rows,)` text; for one that training did not see its own text.

        Texts are read as cells. Of what pandas has made of them the category is found that it was made of: `01234` of
        the number 1234, `TRUE` of True, `2.00` of 2.0, `2013-01-05` of a date.

        Raises:
            DataError: values that may have been several categories, or dates where no category is one.
        """
        missing = self.missing if values.isna().any() else MISSING
        return np.asarray(_spread(values, self._read_value, missing), dtype=str)

    @property
    def missing(self) -> str:
        """The category of a missing value. Raises DataError where pandas may have made it of a word that is one."""
        words = [word for word in self.known if word in PANDAS_MISSING]
        if words:
            self._refuse("a missing value", words, f"write {words[0]!r} for the category and '' for missing values")
        return MISSING

    def _read_value(self, value: Any) -> str:
        if isinstance(value, bool | np.bool_):
            return self._read_truth(bool(value))
        if _is_number(value):
            return self._read_number(value)
        if isinstance(value, datetime.date | np.datetime64):
            return self._read_date(value)
        return self._read_text(text_of(value))

    def _read_text(self, text: str) -> str:
        if text in self._places:
            return text
        if self.rules.is_missing(text):
            return MISSING
        number = self.rules.read_number(text) if self.are_numbers else math.nan
        return self._choose(text, self._by_number.get(number, [])) or text

    def _read_truth(self, value: bool) -> str:
        """By the word itself, in any case; else as 0 or 1; else by what else means it, yes say."""
        found = self._by_case.get(str(value).lower()) or self._by_number.get(float(value))
        return self._choose(value, found or self._by_truth.get(float(value), [])) or str(value)

    def _read_number(self, value: Any) -> str:
        number = _to_number(value)
        if number in _missing_numbers(self.rules):
            return MISSING
        found = self._by_number.get(number, [])
        if len(found) > 1 and isinstance(value, int | np.integer):
            found = [text for text in found if self.rules.read_exactly(text) == int(value)]
        return self._choose(value, found) or text_of(value)

    def _read_date(self, value: Any) -> str:
        if not self._by_date:
            known = ", ".join(map(repr, self.known[:3]))
            raise DataError(f"column {self.name} holds dates, training read texts such as {known}; {_EXACT}")
        return self._choose(value, self._by_date.get(pd.Timestamp(value), [])) or text_of(value)

    def _choose(self, value: Any, found: Sequence[str]) -> str:
        """The one category of `found`; "" where there is none."""
        if len(found) > 1:
            self._refuse(repr(value), found, "")
        return found[0] if found else ""

    def _refuse(self, what: str, found: Sequence[str], advice: str) -> None:
        names = ", ".join(map(repr, found[:3]))
        may = "was" if len(found) == 1 else "were"
        more = f", or {advice}" if advice else ""
        raise DataError(f"column {self.name}: found {what}, which {names} {may} before pandas read it; {_EXACT}{more}")

    @cached_property
    def _places(self) -> frozenset[str]:
        return frozenset(self.known)

    @cached_property
    def _by_case(self) -> dict[str, list[str]]:
        return _group(self.known, str.lower)

    @cached_property
    def _by_number(self) -> dict[float, list[str]]:
        found = _group(self.known, self.rules.read_number)
        return {number: texts for number, texts in found.items() if not math.isnan(number)}

    @cached_property
    def _by_truth(self) -> dict[float, list[str]]:
        return _group(self.known, self.rules.read_truth)

    @cached_property
    def _by_date(self) -> dict[Any, list[str]]:
        return {date: texts for date, texts in _group(self.known, _read_date).items() if date is not None}


def _read_date(text: str) -> pd.Timestamp | None:
    try:
        return pd.Timestamp(datetime.datetime.fromisoformat(text))
    except ValueError:
        return None


def _group(texts: Iterable[str], key: Callable[[str], Any]) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for text in texts:
        found.setdefault(key(text), []).append(text)
    return found


def _missing_numbers(rules: CellRules) -> list[float]:
    """The numbers that count as missing."""
    numbers = map(rules.read_number, rules.missing)
    return [number for number in numbers if not math.isnan(number)]


def _is_number(value: Any) -> bool:
    return isinstance(value, Real | Decimal | np.bool_)


def _to_number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _spread(values: pd.Series, read: Callable[[Any], Any], missing: Any) -> np.ndarray:
    """What each value is read as; every different one is read once. True, 1 and 1.0 are three."""
    known: dict[tuple[type, Any], Any] = {}
    found = []
    for value, is_missing in zip(values.astype(object), values.isna(), strict=True):
        if is_missing:
            found.append(missing)
            continue
        key = type(value), value
        if key not in known:
            known[key] = read(value)
        found.append(known[key])
    return np.array(found, dtype=float if isinstance(missing, float) else object)
