"""Cutting a data set into training, validation and test rows."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from paretofair.data.dataset import PARTS, TEST, TRAIN, VALIDATION, Dataset, mark_test_rows
from paretofair.data.digest import Digest
from paretofair.data.inputs.protocol import FittedInputs
from paretofair.data.row_weights import RowWeights, normalise_weights
from paretofair.data.stratify import KEPT, MORE_THAN, draw_by, draw_rows, draw_validation_rows, find_identities
from paretofair.errors import DataError

_SPLIT_VERSION = "1"  # to be raised when the rule below changes: split_id must change with it


@dataclass(frozen=True)
class Examples:
    """What is known of the rows of one part of a split beside their inputs, in the order of the data set.

    Attributes:
        rows: `(n,)` their numbers in the data set.
        labels: `(n, tasks)` int8: 0, 1, -1 unknown.
        groups: `(n, attributes)` int8, -1 unknown; columns in the order of `Dataset.attributes`.
        origins: `(n,)` int8 indices into `Dataset.origin_names`.
        weights: How much each row counts; None where all count alike.
        together: `(n,)` numbers of what stays together; None where every row stands alone.
    """

    rows: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    origins: np.ndarray
    weights: RowWeights | None
    together: np.ndarray | None

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Splits:
    """A data set, cut: which part each row belongs to, and the inputs fitted on the training rows.

    Several splits of one data set share its rows, also where they are pickled together. Encoded examples are made where
    they are used.

    Attributes:
        dataset: The data set.
        part: `(rows,)` int8, the part of each row, a place in `PARTS`.
        inputs: Its inputs, with what was fitted.
        weights: How much each row of the data set counts, on average 1 among training rows; None where all count alike.
        split_id: 16 hexadecimal digits: hash of `data_id` and every setting of the split.
    """

    dataset: Dataset
    part: np.ndarray
    inputs: FittedInputs
    weights: RowWeights | None
    split_id: str

    @property
    def tasks(self) -> tuple[str, ...]:
        """Those of the data set."""
        return self.dataset.tasks

    @property
    def parts(self) -> dict[str, Examples]:
        """The examples of every part that has rows, by name."""
        found = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: examples for name, examples in found.items() if examples is not None}

    @property
    def train(self) -> Examples:
        """The training rows."""
        return self._examples(TRAIN)

    @property
    def validation(self) -> Examples | None:
        """The validation rows; None where there are none."""
        return self._examples(VALIDATION) if (self.part == VALIDATION).any() else None

    @property
    def test(self) -> Examples:
        """The test rows."""
        return self._examples(TEST)

    def _examples(self, part: int) -> Examples:
        data, rows = self.dataset, np.flatnonzero(self.part == part)
        return Examples(
            rows=rows,
            labels=data.labels[rows],
            groups=_group_columns(data)[rows],
            origins=data.origin_of_rows[rows],
            weights=None if self.weights is None else self.weights.take(rows),
            together=None if data.together is None else data.together[rows],
        )


def split(
    dataset: Dataset,
    *,
    validation: float = 0.2,
    split_seed: int = 0,
    scale_with_test: bool = False,
    test_seed: int | None = None,
) -> Splits:
    """Cut validation rows from the training rows, and fit the inputs on the remaining ones.

    The cut is stratified by the labels of all tasks and all groups, unknown ones included: each stratum gives
    its share of validation rows within one row; where rows stay together, as well as that allows. Of identities three
    rows of each with more than six are cut, whatever the share (see `identities`).

    Args:
        dataset: The data set; it is not changed.
        validation: Share of the non-test rows, 0 to 0.5. With 0 there is no validation split (protocol
            "paper"). A data set with validation rows of its own keeps these, whatever the share; with 0 they are
            training rows.
        split_seed: Which rows are cut, 0 or greater.
        scale_with_test: Fit the inputs on training and test rows together (protocol "paper").
        test_seed: None for the given test rows. Else, as many test rows are drawn anew from all rows,
            stratified as the validation rows are: for repeats on small data sets.

    Raises:
        DataError: `validation` or a seed out of range; no test rows; too few rows to cut; a part whose rows all have
            the weight 0; a task with one class or an attribute with one group among the training rows; test rows to be
            drawn anew from a data set that has validation rows of its own.
    """
    if not 0 <= validation <= 0.5:  # also false for NaN
        raise DataError(f"share of validation rows is {validation}; accepted: 0 to 0.5")
    if split_seed < 0:
        raise DataError(f"split seed is {split_seed}; accepted: integers from 0")
    if test_seed is not None and test_seed < 0:
        raise DataError(f"test seed is {test_seed}; accepted: integers from 0, or none for the given test rows")
    part = _assign_parts(dataset, validation, split_seed, test_seed)
    train = part == TRAIN
    _check_training_rows(dataset, np.flatnonzero(train))
    fitted = np.flatnonzero(train)
    if scale_with_test:
        fitted = np.concatenate([fitted, np.flatnonzero(part == TEST)])
    return Splits(
        dataset=dataset,
        part=part,
        inputs=dataset.inputs.fit(fitted),
        weights=normalise_weights(dataset.weights, train),
        split_id=_split_id(dataset, validation, split_seed, scale_with_test, test_seed),
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
    return np.stack(columns, axis=1) if columns else np.zeros((len(dataset), 0), dtype=np.int8)


def _has_own_validation(dataset: Dataset) -> bool:
    return bool((dataset.part == VALIDATION).any())


def _assign_parts(dataset: Dataset, validation: float, split_seed: int, test_seed: int | None) -> np.ndarray:
    """The part of each row, `(rows,)` int8."""
    own = _has_own_validation(dataset)
    identities = find_identities(dataset.labels, dataset.kinds)
    part = dataset.part.copy()
    if test_seed is not None:
        if own:
            raise DataError(
                f"data set {dataset.name!r} has validation rows of its own, so that test rows can't be drawn anew; "
                "accepted: no test seed"
            )
        # A second number keeps the stream apart from that of an equal split seed.
        strata, clusters = draw_by(dataset.labels, _group_columns(dataset), dataset.kinds, dataset.together)
        is_test = draw_rows(strata, int(dataset.is_test.sum()), (test_seed, 1), clusters)
        part = mark_test_rows(is_test)
    if own and validation == 0:
        part[part == VALIDATION] = TRAIN
    if not own:
        rows = np.flatnonzero(part == TRAIN)
        chosen = _draw_validation(dataset, rows, validation, split_seed)
        part[rows[chosen]] = VALIDATION
        left, cut = int((~chosen).sum()), int(chosen.sum())
        if identities is not None and validation > 0 and cut == 0:
            raise DataError(
                f"data set {dataset.name!r}: no identity has more than {MORE_THAN} rows that are not test rows, of "
                f"which {KEPT} would be for validation; mark validation rows in a column, or use protocol paper"
            )
        if left < 2 or (validation > 0 and cut == 0):
            raise DataError(
                f"data set {dataset.name!r} has too few rows: {len(rows)} that are not test rows, of which "
                f"a share of {validation} for validation is {cut}; at least 2 must remain for training, "
                "and 1 be cut unless the share is 0"
            )
    if not (part == TEST).any():
        raise DataError(f"data set {dataset.name!r} has no test rows; mark some as test")
    for number, name in enumerate(PARTS):
        rows = np.flatnonzero(part == number)
        if dataset.weights is not None and len(rows) and not dataset.weights[rows].any():
            raise DataError(f"data set {dataset.name!r}: all {len(rows)} {name} rows have the weight 0")
    return part


def _draw_validation(dataset: Dataset, rows: np.ndarray, validation: float, split_seed: int) -> np.ndarray:
    """Which of the rows with these numbers are for validation, `(n,)` bool."""
    identities = find_identities(dataset.labels, dataset.kinds)
    if identities is not None and validation > 0:
        return draw_validation_rows(identities[rows], split_seed)
    cells = np.concatenate([dataset.labels, _group_columns(dataset)], axis=1)
    wanted = math.floor(validation * len(rows) + 0.5)
    together = None if dataset.together is None else dataset.together[rows]
    return draw_rows(cells[rows], wanted, split_seed, together)


def _check_training_rows(dataset: Dataset, rows: np.ndarray) -> None:
    if dataset.weights is not None:
        rows = rows[dataset.weights[rows] > 0]
    for task, kind, labels in zip(dataset.tasks, dataset.kinds, dataset.labels[rows].T, strict=True):
        found = sorted(set(labels.tolist()) - {-1})
        if kind.is_identity and len(found) < 2:
            raise DataError(
                f"data set {dataset.name!r}, task {task!r}: {len(found)} identities among the {len(rows)} training "
                "rows; at least two must occur"
            )
        if not kind.is_identity and len(found) < len(kind.classes):
            words = [kind.classes[label] for label in found] or "all unknown"
            expected = "both 0 and 1 must occur" if kind.is_binary else f"all of {', '.join(kind.classes)} must occur"
            raise DataError(
                f"data set {dataset.name!r}, task {task!r}: labels among the {len(rows)} training rows are "
                f"{found if kind.is_binary and found else words}; {expected}"
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
    if validation > 0 and _has_own_validation(dataset):
        validation, split_seed = -1, 0  # nothing is cut
    digest.add(repr(float(validation)), str(int(split_seed)), str(bool(scale_with_test)))
    if test_seed is not None:
        digest.add("test_seed", str(int(test_seed)))
    return digest.hexadecimal()
