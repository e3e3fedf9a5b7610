"""What treatment did at the chosen points, on test: to objectives, to errors, to the gap it acts on, to groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from paretofair.analysis.findings import (
    compare_errors,
    compare_gaps,
    compare_groups,
    compare_rates,
    constant_errors,
    find_untrained,
)
from paretofair.analysis.relative import UNTREATED
from paretofair.analysis.results import Results
from paretofair.analysis.rules import KNEE, choose_points, default_rule
from paretofair.analysis.tables import never_decided
from paretofair.report import captions
from paretofair.report.drawing.choice import drawn_tasks
from paretofair.report.findings.sentence import (
    SHOWN,
    Finding,
    count_rows,
    say_attributes,
    say_change,
    say_count,
)
from paretofair.report.labels import Labels
from paretofair.statistics.comparison import LEVEL

CHANGES, CONFUSION = "tables/changes.csv", "tables/confusion.csv"
_CHANCE = 0.025  # of an interval to lie on the worse side of no change where there is none


def tell_points(results: Results) -> Iterator[Finding]:
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
    rows = count_rows(results)
    same = results.searched["split_id"].nunique() == 1
    of_rows = (
        f" All seeds are judged on the same{f' {rows:,}' if rows else ''} test rows, so that intervals over seeds do "
        "not cover which people these are."
        if same
        else ""
    )
    yield Finding(
        f"What follows speaks of the {rule} of each frontier, chosen on {results.settings.selected_on} and measured on "
        f"test; brackets give a change and its 95 % interval over seeds, each with draws of its own.{few}{of_rows}",
        "tables/summary.csv",
    )
    yield from _tell_objectives(results, rule)


def _tell_objectives(results: Results, rule: str) -> Iterator[Finding]:
    """The objectives at the points, and which points lie beyond the reference."""
    chosen, labels, of = choose_points(results), Labels.of(results), results.objective_set(results.leading)
    columns = [f"test_{each.name}" for each in of.objectives]
    if chosen.empty or any(column not in chosen for column in columns):
        return
    means = chosen.groupby("method", sort=False)[columns].mean()
    values = [
        f"{labels.method(str(method))} "
        + captions.join_names(
            [f"{labels.objective(each)} {own[column]:.3f}" for each, column in zip(of.objectives, columns, strict=True)]
        )
        for method, own in means.iterrows()
    ]
    text = f"At the {rule}, on test, means over seeds: {'; '.join(values)}."
    if of.reference is not None:
        beyond = (of.losses(chosen[columns].to_numpy(float)) > of.corner).any(-1)
        counts = chosen.assign(beyond=beyond).groupby("method", sort=False)["beyond"].agg(["sum", "size"])
        named = [
            f"{labels.method(str(method))} in {row['sum']} of {say_count(int(row['size']), 'seed')}"
            for method, row in counts.iterrows()
            if row["sum"]
        ]
        if named:
            text += (
                f" Beyond the {captions.reference(labels, of)}, where a point adds nothing to the hypervolume, it lies "
                f"with {captions.join_some(named)}."
            )
    yield Finding(text, "tables/summary.csv")


def tell_never_decided(results: Results) -> Iterator[Finding]:
    """Classes that no row on test is decided to be."""
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


def tell_price(results: Results) -> Iterator[Finding]:
    """Errors at the points, against vanilla and against one decision for everyone."""
    labels, file, shown = Labels.of(results), "tables/per_task.csv", drawn_tasks(results)
    prices = compare_errors(results)
    for method, own in prices[prices["task"].isin(shown)].groupby("method", sort=False):
        parts = [
            f"{labels.task(row.task)} {row.vanilla:.3f} to {row.value:.3f} ({say_change(row)}){_say_verdict(row)}"
            for row in own.itertuples()
        ]
        yield Finding(
            f"The error of {labels.method(str(method))}, from {labels.method(UNTREATED)}: {'; '.join(parts)}.", file
        )
    rule = " This also measures the rule of decision: base_rate makes as many positive decisions as there are positive"
    rule += " labels, which costs errors where these are few."
    chosen = choose_points(results)
    for task, constant in constant_errors(results).items():
        column = f"test_error_{task}"
        if task not in shown or column not in chosen:
            continue
        untrained = [method for method, tasks in find_untrained(results).items() if task in tasks]
        trained = chosen[~chosen["method"].isin(untrained)]
        no_better = trained.assign(no_better=trained[column] >= constant).groupby("method", sort=False)
        found = no_better.agg(error=(column, "mean"), count=("no_better", "sum"), seeds=("no_better", "size"))
        names = [
            f"{labels.method(str(method))} in {row['count']:.0f} of {say_count(int(row['seeds']), 'seed')} "
            f"(mean {row['error']:.3f})"
            for method, row in found.iterrows()
            if row["count"]
        ]
        if names:
            yield Finding(
                f"Deciding the same for everyone errs {constant:.3f} in {labels.task(task)}; no less does "
                f"{captions.join_names(names)}.{rule if results.settings.threshold == 'base_rate' else ''}",
                file,
            )


def _say_verdict(row: Any) -> str:
    if np.isnan(row.low) or row.low > 0 or row.high < 0:
        return ""
    return ", not told apart"


def tell_changes(results: Results) -> Iterator[Finding]:
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
    of_treated = sum(not set(name.split("_x_")).isdisjoint(sensitive.values()) for name in others["grouping"])
    within = f" ({of_treated} of them between intersections with a treated attribute)" if of_treated else ""
    chance = _say_chance(_CHANCE * (len(others) + len(groups)))
    yield Finding(
        f"Against {labels.method(UNTREATED)} {len(others)} gaps that are not treated{within} and {len(groups)} "
        f"errors of groups were compared: {len(worse) + len(hurt)} got worse beyond their interval, "
        f"{len(better) + len(helped)} better. "
        f"The intervals are not adjusted for so many: by the scatter of seeds alone {chance} would be expected to seem "
        f"worse, and as many better.{named}",
        file,
    )
    gap = labels.metric(results.settings.gap)
    for row in clear.head(SHOWN).itertuples():
        yield Finding(
            f"{labels.method(row.method)} has a larger {gap} of {labels.task(row.task)} between groups of "
            f"{labels.attribute(row.grouping)}, which it does not act on, than {labels.method(UNTREATED)}: "
            f"{row.value:.3f} against {row.vanilla:.3f} ({say_change(row)}); the smallest group has {row.rows:,} rows "
            "behind it.",
            file,
        )
    for row in beyond.head(SHOWN).itertuples():
        yield Finding(
            f"{labels.method(row.method)} errs more on {labels.group(row.group)} ({labels.attribute(row.attribute)}, "
            f"{row.rows:,} rows) in {labels.task(row.task)} than {labels.method(UNTREATED)}: {row.value:.3f} against "
            f"{row.vanilla:.3f} ({say_change(row)}); on all rows {row.overall:+.3f}.",
            file,
        )
    less = helped[(helped["change"] < -helped["noise"]) & (helped["high"] < helped["overall"])]
    if len(less):
        parts = [
            f"{labels.method(row.method)} on {labels.group(row.group)} ({labels.attribute(row.attribute)}) in "
            f"{labels.task(row.task)} {row.vanilla:.3f} to {row.value:.3f} ({say_change(row)})"
            for row in less.sort_values("change", kind="stable").itertuples()
        ]
        yield Finding(f"Errors that fell by more than rows explain: {captions.join_some(parts)}.", file)
    left = max(len(clear) - SHOWN, 0) + max(len(beyond) - SHOWN, 0)
    if left:
        yield Finding(f"{left} more of these kinds stand in {file}.", file)


def _tell_treated(results: Results, own: pd.DataFrame, method: str) -> Finding:
    """What became of the gap between the groups that losses act on, and of what size chance alone makes it."""
    labels, gap = Labels.of(results), results.settings.gap
    parts = [
        f"{labels.task(task)} {row['vanilla']:.3f} to {row['value']:.3f} ({say_change(row)})"
        for task, row in own.reindex([task for task in results.tasks if task in own.index]).iterrows()
    ]
    more = f"; {len(parts) - SHOWN} more tasks" if len(parts) > SHOWN else ""
    tested = results.tested_baselines
    by_chance = ""
    if "p_value" in tested:
        of_gap = tested[(tested["metric"] == gap) & (tested["split"] == "test") & tested["task"].isin(own.index)]
        of_gap = of_gap.drop_duplicates("task")
        left = own.loc[of_gap["task"], "value"].to_numpy()
        for row in of_gap[(of_gap["p_value"] > LEVEL) | (left < of_gap["detectable"])].head(SHOWN).itertuples():
            by_chance += (
                f"; in {labels.task(row.task)} chance alone gives {row.null_mean:.3f} on these rows, and no gap below "
                f"{row.detectable:.3f} would be found reliably"
            )
    return Finding(
        f"The {labels.metric(gap)} between groups of {captions.join_names(say_attributes(results, labels))} under "
        f"{labels.method(method)}, from {labels.method(UNTREATED)}: "
        f"{'; '.join(parts[:SHOWN])}{more}{by_chance}.",
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
        yield Finding(
            f"Behind it, under {labels.method(method)}, means over seeds: {'; '.join(parts)}. The gap above is the "
            "mean of the seeds' gaps, larger than the gap of these means where the order of groups changes.",
            CHANGES,
        )


def _say_chance(expected: float) -> str:
    return f"about {expected:.0f}" if expected >= 1.5 else f"{expected:.1f}"
