"""The names that users give: what they may be, since they become columns, files and keys. Imports nothing of ours."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

MOST = 100  # characters
# What becomes a part of the names of files, and what that is in words.
PLAIN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
PLAIN_WORDS = "letters, digits, _ and -, the first a letter or a digit"
# What sets of objectives are called, and what is in them: a task of that name would be taken for it.
RESERVED_TASKS = ("all", "accuracies", "arfg_are", "arfg", "are")
# Between the attributes of an intersection.
JOINT = "_x_"
# What stands behind the name of a metric in the tables of a report.
_ENDS = ("", "_low", "_high", "_mean", "_std")
_JOINERS = "\u200c\u200d"  # part of how some scripts are spelled, and of emoji
_MOST_COLUMNS = 500_000


def find_fault(name: object, reserved: Iterable[str] = ()) -> str | None:
    """What is wrong with a name, to be read behind `found 'name', `; None where nothing is.

    >>> find_fault("a/evil"), find_fault("all", RESERVED_TASKS), find_fault("pass_bar")
    ('which has / in it; a name is no path', 'which is the name of a set of objectives; choose another', None)
    """
    fault = find_text_fault(name)
    if fault is not None or not isinstance(name, str):
        return fault
    if name != name.strip():
        return "which begins or ends with a space"
    if name.startswith("."):
        return "which begins with a dot; a name is no path"
    for part in ("/", "\\", ".."):
        if part in name:
            return f"which has {part} in it; a name is no path"
    if unicodedata.normalize("NFKC", name).casefold() in reserved:
        return "which is the name of a set of objectives; choose another"
    return None


def find_text_fault(name: object) -> str | None:
    """The same for the name of a group, which often is a value of a file, and makes no file itself."""
    if not isinstance(name, str):
        return "which is no text"
    if not name:
        return "an empty name; give one"
    if len(name) > MOST:
        return f"which has {len(name):,} characters; at most {MOST}"
    kinds = (unicodedata.category(letter) for letter in name if letter not in _JOINERS)
    if any(kind in ("Cc", "Cf", "Cs", "Zl", "Zp") for kind in kinds):
        return "which has a line break or another control character in it"
    return None


def show(text: str) -> str:
    """A text on one line, with what can't be seen written out.

    >>> show("a\\nb")
    'a\\\\nb'
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def fold_letters(text: str) -> str:
    """A text without case and Unicode form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def find_twins(names: Iterable[str]) -> dict[str, str]:
    """What is wrong with names that differ from an earlier one by case or by Unicode form alone, to be read behind
    `found 'name', `: on some disks both are one file.

    >>> find_twins(["repaid", "large", "Repaid"])
    {'Repaid': "which differs from 'repaid' by case or Unicode form alone; rename one"}
    """
    found: dict[str, str] = {}
    first: dict[str, str] = {}
    for name in names:
        plain = fold_letters(name)
        if plain in first and first[plain] != name:
            found[name] = f"which differs from {first[plain]!r} by case or Unicode form alone; rename one"
        first.setdefault(plain, name)
    return found


def find_shared_columns(
    quantities: Iterable[str], tasks: Sequence[str], attributes: Sequence[str] = ()
) -> dict[str, tuple[str, str]]:
    """Tasks with a column `<quantity>_<task>`, with or without an end that reports put behind it or with an attribute
    (`…_by_<attribute>`), that is also one of another task: that task, and the column.

    >>> find_shared_columns(["fpr_gap", "fpr_gap_signed"], ["contract", "signed_contract"])
    {'signed_contract': ('contract', 'fpr_gap_signed_contract')}
    """
    quantities = list(quantities)
    ends = [*_ENDS, *(f"_by_{attribute}" for attribute in attributes)]
    if len(tasks) * len(quantities) * len(ends) > _MOST_COLUMNS:
        ends = [""]
    owner: dict[str, str] = {}
    found: dict[str, tuple[str, str]] = {}
    for task in tasks:
        for quantity in quantities:
            for end in ends:
                column = f"{quantity}_{task}{end}"
                other = owner.setdefault(column, task)
                if other != task:
                    found.setdefault(task, (other, column))
    return found


def find_attribute_faults(attributes: Sequence[str]) -> dict[str, str]:
    """Attributes whose name is taken: by another one's intersection, or by a column of `groups.csv`, in words."""
    taken = {"cell": "a column of groups.csv"}
    of_splits = (f"{what}_{split}" for what in ("rows", "independent") for split in ("train", "validation", "test"))
    taken |= dict.fromkeys(of_splits, "a column of groups.csv")
    taken |= {f"code_{name}": f"a column of groups.csv for {name!r}" for name in attributes}
    known = set(attributes)
    found = {name: taken[name] for name in attributes if name in taken}
    for name in attributes:
        parts = name.split(JOINT)
        if len(parts) > 1 and known.issuperset(parts):
            found.setdefault(name, f"the intersection of {' and '.join(parts)}")
    return found


def find_task_faults(metrics: Iterable[str], tasks: Sequence[str], attributes: Sequence[str] = ()) -> Mapping[str, str]:
    """All that is wrong with the names of tasks, by task, to be read behind `found 'name', `."""
    faults = {task: fault for task in tasks if (fault := find_fault(task, RESERVED_TASKS)) is not None}
    for name, fault in find_twins(tasks).items():
        faults.setdefault(name, fault)
    for name, (other, column) in find_shared_columns(metrics, tasks, attributes).items():
        faults.setdefault(name, f"which shares the column {column} with {other!r}; rename one")
    return faults
