"""Every metric in one place: what it says, which way it is better, and what it is computed from.

Everything that lists metrics (what is measured, audits, captions, objectives, the page) takes them from here. A new
metric that follows from counts by group is a function in `rates` and one entry, one that needs rows a function in
`rows.scores` and one entry; a user's own needs neither (`own_metric`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from paretofair.metrics import differential, rates
from paretofair.metrics.metric import IDENTITY, Direction, Metric, OfGroup, OwnCode
from paretofair.metrics.rates import Array
from paretofair.metrics.relative import GROUP_RISE
from paretofair.metrics.rows import co_occurrence, scores

OF_ONE_GROUP = ("auc", "intra_angle", "inter_angle")
"""Metrics that can be had of one group alone; rates of groups are in every audit."""


def metric_of_group(name: str, of: OfGroup) -> Metric:
    """A metric of one group alone, under a name of the user's choice."""
    whole = METRICS[of.metric]
    words = f"{whole.words} of {of.group}"
    return Metric(name, words, whole.direction, "rows", whole.worst, kinds=whole.kinds, of=of, most=whole.most)


def own_metric(
    name: str, reference: str, reads: Literal["counts", "rows"], direction: Direction, worst: float | None = None
) -> Metric:
    """A metric of the user's own, measured where the trial is trained."""
    return Metric(name, name.replace("_", " "), direction, "rows", worst, own=OwnCode(reference, reads))


def conditional_parity(name: str, given: str) -> Metric:
    """Conditional demographic parity under a name of the user's choice, `given` a column of the inputs."""
    words = f"mean over {given} of the largest difference of rates of positive decisions between groups"
    return Metric(name, words, "minimised", "rows", 1.0, of_rows=scores.conditional_parity_gap, given=given)


def listed_metric(name: str, entry: Mapping[str, Any]) -> Metric:
    """The metric that an `entry` of a space file's `metrics` means: a `function` of the user's own, conditional parity
    where it says what is `given`, a metric `of` one group, and else one of ours that a run has to ask for. Raises
    KeyError where it is none."""
    if entry.get("function"):
        return own_metric(name, entry["function"], entry.get("reads", "counts"), entry["direction"], entry.get("worst"))
    if entry.get("of"):
        return metric_of_group(name, OfGroup(entry["of"], entry["group"], entry.get("attribute")))
    return conditional_parity(name, entry["given"]) if entry.get("given") else ASKED_FOR[name]


def _odds(name: str, words: str, worst: float, combine: Callable[..., Array]) -> tuple[Metric, Metric]:
    """Of the two gaps of decisions, and of the two gaps of mean scores."""
    hard = Metric(
        name,
        words.format("false and true positive rates"),
        "minimised",
        "metrics",
        worst,
        of_groups=getattr(rates, name),
        parts=("fpr_gap", "tpr_gap"),
        combine=combine,
    )
    return hard, replace(
        hard,
        name=f"soft_{name}",
        words=words.format("mean scores of rows labelled 0 and labelled 1"),
        of_groups=partial(getattr(rates, name), soft=True),
        parts=("soft_fpr_gap", "soft_tpr_gap"),
    )


def _mean_of_two(one: Array, other: Array) -> Array:
    return np.asarray((one + other) / 2)


def _complement(error: Array) -> Array:
    return np.asarray(1 - error)


def _epsilon(goal: str, words: str, rate: str = "accuracy", parts: tuple[str, ...] = ()) -> Metric:
    """Differential fairness, which has no worst value."""
    name, combine = f"epsilon_{goal}", np.add if parts else None
    how = getattr(differential, name)
    words = f"{words}, smoothed"
    return Metric(name, words, "minimised", "counts", of_groups=how, parts=parts, combine=combine, rate=rate)


def _rate(name: str, words: str) -> Metric:
    return Metric(name, words, "diagnostic", "group", of_group=getattr(rates, name))


_GAP = "largest difference of {} between groups"
_RATIO = "largest log ratio of {} between groups"
_SUM, _SOFT_SUM = _odds("equalized_odds_sum", "sum of the largest differences of {} between groups", 2.0, np.add)
_MAX, _SOFT_MAX = _odds("equalized_odds_max", "larger of the largest differences of {} between groups", 1.0, np.maximum)
_MEAN, _SOFT_MEAN = _odds(
    "equalized_odds_mean", "mean of the largest differences of {} between groups", 1.0, _mean_of_two
)


def _joint(name: str, words: str, direction: Direction, worst: float | None = None, *, signed: bool = False) -> Metric:
    function = getattr(co_occurrence, name)
    return Metric(name, words, direction, "rows", worst, kinds=("binary",), of_joint_rows=function, signed=signed)


_JOINT = (
    _joint("predicted_bias", "share of the predicted group where the object is predicted", "diagnostic"),
    _joint("bias_amplification", "bias amplification away from one half", "minimised", 1.0, signed=True),
    _joint("bias_amplification_towards", "bias amplification towards the group", "best at 0", 1.0),
    _joint("bias_amplification_absolute", "bias amplification in size", "minimised", 1.0),
    _joint("bias_violations", "share of objects whose bias moved by more than .05", "minimised", 1.0),
    _joint(
        "amplification_from_group",
        "directional bias amplification from groups to objects",
        "minimised",
        1.0,
        signed=True,
    ),
    _joint(
        "amplification_from_object",
        "directional bias amplification from objects to groups",
        "minimised",
        1.0,
        signed=True,
    ),
)

_EVERY = (
    Metric("error", "error", "minimised", "rows", 1.0, of_group=rates.error),
    Metric(
        "accuracy",
        "accuracy",
        "maximised",
        "metrics",
        0.0,
        of_group=rates.accuracy,
        parts=("error",),
        combine=_complement,
    ),
    Metric("average_precision", "average precision", "maximised", "rows", 0.0),
    Metric("auc", "area under the ROC curve", "maximised", "rows", 0.0),
    Metric("auc_gap", _GAP.format("the area under the ROC curve"), "minimised", "rows", 1.0),
    Metric("brier", "mean squared distance of scores from labels", "minimised", "rows", 1.0, of_rows=scores.brier),
    Metric(
        "calibration_gap",
        _GAP.format("expected calibration errors"),
        "minimised",
        "rows",
        1.0,
        of_rows=scores.calibration_gap,
    ),
    Metric(
        "worst_group_calibration_error",
        "largest expected calibration error of any group",
        "minimised",
        "rows",
        1.0,
        of_rows=scores.worst_group_calibration_error,
    ),
    Metric("abroca", "largest area between ROC curves of groups", "minimised", "rows", 1.0, of_rows=scores.abroca),
    Metric("macro_f1", "mean over classes of the F1 score", "maximised", "rows", 0.0, kinds=("multiclass",)),
    Metric(
        "prediction_bias",
        "mean over classes of how far decisions are from coming in equal parts from all groups",
        "minimised",
        "rows",
        1.0,
        kinds=("multiclass",),
    ),
    Metric(
        "intra_angle",
        "mean angle in degrees between features and the mean of their identity",
        "minimised",
        "rows",
        180.0,
        kinds=(IDENTITY,),
    ),
    Metric(
        "inter_angle",
        "mean angle in degrees between the mean of an identity and the nearest other one",
        "maximised",
        "rows",
        0.0,
        kinds=(IDENTITY,),
        most=180.0,
    ),
    Metric("realised_positive_rate", "share of positive decisions", "diagnostic", "rows", kinds=("binary",)),
    *_JOINT,
    # In the order of an audit.
    Metric(
        "fpr_gap",
        _GAP.format("false positive rates"),
        "minimised",
        "rows",
        1.0,
        rates.fpr_gap,
        rate="false_positive_rate",
    ),
    Metric(
        "tpr_gap",
        _GAP.format("true positive rates"),
        "minimised",
        "rows",
        1.0,
        rates.tpr_gap,
        rate="true_positive_rate",
    ),
    Metric(
        "soft_fpr_gap",
        _GAP.format("mean scores of rows labelled 0"),
        "minimised",
        "rows",
        1.0,
        rates.soft_fpr_gap,
        rate="false_positive_rate",
    ),
    Metric(
        "soft_tpr_gap",
        _GAP.format("mean scores of rows labelled 1"),
        "minimised",
        "rows",
        1.0,
        rates.soft_tpr_gap,
        rate="true_positive_rate",
    ),
    Metric(
        "fpr_gap_signed",
        "false positive rate of the first of two groups less that of the second",
        "best at 0",
        "rows",
        1.0,
        rates.fpr_gap_signed,
        rate="false_positive_rate",
        pair=True,
    ),
    Metric(
        "tpr_gap_signed",
        "true positive rate of the first of two groups less that of the second",
        "best at 0",
        "counts",
        1.0,
        rates.tpr_gap_signed,
        rate="true_positive_rate",
        pair=True,
    ),
    _SUM,
    _MAX,
    _MEAN,
    Metric(
        "demographic_parity_gap",
        _GAP.format("rates of positive decisions"),
        "minimised",
        "counts",
        1.0,
        rates.demographic_parity_gap,
    ),
    Metric(
        "disparate_impact_ratio",
        "smallest over the largest rate of positive decisions of any group",
        "best at 1",
        "counts",
        0.0,
        rates.disparate_impact_ratio,
    ),
    Metric(
        "equal_opportunity_ratio",
        "true positive rate of the first of two groups over that of the second",
        "best at 1",
        "counts",
        0.0,
        rates.equal_opportunity_ratio,
        rate="true_positive_rate",
        pair=True,
    ),
    Metric("accuracy_gap", _GAP.format("accuracies"), "minimised", "counts", 1.0, rates.accuracy_gap),
    Metric(
        "worst_group_accuracy",
        "smallest accuracy of any group",
        "maximised",
        "counts",
        0.0,
        rates.worst_group_accuracy,
    ),
    # What `worst_group_accuracy` leaves of 1: an audit need not say it twice.
    Metric(
        "worst_group_error",
        "largest error of any group",
        "minimised",
        "counts",
        1.0,
        rates.worst_group_error,
        audited=False,
    ),
    Metric(
        "ppv_gap",
        _GAP.format("positive predictive values"),
        "minimised",
        "counts",
        1.0,
        rates.ppv_gap,
        rate="positive_predictive_value",
    ),
    Metric(
        "for_gap",
        _GAP.format("false omission rates"),
        "minimised",
        "counts",
        1.0,
        rates.for_gap,
        rate="false_omission_rate",
    ),
    _SOFT_SUM,
    _SOFT_MAX,
    _SOFT_MEAN,
    Metric(
        "soft_demographic_parity_gap",
        _GAP.format("mean scores"),
        "minimised",
        "counts",
        1.0,
        partial(rates.demographic_parity_gap, soft=True),
    ),
    Metric(
        "soft_disparate_impact_ratio",
        "smallest over the largest mean score of any group",
        "best at 1",
        "counts",
        0.0,
        partial(rates.disparate_impact_ratio, soft=True),
    ),
    Metric(
        "soft_equal_opportunity_ratio",
        "mean score of rows labelled 1 of the first of two groups over the second's",
        "best at 1",
        "counts",
        0.0,
        partial(rates.equal_opportunity_ratio, soft=True),
        rate="true_positive_rate",
        pair=True,
    ),
    Metric(
        "demographic_parity_gap_signed",
        "rate of positive decisions of the first of two groups less the second's",
        "best at 0",
        "counts",
        1.0,
        rates.demographic_parity_gap_signed,
        pair=True,
        audited=False,
    ),
    _epsilon("fpr", _RATIO.format("false positive rates"), "false_positive_rate"),
    _epsilon("tpr", _RATIO.format("true positive rates"), "true_positive_rate"),
    _epsilon(
        "odds",
        "sum of the largest log ratios of true and of false positive rates between groups",
        parts=("epsilon_fpr", "epsilon_tpr"),
    ),
    _epsilon("parity", _RATIO.format("rates of positive or of negative decisions")),
    Metric("arfg", "average relative fairness gap", "minimised", "baselines"),
    Metric("are", "average relative error", "minimised", "baselines"),
    Metric(
        GROUP_RISE,
        "largest rise of the error of any group in any task over single-task models",
        "minimised",
        "baselines",
        1.0,
    ),
    _rate("positive_rate", "rate of positive decisions"),
    _rate("true_positive_rate", "true positive rate"),
    _rate("false_positive_rate", "false positive rate"),
    _rate("positive_predictive_value", "positive predictive value"),
    _rate("false_omission_rate", "false omission rate"),
    _rate("soft_positive_rate", "mean score"),
    _rate("soft_true_positive_rate", "mean score of rows labelled 1"),
    _rate("soft_false_positive_rate", "mean score of rows labelled 0"),
    Metric("group_harm", "largest increase of the error of any group over vanilla", "minimised", "report"),
    # A ratio of two groups' contributions (GCM eq. 6-8): equal contributions give 1.
    Metric(
        "contribution_disparity", "contribution of the first of two groups over the second's", "best at 1", "report"
    ),
    Metric("hypervolume", "hypervolume", "maximised", "report"),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _EVERY}
"""Every metric of ours by name."""

RATES: Mapping[str, Callable[[ArrayLike], Array]] = {
    metric.name: metric.of_group for metric in _EVERY if metric.of_group is not None
}
"""Rates of one confusion array, `(..., 6) -> (...)`."""

GROUP_METRICS: Mapping[str, Callable[[ArrayLike], Array]] = {
    metric.name: metric.of_groups for metric in _EVERY if metric.of_groups is not None and metric.audited
}
"""Metrics of the groups of one attribute, `(..., groups, 6) -> (...)`; an audit goes through all of them."""

OF_TWO_GROUPS = frozenset(name for name in GROUP_METRICS if METRICS[name].pair)
"""Those of `GROUP_METRICS` that compare the first of exactly two groups with the second."""

ASKED_FOR: Mapping[str, Metric] = {metric.name: metric for metric in _EVERY if metric.is_asked_for}
"""Metrics of ours that only a run has that asks for them: names them in an objective or a constraint, or lists them."""

HEADLINE = tuple(
    metric.name
    for metric in _EVERY
    if metric.source == "rows" and not metric.is_asked_for and (not metric.kinds or "binary" in metric.kinds)
)
"""Metrics that every trial has for every split and binary task."""

GOAL_GAPS = {
    "fpr": "fpr_gap",
    "tpr": "tpr_gap",
    "odds": "equalized_odds_mean",
    "parity": "demographic_parity_gap",
}
"""The gap that says whether a goal of fairness was reached."""
