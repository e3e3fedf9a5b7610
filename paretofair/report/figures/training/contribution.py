"""Group contribution disparity over epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.choice import drawn_tasks, tell_left_out
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.style import COLUMN, GREY, LETTER, MANY, PAGE, apply_style, legend, looks, panels
from paretofair.report.labels import Labels
from paretofair.results.table import read_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STATISTIC = "contribution_ratio_of_sums_{label}_all_{task}"


@apply_style
def draw(results: Results) -> Figure | None:
    """How much harder the first group pulls at all parameters than the second, by task and label; best at 1."""
    table = curves(results)
    if table.empty:
        return None
    methods = [name for name in results.methods if (table["method"] == name).any()]
    shown = {name: look for name, look in looks(_order(results)).items() if name in methods}
    tasks = list(dict.fromkeys(table["task"]))
    width, labels = COLUMN if len(tasks) == 1 else PAGE, Labels.of(results)
    figure, grid = panels(2, len(tasks), width=width, height=1.55, sharex=True)
    for label, row in enumerate(grid):
        for axes, task in zip(row, tasks, strict=True):
            axes.axhline(1, color=GREY, linewidth=0.6, zorder=0)
            for method, look in shown.items():
                own = table[(table["method"] == method) & (table["task"] == task) & (table["label"] == label)]
                axes.plot(own["epoch"], own["median"], color=look.colour, linestyle=look.line, gid=method, zorder=3)
                if len(shown) <= MANY:
                    ends = own["low"], own["high"]
                    axes.fill_between(own["epoch"], *ends, color=look.colour, alpha=0.12, linewidth=0, zorder=1)
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}")
        row[0].set_ylabel(f"rows labelled {label}")
    for axes, task in zip(grid[0], tasks, strict=True):
        axes.set_title(wrap_text(labels.task(task), int(width / len(tasks) / LETTER) - 8))
    for axes in grid[1]:
        axes.set_xlabel("epoch")
        axes.locator_params(axis="x", integer=True)
    legend(figure, labels, shown, kind="line")
    return figure


def curves(results: Results) -> pd.DataFrame:
    """Columns `method, task, label, epoch, median, low, high, trials`: the ratio of sums of contributions over the
    trials whose curves were measured; `low` and `high` are the smallest and the largest. Empty without curves."""
    names = {
        _STATISTIC.format(label=label, task=task): (task, label) for task in drawn_tasks(results) for label in (0, 1)
    }
    parts = [found for folder in results.folders if not (found := read_curves(folder, names)).empty]
    if not any(name in part for part in parts for name in names):
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True).drop_duplicates(["trial_id", "epoch"])
    table["method"] = table["trial_id"].map(results.searched.set_index("trial_id")["method"])
    found = []
    for name in names:
        if name not in table:
            continue
        grouped = table.dropna(subset=["method", name]).groupby(["method", "epoch"])[name]
        own = grouped.agg(median="median", low="min", high="max", trials="size").reset_index()
        found.append(own.assign(task=names[name][0], label=names[name][1]))
    whole = pd.concat(found, ignore_index=True)
    return whole[["method", "task", "label", "epoch", "median", "low", "high", "trials"]]


def _order(results: Results) -> list[str]:
    return list(dict.fromkeys([*results.settings.methods, *results.methods]))


def caption(results: Results) -> str:
    """What is shown."""
    table = curves(results)
    counts = table.groupby("method")["trials"].max()
    groups = ""
    if results.cells is not None and results.sensitive is not None:
        of_each = []
        for attribute in dict.fromkeys(results.sensitive.values()):
            if attribute in results.cells.attributes:
                column = results.cells.names[["code_" + attribute, attribute]].drop_duplicates()
                ordered = column[column["code_" + attribute] >= 0].sort_values("code_" + attribute)[attribute]
                of_each.append(" over ".join(Labels.of(results).group(name) for name in ordered.iloc[:2]))
        groups = f" ({captions.join_names(of_each)})" if of_each else ""
    bands = "; bands are the smallest and the largest" if len(counts) <= MANY else ""
    return captions.join_sentences(
        "Group contribution disparity (Li et al. 2023, eq. 6 to 9) over epochs, on training rows: sum of the absolute "
        f"gradients of the first group over that of the second{groups}, over all parameters, by task and label; best "
        f"at 1. Lines are medians over the trials whose curves were measured ({captions.spell_range(counts)} for "
        f"each method){bands}. Nothing is chosen on any split; {captions.seeds(results)}.",
        tell_left_out(results),
    )
