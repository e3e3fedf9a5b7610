"""A model that was chosen from a comparison: it speaks of columns and labels as the caller's data do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from paretofair.errors import DataError
from paretofair.exported import ExportedModel
from paretofair.interface.any_table import to_column, to_frame
from paretofair.interface.scoring import Scored, Scores, score_decisions
from paretofair.interface.words import GroupWords, LabelWords

Words = TypeVar("Words", LabelWords, GroupWords)


@dataclass(frozen=True, repr=False)
class ChosenModel:
    """One trained model. It takes the tables that `compare` takes, as long as they have the columns of `inputs`.

    Attributes:
        exported: The model as an ordinary PyTorch module with its preprocessing.
        labels: How the labels of each task are written.
        attributes: How the groups of each sensitive attribute follow from its column.
        folder: Where it is saved; `paretofair.load(folder)` reads `exported` back.
        sources: Of a model of several files the tasks and the attributes of each.
    """

    exported: ExportedModel
    labels: Mapping[str, LabelWords]
    attributes: Mapping[str, GroupWords]
    folder: Path
    sources: Mapping[str, tuple[Collection[str], Collection[str]]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"ChosenModel({str(self.folder)!r}): {self.exported.describe()}"

    @property
    def about(self) -> Mapping[str, Any]:
        """What it is: `method`, `seed`, `trial_id`, `hyperparameters`, `metrics` and more."""
        return self.exported.about

    @property
    def inputs(self) -> list[str]:
        """The columns that it reads."""
        return self.exported.inputs

    def of(self, source: str) -> ChosenModel:
        """The same model for rows of one of its files, of which `score` measures its own tasks and attributes. Raises
        DataError for a file that is none of `exported.readers`."""
        return replace(self, exported=self.exported.of(source))

    def predict(self, data: Any, *, sensitive_features: Any = None) -> pd.DataFrame:
        """The decision of every row and task, in the words of the labels, with the index of a pandas frame.

        `sensitive_features` (one column, or several by attribute, as the data have them or the groups themselves) are
        needed by a model whose thresholds differ by group alone, where the data have no such column.

        Raises:
            DataError: A column that is missing, a value that cannot be read, or groups that are needed and not given.
        """
        return self._name_decisions(self._decide(to_frame(data), sensitive_features))

    def predict_proba(self, data: Any) -> pd.DataFrame:
        """The probability of the positive class of every binary task, in a column of its name, and of every class of
        any other, in columns `<task>_<class>`. Raises DataError, as `predict`."""
        return self.exported.predict_proba(to_frame(data))

    def score(self, data: Any, labels: Any = None, *, sensitive_features: Any = None) -> Scores:
        """Errors, rates by group, and gaps between groups on these rows.

        Args:
            data: A table with the inputs.
            labels: One column for each task, in their order or by name; by default those of the data.
            sensitive_features: One column for each attribute, or one; by default those of the data.

        Raises:
            DataError: Columns that are missing, or have other lengths or other words.
        """
        frame = to_frame(data)
        groups = self._gather_groups(frame, sensitive_features)
        decided, scores = self._decide(frame, sensitive_features), self.exported.predict_proba(frame)
        columns = self._gather_labels(frame, labels)
        tasks = {}
        for task, kind in zip(self.exported.tasks, self.exported.kinds, strict=True):
            if task not in columns:
                continue
            names = [task] if kind.is_binary else [f"{task}_{each}" for each in kind.classes]
            decisions = decided[task].to_numpy()
            if not kind.is_binary:
                decisions = np.array([kind.classes.index(word) for word in decisions])
            known = self.labels[task].read(columns[task], task)
            tasks[task] = Scored(known, decisions.astype(np.int64), scores[names].to_numpy(float).T.copy())
        return score_decisions(tasks, groups)

    def _decide(self, frame: pd.DataFrame, sensitive_features: Any) -> pd.DataFrame:
        groups = self._gather_groups(frame, sensitive_features) if self.exported.attributes else None
        return self.exported.predict(frame, groups)

    def _name_decisions(self, decided: pd.DataFrame) -> pd.DataFrame:
        named = {}
        for task, kind in zip(self.exported.tasks, self.exported.kinds, strict=True):
            words = self.labels[task].values
            places = decided[task] if kind.is_binary else decided[task].map(kind.classes.index)
            named[task] = pd.Series([words[place] for place in places], index=decided.index)
        return pd.DataFrame(named, index=decided.index)

    def _gather_groups(self, frame: pd.DataFrame, given: Any) -> dict[str, list[Any]]:
        """The group of each row by attribute, as the training data name it; None where it is missing."""
        attributes = _keep(self.attributes, self.sources.get(self.exported.source, (None, None))[1])
        columns = _by_name(given, list(attributes), len(frame), "sensitive_features")
        found = {}
        for attribute, words in attributes.items():
            values = columns.get(attribute)
            if values is None:
                if words.column not in frame:
                    raise DataError(f"the data have no column {words.column!r}; give sensitive_features")
                values = frame[words.column]
            found[attribute] = words.read(values)
        return found

    def _gather_labels(self, frame: pd.DataFrame, given: Any) -> dict[str, pd.Series]:
        labels = _keep(self.labels, self.sources.get(self.exported.source, (None, None))[0])
        columns = _by_name(given, list(labels), len(frame), "labels")
        for task, words in labels.items():
            if task not in columns:
                if words.column is None or words.column not in frame:
                    raise DataError(f"the data have no labels of {task}; give labels")
                columns[task] = frame[words.column]
        return columns


def _keep(words: Mapping[str, Words], names: Collection[str] | None) -> dict[str, Words]:
    """Those of these names; all where there are none."""
    return {name: each for name, each in words.items() if names is None or name in names}


def _by_name(given: Any, names: Sequence[str], rows: int, what: str) -> dict[str, pd.Series]:
    """Columns by the names that they are for: one column for one name, or a table with these columns, or as many."""
    if given is None:
        return {}
    if len(names) == 1 and not isinstance(given, Mapping | pd.DataFrame):
        return {names[0]: to_column(given, what, rows)}
    table = to_frame(given, what)
    if not set(names) & set(table.columns) and table.shape[1] == len(names):
        table = table.set_axis(list(names), axis=1)
    unknown = [name for name in table.columns if name not in names]
    if unknown:
        raise DataError(f"{what}: found the column {unknown[0]!r}; accepted: {', '.join(names)}")
    return {name: to_column(table[name], f"{what}[{name!r}]", rows) for name in table.columns}
