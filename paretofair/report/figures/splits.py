"""Frontier points on training, validation and test rows: whether fairness is overfitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.analysis.relative import SPLITS
from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.choice import drawn_tasks, tell_left_out
from paretofair.report.drawing.dots import average_over_seeds
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.style import COLUMN, LETTER, MANY, PAGE, REFERENCE, apply_style, legend, looks_of, panels
from paretofair.report.figures.tasks import name_attributes
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@apply_style
def draw(results: Results) -> Figure | None:
    """Error and gap of each task's own frontier on the three splits, both minimised."""
    table = split_means(results)
    if table.empty or table["split"].nunique() < 2:
        return None
    tasks, metrics = list(dict.fromkeys(table["task"])), ("error", results.settings.gap)
    shown, labels = looks_of(results), Labels.of(results)
    width = COLUMN if len(tasks) == 1 else PAGE
    figure, grid = panels(len(metrics), len(tasks), width=width, height=1.6, sharex=True)
    splits = [name for name in SPLITS if name in set(table["split"])]
    shifts = np.linspace(-0.14, 0.14, len(shown)) if len(shown) > 1 else [0.0]
    for row, metric in zip(grid, metrics, strict=True):
        for axes, task in zip(row, tasks, strict=True):
            own = table[(table["task"] == task) & (table["metric"] == metric)]
            for shift, (method, look) in zip(shifts, shown.items(), strict=True):
                line = own[own["method"] == method].set_index("split").reindex(splits)
                places = np.arange(len(splits)) + shift
                if len(shown) <= MANY:
                    axes.vlines(places, line["low"], line["high"], color=look.colour, linewidth=0.6, alpha=0.7)
                marker = look.marker if method != REFERENCE else None
                axes.plot(
                    places,
                    line["mean"],
                    marker=marker,
                    color=look.colour,
                    linestyle=look.line,
                    linewidth=0.9,
                    markersize=3,
                    gid=method,
                )
            narrow = {"rotation": 30, "ha": "right"} if len(tasks) > 3 else {}
            axes.set_xticks(range(len(splits)), splits, **narrow)
            axes.set_xlim(-0.4, len(splits) - 0.6)
            axes.set_ylim(None if metric == "error" else 0, None)
            axes.locator_params(axis="y", nbins=5)
        row[0].set_ylabel(labels.metric(metric))
    for axes, task in zip(grid[0], tasks, strict=True):
        axes.set_title(wrap_text(labels.task(task), int(width / len(tasks) / LETTER) - 8))
    legend(figure, labels, shown)
    return figure


def split_means(results: Results) -> pd.DataFrame:
    """Columns `method, task, metric, split, mean, low, high, seeds`: means over the points of each seed's frontier of
    the task, then over seeds, of the tasks that are drawn."""
    rows = []
    for task in drawn_tasks(results):
        points = results.frontier(task)
        table = results.rows_of(points["trial_id"])
        if results.settings.pooled:
            points = points.assign(seed="all")
        for (method, seed), own in points.groupby(["method", "seed"], sort=False):
            for metric in ("error", results.settings.gap):
                for split in SPLITS:
                    column = f"{split}_{metric}_{task}"
                    if column in table:
                        rows.append((method, seed, task, metric, split, table.loc[own["trial_id"], column].mean()))
    points = pd.DataFrame(rows, columns=["method", "seed", "task", "metric", "split", "value"])
    return average_over_seeds(points, ["method", "task", "metric", "split"], "value")


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    pooled = results.settings.pooled
    intervals = f" with {captions.name_intervals(results)}" if len(results.methods) <= MANY else ""
    over = "means over all points" if pooled else f"means over the points of a seed, then over seeds{intervals}"
    return captions.join_sentences(
        f"Error and {captions.name_gap(results)} {name_attributes(results)}of each task's frontier points on training, "
        f"validation and test rows, better the smaller: {over}. A gap grows where there are fewer rows, also without "
        "overfitting.",
        tell_left_out(results),
        captions.provenance(results).replace("shown on test", "shown on all splits"),
    )
