"""What a careful reader would say of a run, in sentences: `findings.md`, the head of the page, the end of a command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from paretofair.analysis.comparison import dominance
from paretofair.analysis.findings import (
    compare_gaps,
    compare_groups,
    compare_rates,
    constant_errors,
    find_cost_of_choosing,
    find_differences,
    find_unequal_searches,
)
from paretofair.analysis.relative import BASELINES, UNTREATED
from paretofair.analysis.results import Results, make_once
from paretofair.analysis.rules import KNEE, choose_points, default_rule
from paretofair.analysis.tables import never_decided
from paretofair.analysis.undefined import explain_undefined
from paretofair.report import captions
from paretofair.report.drawing.choice import drawn_tasks
from paretofair.report.labels import Labels
from paretofair.report.output import place_file, replace_earlier
from paretofair.results.files import write_text
from paretofair.statistics.comparison import LEVEL, least_p_value
from paretofair.statistics.intervals import name_interval

FINDINGS = "findings.md"
CHANGES, CONFUSION = "tables/changes.csv", "tables/confusion.csv"
_SHOWN = 5  # sentences of one kind
_CHANCE = 0.025  # of an interval to lie on the worse side of no change where there is none


class Finding(NamedTuple):
    """A sentence, and the file that it can be checked in (empty: none); `warns` where others rest on it."""

    sentence: str
    file: str
    warns: bool = False


def write_findings(results: Results, folder: Path) -> Path:
    """Writes `findings.md`: a sentence a line, each with the file that it is read from."""
    lines = [f"- {each.sentence}" + (f" ({each.file})" if each.file else "") for each in find(results)]
    text = "\n".join(["# Findings", "", *(lines or ["Nothing is finished yet."]), ""])
    path = write_text(place_file(results, folder, FINDINGS), text)
    replace_earlier(folder, [FINDINGS], [path])
    return path


@make_once
def find(results: Results) -> list[Finding]:
    """Everything that is found, in the order in which a reader needs it; empty before there are trials.

    What was compared, and what ARE and ARFG are worth; which methods differ, and what could not be tested; what was
    lost from validation to test; what treatment costs in error, what it does to its gap, who is worse off.
    """
    if results.trials.empty or not results.methods:
        return []
    return [
        *_tell_comparison(results),
        *_tell_denominators(results),
        *_tell_differences(results),
        *_tell_cost_of_choosing(results),
        *_tell_points(results),
        *_tell_never_decided(results),
        *_tell_price(results),
        *_tell_changes(results),
    ]


def _tell_comparison(results: Results) -> Iterator[Finding]:
    settings, labels = results.settings, Labels.of(results)
    if "simulated" in results.source:
        yield Finding("SIMULATED data: these numbers say nothing about real people.", "", warns=True)
    names = captions.join_names([labels.method(name) for name in results.methods])
    tasks = captions.join_some([labels.task(task) for task in results.tasks])
    treated = captions.join_names(_acted_on(results, labels))
    parts = [
        f"{captions.trials(results)} of {_count(results.searched['seed'].nunique(), 'seed')}",
        f"task{'s' * (len(results.tasks) > 1)} {tasks}",
        f"treated: {treated}" if treated else "",
        f"{_test_rows(results):,} test rows" if _test_rows(results) else "",
        "chosen and reported on test" if settings.selected_on == "test" else "chosen on validation, reported on test",
    ]
    yield Finding(f"Compared: {names} ({'; '.join(part for part in parts if part)}).", "trials")
    if len(unequal := find_unequal_searches(results)):
        ends = [(end, [labels.method(name) for name in unequal.index[unequal == end]]) for end in unequal.iloc[[0, -1]]]
        fewest, most = (f"{end:,.0f} a seed of {captions.join_some(names)}" for end, names in ends)
        yield Finding(
            f"Methods were not searched alike: trials are from {fewest} to {most}. More trials reach a better front "
            "by luck alone, so hypervolumes flatter the methods that have more.",
            "trials",
            warns=True,
        )


def _tell_denominators(results: Results) -> Iterator[Finding]:
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
            f"{row.untreated:.3f} on {results.settings.selected_on}, the single-task models that it divides by "
            f"{row.alone:.3f} ({row.low:.3f} to {row.high:.3f}). A wider search of the baselines (stages.baselines) "
            "makes them stronger.",
            BASELINES,
            warns=True,
        )


def _tell_differences(results: Results) -> Iterator[Finding]:
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
    labels, file = Labels.of(results), _file(results, "comparison")
    rest = table[table["differs"] != "yes"].sort_values("p_holm", kind="stable")
    for row in rest.head(_SHOWN).itertuples():
        what = "are not told apart" if row.differs == "no" else f"cannot be told apart with {_count(row.seeds, 'seed')}"
        one, other = labels.method(row.method), labels.method(row.against)
        # An interval that leaves 0 out beside a p-value that does not tell the two apart would be a riddle.
        leaves_out = len(table) > 1 and row.difference_low * row.difference_high > 0
        before = f", {_say_p(row.p_value)} before" if leaves_out else ""
        alone = "; the interval is of this pair alone, not adjusted for the others" if leaves_out else ""
        yield Finding(
            f"{one} and {other} {what} (p = {_say_p(row.p_holm)}{_after_holm(len(table))}{before}): the hypervolume of "
            f"{one} on test less that of {other} is {row.difference:+.3f}, and one beyond {row.difference_low:+.3f} to "
            f"{row.difference_high:+.3f} is unlikely{alone}.",
            file,
        )
    if len(rest) > _SHOWN:
        yield Finding(f"{len(rest) - _SHOWN} more pairs are not told apart.", file)


def _tell_too_few_seeds(results: Results, table: pd.DataFrame) -> Finding:
    labels, seeds, pairs = Labels.of(results), int(table["seeds"].max()), len(table)
    least = least_p_value(seeds)
    adjusted = f" after Holm for {pairs} pairs, {_say_p(least)} before" if pairs > 1 else ""
    needed = table["seeds_needed"].replace(np.inf, np.nan).dropna()
    size = ""
    if len(needed):
        ends = dict.fromkeys((f"{needed.min():.0f}", f"{needed.max():.0f}"))
        size = f"; differences as seen here need about {' to '.join(ends)}"
    seen = "; ".join(
        f"{labels.method(row.method)} less {labels.method(row.against)} {row.difference:+.3f} "
        f"({row.difference_low:+.3f} to {row.difference_high:+.3f})"
        for row in table.head(_SHOWN).itertuples()
        if not np.isnan(row.difference_low)
    )
    return Finding(
        f"With {_count(seeds, 'seed')} no difference between methods can be shown: the least p-value that they can "
        f"give is {_say_p(min(1.0, least * pairs))}{adjusted}. {_count_testable(pairs)} seeds are the fewest that could"
        f"{size}." + (f" Hypervolumes on test as seen: {seen}." if seen else ""),
        _file(results, "comparison"),
    )


def _tell_difference(results: Results, row: Any, empty: Mapping[str, int], pairs: int) -> Finding:
    """Of a pair that differs; where a volume is 0 because no point lies within the reference, that alone."""
    labels, file = Labels.of(results), _file(results, "comparison")
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
                f"{_count(row.seeds, 'seed')} no frontier point of {labels.method(name)} lies within the "
                f"{captions.reference(labels, results.objective_set(results.leading))} on test, so that its volume is "
                f"0; {dominated}.",
                file,
            )
    sign = 1 if row.difference >= 0 else -1
    low, high = sorted((sign * row.difference_low, sign * row.difference_high))
    return Finding(
        f"The frontiers of {labels.method(better)} cover more than those of {labels.method(worse)}: hypervolume on "
        f"test larger by {abs(row.difference):.3f} ({name_interval(row.seeds)} {low:.3f} to {high:.3f}; p = "
        f"{_say_p(row.p_holm)}{_after_holm(pairs)}; {_count(row.seeds, 'seed')}); {dominated}.",
        file,
    )


def _tell_cost_of_choosing(results: Results) -> Iterator[Finding]:
    if results.settings.selected_on == "test" or results.searched["seed"].nunique() < 2:
        return
    labels, file = Labels.of(results), _file(results, "optimism")
    table = find_cost_of_choosing(results, results.leading)
    lost = table[table["metric"] == "hypervolume"]
    of_set = results.objective_set(results.leading).objectives
    divisors = " and other single-task divisors" if any(each.metric.source == "baselines" for each in of_set) else ""
    for row in lost.head(_SHOWN).itertuples():
        digits = 3 if row.optimism_low >= 0.001 else 4
        yield Finding(
            f"The hypervolume of {labels.method(row.method)} is smaller on test than on validation, where its points "
            f"were chosen: {row.chosen:.3f}, then {row.test:.3f} ({row.optimism:.{digits}f} less, "
            f"{row.optimism_low:.{digits}f} to {row.optimism_high:.{digits}f}). Not all of it is choice: test has "
            f"other rows{divisors}.",
            file,
        )
    if lost.empty and len(results.hypervolumes_of(results.leading)):
        yield Finding("No method loses more hypervolume from validation to test than its interval allows for.", file)


def _tell_points(results: Results) -> Iterator[Finding]:
    """Which points of the frontiers everything below speaks of, and what stands in brackets."""
    sizes = [len(points) for fronts in results.fronts_of(results.leading).values() for points in fronts.values()]
    if not sizes or results.settings.pooled:
        return
    rule, labels = default_rule(results.settings), Labels.of(results)
    first = labels.objective(results.objective_set(results.leading).objectives[0])
    small = sum(size <= 2 for size in sizes)
    few = ""
    if small and rule == KNEE:
        few = (
            f" Of {len(sizes)} frontiers {small} have one or two points, of which it is the one with the best {first}."
        )
    rows = _test_rows(results)
    same = results.searched["split_id"].nunique() == 1
    of_rows = (
        f" All seeds are judged on the same{f' {rows:,}' if rows else ''} test rows, so that intervals over seeds do "
        "not cover which people these are."
        if same
        else ""
    )
    yield Finding(
        f"What follows speaks of the {rule} of each frontier, chosen on {results.settings.selected_on} and measured on "
        f"test; brackets give a change and its 95 % interval over seeds.{few}{of_rows}",
        "tables/summary.csv",
    )


def _tell_never_decided(results: Results) -> Iterator[Finding]:
    table, labels = never_decided(results), Labels.of(results)
    for (method, task), own in table.groupby(["method", "task"], sort=False) if len(table) else ():
        classes = len(next(each.classes for each in results.schema.tasks if each.name == task))
        yield Finding(
            f"{labels.method(str(method))} decides no row on test to be {captions.join_some(list(own['decided']))} "
            f"({len(own)} of {classes} classes of {labels.task(str(task))}); what is said of decided classes, as "
            "prediction bias, leaves them out.",
            CONFUSION,
            warns=True,
        )


def _tell_price(results: Results) -> Iterator[Finding]:
    """Errors at the points, against vanilla and against one decision for everyone."""
    chosen, labels, file = choose_points(results), Labels.of(results), "tables/per_task.csv"
    columns = {task: f"test_error_{task}" for task in results.tasks if f"test_error_{task}" in chosen}
    if chosen.empty or not columns:
        return
    means = (
        chosen.groupby("method", sort=False)[list(columns.values())]
        .mean()
        .rename(columns={column: task for task, column in columns.items()})
    )
    shown = drawn_tasks(results)
    if UNTREATED in means.index:
        for method in means.index.drop(UNTREATED):
            dearer = [task for task in shown if means.loc[method, task] > means.loc[UNTREATED, task]]
            if dearer:
                parts = [
                    f"{means.loc[method, task]:.3f} in {labels.task(task)} ({means.loc[UNTREATED, task]:.3f})"
                    for task in dearer
                ]
                words = captions.join_names(parts)
                yield Finding(f"{labels.method(method)} errs more than {labels.method(UNTREATED)}: {words}.", file)
    for task, constant in constant_errors(results).items():
        no_better = means.index[means[task] >= constant] if task in means else ()
        if task in shown and len(no_better):
            names = captions.join_names([f"{labels.method(each)} {means.loc[each, task]:.3f}" for each in no_better])
            yield Finding(
                f"In {labels.task(task)} deciding the same for everyone errs {constant:.3f}, no more than {names}.",
                file,
            )


def _tell_changes(results: Results) -> Iterator[Finding]:
    """What treatment did at the chosen points, against the chosen points of vanilla."""
    gaps, labels, file = compare_gaps(results), Labels.of(results), CHANGES
    if gaps.empty:
        return
    groups, sensitive = compare_groups(results), results.sensitive or {}
    is_treated = gaps["grouping"] == gaps["task"].map(sensitive)
    treated, others = gaps[is_treated], gaps[~is_treated]
    for method in dict.fromkeys(treated["method"]):
        yield _tell_treated(results, treated[treated["method"] == method].set_index("task"), method)
        yield from _tell_rates(results, method)
    if int(gaps["seeds"].max()) < 2:
        yield Finding("With one seed no gap or group is known to have got worse, or better: seeds move them too.", "")
        return
    worse, better = others[others["low"] > 0], others[others["high"] < 0]
    hurt, helped = groups[groups["low"] > 0], groups[groups["high"] < 0]
    clear = worse[worse["change"] > worse["noise"]]
    beyond = hurt[(hurt["change"] > hurt["noise"]) & (hurt["low"] > hurt["overall"])]
    named = ""
    if len(clear) + len(beyond):
        named = " Named below are the largest that the number of rows does not explain either, and of groups those that"
        named += " err more than all rows do."
    elif len(worse) + len(hurt):
        named = " None of these is named: rows are too few to tell it from chance, or all rows err as much more."
    chance = _say_chance(_CHANCE * (len(others) + len(groups)))
    yield Finding(
        f"Against {labels.method(UNTREATED)} {len(others)} gaps that are not treated and {len(groups)} errors of "
        f"groups were compared: {len(worse) + len(hurt)} got worse beyond their interval, "
        f"{len(better) + len(helped)} better. "
        f"The intervals are not adjusted for so many: by the scatter of seeds alone {chance} would be expected to seem "
        f"worse, and as many better.{named}",
        file,
    )
    gap = labels.metric(results.settings.gap)
    for row in clear.head(_SHOWN).itertuples():
        yield Finding(
            f"{labels.method(row.method)} has a larger {gap} of {labels.task(row.task)} between groups of "
            f"{labels.attribute(row.grouping)}, which it does not act on, than {labels.method(UNTREATED)}: "
            f"{row.value:.3f} against {row.vanilla:.3f}{_say_ends(row)}; the smallest group has {row.rows:,} rows "
            "behind it.",
            file,
        )
    for row in beyond.head(_SHOWN).itertuples():
        yield Finding(
            f"{labels.method(row.method)} errs more on {labels.group(row.group)} ({labels.attribute(row.attribute)}, "
            f"{row.rows:,} rows) in {labels.task(row.task)} than {labels.method(UNTREATED)}: {row.value:.3f} against "
            f"{row.vanilla:.3f}{_say_ends(row)}; on all rows {row.overall:+.3f}.",
            file,
        )
    left = max(len(clear) - _SHOWN, 0) + max(len(beyond) - _SHOWN, 0)
    if left:
        yield Finding(f"{left} more of these kinds stand in {file}.", file)


def _tell_treated(results: Results, own: pd.DataFrame, method: str) -> Finding:
    """What became of the gap that a method acts on, and of what size chance alone makes it."""
    labels, gap = Labels.of(results), results.settings.gap
    parts = [
        f"{labels.task(task)} {own.loc[task, 'vanilla']:.3f} to {own.loc[task, 'value']:.3f}{_say_ends(own.loc[task])}"
        for task in results.tasks
        if task in own.index
    ]
    more = f"; {len(parts) - _SHOWN} more tasks" if len(parts) > _SHOWN else ""
    tested = results.tested_baselines
    by_chance = ""
    if "p_value" in tested:
        of_gap = tested[(tested["metric"] == gap) & (tested["split"] == "test") & (tested["p_value"] > LEVEL)]
        for row in of_gap.drop_duplicates("task").head(_SHOWN).itertuples():
            by_chance += (
                f"; in {labels.task(row.task)} chance alone gives {row.null_mean:.3f} on these rows, and no gap below "
                f"{row.detectable:.3f} would be found reliably"
            )
    return Finding(
        f"The gap that {labels.method(method)} acts on ({labels.metric(gap)}, "
        f"{captions.join_names(_acted_on(results, labels))}), from {labels.method(UNTREATED)}: "
        f"{'; '.join(parts[:_SHOWN])}{more}{by_chance}.",
        CHANGES,
    )


def _tell_rates(results: Results, method: str) -> Iterator[Finding]:
    """Which groups' rates made the treated gap what it is."""
    labels, table = Labels.of(results), compare_rates(results)
    own = table[(table["method"] == method) & table["task"].isin(drawn_tasks(results))]
    parts = []
    for (task, metric), rows in own.groupby(["task", "metric"], sort=False):
        of_groups = [f"{labels.group(row.group)} {row.vanilla:.3f} to {row.value:.3f}" for row in rows.itertuples()]
        parts.append(f"{labels.metric(metric)} of {labels.task(task)} {captions.join_some(of_groups)}")
    if parts:
        yield Finding(f"Behind it, under {labels.method(method)}: {'; '.join(parts)}.", CHANGES)


def _count_empty(results: Results) -> dict[str, int]:
    """By method in how many seeds its hypervolume on test is 0."""
    volumes = results.hypervolumes_of(results.leading)
    return {str(name): int((own == 0).sum()) for name, own in volumes.groupby("method")["test_hypervolume"]}


def _test_rows(results: Results) -> int:
    cells = results.cells
    return int(cells.names["rows_test"].sum()) if cells is not None and "rows_test" in cells.names else 0


def _acted_on(results: Results, labels: Labels) -> list[str]:
    return list(dict.fromkeys(labels.attribute(name) for name in (results.sensitive or {}).values()))


def _file(results: Results, name: str) -> str:
    """Where a table of the leading set stands."""
    return f"tables/{name}.csv" if results.leading == "arfg_are" else f"tables/{results.leading}/{name}.csv"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _after_holm(pairs: int) -> str:
    return " after Holm" if pairs > 1 else ""


def _say_chance(expected: float) -> str:
    return f"about {expected:.0f}" if expected >= 1.5 else f"{expected:.1f}"


def _say_ends(row: Any) -> str:
    """The change and its interval."""
    if np.isnan(row.low):
        return f" ({row.change:+.3f}, one seed)"
    return f" ({row.change:+.3f}, {row.low:+.3f} to {row.high:+.3f})"


def _say_p(value: float) -> str:
    return f"{value:.4f}" if value < 0.01 else f"{value:.3f}"


def _count_testable(pairs: int) -> int:
    """The fewest seeds with which one of so many pairs can have an adjusted p-value of at most `LEVEL`."""
    return next(seeds for seeds in range(2, 64) if least_p_value(seeds) * pairs <= LEVEL)
