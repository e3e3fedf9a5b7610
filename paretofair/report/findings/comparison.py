"""What was compared, what ARE and ARFG are worth, which methods differ, what choosing on validation cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from paretofair.analysis.comparison import dominance, optimism
from paretofair.analysis.findings import find_cost_of_choosing, find_differences, find_unequal_searches, find_untrained
from paretofair.analysis.relative import BASELINES, UNTREATED
from paretofair.analysis.results import Results
from paretofair.analysis.undefined import explain_undefined
from paretofair.report import captions
from paretofair.report.findings.sentence import (
    SHOWN,
    Finding,
    count_rows,
    say_attributes,
    say_count,
    say_file,
    say_p,
    say_range,
    say_signed,
)
from paretofair.report.labels import Labels
from paretofair.statistics.comparison import LEVEL, least_p_value
from paretofair.statistics.intervals import name_interval

_MANY = 100  # seeds that nobody trains


def tell_comparison(results: Results) -> Iterator[Finding]:
    """Methods, tasks and rows, and where searches were not alike."""
    settings, labels = results.settings, Labels.of(results)
    if "simulated" in results.source:
        yield Finding("SIMULATED data: these numbers say nothing about real people.", "", warns=True)
    names = captions.join_names([labels.method(name) for name in results.methods])
    tasks = captions.join_some([labels.task(task) for task in results.tasks])
    treated = captions.join_names(say_attributes(results, labels))
    parts = [
        f"{captions.trials(results)} of {say_count(results.searched['seed'].nunique(), 'seed')}",
        f"task{'s' * (len(results.tasks) > 1)} {tasks}",
        f"treated: {treated}" if treated else "",
        f"{count_rows(results):,} test rows" if count_rows(results) else "",
        "chosen and reported on test" if settings.selected_on == "test" else "chosen on validation, reported on test",
    ]
    yield Finding(f"Compared: {names} ({'; '.join(part for part in parts if part)}).", "trials")
    if len(unequal := find_unequal_searches(results)):
        each = [f"{labels.method(name)} {captions.spell_range(counts)}" for name, counts in unequal.items()]
        yield Finding(
            f"Methods were not searched alike: completed trials of a seed are {captions.join_some(each)}. More trials "
            "reach a better front by luck alone, so hypervolumes flatter the methods that have more.",
            "trials",
            warns=True,
        )
    yield from _tell_overlap(results)
    yield from _tell_untrained(results)


def _tell_untrained(results: Results) -> Iterator[Finding]:
    """Tasks that methods do not train, in a sentence for all methods that leave out the same."""
    labels, methods = Labels.of(results), dict[tuple[str, ...], list[str]]()
    for method, tasks in find_untrained(results).items():
        methods.setdefault(tuple(tasks), []).append(labels.method(method))
    for left_out, names in methods.items():
        one = len(names) == 1
        yield Finding(
            f"{captions.join_names(names)} {'does' if one else 'do'} not train "
            f"{captions.join_some([labels.task(task) for task in left_out])} (weight 0): nothing is said below of what "
            f"{'it does' if one else 'they do'} there.",
            "trials",
        )


def _tell_overlap(results: Results) -> Iterator[Finding]:
    """Test rows that every seed draws anew are partly those of the others: the variance of a mean over n seeds is
    nearer to 1/n + test rows / training rows of one seed's than to 1/n of it (Nadeau and Bengio 2003)."""
    seeds, trained = results.searched["seed"].nunique(), count_rows(results, "train")
    if results.searched["split_id"].nunique() > 1 and trained:
        wider = np.sqrt(1 + seeds * count_rows(results) / trained)
        yield Finding(
            "Each seed draws its test rows anew from the same data, and these draws overlap: intervals over seeds and "
            "p-values say what other draws from these rows would give. For other people like these, intervals would be "
            f"about {wider:.1f} times as wide (Nadeau and Bengio 2003), and p-values larger.",
            "",
            warns=True,
        )


def tell_denominators(results: Results) -> Iterator[Finding]:
    """What ARE and ARFG divide by, where it makes them unreliable or flatters them."""
    labels, shown = Labels.of(results), {"are", "arfg"} & results.shown_objectives
    for sentence in explain_undefined(results):
        yield Finding(sentence, BASELINES, warns=True)
    if words := captions.reliability(results):
        yield Finding(words, BASELINES, warns=True)
    table = results.baselines
    own = table[(table["metric"] == results.settings.gap) & (table["split"] == "test")]
    for row in own.itertuples() if "arfg" in shown else ():
        if row.high - row.low > row.mean and row.task not in results.unreliable:
            yield Finding(
                f"The scale of ARFG is uncertain: the single-task gap of {labels.task(row.task)} on test is a mean of "
                f"{row.runs} runs, {row.mean:.3f} ({row.low:.3f} to {row.high:.3f}).",
                BASELINES,
                warns=True,
            )
    for row in results.weak.itertuples() if shown else ():
        yield Finding(
            f"ARE flatters in {labels.task(row.task)}: the best of {labels.method(UNTREATED)}'s trials errs "
            f"{row.untreated:.3f} on {results.settings.selected_on} (mean over seeds), the single-task models that it "
            f"divides by {row.alone:.3f} ({row.low:.3f} to {row.high:.3f}). Training the tasks together may help, or a "
            "wider search of the baselines (stages.baselines) may make them stronger.",
            BASELINES,
            warns=True,
        )


def tell_differences(results: Results) -> Iterator[Finding]:
    """Which methods differ, by hypervolume on test, and what could not be told."""
    if results.settings.pooled:
        yield Finding("Seeds are pooled, as published, so that no difference between methods can be tested.", "")
        return
    table = find_differences(results, results.leading)
    table = table[table["p_holm"].notna()]
    if table.empty:
        return
    if not table["testable"].any():
        yield _tell_too_few_seeds(results, table)
        return
    empty = _count_empty(results)
    for row in table[table["differs"] == "yes"].itertuples():
        yield _tell_difference(results, row, empty, len(table))
    labels, file = Labels.of(results), say_file(results, "comparison")
    rest = table[table["differs"] != "yes"].sort_values("p_holm", kind="stable")
    for row in rest.head(SHOWN).itertuples():
        what = (
            "are not told apart" if row.differs == "no" else f"cannot be told apart with {say_count(row.seeds, 'seed')}"
        )
        other = row.against if row.better == row.method else row.method
        low, high = _turn(row)
        # An interval that leaves 0 out beside a p-value that does not tell the two apart would be a riddle.
        leaves_out = len(table) > 1 and low * high > 0
        before = f", {say_p(row.p_value)} before" if leaves_out else ""
        alone = " of this pair alone, not adjusted for the others," if leaves_out else ""
        yield Finding(
            f"{labels.method(row.better)} and {labels.method(other)} {what} (p = {say_p(row.p_holm)}"
            f"{_after_holm(len(table))}{before}): hypervolume on test is larger by {abs(row.difference):.3f} with "
            f"{labels.method(row.better)}, {name_interval(row.seeds)}{alone} {say_range(low, high)}.",
            file,
        )
    if len(rest) > SHOWN:
        yield Finding(f"{len(rest) - SHOWN} more pairs are not told apart.", file)


def _turn(row: Any) -> tuple[float, float]:
    """The interval of the difference of a pair, of the better method less the other."""
    sign = 1 if row.difference >= 0 else -1
    low, high = sorted((sign * row.difference_low, sign * row.difference_high))
    return low, high


def _tell_too_few_seeds(results: Results, table: pd.DataFrame) -> Finding:
    labels, seeds, pairs = Labels.of(results), int(table["seeds"].max()), len(table)
    least = least_p_value(seeds)
    adjusted = f" after Holm for {pairs} pairs, {say_p(least)} before" if pairs > 1 else ""
    seen = []
    for row in table.head(SHOWN).itertuples():
        if np.isnan(row.difference_low):
            continue
        other = row.against if row.better == row.method else row.method
        needed = f"; about {row.seeds_needed:.0f} seeds would find it" if row.seeds_needed <= _MANY else ""
        seen.append(
            f"{labels.method(row.better)} over {labels.method(other)} {abs(row.difference):.3f} "
            f"({say_range(*_turn(row))}, p = {say_p(row.p_value)}{' before Holm' if pairs > 1 else ''}, "
            f"{row.agree} of {say_count(row.seeds, 'seed')} agree{needed})"
        )
    alone = ", each interval of its pair alone" if len(seen) > 1 else ""
    return Finding(
        f"With {say_count(seeds, 'seed')} no difference between methods can be shown, whatever its size: the least "
        f"p-value that they can give is {say_p(min(1.0, least * pairs))}{adjusted}. {_count_testable(pairs)} seeds are "
        "the fewest that could." + (f" Hypervolume on test as seen{alone}: {'; '.join(seen)}." if seen else ""),
        say_file(results, "comparison"),
    )


def _tell_difference(results: Results, row: Any, empty: Mapping[str, int], pairs: int) -> Finding:
    """Of a pair that differs; where a volume is 0 because no point lies within the reference, that alone."""
    labels, file = Labels.of(results), say_file(results, "comparison")
    better, worse = row.better, row.against if row.better == row.method else row.method
    shares = dominance(results, results.leading).set_index(["method", "by"])["share"]
    dominated = (
        f"on test {labels.method(better)} dominates {100 * shares[worse, better]:.0f} % of the points of "
        f"{labels.method(worse)}, and {100 * shares[better, worse]:.0f} % of its own are dominated"
    )
    for name in (worse, better):
        if empty.get(name):
            return Finding(
                f"Hypervolumes do not compare {labels.method(better)} and {labels.method(worse)}: in {empty[name]} of "
                f"{say_count(row.seeds, 'seed')} no frontier point of {labels.method(name)} lies within the "
                f"{captions.reference(labels, results.objective_set(results.leading))} on test, so that its volume is "
                f"0; {dominated}.",
                file,
            )
    low, high = _turn(row)
    return Finding(
        f"The frontiers of {labels.method(better)} cover more than those of {labels.method(worse)}: hypervolume on "
        f"test larger by {abs(row.difference):.3f} ({name_interval(row.seeds)} {low:.3f} to {high:.3f}; p = "
        f"{say_p(row.p_holm)}{_after_holm(pairs)}; {say_count(row.seeds, 'seed')}); {dominated}.",
        file,
    )


def tell_cost_of_choosing(results: Results) -> Iterator[Finding]:
    """What frontiers lose from the split that chose their points to test: hypervolume, then each objective."""
    if results.settings.selected_on == "test" or results.searched["seed"].nunique() < 2:
        return
    labels, file = Labels.of(results), say_file(results, "optimism")
    table = find_cost_of_choosing(results, results.leading)
    of_set = results.objective_set(results.leading).objectives
    divisors = " and other single-task divisors" if any(each.metric.source == "baselines" for each in of_set) else ""
    lost = table[table["metric"] == "hypervolume"]
    for row in lost.head(SHOWN).itertuples():
        yield Finding(
            f"The hypervolume of {labels.method(row.method)} is smaller on test than on validation, where its points "
            f"were chosen: {row.chosen:.3f}, then {row.test:.3f} ({row.optimism:.3f} less, "
            f"{say_range(row.optimism_low, row.optimism_high)}). Not all of it is choice: test has other "
            f"rows{divisors}.",
            file,
        )
    kept = optimism(results, results.leading)
    kept = kept[(kept["metric"] == "hypervolume") & kept["optimism_low"].notna() & (kept["optimism_low"] <= 0)]
    if len(kept):
        parts = [
            f"{labels.method(row.method)} {say_signed(row.optimism)} ({say_range(row.optimism_low, row.optimism_high)})"
            for row in kept.itertuples()
        ]
        yield Finding(
            "A loss of hypervolume from validation to test is neither shown nor excluded: "
            f"{captions.join_some(parts)}.",
            file,
        )
    for each in of_set:
        worse = table[table["metric"] == each.name]
        if len(worse):
            parts = [
                f"{labels.method(row.method)} by {row.optimism:.3f} ({say_range(row.optimism_low, row.optimism_high)})"
                for row in worse.itertuples()
            ]
            yield Finding(
                f"{labels.objective(each)} of the frontier points is worse on test than on validation, where they were "
                f"chosen: {captions.join_some(parts)}.",
                file,
            )


def _count_empty(results: Results) -> dict[str, int]:
    """By method in how many seeds its hypervolume on test is 0."""
    volumes = results.hypervolumes_of(results.leading)
    return {str(name): int((own == 0).sum()) for name, own in volumes.groupby("method")["test_hypervolume"]}


def _after_holm(pairs: int) -> str:
    return " after Holm" if pairs > 1 else ""


def _count_testable(pairs: int) -> int:
    """The fewest seeds with which one of so many pairs can have an adjusted p-value of at most `LEVEL`."""
    return next(seeds for seeds in range(2, 64) if least_p_value(seeds) * pairs <= LEVEL)
