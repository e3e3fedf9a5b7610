"""One metric: what it says, which way it is better, and what it is computed from. `registry` lists them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from paretofair.metrics.rates import Array
from paretofair.metrics.rows.co_occurrence import JointRows
from paretofair.metrics.rows.scores import ScoredRows

# The kind of task whose labels are identities (`tasks.kind`, which this part does not import), and what of the metrics
# that all other kinds have is said of right and wrong decisions.
IDENTITY = "identity"
_OF_IDENTITIES = frozenset(
    (
        *("error", "accuracy", "accuracy_gap", "worst_group_accuracy", "worst_group_error", "are", "arfg"),
        *("group_harm", "hypervolume"),
    )
)
Direction = Literal["minimised", "maximised", "best at 0", "best at 1", "diagnostic"]
Source = Literal["rows", "metrics", "counts", "baselines", "group", "report"]


@dataclass(frozen=True, repr=False)
class Metric:
    """One metric.

    `words` say it in a caption: they follow "the". `direction`: a `diagnostic` is neither better nor worse.

    `source` is what it is computed from: `rows`, where the trial is trained, a column of every trial table, but one
    that has `of_rows` of those alone whose run asks for it, and with it names the column that it is `given`, and one
    that has `of_joint_rows`, which reads all tasks at once and has no value for some of them, likewise; other
    `metrics` of the same split and task, `parts`, by `combine`; `counts` by group, by `of_groups`, `(..., groups, 6) ->
    (...)`; `baselines`, relative to single-task models; a `group` alone, a rate by `of_group`, `(..., 6) -> (...)`;
    a whole `report`. An audit goes through all metrics that have `of_groups`, but for those that are not `audited`.

    `signed`: a minimised one may be below 0.

    `worst` is the value that no trial is worse than, in the metric's own units; None where there is none. `most` is the
    largest value of one that is maximised. `rate` names
    the rate whose rows stand behind it. `pair`: it compares the first of exactly two groups with the second. `of`: it
    is another metric of one group alone. `kinds` are the kinds of task that have it, none where all but identities do,
    whose decisions are right or wrong and no more.
    """

    name: str
    words: str
    direction: Direction
    source: Source
    worst: float | None = None
    of_groups: Callable[[ArrayLike], Array] | None = None
    of_group: Callable[[ArrayLike], Array] | None = None
    parts: tuple[str, ...] = ()
    combine: Callable[..., Array] | None = None
    rate: str = "accuracy"
    pair: bool = False
    audited: bool = True
    kinds: tuple[str, ...] = ()
    of_rows: Callable[[ScoredRows], float] | None = None
    given: str | None = None
    own: OwnCode | None = None
    of_joint_rows: Callable[[JointRows], Array] | None = None
    of: OfGroup | None = None
    most: float = 1.0
    signed: bool = False

    def __repr__(self) -> str:
        """The same in every process, which checkpoints are told apart by."""
        what = repr(self.own) if self.given is None else f"given={self.given!r}"
        what = what if self.of is None else repr(self.of)
        return f"Metric({self.name!r}, {self.direction!r}, {what})"

    def is_for(self, kind: str) -> bool:
        """Whether tasks of a kind have it. Kinds of a user's own have what `multiclass` has."""
        if kind == IDENTITY:
            return IDENTITY in self.kinds or self.name in _OF_IDENTITIES
        return not self.kinds or ("binary" if kind == "binary" else "multiclass") in self.kinds

    @property
    def is_objective(self) -> bool:
        """Whether a trial has it, and more or less of it is better."""
        return self.is_measured and self.direction != "diagnostic"

    @property
    def is_measured(self) -> bool:
        """Whether a trial has it."""
        return self.source in ("rows", "metrics", "counts", "baselines")

    @property
    def is_asked_for(self) -> bool:
        """Whether only a run that asks for it has it."""
        return self.of_rows is not None or self.of_joint_rows is not None

    @property
    def is_of_tasks(self) -> bool:
        """Whether a trial has one for each task."""
        return self.is_measured and self.source != "baselines"

    @property
    def can_average(self) -> bool:
        """Whether its mean over tasks says something: not where tasks on both sides of the best value cancel."""
        return self.is_of_tasks and not (self.pair or (self.own and self.direction.startswith("best")))

    def average(self, values: ArrayLike) -> Array:
        """The mean over tasks of values `(..., tasks)`; of a metric that reads all tasks at once over those that have a
        value.

        >>> from paretofair.metrics.registry import METRICS
        >>> METRICS["error"].average([.1, float("nan")]), METRICS["bias_amplification"].average([.1, float("nan")])
        (array(nan), array(0.1))
        """
        numbers = np.asarray(values, dtype=float)
        if self.of_joint_rows is None:
            return np.asarray(numbers.mean(-1))
        known = ~np.isnan(numbers)
        total, count = np.where(known, numbers, 0).sum(-1), known.sum(-1)
        return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)

    def loss(self, values: ArrayLike) -> Array:
        """The values as something to be minimised: turned round where they are maximised, and their distance from
        where they are best.

        >>> from paretofair.metrics.registry import METRICS
        >>> METRICS["auc"].loss([.5, .75]), METRICS["disparate_impact_ratio"].loss([.75, 1.25])
        (array([-0.5 , -0.75]), array([0.25, 0.25]))
        """
        numbers = np.asarray(values, dtype=float)
        if self.direction == "maximised":
            return -numbers
        if self.direction in ("best at 0", "best at 1"):
            return np.abs(numbers - float(self.direction[-1]))
        return numbers

    @property
    def ends(self) -> tuple[float, float] | None:
        """The smallest and the largest value that a trial can have; None where there is none.

        >>> from paretofair.metrics.registry import METRICS
        >>> METRICS["error"].ends, METRICS["auc"].ends, METRICS["fpr_gap_signed"].ends, METRICS["are"].ends
        ((0.0, 1.0), (0.0, 1.0), (-1.0, 1.0), None)
        """
        if self.worst is None or self.own is not None or self.direction == "best at 1" or self.source == "baselines":
            return None
        return {
            "minimised": (-self.worst if self.signed else 0.0, self.worst),
            "maximised": (self.worst, self.most),
        }.get(self.direction, (-self.worst, self.worst))

    @property
    def best(self) -> str:
        """The direction in a caption: `better the smaller`.

        >>> from paretofair.metrics.registry import METRICS
        >>> METRICS["error"].best, METRICS["auc"].best, METRICS["fpr_gap_signed"].best
        ('better the smaller', 'better the larger', 'best at 0')
        """
        words = {"minimised": "better the smaller", "maximised": "better the larger", "diagnostic": "neither better"}
        return words.get(self.direction, self.direction)


@dataclass(frozen=True)
class OwnCode:
    """A metric of the user's own: `reference`, `package.module:function`, which is called with `reads`."""

    reference: str
    reads: Literal["counts", "rows"]


@dataclass(frozen=True)
class OfGroup:
    """A `metric` of one `group` alone; of the attribute that the task's loss acts on, or of another one."""

    metric: str
    group: str
    attribute: str | None = None
