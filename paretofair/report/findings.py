"""What a careful reader would say of a run, in sentences: `findings.md`, the head of the page, the end of a command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paretofair.analysis.findings import (
    VANILLA,
    compare_gaps,
    compare_groups,
    find_cost_of_choosing,
    find_differences,
)
from paretofair.analysis.results import Results
from paretofair.analysis.rules import default_rule
from paretofair.analysis.undefined import explain_undefined
from paretofair.report import captions
from paretofair.report.labels import Labels
from paretofair.report.output import place_file, replace_earlier
from paretofair.results.files import write_text
from paretofair.statistics.comparison import LEVEL, least_p_value
from paretofair.statistics.intervals import name_interval

FINDINGS = "findings.md"
_SHOWN = 5  # sentences of one kind
_CHANCE = 0.025  # of an interval to lie on the worse side of no change where there is none


class Finding(NamedTuple):
    """A sentence, and the file that it can be checked in (empty: none)."""

    sentence: str
    file: str


def write_findings(results: Results, folder: Path) -> Path:
    """Writes `findings.md`: a sentence a line, each with the file that it is read from."""
    lines = [f"- {each.sentence}" + (f" ({each.file})" if each.file else "") for each in find(results)]
    text = "\n".join(["# Findings", "", *(lines or ["Nothing is finished yet."]), ""])
    path = write_text(place_file(results, folder, FINDINGS), text)
    replace_earlier(folder, [FINDINGS], [path])
    return path


def find(results: Results) -> list[Finding]:
    """Everything that is found, in the order in which a reader needs it; empty before there are trials.

    What was compared; which methods differ, and what could not be tested; what choosing cost; what treatment did to
    the gap that it acts on; who is worse off than without it; what ARE and ARFG are worth.
    """
    if results.trials.empty or not results.methods:
        return []
    return [
        *_tell_comparison(results),
        *_tell_differences(results),
        *_tell_cost_of_choosing(results),
        *_tell_changes(results),
        *_tell_denominators(results),
    ]


def _tell_comparison(results: Results) -> Iterator[Finding]:
    settings, labels = results.settings, Labels.of(results)
    if "simulated" in results.source:
        yield Finding("The data are SIMULATED: nothing here says anything about real people.", "")
    seeds = results.searched["seed"].nunique()
    names = captions.join_names([labels.method(name) for name in results.methods])
    how = "chosen and reported on test" if settings.selected_on == "test" else "chosen on validation, reported on test"
    of_seeds = f"{seeds} seed{'s' * (seeds != 1)}"
    yield Finding(f"Compared: {names} ({captions.trials(results)}, {of_seeds}; {how}).", "trials")


def _tell_differences(results: Results) -> Iterator[Finding]:
    if results.settings.pooled:
        yield Finding("Seeds are pooled, as published, so that no difference between methods can be tested.", "")
        return
    table, labels = find_differences(results, results.leading), Labels.of(results)
    table = table[table["p_holm"].notna()]
    if table.empty:
        return
    file, seeds = _file(results, "comparison"), int(table["seeds"].max())
    if not table["testable"].any():
        least = min(1.0, least_p_value(seeds) * len(table))
        pairs = f"{len(table)} pairs" if len(table) > 1 else "a pair"
        yield Finding(
            f"Whether methods differ cannot be tested with {seeds} seed{'s' * (seeds != 1)}: for {pairs} no p-value is "
            f"below {_say_p(least)}. The fewest seeds that can tell are {_count_testable(len(table))}.",
            file,
        )
        return
    fronts = captions.frontiers(labels, results.objective_set(results.leading))
    for row in table[table["differs"] == "yes"].itertuples():
        worse = row.against if row.better == row.method else row.method
        sign = 1 if row.difference >= 0 else -1
        low, high = sorted((sign * row.difference_low, sign * row.difference_high))
        yield Finding(
            f"{labels.method(row.better)} is better than {labels.method(worse)} by the {fronts}: the hypervolume on "
            f"test is larger by {abs(row.difference):.3f} (95 % {name_interval(row.seeds)} {low:.3f} to {high:.3f}; "
            f"p = {_say_p(row.p_holm)} after Holm; {row.seeds} seeds).",
            file,
        )
    rest = table[table["differs"] != "yes"].sort_values("p_holm", kind="stable")
    for row in rest.head(_SHOWN).itertuples():
        what = "are not told apart" if row.differs == "no" else f"cannot be told apart with {row.seeds} seeds"
        yield Finding(
            f"{labels.method(row.method)} and {labels.method(row.against)} {what}: hypervolumes on test differ by "
            f"{row.difference:+.3f} ({row.difference_low:+.3f} to {row.difference_high:+.3f}), p = "
            f"{_say_p(row.p_holm)} after Holm; {_say_needed(row.seeds_needed)}.",
            file,
        )
    if len(rest) > _SHOWN:
        yield Finding(f"{len(rest) - _SHOWN} more pairs are not told apart.", file)


def _tell_cost_of_choosing(results: Results) -> Iterator[Finding]:
    if results.settings.selected_on == "test":
        return
    labels, file, seeds = Labels.of(results), _file(results, "optimism"), results.searched["seed"].nunique()
    if seeds < 2:
        return
    table = find_cost_of_choosing(results, results.leading)
    lost = table[table["metric"] == "hypervolume"]
    for row in lost.head(_SHOWN).itertuples():
        yield Finding(
            f"Choosing on validation flatters {labels.method(row.method)}: its hypervolume is {row.chosen:.3f} there "
            f"and {row.test:.3f} on test ({row.optimism:.3f} less, {row.optimism_low:.3f} to {row.optimism_high:.3f}).",
            file,
        )
    if lost.empty and len(results.hypervolumes_of(results.leading)):
        yield Finding("No method's hypervolume is smaller on test than on validation beyond its interval.", file)


def _tell_changes(results: Results) -> Iterator[Finding]:
    """What treatment did at the chosen points, against the chosen points of vanilla."""
    gaps, labels, file = compare_gaps(results), Labels.of(results), "audit.csv"
    if gaps.empty:
        return
    groups, sensitive = compare_groups(results), results.sensitive or {}
    gap, rule = labels.metric(results.settings.gap), f"{default_rule(results.settings)}s"
    treated = gaps[gaps["grouping"] == gaps["task"].map(sensitive)]
    for method in dict.fromkeys(treated["method"]):
        own = treated[treated["method"] == method].set_index("task").reindex(results.tasks).dropna(subset=["change"])
        parts = [
            f"{labels.task(row.Index)} {row.vanilla:.3f} to {row.value:.3f}{_say_ends(row)}"
            for row in own.head(_SHOWN).itertuples()
        ]
        more = f"; {len(own) - _SHOWN} more tasks" if len(own) > _SHOWN else ""
        yield Finding(
            f"The gap that {labels.method(method)} acts on ({gap}, {captions.join_names(_acted_on(results, labels))}), "
            f"from the {rule} of the frontiers of {labels.method(VANILLA)} to its own: {'; '.join(parts)}{more}.",
            file,
        )
    worse_gaps, worse_groups = gaps[gaps["low"] > 0], groups[groups["low"] > 0]
    for row in worse_gaps.head(_SHOWN).itertuples():
        yield Finding(
            f"At the {rule} of {labels.method(row.method)} the {gap} of {labels.task(row.task)} between groups of "
            f"{labels.attribute(row.grouping)} is larger than under {labels.method(VANILLA)}: {row.value:.3f} on test "
            f"against {row.vanilla:.3f}{_say_ends(row)}.",
            file,
        )
    for row in worse_groups.head(_SHOWN).itertuples():
        yield Finding(
            f"At its {rule} {labels.method(row.method)} errs more than {labels.method(VANILLA)} on "
            f"{labels.group(row.group)} "
            f"({labels.attribute(row.attribute)}) in {labels.task(row.task)}: {row.value:.3f} on test against "
            f"{row.vanilla:.3f}{_say_ends(row)}.",
            "trials",
        )
    yield from _tell_search(len(gaps) + len(groups), len(worse_gaps), len(worse_groups), int(gaps["seeds"].max()))


def _tell_search(places: int, worse_gaps: int, worse_groups: int, seeds: int) -> Iterator[Finding]:
    """How many places were looked at for what got worse, and what that number alone brings."""
    if seeds < 2:
        yield Finding(
            "With one seed no gap or group is known to have got worse, or better: seeds move them as well.", ""
        )
        return
    left = max(worse_gaps - _SHOWN, 0) + max(worse_groups - _SHOWN, 0)
    found = f"{worse_gaps + worse_groups} got worse beyond their interval" + (
        f", {left} not named here" if left else ""
    )
    yield Finding(
        f"Gaps and errors of groups were compared with {VANILLA} in {places:,} places; {found}. The intervals are not "
        f"adjusted for their number: about {_CHANCE * places:.0f} would be found if nothing had changed.",
        "",
    )


def _tell_denominators(results: Results) -> Iterator[Finding]:
    labels = Labels.of(results)
    for sentence in explain_undefined(results):
        yield Finding(sentence, "baselines.csv")
    if words := captions.reliability(results):
        yield Finding(words, "baselines.csv")
    for row in results.weak.itertuples() if {"are", "arfg"} & results.shown_objectives else ():
        yield Finding(
            f"ARE and ARFG flatter in {labels.task(row.task)}: {labels.method(VANILLA)} errs {row.untreated:.3f} on "
            f"{results.settings.selected_on}, the single-task models that they divide by {row.alone:.3f} "
            f"({row.low:.3f} to {row.high:.3f}).",
            "baselines.csv",
        )


def _acted_on(results: Results, labels: Labels) -> Sequence[str]:
    return list(dict.fromkeys(labels.attribute(name) for name in (results.sensitive or {}).values()))


def _file(results: Results, name: str) -> str:
    """Where a table of the leading set stands."""
    return f"tables/{name}.csv" if results.leading == "arfg_are" else f"tables/{results.leading}/{name}.csv"


def _say_ends(row: Any) -> str:
    """The change and its interval."""
    if np.isnan(row.low):
        return f" ({row.change:+.3f}, one seed)"
    return f" ({row.change:+.3f}, {row.low:+.3f} to {row.high:+.3f})"


def _say_p(value: float) -> str:
    return f"{value:.4f}" if value < 0.01 else f"{value:.3f}"


def _say_needed(seeds: float) -> str:
    if np.isnan(seeds):
        return "how many seeds it would take is not known"
    if np.isinf(seeds):
        return "no number of seeds in reach would find so small a difference"
    return f"about {seeds:,.0f} seeds would find a difference of this size in four of five attempts"


def _count_testable(pairs: int) -> int:
    """The fewest seeds with which one of so many pairs can have an adjusted p-value of at most `LEVEL`."""
    return next(seeds for seeds in range(2, 64) if least_p_value(seeds) * pairs <= LEVEL)
