"""ARFG-ARE frontiers of every method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.planes import draw_plane, fronts_on_test, tell_outside, words
from paretofair.report.drawing.style import (
    COLUMN,
    GREY,
    LIGHT,
    MANY,
    PAGE,
    apply_style,
    corner,
    handle,
    legend,
    looks_of,
    panels,
)
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def has_fronts(results: Results) -> bool:
    """ARFG and ARE need single-task baselines and a trial that has both."""
    return len(results.hypervolumes) > 0 and len(results.frontier("arfg_are")) > 0


@apply_style
def draw(results: Results) -> Figure | None:
    """The trade of ARFG and ARE on test, both minimised."""
    if not has_fronts(results):
        return None
    shown = looks_of(results)
    many = len(shown) > MANY
    figure, grid = panels(1, 1, width=PAGE if many else COLUMN, height=3.2 if many else 2.5)
    axes = grid[0, 0]
    draw_plane(axes, fronts_on_test(results, "arfg_are"), shown, cloud(results))
    for line in (axes.axhline, axes.axvline):
        line(1.0, color=GREY, linewidth=0.5, zorder=0)
    axes.set(xlabel="ARFG on test", ylabel="ARE on test")
    dots = handle("other trials", color=LIGHT, marker=".", linestyle="none")
    legend(figure, Labels.of(results), shown, extra=[dots, corner()])
    return figure


def cloud(results: Results) -> np.ndarray:
    """ARFG and ARE on test of every trial that may enter a frontier, `(n, 2)`."""
    return results.searched[["test_arfg", "test_are"]].to_numpy(float)


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    return captions.join_sentences(
        "ARFG-ARE frontiers: average relative fairness gap against average relative error on test, both relative to "
        "single-task models (grey lines at 1) and better the smaller.",
        words(results),
        "Light dots are all trials.",
        captions.tell_gap(results),
        tell_outside(fronts_on_test(results, "arfg_are")),
        captions.provenance(results),
        captions.reliability(results),
    )
