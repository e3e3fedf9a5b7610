"""Cutting a data set into encoded training, validation and test examples."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from paretofair.data.dataset import Dataset, Digest
from paretofair.data.encoding import Encoding, fit_encoding
from paretofair.data.stratify import draw_rows
from paretofair.errors import DataError
from paretofair.tasks import BINARY, TaskKind

_SPLIT_VERSION = "1"  # to be raised when the rule below changes: split_id must change with it


@dataclass(frozen=True)
class Examples:
    """The encoded rows of one split, in the order of the data set.

    Attributes:
        numeric: `(rows, numeric inputs)` float64 z-scores.
        categories: `(rows, categorical inputs)` int64 codes; 0 is a category unseen in training.
        labels: `(rows, tasks)` int8: 0, 1, -1 unknown.
        groups: `(rows, attributes)` int8, -1 unknown; columns in the order of `Splits.attributes`.
        origins: `(rows,)` int8 indices into `Splits.origin_names`.
    """

    numeric: np.ndarray
    categories: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    origins: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Splits:
    """A data set ready for training.

    Attributes:
        name, source, tasks, kinds, group_names, origin_names, data_id, checksums: Those of the `Dataset`.
        attributes: Sensitive attributes, in the order of group columns.
        category_sizes: Codes of each categorical input, code 0 (unseen) included.
        train, validation, test: The examples. `validation` is None where no share was cut for it.
        split_id: 16 hexadecimal digits: hash of `data_id` and every setting of the split.
        encoding: Means, deviations, category tables and input names, to encode further rows alike. Empty in a
            value that was not made by `split`.
    """

    name: str
    source: str
    tasks: tuple[str, ...]
    attributes: tuple[str, ...]
    group_names: dict[str, tuple[str, ...]]
    category_sizes: tuple[int, ...]
    train: Examples
    validation: Examples | None
    test: Examples
    data_id: str
    split_id: str
    checksums: dict[str, str]
    encoding: Encoding = field(default_factory=Encoding)
    origin_names: tuple[str, ...] = ()
    kinds: tuple[TaskKind, ...] = ()

    def __post_init__(self) -> None:
        if not self.kinds:
            object.__setattr__(self, "kinds", (BINARY,) * len(self.tasks))


def split(
    dataset: Dataset,
    *,
    validation: float = 0.2,
    split_seed: int = 0,
    scale_with_test: bool = False,
    test_seed: int | None = None,
) -> Splits:
    """Cut validation rows from the training rows; encode everything by tables of the remaining ones.

    The cut is stratified by the labels of all tasks and all groups, unknown ones included: each stratum gives
    its share of validation rows within one row.

    Args:
        dataset: The data set; it is not changed.
        validation: Share of the non-test rows, 0 to 0.5. With 0 there is no validation split (protocol
            "paper").
        split_seed: Which rows are cut, 0 or greater.
        scale_with_test: Fit z-scores and category tables on training and test rows together (protocol
            "paper").
        test_seed: None for the given test rows. Else, as many test rows are drawn anew from all rows,
            stratified as the validation rows are: for repeats on small data sets.

    Raises:
        DataError: `validation` or a seed out of range; no test rows; too few rows to cut; a task with one
            class or an attribute with one group among the training rows.
    """
    if not 0 <= validation <= 0.5:  # also false for NaN
        raise DataError(f"share of validation rows is {validation}; accepted: 0 to 0.5")
    if split_seed < 0:
        raise DataError(f"split seed is {split_seed}; accepted: integers from 0")
    if test_seed is not None and test_seed < 0:
        raise DataError(f"test seed is {test_seed}; accepted: integers from 0, or none for the given test rows")
    groups = _group_columns(dataset)
    cells = np.concatenate([dataset.labels, groups], axis=1)
    is_test = dataset.is_test
    if test_seed is not None:
        # A second number keeps the stream apart from that of an equal split seed.
        is_test = draw_rows(cells, int(is_test.sum()), (test_seed, 1))
    train_rows, validation_rows = _cut(dataset, cells, is_test, validation, split_seed)
    test_rows = np.flatnonzero(is_test)
    if not len(test_rows):
        raise DataError(f"data set {dataset.name!r} has no test rows; mark some as test")
    _check_training_rows(dataset, train_rows)

    fitted = np.concatenate([train_rows, test_rows]) if scale_with_test else train_rows
    encoding = fit_encoding(
        dataset.numeric[fitted],
        dataset.categorical[fitted],
        dataset.numeric_names,
        dataset.categorical_names,
    )

    def examples(rows: np.ndarray) -> Examples:
        numeric, categories = encoding.encode(dataset.numeric[rows], dataset.categorical[rows])
        return Examples(numeric, categories, dataset.labels[rows], groups[rows], dataset.origin_of_rows[rows])

    return Splits(
        name=dataset.name,
        source=dataset.source,
        tasks=dataset.tasks,
        attributes=tuple(dataset.groups),
        group_names=dict(dataset.group_names),
        category_sizes=encoding.category_sizes,
        train=examples(train_rows),
        validation=examples(validation_rows) if len(validation_rows) else None,
        test=examples(test_rows),
        data_id=dataset.data_id,
        split_id=_split_id(dataset, validation, split_seed, scale_with_test, test_seed),
        checksums=dict(dataset.checksums),
        encoding=encoding,
        origin_names=dataset.origin_names,
        kinds=dataset.kinds,
    )


class SplitsBySeed:
    """The split of every seed of a run: the same for all, or (`test_seed` "each") one whose test rows the seed draws.

    The arguments are those of `split`. A split is cut when it is first asked for, and kept.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        validation: float,
        split_seed: int,
        scale_with_test: bool,
        test_seed: int | Literal["each"] | None,
    ) -> None:
        self.dataset = dataset
        self._settings: dict[str, Any] = {
            "validation": validation,
            "split_seed": split_seed,
            "scale_with_test": scale_with_test,
        }
        self._test_seed = test_seed
        self._cut: dict[str, Splits] = {}

    def id_of(self, seed: int) -> str:
        """The `split_id` of a seed's trials, without cutting the data."""
        return _split_id(self.dataset, **self._settings, test_seed=self._choose_test_seed(seed))

    def of(self, seed: int) -> Splits:
        """The split of a seed's trials."""
        split_id = self.id_of(seed)
        if split_id not in self._cut:
            self._cut[split_id] = split(self.dataset, **self._settings, test_seed=self._choose_test_seed(seed))
        return self._cut[split_id]

    def _choose_test_seed(self, seed: int) -> int | None:
        return seed if self._test_seed == "each" else self._test_seed


def _group_columns(dataset: Dataset) -> np.ndarray:
    """All attributes side by side: `(rows, attributes)` int8."""
    columns = [np.asarray(members, dtype=np.int8) for members in dataset.groups.values()]
    return np.stack(columns, axis=1) if columns else np.zeros((len(dataset.is_test), 0), dtype=np.int8)


def _cut(
    dataset: Dataset, cells: np.ndarray, is_test: np.ndarray, validation: float, split_seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of training and validation, each ascending."""
    rows = np.flatnonzero(~is_test)
    wanted = math.floor(validation * len(rows) + 0.5)
    if len(rows) - wanted < 2 or (validation > 0 and wanted == 0):
        raise DataError(
            f"data set {dataset.name!r} has too few rows: {len(rows)} that are not test rows, of which "
            f"a share of {validation} for validation is {wanted}; at least 2 must remain for training, "
            "and 1 be cut unless the share is 0"
        )
    chosen = draw_rows(cells[rows], wanted, split_seed)
    return rows[~chosen], rows[chosen]


def _check_training_rows(dataset: Dataset, rows: np.ndarray) -> None:
    for task, kind, labels in zip(dataset.tasks, dataset.kinds, dataset.labels[rows].T, strict=True):
        found = sorted(set(labels.tolist()) - {-1})
        if len(found) < len(kind.classes):
            words = [kind.classes[label] for label in found] or "all unknown"
            expected = "both 0 and 1 must occur" if kind == BINARY else f"all of {', '.join(kind.classes)} must occur"
            raise DataError(
                f"data set {dataset.name!r}, task {task!r}: labels among the {len(rows)} training rows are "
                f"{found if kind == BINARY and found else words}; {expected}"
            )
    for attribute, members in dataset.groups.items():
        names = dataset.group_names[attribute]
        present = [names[index] for index in sorted(set(members[rows].tolist()) - {-1})]
        if len(present) < 2:
            raise DataError(
                f"data set {dataset.name!r}, attribute {attribute!r}: groups among the {len(rows)} training "
                f"rows are {present or 'all unknown'}; at least two of {list(names)} must occur"
            )


def _split_id(
    dataset: Dataset, validation: float, split_seed: int, scale_with_test: bool, test_seed: int | None
) -> str:
    digest = Digest()
    digest.add("split", _SPLIT_VERSION, dataset.data_id)
    digest.add(repr(float(validation)), str(int(split_seed)), str(bool(scale_with_test)))
    if test_seed is not None:
        digest.add("test_seed", str(int(test_seed)))
    return digest.hexadecimal()
