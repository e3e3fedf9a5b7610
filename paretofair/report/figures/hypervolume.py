"""Hypervolume of frontiers against the number of trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results
from paretofair.pareto.fronts import non_dominated
from paretofair.pareto.hypervolume import hypervolume, hypervolume_curve
from paretofair.report import captions
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.style import (
    COLUMN,
    MANY,
    PAGE,
    REFERENCE,
    Look,
    apply_style,
    handle,
    legend,
    looks_of,
    make_logarithmic,
    panels,
)
from paretofair.report.labels import Labels
from paretofair.statistics.intervals import seed_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLACES = 40
_COLUMNS = 3


@apply_style
def draw(results: Results) -> Figure | None:
    """Mean over seeds of the hypervolume on test, with its interval, and on the split that chose; maximised. A panel
    for the ARFG-ARE frontiers and for each set of the space file."""
    tables = {name: curves(results, name) for name in compared(results)}
    tables = {name: table for name, table in tables.items() if table["trials"].max() >= 2}
    if not tables:
        return None
    shown, labels = looks_of(results), Labels.of(results)
    few, columns = len(shown) <= MANY, min(_COLUMNS, len(tables))
    width = COLUMN if few and columns == 1 else PAGE
    figure, grid = panels(-(-len(tables) // columns), columns, width=width, height=2.3)
    for axes, (name, table) in zip(grid.flat, tables.items(), strict=False):
        _draw(axes, table, shown, results)
        axes.set(ylabel=wrap_text(f"{labels.front(name)} hypervolume", 32))
    for axes in grid.flat[len(tables) :]:
        axes.set_axis_off()
    thin = [handle(f"on {results.settings.selected_on}", linewidth=0.5)] if few and not results.settings.pooled else []
    legend(figure, labels, shown, extra=thin)
    return figure


def _draw(axes: Axes, table: pd.DataFrame, shown: Mapping[str, Look], results: Results) -> None:
    few, pooled = len(shown) <= MANY, results.settings.pooled
    for shift, (method, look) in enumerate(shown.items()):
        own = table[table["method"] == method]
        marker = None if method == REFERENCE else look.marker
        line = {"color": look.colour, "linestyle": look.line, "marker": marker, "markevery": (shift % 6, 6)}
        axes.plot(own["trials"], own["test_hypervolume"], **line, markersize=3, gid=method, zorder=3)
        if few:
            ends = own["test_low"], own["test_high"]
            axes.fill_between(own["trials"], *ends, color=look.colour, alpha=0.12, linewidth=0, zorder=1)
            if not pooled:
                axes.plot(own["trials"], own["hypervolume"], color=look.colour, linewidth=0.5, zorder=2)
    make_logarithmic(axes)
    axes.set(xlabel="completed trials, seeds pooled" if pooled else "completed trials per seed")
    axes.set(xlim=(1, table["trials"].max()), ylim=(0, None))


def compared(results: Results) -> list[str]:
    """The sets of objectives that are drawn."""
    return [name for name in ("arfg_are", *results.compared_sets) if results.fronts_of(name)]


def curves(results: Results, of: str = "arfg_are") -> pd.DataFrame:
    """Columns `method, trials, hypervolume, test_hypervolume, test_low, test_high, seeds`: means over seeds.

    Trials in the order in which they were drawn; the front of the first n is chosen on the choosing split, the volume
    on test is that of the same points there. Seeds with fewer trials end the curve of their method.
    """
    chosen_by, pooled, objectives = results.settings.selected_on, results.settings.pooled, results.objective_set(of)
    rows = []
    for method in results.methods:
        trials = results.searched[results.searched["method"] == method]
        groups = [own for _, own in trials.groupby(np.zeros(len(trials)) if pooled else "seed", sort=False)]
        if pooled:
            # The table stands in order of seeds: the first n of the pool are those with the smallest index.
            groups = [own.sort_values(["index", "seed"], kind="stable") for own in groups if "index" in own] or groups
        places, reference = places_up_to(min(map(len, groups))), objectives.corner
        chosen, tested = (
            [objectives.losses(own[[f"{split}_{name}" for name in objectives.names]].to_numpy(float)) for own in groups]
            for split in (chosen_by, "test")
        )
        volumes = np.array([hypervolume_curve(own, reference=reference, at=places) for own in chosen])
        on_test = np.array([_on_test(*both, reference, places) for both in zip(chosen, tested, strict=True)])
        for place, n in enumerate(places):
            mean, _, low, high, _ = seed_interval(on_test[:, place], resamples=2000)
            rows.append((method, n, volumes[:, place].mean(), mean, low, high, len(groups)))
    columns = ["method", "trials", "hypervolume", "test_hypervolume", "test_low", "test_high", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def places_up_to(n: int) -> np.ndarray:
    """Up to `PLACES` numbers of trials from 1 to n, evenly on a logarithmic axis."""
    return np.unique(np.geomspace(1, n, PLACES).round().astype(int))


def _on_test(chosen: np.ndarray, tested: np.ndarray, reference: np.ndarray, places: np.ndarray) -> np.ndarray:
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
    sets = [results.objective_set(name) for name in compared(results)]
    points = [captions.reference(Labels.of(results), each) for each in sets]
    pooled = results.settings.pooled
    bands = f" with {captions.name_intervals(results)}" if few and not pooled else ""
    thin = f" Thin lines: the same on {results.settings.selected_on}, where points were chosen." if few else ""
    return captions.join_sentences(
        f"Hypervolume of the frontiers of the first n completed trials ({'; '.join(points)}), better the larger: on "
        f"test{'' if pooled else f', means over seeds{bands}'}." + ("" if pooled else thin),
        *dict.fromkeys(captions.exactness(each) for each in sets),
        captions.provenance(results),
        captions.reliability(results),
    )
