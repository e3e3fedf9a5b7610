"""Frontier points trained again with fresh seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.style import (
    GREY,
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

_TITLES = {"arfg": "ARFG", "are": "ARE"}


@apply_style
def draw(results: Results) -> Figure | None:
    """ARFG and ARE as selected against their mean and deviation over fresh seeds, on test."""
    points = collect_confirmed(results)
    if points.empty:
        return None
    shown = {name: look for name, look in looks_of(results).items() if (points["method"] == name).any()}
    figure, grid = panels(1, 2, width=PAGE, height=2.5)
    for axes, metric in zip(grid[0], _TITLES, strict=True):
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
        axes.set_xlabel(f"{_TITLES[metric]} on {results.settings.selected_on}, as selected")
        axes.set_ylabel(f"{_TITLES[metric]} on test, mean of fresh seeds")
        sparse_ticks(axes)
    legend(figure, Labels.of(results), shown, kind="marker", extra=[handle("equal", linewidth=0.7)])
    return figure


def collect_confirmed(results: Results) -> pd.DataFrame:
    """ARFG-ARE frontier points that were trained again at least twice: `method`, `seed`, `trial_id`, their values on
    the choosing split, `<metric>_mean`, `<metric>_std` on test, and `runs`; empty where there are none."""
    points = results.frontier("arfg_are") if len(results.hypervolumes) else pd.DataFrame()
    if "confirmed_runs" not in points:
        return pd.DataFrame()
    kept = points[points["confirmed_runs"] >= 2]
    renamed = {f"confirmed_{name}_{kind}": f"{name}_{kind}" for name in _TITLES for kind in ("mean", "std")}
    chosen = [f"{results.settings.selected_on}_{name}" for name in _TITLES]
    table = kept.rename(columns=renamed | {"confirmed_runs": "runs"})
    return table[["method", "seed", "trial_id", *chosen, *renamed.values(), "runs"]].dropna(subset=chosen)


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    points = collect_confirmed(results)
    chosen = results.settings.selected_on
    shifts = []
    for method, own in points.groupby("method", sort=False):
        arfg, are = ((own[f"{name}_mean"] - own[f"{chosen}_{name}"]).mean() for name in _TITLES)
        shifts.append(f"{Labels.of(results).method(method)} {arfg:+.3f} and {are:+.3f}")
    runs = sorted(points["runs"].unique())
    outside = _count_outside(points, chosen)
    return captions.join_sentences(
        f"Points of the ARFG-ARE frontiers as they were selected on {chosen}, against the mean of the same "
        f"hyperparameters trained again with {captions.join_names(list(map(str, runs)))} fresh seeds, on test "
        "(markers; vertical lines are one deviation of a single run to both sides). Both better the smaller: above the "
        "diagonal selection was optimistic.",
        f"Mean differences over points of ARFG and ARE: {'; '.join(shifts)}.",
        f"{outside} markers lie outside what is shown." if outside else "",
        captions.provenance(results),
        captions.reliability(results),
    )


def _count_outside(points: pd.DataFrame, chosen: str) -> int:
    count = 0
    for metric in _TITLES:
        names = [f"{chosen}_{metric}", f"{metric}_mean"]
        low, high = view(own[name].to_numpy(float) for _, own in points.groupby("method", sort=False) for name in names)
        values = points[names].to_numpy(float)
        count += int(np.any((values < low) | (values > high), axis=1).sum())
    return count
