"""Frontier points trained again with fresh seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.choice import drawn_tasks
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.style import (
    COLUMN,
    GREY,
    LETTER,
    MANY,
    PAGE,
    apply_style,
    handle,
    legend,
    looks_of,
    panels,
    sparse_ticks,
    view,
)
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 3


@apply_style
def draw(results: Results) -> Figure | None:
    """The objectives of the leading set as selected against their mean and deviation over fresh seeds, on test."""
    points = collect_confirmed(results)
    if points.empty:
        return None
    shown = {name: look for name, look in looks_of(results).items() if (points["method"] == name).any()}
    titles = _name_objectives(results)
    columns = min(_COLUMNS, len(titles))
    width = COLUMN if columns == 1 else PAGE
    letters = int(width / columns / LETTER) - 8
    figure, grid = panels(-(-len(titles) // columns), columns, width=width, height=2.5)
    for axes in grid.flat[len(titles) :]:
        axes.set_axis_off()
    for axes, (metric, title) in zip(grid.flat, titles.items(), strict=False):
        selected, mean, std = f"{results.settings.selected_on}_{metric}", f"{metric}_mean", f"{metric}_std"
        ends = view(
            own[name].to_numpy(float) for _, own in points.groupby("method", sort=False) for name in (selected, mean)
        )
        axes.plot(ends, ends, color=GREY, linewidth=0.7, zorder=1)
        for method, look in shown.items():
            own = points[points["method"] == method]
            if len(shown) <= MANY:
                low, high = own[mean] - own[std], own[mean] + own[std]
                axes.vlines(own[selected], low, high, color=look.colour, linewidth=0.5, alpha=0.5, zorder=2)
            axes.plot(
                own[selected],
                own[mean],
                look.marker,
                color=look.colour,
                markersize=3,
                markeredgewidth=0,
                alpha=0.7,
                zorder=3,
                gid=method,
            )
        axes.set(xlim=ends, ylim=ends)
        axes.set_title(wrap_text(title, letters))
        axes.set_xlabel(f"on {results.settings.selected_on}, as selected")
        axes.set_ylabel("on test, mean of fresh seeds")
        sparse_ticks(axes)
    legend(figure, Labels.of(results), shown, kind="marker", extra=[handle("equal", linewidth=0.7)])
    return figure


def collect_confirmed(results: Results) -> pd.DataFrame:
    """Points of the frontiers under the leading set that were trained again at least twice: `method`, `seed`,
    `trial_id`, their values on the choosing split, `<metric>_mean`, `<metric>_std` on test, and `runs`; empty where
    there are none."""
    leading = results.leading
    points = results.frontier(leading) if results.fronts_of(leading) else pd.DataFrame()
    if "confirmed_runs" not in points:
        return pd.DataFrame()
    names = results.objective_set(leading).names
    kept = points[points["confirmed_runs"] >= 2]
    renamed = {f"confirmed_{name}_{kind}": f"{name}_{kind}" for name in names for kind in ("mean", "std")}
    chosen = [f"{results.settings.selected_on}_{name}" for name in names]
    table = kept.rename(columns=renamed | {"confirmed_runs": "runs"})
    return table[["method", "seed", "trial_id", *chosen, *renamed.values(), "runs"]].dropna(subset=chosen)


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    points = collect_confirmed(results)
    chosen = results.settings.selected_on
    shifts = []
    titles = _name_objectives(results)
    for method, own in points.groupby("method", sort=False):
        differences = ((own[f"{name}_mean"] - own[f"{chosen}_{name}"]).mean() for name in titles)
        words = captions.join_names([f"{each:+.3f}" for each in differences])
        shifts.append(f"{Labels.of(results).method(method)} {words}")
    runs = sorted(points["runs"].unique())
    outside, leading = _count_outside(points, chosen, list(titles)), results.objective_set(results.leading)
    minimised = all(each.metric.direction == "minimised" for each in leading.objectives)
    better = "All better the smaller: above the diagonal selection was optimistic." if minimised else ""
    return captions.join_sentences(
        f"Points of the {captions.frontiers(Labels.of(results), leading)} as they were selected on {chosen}, against "
        "the mean of the same hyperparameters trained again with "
        f"{captions.join_names(list(map(str, runs)))} fresh seeds, on test (markers; vertical lines are one deviation "
        "of a single run to both sides).",
        better,
        _tell_left_out(results, len(titles)),
        f"Mean differences over points of {captions.join_names(list(titles.values()))}: {'; '.join(shifts)}.",
        f"{outside} markers lie outside what is shown." if outside else "",
        captions.provenance(results),
        captions.reliability(results) if "arfg" in titles else "",
    )


def _name_objectives(results: Results) -> dict[str, str]:
    """The objectives of the leading set by name, as panels call them; of many tasks those of the tasks that are drawn,
    or all where none would be left."""
    labels, few = Labels.of(results), drawn_tasks(results)
    every = results.objective_set(results.leading).objectives
    drawn = [each for each in every if each.task is None or labels.find_task(each.task) in few]
    return {each.name: labels.objective(each) for each in drawn or every}


def _tell_left_out(results: Results, drawn: int) -> str:
    every = len(results.objective_set(results.leading).objectives)
    return (
        f"Of {every} objectives {drawn} are drawn, those of the tasks with the largest gaps; tables have all."
        if drawn < every
        else ""
    )


def _count_outside(points: pd.DataFrame, chosen: str, metrics: list[str]) -> int:
    count = 0
    for metric in metrics:
        names = [f"{chosen}_{metric}", f"{metric}_mean"]
        low, high = view(own[name].to_numpy(float) for _, own in points.groupby("method", sort=False) for name in names)
        values = points[names].to_numpy(float)
        count += int(np.any((values < low) | (values > high), axis=1).sum())
    return count
