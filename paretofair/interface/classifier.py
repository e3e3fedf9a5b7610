"""A scikit-learn estimator: it searches, and predicts with the model that a rule has chosen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from paretofair.analysis.results import Results
from paretofair.data.stratify import draw_rows
from paretofair.errors import DataError, ParetofairError, RunError
from paretofair.exported import ExportedModel
from paretofair.interface.any_table import is_column, to_column, to_frame
from paretofair.interface.compare import train_comparison
from paretofair.interface.describe import OBJECTIVES
from paretofair.interface.given_data import gather_data
from paretofair.metrics.objectives import parse_goal

LABEL, GROUP = "label", "group"  # columns beside those of X, whose names they yield to
# What the word `all` leaves out where rows to predict come without their groups.
_BY_GROUP = {"threshold_frontier": "decides by group: say sensitive=COLUMN, or name the method"}
_MOST_GROUPS = 20  # of more different numbers groups are made at their median


class FairClassifier(ClassifierMixin, BaseEstimator):
    """Trains several methods with many settings each, and keeps the models of the joint frontier and the one that
    `rule` chooses on validation rows, which `fit` draws from its rows.

        model = FairClassifier(trials=20).fit(X, y, sensitive_features=A)
        model.predict(X), model.predict_proba(X), model.frontier_

    Args:
        methods: As of `paretofair.compare`; `all` that need no choice of yours, nor the groups of rows to predict where
            X has no column of them (`sensitive`).
        trials: Settings drawn for each method and seed.
        seeds: How many, or which. The same ones give the same model where processor and versions are the same.
        objectives: What the frontier trades, minimised or maximised as the metric is.
        rule: Which point of the frontier is kept, as `"smallest equalized_odds_max, error <= 0.2"`; None: its knee.
        sensitive: A column of X, its name or place, whose groups are compared where `fit` is given no
            `sensitive_features`. Numbers with more than 20 values make two groups, cut at their median.
        inputs: Which columns of X are read, or a mapping as in a space file, of texts or pictures by column:
            `{"text": {"columns": ["note"]}}`; by default all.
        validation: The share of the rows that models are compared on, stratified by labels and groups.
        settings: Sections of a space file. By default decisions are those of the likeliest class.
        output: A results folder to keep the search in; None: it is removed after the fit.
        engine: `process`, `ray` or `auto`, as of `paretofair.compare`.
        quiet: Whether to show no progress.

    Attributes:
        classes_: The labels, sorted.
        frontier_: The points of all methods and seeds that no other one beats on validation: `method`, `seed`,
            `trial_id` and the objectives.
        models_: The model of each of these trials, by its id.
        chosen_: The id of the one that predicts.
        n_features_in_, feature_names_in_: As scikit-learn has them.
    """

    def __init__(
        self,
        methods: str | Sequence[str] | Mapping[str, Any] = "all",
        *,
        trials: int = 20,
        seeds: int | Sequence[int] = 1,
        objectives: Sequence[str] = OBJECTIVES,
        rule: str | None = None,
        sensitive: str | int | None = None,
        inputs: Mapping[str, Any] | Sequence[str] | None = None,
        validation: float = 0.25,
        settings: Mapping[str, Any] | None = None,
        output: str | Path | None = None,
        engine: str = "auto",
        quiet: bool = True,
    ) -> None:
        self.methods = methods
        self.trials = trials
        self.seeds = seeds
        self.objectives = objectives
        self.rule = rule
        self.sensitive = sensitive
        self.inputs = inputs
        self.validation = validation
        self.settings = settings
        self.output = output
        self.engine = engine
        self.quiet = quiet

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: Any, y: Any, *, sensitive_features: Any = None, sample_weight: Any = None) -> FairClassifier:
        """Searches. `sensitive_features` are one column, or several of which the losses act on the first; they are
        read by no model unless X has them too.

        Raises:
            ValueError: data, labels, groups or settings that do not fit, in one sentence.
        """
        frame = self._read_inputs(X, reset=True)
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        if len(labels) != len(frame):
            raise ValueError(f"X has {len(frame)} rows, y has {len(labels)}")
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; a classifier needs two")
        try:
            groups = self._find_groups(frame, sensitive_features)
            weights = None
            if sample_weight is not None:
                weights = to_column(sample_weight, "sample_weight", len(frame)).to_numpy(float)
                seen = weights != 0
                if not seen.any():
                    raise DataError("sample_weight: every weight is zero")
                if len(np.unique(codes[seen])) < 2:
                    raise DataError("y has one class among the rows whose weight is not zero; a classifier needs two")
                frame, codes, groups = (
                    frame[seen].reset_index(drop=True),
                    codes[seen],
                    groups[seen].reset_index(drop=True),
                )
                weights = weights[seen]
            self._search(frame, codes, groups, weights)
        except ParetofairError as error:
            raise ValueError(str(error)) from error
        return self

    def predict(self, X: Any, *, sensitive_features: Any = None) -> np.ndarray:
        """The label of each row. Where the chosen model has thresholds by group it needs `sensitive_features`."""
        frame, model = self._read_inputs(X), self._model
        groups = None
        try:
            if model.attributes and sensitive_features is None and self.sensitive is None:
                raise DataError(
                    "the model has a threshold for each group: predict(X, sensitive_features=...), or say "
                    "sensitive=COLUMN where X has it"
                )
            if model.attributes:
                given = self._find_groups(frame, sensitive_features)
                groups = {name: given.iloc[:, place] for place, name in enumerate(self._attributes)}
            decided = model.predict(frame, groups)[model.tasks[0]].to_numpy()
        except ParetofairError as error:
            raise ValueError(str(error)) from error
        return np.asarray(self.classes_[decided.astype(int)])

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, sensitive_features: Any = None) -> float:
        """The share of rows that are decided right; `sensitive_features` as for `predict`."""
        decided = self.predict(X, sensitive_features=sensitive_features)
        return float(accuracy_score(y, decided, sample_weight=sample_weight))

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of every class, `(n, classes)`."""
        frame = self._read_inputs(X)
        try:
            found = self._model.predict_proba(frame).to_numpy(float)
        except ParetofairError as error:
            raise ValueError(str(error)) from error
        return np.column_stack([1 - found[:, 0], found[:, 0]]) if found.shape[1] == 1 else found

    @property
    def _model(self) -> ExportedModel:
        check_is_fitted(self)
        return self.models_[self.chosen_]

    def _read_inputs(self, given: Any, *, reset: bool = False) -> pd.DataFrame:
        """X as a frame; arrays of numbers alone, sparse ones filled up, with the columns x0, x1, …"""
        if not reset:
            check_is_fitted(self)
        if isinstance(given, pd.DataFrame) or hasattr(given, "__dataframe__") or hasattr(given, "__arrow_c_stream__"):
            validate_data(self, given, reset=reset, skip_check_array=True)
            if not reset and not hasattr(given, "columns"):
                raise ValueError("X has no columns")
            frame = to_frame(given, "X").reset_index(drop=True)
            return frame.set_axis([str(name) for name in frame.columns], axis=1)
        array = validate_data(
            self, given, reset=reset, dtype="numeric", ensure_all_finite="allow-nan", accept_sparse="csr"
        )
        array = array.toarray() if issparse(array) else array
        if not reset and hasattr(self, "feature_names_in_"):
            return pd.DataFrame(array, columns=[str(name) for name in self.feature_names_in_])
        return pd.DataFrame({f"x{place}": array[:, place] for place in range(array.shape[1])})

    def _find_groups(self, frame: pd.DataFrame, given: Any) -> pd.DataFrame:
        """A column for each attribute."""
        if given is None:
            if self.sensitive is None:
                raise DataError("say whose groups are compared: fit(X, y, sensitive_features=...), or sensitive=COLUMN")
            place = self.sensitive
            known = isinstance(place, int) and place < frame.shape[1]
            if not known and place not in frame:
                raise DataError(f"sensitive: found {place!r}; accepted: {', '.join(frame.columns[:20])}, or a place")
            column = frame.iloc[:, place] if isinstance(place, int) else frame[place]
            return pd.DataFrame({GROUP: _cut(column)})
        what = "sensitive_features"
        table = pd.DataFrame({GROUP: to_column(given, what)}) if is_column(given) else to_frame(given, what)
        if len(table) != len(frame):
            raise DataError(f"sensitive_features has {len(table)} rows, X has {len(frame)}")
        return pd.DataFrame({f"{GROUP}{place or ''}": _cut(table.iloc[:, place]) for place in range(table.shape[1])})

    def _search(self, frame: pd.DataFrame, codes: np.ndarray, groups: pd.DataFrame, weights: np.ndarray | None) -> None:
        rows, several = len(frame), len(self.classes_) > 2
        label = _find_free(LABEL, frame)
        groups = groups.set_axis([_find_free(name, frame) for name in groups], axis=1)
        part = _draw_parts(codes, groups, self.validation)
        # The rows that choose stand once more as test rows, which a run must have and nothing here looks at.
        order = np.concatenate([np.arange(rows), np.flatnonzero(part == "validation")])
        given = gather_data(
            *(frame.iloc[order], pd.Series(codes[order], name=label)),
            tasks={label: {"column": label, "kind": "multiclass", "classes": list(map(str, range(len(self.classes_))))}}
            if several
            else {label: label},
            sensitive=list(groups.columns),
            sensitive_features=groups.iloc[order],
            split=np.concatenate([part, np.repeat("test", len(order) - rows)]),
            sample_weight=None if weights is None else weights[order],
            inputs=self.inputs,
        )
        settings = {"threshold": {"fixed": 0.5}, **(self.settings or {})}
        settings["stages"] = {"baselines": {"runs": 1}, **settings.get("stages", {})}
        with TemporaryDirectory() as temporary:
            done = train_comparison(
                given,
                methods=self.methods,
                trials=self.trials,
                seeds=self.seeds,
                objectives=self.objectives,
                settings=settings,
                name="classifier",
                output=Path(self.output or temporary),
                engine=self.engine,  # type: ignore[arg-type]
                quiet=self.quiet,
                exports=self.output is not None,
                without=_BY_GROUP if self.sensitive is None else {},
                rule=self.rule,
            )
            front = done.joint_frontier()
            if front.empty:
                self.chosen_, front = _choose_by_first(done.results, self.objectives)
            else:
                self.chosen_ = done.choose(self.rule)
            self.frontier_ = front[[name for name in front if not name.startswith("test_")]]
            self.models_ = {name: done.model(name).exported for name in front["trial_id"]}
            self._attributes = list(groups.columns)


def _choose_by_first(results: Results, objectives: Sequence[str]) -> tuple[str, pd.DataFrame]:
    """The trial that is best by the first objective alone, and its row, where no trial has all of them. Raises RunError
    where none has that either."""
    first = parse_goal(objectives[0], results.tasks, results.settings.metrics)
    column = f"validation_{first.name}"
    known = results.searched[results.searched[column].notna()]
    if known.empty:
        raise RunError(f"no trial has a value of {first.name} on the validation rows; there are too few")
    row = known.iloc[[int(first.metric.loss(known[column].to_numpy(float)).argmin())]]
    warnings.warn(
        f"no trial has a value of all of {', '.join(objectives)} on the validation rows, of which a group has too few; "
        f"the model with the best {first.name} is kept",
        UserWarning,
        stacklevel=4,
    )
    return str(row["trial_id"].iloc[0]), row[["method", "seed", "trial_id", column]]


def _find_free(name: str, frame: pd.DataFrame) -> str:
    """The name, with marks behind it where a column has it."""
    while name in frame:
        name += "_"
    return name


def _cut(values: pd.Series) -> np.ndarray:
    """Groups as texts; of many numbers two, cut at their median."""
    are_numbers = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if are_numbers and values.nunique() > _MOST_GROUPS:
        middle = float(values.median())
        return np.where(values > middle, f"over {middle:g}", f"up to {middle:g}")
    return np.array([None if value is None or value != value else str(value) for value in values], dtype=object)


def _draw_parts(codes: np.ndarray, groups: pd.DataFrame, share: float) -> np.ndarray:
    """The words train and validation, `(rows,)`: of every class and group the same share."""
    strata = np.column_stack([codes, *(pd.factorize(groups[name])[0] for name in groups)])
    chosen = draw_rows(strata, max(1, int(share * len(codes) + 0.5)), 0)
    return np.where(chosen, "validation", "train")
