"""The area under the ROC curve of every group that a run measures alone: of the attribute that losses act on, and of
others, among which a gap may have gone elsewhere (gerrymandering)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results
from paretofair.analysis.tables import one_group
from paretofair.report import captions
from paretofair.report.drawing.choice import drawn_tasks, tell_left_out
from paretofair.report.drawing.dots import average_over_seeds
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.style import COLUMN, LETTER, PAGE, apply_style, legend, looks_of, panels
from paretofair.report.figures.tasks import name_attributes
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@apply_style
def draw(results: Results) -> Figure | None:
    """Areas on test of every method's chosen point: a row for each task, a column for each attribute."""
    table = average_areas(results)
    if table.empty:
        return None
    shown, labels = looks_of(results), Labels.of(results)
    tasks, attributes = list(dict.fromkeys(table["task"])), list(dict.fromkeys(table["attribute"]))
    width = COLUMN if len(attributes) == 1 else PAGE
    figure, grid = panels(len(tasks), len(attributes), width=width, height=1.6, sharey="row", sharex="col")
    shifts = np.linspace(-0.2, 0.2, len(shown)) if len(shown) > 1 else [0.0]
    for task, row in zip(tasks, grid, strict=True):
        for attribute, axes in zip(attributes, row, strict=True):
            own = table[(table["task"] == task) & (table["attribute"] == attribute)]
            groups = list(dict.fromkeys(table.loc[table["attribute"] == attribute, "group"]))
            for shift, (method, look) in zip(shifts, shown.items(), strict=True):
                line = own[own["method"] == method].set_index("group").reindex(groups)
                places = np.arange(len(groups)) + shift
                axes.vlines(places, line["low"], line["high"], color=look.colour, linewidth=0.6, alpha=0.7)
                axes.plot(
                    places, line["mean"], look.marker, color=look.colour, linestyle=look.line, linewidth=0.5, gid=method
                )
            axes.set_xticks(range(len(groups)), [wrap_text(labels.group(name), 12) for name in groups])
            axes.set_xlim(-0.5, len(groups) - 0.5)
        row[0].set_ylabel(wrap_text(f"AUC, {labels.task(task)}", 22))
    for attribute, axes in zip(attributes, grid[0], strict=True):
        axes.set_title(wrap_text(labels.attribute(attribute), int(width / len(attributes) / LETTER)))
    legend(figure, labels, shown, kind="marker")
    return figure


def average_areas(results: Results) -> pd.DataFrame:
    """Columns `method, task, attribute, group, mean, low, high, seeds`: areas on test over seeds, of tasks that are
    drawn; empty where no two groups of an attribute are measured."""
    table = one_group(results, "auc")
    if table.empty:
        return table
    own = table[(table["split"] == "test") & table["task"].isin(drawn_tasks(results))]
    return average_over_seeds(own, ["method", "task", "attribute", "group"], "value")


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    acts = name_attributes(results).strip()
    return captions.join_sentences(
        "Area under the ROC curve of each group on test, better the larger, of each method's "
        f"{captions.tell_rule(results)}.{f' The losses act on the groups {acts}.' if acts else ''} Where a loss brings "
        "the groups of one attribute together and takes those of another apart, it has moved the gap (gerrymandering). "
        f"Markers are means over seeds, lines {captions.name_intervals(results)}.",
        tell_left_out(results),
        captions.provenance(results),
    )
