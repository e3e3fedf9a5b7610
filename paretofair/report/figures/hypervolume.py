"""Hypervolume of the ARFG-ARE frontier against the number of trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results
from paretofair.pareto.comparison import bootstrap_interval
from paretofair.pareto.fronts import non_dominated
from paretofair.pareto.hypervolume import hypervolume, hypervolume_curve
from paretofair.report import captions
from paretofair.report.drawing.style import (
    COLUMN,
    MANY,
    PAGE,
    REFERENCE,
    apply_style,
    handle,
    legend,
    looks_of,
    make_logarithmic,
    panels,
)
from paretofair.report.figures.fronts import has_fronts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLACES = 40


@apply_style
def draw(results: Results) -> Figure | None:
    """Mean over seeds of the hypervolume on test, with its interval, and on the split that chose; maximised."""
    if not has_fronts(results):
        return None
    shown = looks_of(results)
    table = curves(results)
    if table["trials"].max() < 2:
        return None
    few = len(shown) <= MANY
    figure, grid = panels(1, 1, width=COLUMN if few else PAGE, height=2.3)
    axes = grid[0, 0]
    for shift, (method, look) in enumerate(shown.items()):
        own = table[table["method"] == method]
        marker = None if method == REFERENCE else look.marker
        line = {"color": look.colour, "linestyle": look.line, "marker": marker, "markevery": (shift % 6, 6)}
        axes.plot(own["trials"], own["test_hypervolume"], **line, markersize=3, gid=method, zorder=3)
        if few:
            ends = own["test_low"], own["test_high"]
            axes.fill_between(own["trials"], *ends, color=look.colour, alpha=0.12, linewidth=0, zorder=1)
            if not results.settings.pooled:
                axes.plot(own["trials"], own["hypervolume"], color=look.colour, linewidth=0.5, zorder=2)
    make_logarithmic(axes)
    axes.set(xlabel="completed trials per seed", ylabel="ARFG-ARE hypervolume")
    axes.set(xlim=(1, table["trials"].max()), ylim=(0, None))
    if results.settings.pooled:
        axes.set_xlabel("completed trials, seeds pooled")
    thin = [handle(f"on {results.settings.selected_on}", linewidth=0.5)] if few and not results.settings.pooled else []
    legend(figure, shown, extra=thin)
    return figure


def curves(results: Results) -> pd.DataFrame:
    """Columns `method, trials, hypervolume, test_hypervolume, test_low, test_high, seeds`: means over seeds.

    Trials in the order in which they were drawn; the front of the first n is chosen on the choosing split, the volume
    on test is that of the same points there. Seeds with fewer trials end the curve of their method.
    """
    chosen_by, pooled = results.settings.selected_on, results.settings.pooled
    rows = []
    for method in results.methods:
        trials = results.searched[results.searched["method"] == method]
        groups = [own for _, own in trials.groupby(np.zeros(len(trials)) if pooled else "seed", sort=False)]
        if pooled:
            # The table stands in order of seeds: the first n of the pool are those with the smallest index.
            groups = [own.sort_values(["index", "seed"], kind="stable") for own in groups if "index" in own] or groups
        places = places_up_to(min(map(len, groups)))
        reference = results.settings.reference
        chosen = [own[[f"{chosen_by}_arfg", f"{chosen_by}_are"]].to_numpy(float) for own in groups]
        tested = [own[["test_arfg", "test_are"]].to_numpy(float) for own in groups]
        volumes = np.array([hypervolume_curve(own, reference=reference, at=places) for own in chosen])
        on_test = np.array([_on_test(*both, reference, places) for both in zip(chosen, tested, strict=True)])
        for place, n in enumerate(places):
            mean, low, high = bootstrap_interval(on_test[:, place], resamples=2000)
            rows.append((method, n, volumes[:, place].mean(), mean, low, high, len(groups)))
    columns = ["method", "trials", "hypervolume", "test_hypervolume", "test_low", "test_high", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def places_up_to(n: int) -> np.ndarray:
    """Up to `PLACES` numbers of trials from 1 to n, evenly on a logarithmic axis."""
    return np.unique(np.geomspace(1, n, PLACES).round().astype(int))


def _on_test(chosen: np.ndarray, tested: np.ndarray, reference: tuple[float, float], places: np.ndarray) -> np.ndarray:
    """Volume on test of the points that are on the front of the first n, for each n."""
    front, done, volumes = np.empty(0, dtype=int), 0, []
    for n in places:
        both = np.concatenate([front, np.arange(done, n)])
        front, done = both[non_dominated(chosen[both])], n
        volumes.append(hypervolume(tested[front], reference=reference))
    return np.array(volumes)


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    few = len(results.methods) <= MANY
    pooled = results.settings.pooled
    bands = " with 95 % bootstrap intervals" if few and not pooled else ""
    thin = f" Thin lines: the same on {results.settings.selected_on}, where points were chosen." if few else ""
    return captions.join_sentences(
        f"Hypervolume of the ARFG-ARE frontier of the first n completed trials ({captions.reference(results)}), better "
        f"the larger: on test{'' if pooled else f', means over seeds{bands}'}." + ("" if pooled else thin),
        captions.provenance(results),
        captions.reliability(results),
    )
