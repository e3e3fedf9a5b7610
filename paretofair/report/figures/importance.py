"""How much each hyperparameter explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paretofair.analysis.importance import BINS, importance
from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.dots import draw_dots, height
from paretofair.report.drawing.style import PAGE, apply_style, legend, looks_of, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TITLES = {"arfg": "ARFG", "are": "ARE"}


@apply_style
def draw(results: Results) -> Figure | None:
    """Share of the variance of ARFG and ARE that each hyperparameter explains alone."""
    table = importance(results)
    table = table[table["importance"].notna()]
    if table.empty:
        return None
    shown = {name: look for name, look in looks_of(results).items() if (table["method"] == name).any()}
    names = list(dict.fromkeys(table["hyperparameter"]))
    figure, grid = panels(1, 2, width=PAGE, height=height(len(names), len(shown)), sharey=True, sharex=True)
    most = max(table["importance"].max(), 0.1)
    for axes, metric in zip(grid[0], _TITLES, strict=True):
        own = table[table["metric"] == metric].rename(columns={"hyperparameter": "row", "importance": "mean"})
        draw_dots(axes, own, names, shown)
        axes.set(title=_TITLES[metric], xlabel="share of variance explained", xlim=(-0.03 * most, 1.05 * most))
    legend(figure, shown, kind="marker")
    return figure


def caption(results: Results) -> str:
    """What is shown, and how it is computed."""
    chosen = results.settings.selected_on
    return captions.join_sentences(
        f"Share of the variance of ARFG and ARE on {chosen} that each hyperparameter explains alone: between up to "
        f"{BINS} bins of its values, of the ranks of the metric within each seed, corrected for chance (epsilon "
        "squared). What only two hyperparameters together explain is not seen, and the shares need not add up to 1. "
        "Of hyperparameters that an adaptive sampler has drawn it is no effect.",
        f"All completed trials, on {chosen}; {captions.seeds(results)}; {captions.trials(results)}; "
        f"decision threshold {captions.threshold(results)}.",
    )
