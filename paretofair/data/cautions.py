"""What is told of data before anything is trained: rare labels, small groups, inputs that give the answer away."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from paretofair.data.dataset import Dataset
from paretofair.data.inputs.columns import Columns
from paretofair.data.sheet import Counts, DataSheet, count_each, describe_data
from paretofair.data.splits import Splits

FEW = 10  # rows of a label from which no rate is more than luck
_SHOWN = 3  # labels, groups or columns that a line names
_TRIED = 1000  # rows that are looked at before all are
_ROWS_PER_VALUE = 10  # on average, so that values do not tell a label by chance
_LEAST_OF_EACH = 5  # rows of every label for the same reason


def find_cautions(
    splits: Splits, least_rows: int, own_columns: Mapping[str, str] | None = None, *, whole: bool = False
) -> list[str]:
    """What a user should know of these data before training, a line each; empty where there is nothing to say.

    Args:
        splits: A data set, cut.
        least_rows: Groups of fewer rows in a part are named.
        own_columns: Attribute -> the column that its groups are made of, where that has another name. Such a column may
            be an input; any other input that gives groups away, whose own column is none, is named.
        whole: Every row is meant to have its labels and groups, so that rows without one are told.
    """
    data = splits.dataset
    columns = {name: name for name in data.attributes} | dict(own_columns or {})
    sheet = describe_data(splits)
    return [
        *(_find_unknown(data) if whole else ()),
        *_find_rare_labels(splits, sheet, least_rows),
        *_find_small_groups(sheet, least_rows),
        *_find_attributes_that_tell_labels(data),
        *_find_equal_tasks(data),
        *_find_leaks(data, columns),
        *_find_identifiers(data),
    ]


def _find_unknown(data: Dataset) -> Iterator[str]:
    rows = len(data.labels)
    for task, labels in zip(data.tasks, data.labels.T, strict=True):
        if count := int((labels < 0).sum()):
            yield f"Task {task} has no label in {count:,} of {rows:,} rows, which neither train nor measure it."
    for attribute, members in data.groups.items():
        if count := int((members < 0).sum()):
            yield (
                f"Attribute {attribute} has no group in {count:,} of {rows:,} rows: they train, but no loss or gap "
                "of its groups sees them."
            )


def _find_rare_labels(splits: Splits, sheet: DataSheet, least_rows: int) -> Iterator[str]:
    data = splits.dataset
    for task, kind, labels in zip(data.tasks, data.kinds, data.labels.T, strict=True):
        if kind.is_identity:
            continue  # none has many rows
        rare = {word: few for word, counts in sheet.labels[task].items() if (few := _take_few(counts, FEW))}
        if rare:
            words = _join(f"label {word} ({_say_counts(few)})" for word, few in _rarest_first(rare))
            yield f"Task {task} has few rows of {words}: its rates are luck there."
        in_groups = {}
        for attribute, members in data.groups.items():
            names, known = data.group_names[attribute], (members >= 0) & (labels >= 0)
            # An attribute that only other sources know has no rates here.
            if not known.any() or _tell_each_other(members, labels):
                continue
            cells = list(itertools.product(names, kind.classes))
            codes = np.where(known, members.astype(np.int64) * len(kind.classes) + labels, -1)
            of_cells = count_each(splits, codes, [f"label {word} in {attribute} {group}" for group, word in cells])
            for (group, word), (where, counts) in zip(cells, of_cells.items(), strict=True):
                rows = sheet.groups[attribute][group]
                few = _take_few(counts, FEW)
                # What is rare or small as a whole is told as a whole.
                few = {part: n for part, n in few.items() if part not in rare.get(word, {})}
                few = {part: n for part, n in few.items() if rows[part] >= least_rows}
                if few:
                    in_groups[where] = few
        if in_groups:
            words = _join(f"{where} ({_say_counts(few)})" for where, few in _rarest_first(in_groups))
            yield f"Task {task} has few rows of {words}: gaps between groups are luck there."


def _find_small_groups(sheet: DataSheet, least_rows: int) -> Iterator[str]:
    for attribute, groups in sheet.groups.items():
        small = {name: few for name, counts in groups.items() if (few := _take_few(counts, least_rows))}
        if small:
            words = _join(f"{name} ({_say_counts(few)})" for name, few in _rarest_first(small))
            yield f"Groups of {attribute} with fewer than {least_rows} rows: {words}; gaps there are mostly noise."


def _find_attributes_that_tell_labels(data: Dataset) -> Iterator[str]:
    for task, kind, labels in zip(data.tasks, data.kinds, data.labels.T, strict=True):
        for attribute, members in data.groups.items() if not kind.is_identity else ():
            if _tell_each_other(members, labels):
                yield (
                    f"Attribute {attribute} and the labels of {task} tell each other: in some group all labels are "
                    "one, so that gaps have no value."
                )


def _tell_each_other(members: np.ndarray, labels: np.ndarray) -> bool:
    known = (labels >= 0) & (members >= 0)
    return _tells(members[known], labels[known]) or _tells(labels[known], members[known])


def _find_equal_tasks(data: Dataset) -> Iterator[str]:
    seen: dict[bytes, str] = {}
    for task, labels in zip(data.tasks, data.labels.T, strict=True):
        same = seen.setdefault(np.ascontiguousarray(labels).tobytes(), task)
        if same != task:
            yield f"Tasks {same} and {task} have the same labels."


def _find_leaks(data: Dataset, own_columns: Mapping[str, str]) -> Iterator[str]:
    inputs = data.inputs
    if not isinstance(inputs, Columns):
        return
    columns = dict(zip(inputs.categorical_names, inputs.codes.T, strict=True))
    columns |= dict(zip(inputs.numeric_names, inputs.numeric.T, strict=True))
    targets = {f"the labels of {task}": labels for task, labels in zip(data.tasks, data.labels.T, strict=True)}
    targets |= {
        f"the groups of {attribute}": members
        for attribute, members in data.groups.items()
        if own_columns[attribute] not in columns
    }
    distinct = {name: len(np.unique(values)) for name, values in columns.items()}
    for what, codes in targets.items():
        known = np.flatnonzero(codes >= 0)
        head, found = known[:_TRIED], list[str]()
        for name, values in columns.items():
            ordered, few = name in inputs.numeric_names, distinct[name] * _ROWS_PER_VALUE <= len(known)
            # The first rows change no more often than all do: most columns need not be sorted for every target.
            is_function, changes = _part(values[head], codes[head])
            may = is_function and (few or (ordered and changes <= codes.max()))
            if may and name not in own_columns.values() and _tells(values[known], codes[known], ordered=ordered):
                found.append(name)
        if found:
            one = len(found) == 1
            yield f"Input{'' if one else 's'} {_join(found)} tell{'s' if one else ''} {what} without an error: a leak?"


def _find_identifiers(data: Dataset) -> Iterator[str]:
    inputs = data.inputs
    if isinstance(inputs, Columns):
        found = [
            name for name, values in zip(inputs.numeric_names, inputs.numeric.T, strict=True) if _numbers_rows(values)
        ]
        if found:
            yield f"Inputs that number the rows: {_join(found)}; exclude identifiers (data.csv.inputs.exclude)."


def _numbers_rows(values: np.ndarray) -> bool:
    """Whether all are different whole numbers that rise from row to row, or that leave none out."""
    if not (values == np.floor(values)).all() or len(np.unique(values)) < len(values):
        return False
    return bool((np.diff(values) > 0).all() or np.ptp(values) == len(values) - 1)


def _tells(values: np.ndarray, codes: np.ndarray, ordered: bool = False) -> bool:
    """Whether equal values always have equal codes, and that is no chance: there are few values, or where they are
    `ordered` each code has an interval of them."""
    if not _part(values[:_TRIED], codes[:_TRIED])[0]:
        return False
    is_function, changes = _part(values, codes)
    counts = np.unique(codes, return_counts=True)[1]
    if not is_function or len(counts) < 2 or counts.min() < _LEAST_OF_EACH:
        return False
    few = len(np.unique(values)) * _ROWS_PER_VALUE <= len(values)
    return bool(few or (ordered and changes == len(counts) - 1))


def _part(values: np.ndarray, codes: np.ndarray) -> tuple[bool, int]:
    """Whether equal values have equal codes, and how often the code changes along the values."""
    order = np.argsort(values, kind="stable")
    values, codes = values[order], codes[order]
    changes = np.flatnonzero(codes[1:] != codes[:-1])
    return bool((values[changes] < values[changes + 1]).all()), len(changes)


def _take_few(counts: Counts, least: int) -> Counts:
    return {part: count for part, count in counts.items() if count < least}


def _rarest_first(found: Mapping[str, Counts]) -> list[tuple[str, Counts]]:
    return sorted(found.items(), key=lambda each: min(each[1].values()))


def _say_counts(counts: Counts) -> str:
    return ", ".join(f"{count} {part}" for part, count in counts.items())


def _join(words: Iterator[str] | Sequence[str]) -> str:
    every = list(words)
    more = len(every) - _SHOWN
    return ", ".join(every[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
