"""Sentences that captions of figures and tables share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results
from paretofair.analysis.rules import KNEE, MIDPOINT, default_rule
from paretofair.metrics.objectives import ObjectiveSet
from paretofair.pareto.hypervolume import EXACT_UP_TO
from paretofair.report.labels import Labels
from paretofair.statistics.intervals import name_interval

_SOME = 5  # names of a list that may be long


def stamps(results: Results) -> list[str]:
    """What must be seen on every figure and table: simulated data, and a frontier that was chosen on test."""
    found = []
    if "simulated" in results.source:
        found.append("SIMULATED DATA")
    if results.settings.protocol == "paper":
        found.append("protocol: paper (chosen on test)")
    return found


def stamp_caption(results: Results, text: str) -> str:
    """A caption behind its stamps."""
    return " ".join([*(f"{stamp}." for stamp in stamps(results)), text])


def provenance(results: Results) -> str:
    """Which split chose and which is shown, seeds, trials, threshold and constraints."""
    settings = results.settings
    chosen = f"Points are chosen on {settings.selected_on} and shown on test"
    same = len(results.searched) and results.searched["split_id"].nunique() == 1
    parts = [chosen + (", the seeds of a method pooled" if settings.pooled else "")]
    parts += [
        seeds(results) + (" on the same test rows" if same and results.searched["seed"].nunique() > 1 else ""),
        trials(results),
        f"decision threshold {threshold(results)}",
    ]
    if settings.constraints:
        parts.append("constraints " + ", ".join(settings.constraints))
    return "; ".join(parts) + "."


def seeds(results: Results) -> str:
    """`seeds 0, 1, 2`, shortened where there are many."""
    found = sorted(results.searched["seed"].unique())
    if len(found) == 1:
        return f"seed {found[0]}"
    if len(found) > 6 and found == list(range(found[0], found[-1] + 1)):
        return f"{len(found)} seeds, {found[0]} to {found[-1]}"
    return "seeds " + ", ".join(map(str, found))


def name_intervals(results: Results) -> str:
    """What intervals over the seeds of the run are: `95 % Student's t intervals`."""
    return f"{name_interval(results.searched['seed'].nunique())}s"


def trials(results: Results) -> str:
    """How many completed trials each method and seed has."""
    counts = results.searched.groupby(["method", "seed"]).size()
    return f"{spell_range(counts)} completed trials per method and seed"


def threshold(results: Results) -> str:
    """The rules of decision in words."""
    if "threshold" in results.searched:
        rules = sorted(map(str, results.searched["threshold"].dropna().unique()))
        if rules:
            return ", ".join(rules)
    return results.settings.threshold or "not known"


def reference(labels: Labels, objectives: ObjectiveSet) -> str:
    """The reference point of hypervolumes: `reference point ARFG 1.5; ARE 1.1`."""
    ends = zip(objectives.objectives, objectives.reference or (), strict=True)
    return f"reference point {'; '.join(f'{labels.objective(each)} {end:g}' for each, end in ends)}"


def exactness(objectives: ObjectiveSet) -> str:
    """A sentence where hypervolumes are approximate; empty where they are exact."""
    if len(objectives.objectives) <= EXACT_UP_TO:
        return ""
    return f"Hypervolumes of more than {EXACT_UP_TO} objectives are approximate."


def frontiers(labels: Labels, objectives: ObjectiveSet) -> str:
    """`ARFG-ARE frontiers`, or `frontiers ap_odds (average precision; equalized odds sum)`."""
    if objectives.name == "arfg_are":
        return "ARFG-ARE frontiers"
    of = "; ".join(map(labels.objective, objectives.objectives))
    return f"frontiers {labels.front(objectives.name)} ({of})"


def name_gap(results: Results) -> str:
    """The gap of the run: `largest difference of false positive rates between groups`."""
    return results.settings.metrics[results.settings.gap].words


def tell_gap(results: Results) -> str:
    """A sentence on what ARFG divides."""
    return f"ARFG divides the {name_gap(results)}."


def reliability(results: Results) -> str:
    """A warning where ARFG divides by gaps that may be luck; empty where it does not, or no set of the run has it."""
    tasks = name_unreliable(results)
    if not tasks or "arfg" not in results.shown_objectives:
        return ""
    return (
        "ARFG is unreliable: it divides by single-task gaps that are not resolved, no larger than permuted groups have "
        f"(p > .05) or not tested, of {join_some(tasks)}."
    )


def name_unreliable(results: Results) -> list[str]:
    """`results.unreliable` with what tasks are called: `bar (validation, test)`."""
    labels = Labels.of(results)
    return [f"{labels.task(task)} ({where})" for task, where in results.unreliable.items()]


def tell_rule(results: Results) -> str:
    """The rule that takes one point of each frontier, in words: `knee, the point of the frontier that ...`."""
    rule, leading = default_rule(results.settings), results.objective_set(results.leading)
    last = Labels.of(results).objective(leading.objectives[-1])
    words = {
        KNEE: "the point of the frontier that lies farthest below the line between its ends",
        MIDPOINT: f"the point of the frontier whose {last} is nearest to the middle of its range over all trials",
    }
    return f"{rule} ({words[rule]})"


def join_sentences(*sentences: str) -> str:
    """Sentences as one paragraph, without the empty ones."""
    return " ".join(sentence for sentence in sentences if sentence)


def join_names(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def join_some(names: Sequence[str]) -> str:
    """The first few of many: `a, b, c, d, e and 75 more`."""
    return ", ".join(names) if len(names) <= _SOME else f"{', '.join(names[:_SOME])} and {len(names) - _SOME} more"


def spell_range(counts: pd.Series) -> str:
    """`5`, or `5 to 8` where they differ."""
    low, high = (int(np.min(counts)), int(np.max(counts))) if len(counts) else (0, 0)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
