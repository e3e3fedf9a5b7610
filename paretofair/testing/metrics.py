"""What every metric of a user's own must do, whatever it measures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from paretofair.metrics.metric import Direction
from paretofair.metrics.registry import own_metric

_GROUPS, _TRIALS, _ROUNDING = 3, 5, 1e-9


class _Answers(NamedTuple):
    """Rows of one trial, `(n,)` each; scores are `(n, C)` of several classes, groups -1 where unknown."""

    labels: np.ndarray
    scores: np.ndarray
    decisions: np.ndarray
    groups: np.ndarray


class MetricContract:
    """Measures made-up answers of models: random ones, unfair ones, those without an error.

        class TestMine(MetricContract):
            metric = staticmethod(mine)
            reads = "counts"
            direction = "minimised"
            worst = 1.0

    `reads`, `direction` and `worst` are what the space file says of the metric. `best` is the value that no model is
    better than, by default 0 of what is minimised and 1 of what is maximised. `names_matter` is true of a metric that
    compares the first group with the second. `classes` are those of the task, for a metric that reads rows.
    """

    metric: Callable[..., Any]
    reads: Literal["counts", "rows"] = "counts"
    direction: Direction
    worst: float | None = None
    best: float | None = None
    names_matter: bool = False
    classes: int = 2

    def test_values_lie_between_the_best_and_the_worst(self) -> None:
        """And there is one, where every group has rows of every class."""
        found = self._measure(self._make_models())
        assert not np.isnan(found).any(), "NaN, although every group has rows of every class"
        assert (self._lose(found) >= self._lose(self._best) - _ROUNDING).all(), f"one is better than {self._best}"
        if self.worst is not None:
            assert (self._lose(found) <= self._lose(self.worst) + _ROUNDING).all(), f"one is worse than {self.worst}"

    def test_no_model_is_better_than_one_without_errors(self) -> None:
        """Where all groups have equally many rows of each class: else the direction is the other one. A diagnostic has
        none."""
        if self.direction != "diagnostic":
            models = self._make_models()
            right = [self._answer(each, each.labels) for each in models]
            assert (self._lose(self._measure(right)) <= self._lose(self._measure(models)) + _ROUNDING).all()

    def test_without_rows_there_is_no_value(self) -> None:
        """NaN says so; a number would be taken for a result."""
        none = [_Answers(*(each[:0] for each in model)) for model in self._make_models()]
        assert np.isnan(self._measure(none)).all()

    def test_neither_the_order_of_rows_nor_that_of_trials_matters(self) -> None:
        models = self._make_models()
        order = np.random.default_rng(1).permutation(len(models[0].labels))
        expected = self._measure(models)
        mixed = [_Answers(*(each[order] for each in model)) for model in models]
        np.testing.assert_allclose(self._measure(mixed), expected, rtol=_ROUNDING)
        np.testing.assert_allclose(self._measure(models[::-1]), expected[::-1], rtol=_ROUNDING)
        np.testing.assert_allclose(self._measure(models[:1]), expected[:1], rtol=_ROUNDING)

    def test_groups_may_have_other_names(self) -> None:
        if not self.names_matter:
            models = self._make_models()
            others = np.array([2, 0, 1, -1])  # the last one is that of unknown groups
            renamed = [each._replace(groups=others[each.groups]) for each in models]
            np.testing.assert_allclose(self._measure(renamed), self._measure(models), rtol=_ROUNDING)

    def test_inputs_stay_as_they_are(self) -> None:
        arguments = self._make_arguments(self._make_models())
        before = [[each.copy() for each in own] for own in arguments]
        for own, earlier in zip(arguments, before, strict=True):
            self._call(own)
            for now, then in zip(own, earlier, strict=True):
                np.testing.assert_array_equal(now, then)

    @property
    def _best(self) -> float:
        return {"maximised": 1.0, "best at 1": 1.0}.get(self.direction, 0.0) if self.best is None else self.best

    def _lose(self, values: Any) -> np.ndarray:
        """The values as something to be minimised."""
        assert self.direction in get_args(Direction), f"accepted directions: {', '.join(get_args(Direction))}"
        return own_metric("own", "module:own", self.reads, self.direction, self.worst).loss(values)

    def _measure(self, models: Sequence[_Answers]) -> np.ndarray:
        """Values `(K,)` of K trials."""
        return np.concatenate([np.atleast_1d(self._call(own)) for own in self._make_arguments(models)])

    def _make_arguments(self, models: Sequence[_Answers]) -> list[tuple[np.ndarray, ...]]:
        """What the metric is called with, call by call."""
        assert self.reads in ("counts", "rows")
        return [(np.stack([_count(each) for each in models]),)] if self.reads == "counts" else list(models)

    def _call(self, arguments: tuple[np.ndarray, ...]) -> np.ndarray:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # of means of nothing
            found = np.asarray(type(self).metric(*arguments), dtype=float)
        expected = (len(arguments[0]),) if self.reads == "counts" else ()
        assert found.shape == expected, f"it gives an array of shape {found.shape}, expected {expected}"
        return found

    def _make_models(self) -> list[_Answers]:
        """Random answers, then sure ones: one decision for all, always a wrong one, another decision for the first
        group, and a right one for it alone. Every group, the unknown one among them, has equally many rows of each
        class."""
        classes = self.classes if self.reads == "rows" else 2
        places = np.arange(12 * classes * (_GROUPS + 1))
        labels, groups = places % classes, places // classes % (_GROUPS + 1) - 1
        random = np.random.default_rng(0)
        models = []
        for _ in range(_TRIALS):
            scores = random.dirichlet(np.ones(classes), len(labels))
            decisions = scores.argmax(1)
            models.append(_Answers(labels, scores[:, 1] if classes == 2 else scores, decisions, groups))
        zero, last, wrong = np.zeros_like(labels), np.full_like(labels, classes - 1), (labels + 1) % classes
        first = groups == 0
        for decisions in (zero, last, wrong, np.where(first, last, zero), np.where(first, labels, wrong)):
            models.append(self._answer(models[0], decisions))
        return models

    def _answer(self, model: _Answers, decisions: np.ndarray) -> _Answers:
        """A model that is sure of its decisions."""
        scores = decisions.astype(float) if model.scores.ndim == 1 else np.eye(model.scores.shape[1])[decisions]
        return model._replace(scores=scores, decisions=decisions)


def _count(model: _Answers) -> np.ndarray:
    """Counts `(groups, 6)` of the answers of a binary task: true positives, false positives, true negatives, false
    negatives, and the sums of scores over positives and over negatives."""
    positive, chosen = model.labels == 1, model.decisions == 1
    every = [positive & chosen, ~positive & chosen, ~positive & ~chosen, positive & ~chosen]
    columns = [*(each.astype(float) for each in every), model.scores * positive, model.scores * ~positive]
    return np.stack([[own[model.groups == group].sum() for own in columns] for group in range(_GROUPS)])
