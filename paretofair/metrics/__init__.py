"""What is measured on a trained model: functions of arrays, without state.

`thresholds`, `ranking` and `confusion` run on torch tensors for all trials of a stack at once, on the
device; `rates`, `audit`, `relative` and `intervals` are numpy and work on the counts of a trial table,
`amplification` on decisions. This file imports neither, so that a report on a table needs no torch.
"""

DIRECTIONS: dict[str, str] = {
    "error": "minimised",
    "accuracy": "maximised",
    "average_precision": "maximised",
    "auc": "maximised",
    "fpr_gap": "minimised",
    "tpr_gap": "minimised",
    "fpr_gap_signed": "diagnostic",
    "tpr_gap_signed": "diagnostic",
    "soft_fpr_gap": "minimised",
    "soft_tpr_gap": "minimised",
    "equalized_odds_sum": "minimised",
    "equalized_odds_max": "minimised",
    "equalized_odds_mean": "minimised",
    "equal_opportunity_ratio": "best at 1",
    "demographic_parity_gap": "minimised",
    "disparate_impact_ratio": "best at 1",
    "soft_equalized_odds_sum": "minimised",
    "soft_equalized_odds_max": "minimised",
    "soft_equalized_odds_mean": "minimised",
    "soft_equal_opportunity_ratio": "best at 1",
    "soft_demographic_parity_gap": "minimised",
    "soft_disparate_impact_ratio": "best at 1",
    "accuracy_gap": "minimised",
    "auc_gap": "minimised",
    "worst_group_accuracy": "maximised",
    "are": "minimised",
    "arfg": "minimised",
    "bias_amplification": "minimised",
    # Signed, best at 0 from either side.
    "bias_amplification_towards": "diagnostic",
    "bias_amplification_absolute": "minimised",
    "bias_violations": "minimised",
    # A ratio of two groups' contributions (GCM eq. 6-8): equal contributions give 1.
    "contribution_disparity": "best at 1",
    "hypervolume": "maximised",
    "realised_positive_rate": "diagnostic",
    "positive_rate": "diagnostic",
    "true_positive_rate": "diagnostic",
    "false_positive_rate": "diagnostic",
    "soft_positive_rate": "diagnostic",
    "soft_true_positive_rate": "diagnostic",
    "soft_false_positive_rate": "diagnostic",
}
"""Every metric's name and which way it is better; the one place that says so."""

_SHARES = ("error", "accuracy", "average_precision", "auc", "realised_positive_rate", "worst_group_accuracy")
_GAPS = ("fpr_gap", "tpr_gap", "soft_fpr_gap", "soft_tpr_gap", "accuracy_gap", "auc_gap", "demographic_parity_gap")
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys((*_SHARES, *_GAPS), (0.0, 1.0)),
    **dict.fromkeys(("fpr_gap_signed", "tpr_gap_signed"), (-1.0, 1.0)),
}
"""Between which values a metric lies, where it has such bounds."""
