"""What the frontiers of several seeds reach together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from paretofair.analysis.results import Results
from paretofair.pareto.attainment import attainment_surface
from paretofair.report import captions
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.planes import fronts_on_test, staircase
from paretofair.report.drawing.style import (
    COLUMN,
    LETTER,
    LIGHT,
    PAGE,
    apply_style,
    band,
    corner,
    handle,
    legend,
    looks_of,
    mark_best_corner,
    panels,
    sparse_ticks,
    view,
)
from paretofair.report.figures.fronts import has_fronts
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEVELS = (0.25, 0.5, 0.75)


@apply_style
def draw(results: Results) -> Figure | None:
    """Quartile attainment surfaces of the ARFG-ARE frontiers on test; a panel for each method."""
    if not has_fronts(results) or results.settings.pooled:
        return None
    fronts = {name: own for name, own in fronts_on_test(results, "arfg_are").items() if own}
    if max(map(len, fronts.values())) < 2:
        return None
    shown, labels = looks_of(results), Labels.of(results)
    surfaces = {name: [attainment_surface(own, level=level) for level in LEVELS] for name, own in fronts.items()}
    corners = [np.concatenate(own) for own in surfaces.values()]
    (left, right), (low, high) = (view((own[:, axis] for own in corners), times=3.0) for axis in (0, 1))
    middles = {name: own[1] for name, own in surfaces.items()}
    columns = min(len(fronts), 2 if len(fronts) <= 2 else 3 if len(fronts) <= 9 else 5)
    rows = -(-len(fronts) // columns)
    width = COLUMN if len(fronts) <= 2 else PAGE
    figure, grid = panels(rows, columns, width=width, height=1.75, sharex=True, sharey=True)
    for axes, (method, own) in zip(grid.flat, fronts.items(), strict=False):
        for other, middle in middles.items():
            if other != method:
                axes.plot(*staircase(middle, right, high), color=LIGHT, linewidth=0.8, zorder=1)
        look = shown[method]
        x, best, worst = quartiles(own, right, high)
        axes.fill_between(x, best, worst, step="post", color=look.colour, alpha=0.25, linewidth=0, zorder=2)
        axes.plot(*staircase(middles[method], right, high), color=look.colour, zorder=3)
        title = wrap_text(labels.method(method), int(width / columns / LETTER) - 8)
        axes.set(xlim=(left, right), ylim=(low, high), title=title)
        sparse_ticks(axes)
        mark_best_corner(axes)
    for axes in grid.flat[len(fronts) :]:
        axes.set_axis_off()
    for place, axes in enumerate(grid.flat[: len(fronts)]):
        if place + columns >= len(fronts):
            axes.set_xlabel("ARFG on test")
            axes.tick_params(labelbottom=True)
        if place % columns == 0:
            axes.set_ylabel("ARE on test")
    handles = [
        handle("median", linestyle="-"),
        band("quartiles"),
        handle("medians of the others", color=LIGHT, linewidth=0.8),
        corner(),
    ]
    legend(figure, labels, {}, extra=handles)
    return figure


def quartiles(fronts: Sequence[np.ndarray], right: float, high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First objective, and the second one from there on of what a quarter and what three quarters of the fronts reach.

    Each `(m,)`, to be drawn with `step="post"`. Where nothing is reached it is `high`; the last one stands at `right`.
    """
    best, worst = (attainment_surface(fronts, level=level) for level in (LEVELS[0], LEVELS[2]))
    x = np.unique(np.concatenate([best[:, 0], worst[:, 0], [right]]))
    return x, _heights(best, x, high), _heights(worst, x, high)


def _heights(surface: np.ndarray, x: np.ndarray, high: float) -> np.ndarray:
    reached = np.searchsorted(surface[:, 0], x, side="right") - 1
    return np.where(reached >= 0, surface[np.maximum(reached, 0), 1], high) if len(surface) else np.full(len(x), high)


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    return captions.join_sentences(
        "Attainment of the ARFG-ARE frontiers over seeds, both axes better the smaller: what at least half of the "
        "seeds reach (line), and between what a quarter and what three quarters reach (band; shares are rounded up to "
        "whole seeds). Grey lines are the medians of the other methods.",
        captions.provenance(results),
        captions.reliability(results),
    )
