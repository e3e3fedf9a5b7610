"""Gaps of the chosen points for every attribute and intersection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from paretofair.analysis.results import Results
from paretofair.analysis.tables import audit_points
from paretofair.metrics.registry import GROUP_METRICS, METRICS
from paretofair.report import captions
from paretofair.report.drawing.choice import drawn_tasks, tell_left_out
from paretofair.report.drawing.dots import average_over_seeds, draw_dots, height
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.style import COLUMN, LETTER, PAGE, apply_style, legend, looks_of, panels
from paretofair.report.figures.tasks import name_attributes
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@apply_style
def draw(results: Results) -> Figure | None:
    """Gap on test of every method's chosen point, for each attribute and intersection that the space file names under
    `data.audit`, by default all; minimised."""
    table = average_audit(results)
    if table.empty:
        return None
    shown, labels = looks_of(results), Labels.of(results)
    tasks, rows = list(dict.fromkeys(table["task"])), list(dict.fromkeys(table["grouping"]))
    width = COLUMN if len(tasks) == 1 else PAGE
    named = {name: labels.attribute(name) for name in rows}
    figure, grid = panels(1, len(tasks), width=width, height=height(named.values(), len(shown)), sharey=True)
    letters = int((width - 0.8) / len(tasks) / LETTER)
    for axes, task in zip(grid[0], tasks, strict=True):
        draw_dots(axes, table[table["task"] == task].rename(columns={"grouping": "row"}), named, shown)
        axes.set(xlabel=wrap_text(f"{labels.metric(metric_shown(results))} on test", letters), xlim=(0, None))
        axes.set_title(wrap_text(labels.task(task), letters))
        axes.locator_params(axis="x", nbins=4)
    legend(figure, labels, shown, kind="marker")
    return figure


def average_audit(results: Results) -> pd.DataFrame:
    """Columns `method, task, grouping, mean, low, high, seeds`: the gap on test over seeds, of tasks that are drawn;
    empty without counts."""
    if results.cells is None or not results.fronts_of(results.leading):
        return pd.DataFrame()
    table = audit_points(results)
    own = table[(table["metric"] == metric_shown(results)) & (table["split"] == "test") & table["value"].notna()]
    own = own[own["task"].isin(drawn_tasks(results))]
    if results.settings.audit:
        named = {*(results.sensitive or {}).values(), *results.settings.audit}
        own = own[own["grouping"].isin(named)]
    return average_over_seeds(own, ["method", "task", "grouping"], "value")


def metric_shown(results: Results) -> str:
    """The gap of the run, or where an audit has not measured it that of false positive rates."""
    return results.settings.gap if results.settings.gap in GROUP_METRICS else "fpr_gap"


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    acts, every = name_attributes(results).strip(), "" if results.settings.audit else "all "
    return captions.join_sentences(
        f"The audit: {METRICS[metric_shown(results)].words} on test, better the smaller, of each "
        f"method's {captions.tell_rule(results)}, for "
        f"{every}attributes and intersections of attributes; groups of fewer than 50 rows are left out. More groups "
        f"have larger gaps by chance.{f' The losses act on the groups {acts}.' if acts else ''} Markers are means over "
        f"seeds, lines {captions.name_intervals(results)}.",
        tell_left_out(results),
        captions.provenance(results),
    )
