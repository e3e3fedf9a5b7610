"""Files and space files with hostile cells and names: read, or refused by one sentence, and never a traceback."""

from __future__ import annotations

import csv
import gzip
import io
import os
import time
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from paretofair.data.reading.cells import MISSING_WORDS
from paretofair.errors import DataError, ParetofairError
from paretofair.runs.run import RunOptions, load_splits
from paretofair.space.space import load_space

ROWS = 36
UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, half characters, ends of lines
SECONDS = float(os.environ.get("PARETOFAIR_FUZZ_SECONDS", "600"))
SPACE: dict[str, Any] = {
    "network": {"shared": [4], "head": [4], "embedding": 2},
    "parameters": {"learning_rate": 0.1, "epochs": 1, "task_weight": "simplex"},
    "methods": {"vanilla": None},
    "seeds": [0],
    "stages": {"baselines": {"runs": 2, "parameters": {"learning_rate": 0.1}}, "sweep": {"trials": 2}},
}
# Letters that are cut, rewritten, doubled or read as something else somewhere.
LETTERS = (
    "aAbß \t\n\r,;|\"'`\\/.:-+−_%$€#?!&*[]{}()<>=~^@01e5\u00a0\u2028\ufeff\u00ad\u202e\u0130\u00e9e\u0301漢\U0001f600"
)
CELLS = st.one_of(
    st.sampled_from(
        [
            *(
                *MISSING_WORDS,
                "",
                "0",
                "1",
                "1.0",
                "01",
                "-0",
                "2",
                "1e308",
                "-1e308",
                "5e-324",
                "1e400",
                "inf",
                "-inf",
            ),
            *(
                "True",
                "false",
                "yes",
                "N",
                "35,446",
                "3,5",
                "1.234,5",
                "5%",
                "$5",
                "2013-01-31",
                "12:30",
                "1/2/13",
                "1_000",
            ),
            *("m", "M", " m", "male", "Male", "missing", "a", "A", "=1+1", "'", '"', "\x00", "9" * 400, "x" * 200),
        ]
    ),
    st.text(alphabet=LETTERS, max_size=6),
    st.text(max_size=4),
    st.floats().map(repr),
    st.integers().map(str),
)
NAMES = st.one_of(
    st.sampled_from(
        ["a", "b", "A", "age", "age_missing", "missing", "a-b", "0", "1.5", "", " ", "x" * 120, "all", "in"]
    ),
    st.text(alphabet=LETTERS, max_size=5),
    st.text(max_size=3),
)


def mostly(usual: st.SearchStrategy[Any], hostile: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One in ten is hostile, so that many tables are read to the end."""
    return st.integers(0, 9).flatmap(lambda number: usual if number else hostile)


USUAL = {
    "repaid": ["0", "1"],
    "sex": ["f", "m", "m"],
    "grade": ["A", "B", "B", "A", "C"],
    "age": [str(20 + 7 * number % 50) for number in range(ROWS)],
    "income": ["1.5", "2.50", "3e2", "-4"],
    "part": ["train", "test", "train", "validation"],
    "code": ["01", "1", "7.0"],
}
TASKS = {"repaid": "repaid", "repaid == 1": "repaid", "age > 40": "age", "grade in ['A', 'C']": "grade"}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """A header, and the cells by column: usual ones, in which some are hostile."""
    names = draw(st.lists(st.sampled_from(sorted(USUAL)), min_size=2, max_size=6, unique=True))
    header, columns = ["repaid", "sex", *names], []
    for name in header:
        cells = USUAL[name]
        if not draw(st.integers(0, 12)):
            cells = draw(st.lists(CELLS, min_size=1, max_size=5))
        columns.append([cells[(row + row // 7) % len(cells)] for row in range(ROWS)])
    for column, row, cell in draw(
        st.lists(st.tuples(st.integers(0, len(header) - 1), st.integers(0, ROWS - 1), CELLS), max_size=2)
    ):
        columns[column][row] = cell
    if not draw(st.integers(0, 3)):
        header[draw(st.integers(0, len(header) - 1))] = draw(NAMES)
    if not draw(st.integers(0, 3)):
        header.append(draw(st.one_of(NAMES, st.sampled_from(header))))
        columns.append(draw(st.sampled_from(columns)))
    # The usual names may stand twice now, with equal cells.
    return header, columns


@st.composite
def descriptions(draw: st.DrawFn, header: list[str]) -> dict[str, Any]:
    """A section `csv` about columns, most of which are there."""
    column = mostly(st.sampled_from(header), NAMES)
    word = st.one_of(CELLS, st.integers(-2, 3), st.sampled_from(["f", "m", "A", "1"]))
    compare = st.builds(
        lambda name, sign, cell: f"`{name}` {sign} {cell}",
        column,
        st.sampled_from(["==", "!=", "<", ">=", "in", "not in", "+ 1 >", "/ 0 <"]),
        st.one_of(
            CELLS.map(repr), CELLS, st.lists(CELLS, max_size=3).map(repr), st.sampled_from(["1", "'m'", "['m']"])
        ),
    )
    usual = [task for task in TASKS if TASKS[task] in header]
    task = (
        mostly(st.sampled_from(usual), column)
        if usual and draw(st.booleans())
        else st.one_of(
            column,
            compare,
            st.builds(lambda first, second: f"{first} and not {second}", compare, compare),
            st.fixed_dictionaries(
                {"column": column, "kind": st.sampled_from(["multiclass", "binary"])},
                optional={"classes": st.lists(word, max_size=3)},
            ),
        )
    )
    groups = [name for name in ("sex", "grade", "code") if name in header]
    attribute = (
        mostly(st.sampled_from(groups), column)
        if groups and draw(st.booleans())
        else st.one_of(
            column,
            st.fixed_dictionaries(
                {"column": column, "bins": st.lists(st.floats(-5, 50), min_size=1, max_size=4).map(sorted)}
            ),
            st.fixed_dictionaries({"column": column, "groups": st.dictionaries(word, word, max_size=3)}),
        )
    )
    inputs = st.one_of(st.just("auto"), st.lists(column, max_size=3))
    optional = {
        "separator": st.sampled_from([",", ";", "\t", " ", "|", "a", "\n", '"', ""]),
        "decimal": st.sampled_from([".", ",", "x"]),
        "thousands": st.sampled_from(["", ",", ".", " ", "'"]),
        "encoding": st.sampled_from(["utf-8", "utf-16", "latin-1", "ascii", "rot13", "nope", "idna"]),
        "inputs": st.fixed_dictionaries(
            {}, optional={"exclude": st.lists(column, max_size=2), "numeric": inputs, "categorical": inputs}
        ),
        "split": st.one_of(
            column, st.fixed_dictionaries({"column": column, "train": st.lists(word), "test": st.lists(word)})
        ),
        "weights": column,
        "keep_together": column,
        "origin": column,
        "missing": st.fixed_dictionaries(
            {},
            optional={
                "words": st.lists(CELLS, max_size=3),
                "add": st.lists(word, max_size=3),
                "remove": st.lists(st.sampled_from(MISSING_WORDS), max_size=2),
                "labels": st.sampled_from(["mask", "error"]),
                "groups": st.sampled_from(["mask", "error"]),
                "inputs": st.sampled_from(["fill", "error"]),
            },
        ),
    }
    keys = draw(st.lists(st.sampled_from(sorted(optional)), max_size=2, unique=True)) if draw(st.booleans()) else []
    name = mostly(st.sampled_from(["t", "u", "v"]), NAMES)
    return {
        "path": "data.csv",
        "tasks": draw(st.dictionaries(name, task, min_size=1, max_size=2)),
        "sensitive": draw(st.dictionaries(name, attribute, min_size=1, max_size=2)),
        **{key: draw(optional[key]) for key in keys},
    }


@st.composite
def cases(draw: st.DrawFn) -> tuple[bytes, str]:
    """The bytes of a file, and a space file."""
    header, columns = draw(tables())
    described = draw(descriptions(header))
    separator = described.get("separator", ",")
    text = io.StringIO()
    try:
        writer = csv.writer(text, delimiter=separator, lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])))
        writer.writerows([header, *zip(*columns, strict=True)])
        content = text.getvalue()
    except (csv.Error, TypeError, ValueError):
        content = "\n".join(map(",".join, [header, *zip(*columns, strict=True)]))
    encoding = draw(st.sampled_from(["utf-8"] * 8 + ["utf-8-sig", "utf-16", "latin-1"]))
    data = content.encode(encoding, errors="surrogatepass" if encoding.startswith("utf") else "replace")
    damage = draw(st.integers(0, 40))
    if damage == 1:
        data = gzip.compress(data)
    elif damage == 2:
        data = gzip.compress(data)[: draw(st.integers(1, 60))]
    elif damage == 3:
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.binary(max_size=5)) + data[place:]
    elif damage == 4:
        data = data[: draw(st.integers(0, len(data)))]
    sensitive = draw(mostly(st.sampled_from(sorted(described["sensitive"])), NAMES))
    space = {"name": "fuzz", "data": {"csv": described, "sensitive": sensitive}} | SPACE
    return data, yaml.safe_dump(space, sort_keys=False, allow_unicode=draw(st.booleans()))


def check(folder: Path, data: bytes, space: str) -> bool:
    """Whether a case is taken as it is. What is refused is refused by a sentence."""
    (folder / "data.csv").write_bytes(data)
    (folder / "space.yaml").write_text(space, encoding="utf-8", errors="surrogatepass", newline="\n")
    try:
        read = load_space(folder / "space.yaml")
        splits = load_splits(read, RunOptions.of(read, folder / "out")).of(read.seeds[0])
        encoded = splits.inputs.encode(np.arange(len(splits.dataset)))
    except ParetofairError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        message = str(refused)
        lines = message.split("\n")
        assert all(line.strip() for line in lines), message
        assert not {unicodedata.category(letter) for line in lines for letter in line} & UNSEEN, message
        assert len(lines) == 1 or not isinstance(refused, DataError), message
        assert len(message) < 20_000
        return False
    assert np.isfinite(encoded).all()
    assert all("\n" not in note for note in splits.dataset.notes)
    return True


SETTINGS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "database": None,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place: Path = tmp_path_factory.mktemp("fuzz")
    return place


@settings(max_examples=60, **SETTINGS)
@given(case=cases())
def test_hostile_files_end_in_a_sentence(folder, case):
    check(folder, *case)


@pytest.mark.slow
def test_hostile_files_for_long(folder):
    """For PARETOFAIR_FUZZ_SECONDS seconds, 600 by default."""
    end, number, taken, tried = time.monotonic() + SECONDS, int(os.environ.get("PARETOFAIR_FUZZ_SEED", "0")), 0, 0
    while time.monotonic() < end:
        number += 1

        @seed(number)
        @settings(max_examples=200, phases=[Phase.generate, Phase.shrink], **SETTINGS)
        @given(case=cases())
        def fuzz(case):
            nonlocal taken, tried
            tried += 1
            taken += check(folder, *case)

        fuzz()
    assert taken, f"none of {tried} cases was read"
    print(f"{tried} cases, of which {taken} were read")
