"""How much each hyperparameter explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from paretofair.analysis.importance import BINS, importance
from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.dots import draw_dots, height
from paretofair.report.drawing.style import PAGE, apply_style, legend, looks_of, panels
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 30  # hyperparameters
_TITLES = {"arfg": "ARFG", "are": "ARE"}


@apply_style
def draw(results: Results) -> Figure | None:
    """Share of the variance of ARFG and ARE that each hyperparameter explains alone."""
    table = importance(results)
    table = table[table["importance"].notna()]
    if table.empty:
        return None
    shown = {name: look for name, look in looks_of(results).items() if (table["method"] == name).any()}
    labels = Labels.of(results)
    named = {name: labels.hyperparameter(name) for name in choose_rows(table)}
    figure, grid = panels(1, 2, width=PAGE, height=height(named.values(), len(shown)), sharey=True, sharex=True)
    most = max(table["importance"].max(), 0.1)
    for axes, metric in zip(grid[0], _TITLES, strict=True):
        own = table[table["metric"] == metric].rename(columns={"hyperparameter": "row", "importance": "mean"})
        draw_dots(axes, own[own["row"].isin(list(named))], named, shown)
        axes.set(title=_TITLES[metric], xlabel="share of variance explained", xlim=(-0.03 * most, 1.05 * most))
    legend(figure, labels, shown, kind="marker")
    return figure


def choose_rows(table: pd.DataFrame) -> list[str]:
    """The hyperparameters that are drawn, in the order of the table: all, or of many those that explain most."""
    largest = table.groupby("hyperparameter", sort=False)["importance"].max().dropna()
    kept = set(largest.sort_values(ascending=False, kind="stable").index[:MOST])
    return [str(name) for name in largest.index if name in kept]


def caption(results: Results) -> str:
    """What is shown, and how it is computed."""
    chosen, table = results.settings.selected_on, importance(results)
    left = table.dropna()["hyperparameter"].nunique() - len(choose_rows(table))
    return captions.join_sentences(
        f"Share of the variance of ARFG and ARE on {chosen} that each hyperparameter explains alone: between up to "
        f"{BINS} bins of its values, of the ranks of the metric within each seed, corrected for chance (epsilon "
        "squared). What only two hyperparameters together explain is not seen, and the shares need not add up to 1. "
        "Of hyperparameters that an adaptive sampler has drawn it is no effect.",
        f"The {left} hyperparameters that explain least are left out." if left else "",
        f"All completed trials, on {chosen}; {captions.seeds(results)}; {captions.trials(results)}; "
        f"decision threshold {captions.threshold(results)}.",
    )
