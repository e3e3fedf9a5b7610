"""Tables that are wrong: data to train on, and trials made elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.cases.attack import Attack
from tests.cases.wrong.right import DATA, FILES, REPORT, SWEEP, make_data, make_trials, show


def _change(**columns: object) -> str:
    return make_data().assign(**columns).to_csv(index=False)


_TABLES: list[tuple[str, str | bytes]] = [
    ("an empty file", ""),
    ("a header alone", "one,two,age,sex\n"),
    ("one row", DATA.split("\n")[0] + "\n1,0,1,f\n"),
    ("a name too few", DATA.replace("one,two,age,sex", "one,two,age", 1)),
    ("a row with fields too many", DATA + "1,0,1,f,9,9,9\n"),
    ("a quote that stays open", DATA + '1,0,1,"f\n'),
    ("two columns of one name", DATA.replace("age", "one", 1)),
    ("zero bytes", b"\0" * 5000),
    ("random bytes", bytes(range(256)) * 50),
    ("UTF-16", DATA.encode("utf-16")),
    ("a Parquet file's beginning", b"PAR1" + b"\0" * 100),
    ("a gzip file's beginning", b"\x1f\x8b\x08\0" + b"\0" * 100),
    ("labels of 2", _change(one=2)),
    ("labels of one class", _change(one=1)),
    ("labels that are words", _change(one="yes")),
    ("labels that are missing", _change(one="")),
    ("labels of -1", _change(one=-1)),
    ("one group", _change(sex="f")),
    ("no group that is known", _change(sex="")),
    ("a group for every row", _change(sex=[f"g{row}" for row in range(120)])),
    ("a group of 300 letters", _change(sex=["f" * 300, "m"] * 60)),
    ("groups with line breaks", _change(sex=["f\nf", "m"] * 60)),
    ("a field of 10 MiB", DATA + f"1,0,1,{'f' * (10 << 20)}\n"),
]

_TRIALS: list[tuple[str, str | bytes]] = [
    *((f"test_error_x of {value}", make_trials(test_error_x=value)) for value in (31, -1, np.inf, "high")),
    *((f"validation_fpr_gap_x of {value}", make_trials(validation_fpr_gap_x=value)) for value in (-0.5, 2, -np.inf)),
    *((f"seeds of {value}", make_trials(seed=value)) for value in (1e30, -1, 0.5, np.inf, "zero")),
    *((f"a method {show(value)}", make_trials(method=value)) for value in ("", "../x", "a/b", "x" * 300, "a\nb", ".x")),
    *((f"a stage {value!r}", make_trials(stage=value)) for value in ("dream", "../x")),
    *((f"a status {value!r}", make_trials(status=value)) for value in ("well", "5")),
    ("a protocol that nobody knows", make_trials(protocol="test")),
    ("two protocols", make_trials(protocol=["validation", "paper"])),
    ("a trial twice", make_trials(trial_id="same")),
    ("an index of 1e30", make_trials(index=1e30)),
    ("no method", make_trials().replace("method", "way")),
    ("no metric", "method,seed\nm,0\n"),
    ("a gap without an error", make_trials().replace("error_x", "eror_x")),
    ("no trial", make_trials().split("\n")[0] + "\n"),
    ("an empty file", ""),
    ("random bytes", bytes(range(256)) * 20),
    ("a task of 300 letters", make_trials().replace("_x", "_" + "x" * 300)),
    ("a task that is a path", make_trials().replace("_x", "_../../x")),
]


def list_tables() -> Iterator[Attack]:
    """Every wrong table."""
    for name, content in _TABLES:
        yield Attack(f"data: {name}", SWEEP, FILES | {"data.csv": content})
    for name, content in _TRIALS:
        yield Attack(f"trials: {name}", REPORT, {"table.csv": content})
