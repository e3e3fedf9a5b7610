import datetime
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from paretofair.data.reading.cells import (
    MISSING_WORDS,
    CellRules,
    find_spellings,
    fold,
    format_number,
    merge_equal_numbers,
    text_of,
)

RULES = CellRules()


def test_missing_words_hold_those_of_pandas():
    from io import StringIO

    cells = ["", *MISSING_WORDS]
    assert all(RULES.is_missing(cell) for cell in cells)
    read = pd.read_csv(StringIO("\n".join(["a", *(f'"{cell}"' for cell in cells)])), skip_blank_lines=False)["a"]
    assert set(read.dropna()) == {"?", ".", "<null>", "(null)", "[NULL]", "\\N", "Null", "NAN", "NaT"}
    assert not any(RULES.is_missing(cell) for cell in ("none", "na", "0", "-", "unknown", "missing", "Nan", "No"))


def test_a_missing_word_that_is_a_number_stands_for_its_spellings():
    rules = CellRules(frozenset(("-9", "unknown")))
    assert [rules.is_missing(cell) for cell in ("-9", "-9.0", "unknown", "-99", "", "NA")] == [
        *(True, True, True, False, True, False)
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-1e3", -1000), (".5", 0.5), ("01", 1), ("\u22125", -5), ("20130101", 20130101)],
)
def test_numbers(text, value):
    assert RULES.read_number(text) == value


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "1_000", "1,5", "35,446", "0x10", "1 2", "5%", "True"])
def test_what_is_no_number(text):
    assert math.isnan(RULES.read_number(text))


@pytest.mark.parametrize(
    ("decimal", "thousands", "text", "value"),
    [
        (",", "", "10300,0", 10300),
        (",", "", "1.5", None),
        (",", ".", "1.234.567,89", 1234567.89),
        (",", ".", "1.5", None),
        (".", ",", "35,446", 35446),
        (".", ",", "1,00,000.5", 100000.5),
        (".", ",", "35,4", None),
        (".", ",", "950", 950),
        (".", " ", "35\u202f446", 35446),
        (",", " ", "-35 446,25", -35446.25),
        (".", "'", "35\u2019446", 35446),
    ],
)
def test_other_marks(decimal, thousands, text, value):
    found = CellRules(decimal=decimal, thousands=thousands).read_number(text)
    assert math.isnan(found) if value is None else found == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("35,446", "thousands separators; write thousands: ','"),
        ("35 446", "thousands separators; write thousands: ' '"),
        ("35\u202f446", "thousands separators; write thousands: ' '"),
        ("35'446", 'thousands separators; write thousands: "\'"'),
        ("10300,0", "a decimal comma; write decimal: ','"),
        ("1.234.567,8", "thousands separators before a decimal comma; write decimal: ',' and thousands: '.'"),
        ("1.234.567", "thousands separators before a decimal comma; write decimal: ',' and thousands: '.'"),
        ("5%", "a percentage"),
        ("5,5 %", "a percentage"),
        ("$5", "an amount of money"),
        ("1,200.50 €", "an amount of money"),
        ("-$5", "an amount of money"),
        ("2013-01-31", "a date"),
        ("31.1.2013", "a date"),
        ("1/31/13", "a date"),
        ("31 Jan 2013", "a date"),
        ("Jan 31, 2013", "a date"),
        ("2013-01-31T12:00:00Z", "a date"),
        ("12:30", "a date or a time"),
        ("2013-01", "a date"),
        ("-inf", "not finite"),
    ],
)
def test_cells_that_a_reader_takes_for_numbers(text, words):
    assert words in RULES.explain(text)


@pytest.mark.parametrize("text", ["", "5", "blue", "V57", "12A", "10-20", "info", "A%", "$", "1,2,3"])
def test_other_texts(text):
    assert RULES.explain(text) is None


def test_explanations_where_the_marks_are_others():
    assert "a file whose decimal is ','" in CellRules(decimal=",").explain("1.5")
    assert "thousands: '.'" in CellRules(decimal=",").explain("1.234,5")


@pytest.mark.parametrize("text", ["1", "1.0", "TRUE", "Yes", "t", "y"])
def test_truths(text):
    assert RULES.read_truth(text) == 1


@pytest.mark.parametrize("text", ["0", "0.0", "False", "NO", "f", "N"])
def test_untruths(text):
    assert RULES.read_truth(text) == 0


@pytest.mark.parametrize("text", ["2", "", "maybe", "on"])
def test_no_truths(text):
    assert math.isnan(RULES.read_truth(text))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" a ", "a"),
        (2.0, "2"),
        (np.float64(0.1), "0.1"),
        (1e22, "1e+22"),
        (np.int64(2**60), str(2**60)),
        (True, "True"),
        (np.bool_(False), "False"),
        (None, ""),
        (float("nan"), ""),
        (pd.NA, ""),
        (pd.NaT, ""),
        (Decimal("1.50"), "1.50"),
        (b"x", "x"),
        (datetime.date(2013, 1, 31), "2013-01-31"),
        (pd.Timestamp(2013, 1, 31, 12), "2013-01-31 12:00:00"),
    ],
)
def test_values_of_typed_tables(value, text):
    assert text_of(value) == text


def test_numbers_keep_their_digits():
    assert [format_number(value) for value in (20130101.0, 0.1 + 0.2, -0.0, 1e-5)] == [
        *("20130101", "0.30000000000000004", "0", "1e-05")
    ]
    assert merge_equal_numbers(["1.0", "01"], RULES) == {"1.0": "01", "01": "01"}


def test_spellings():
    assert fold(" Caf\u00e9  AU\u00a0lait") == fold("cafe\u0301 au lait")
    assert find_spellings(["Male", "male", "f"]) == {"male": ["Male", "male"]}


def test_long_ids_stay_apart():
    """Floats hold no more than 2^53 whole numbers."""
    ids = [str(10**17 + number) for number in range(30)]
    assert merge_equal_numbers(ids, CellRules()) == {text: text for text in ids}
    same = ["100000000000000000", "1e17", "100000000000000000.0", "+100000000000000000"]
    assert set(merge_equal_numbers([*same, ids[1]], CellRules()).values()) == {"1e17", ids[1]}
    grouped = CellRules(thousands=",")
    assert grouped.read_exactly("100,000,000,000,000,001") == 10**17 + 1
