"""Frontiers under the sets of objectives of the space file."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.planes import draw_plane, fronts_on_test, label_axis, tell_outside, words
from paretofair.report.drawing.style import COLUMN, LIGHT, PAGE, apply_style, corner, handle, legend, looks_of, panels
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 3


@apply_style
def draw(results: Results) -> Figure | None:
    """Every pair of objectives of each set on test, best in the lower left corner; a panel for each pair."""
    shown = planes(results)
    if not shown:
        return None
    looks, labels = looks_of(results), Labels.of(results)
    columns = min(_COLUMNS, len(shown))
    figure, grid = panels(-(-len(shown) // columns), columns, width=COLUMN if columns == 1 else PAGE, height=2.4)
    for axes, (name, pair) in zip(grid.flat, shown, strict=False):
        of = results.objective_set(name)
        values = results.searched[[f"test_{each}" for each in of.names]].to_numpy(float)
        draw_plane(axes, fronts_on_test(results, name, pair=pair), looks, of.losses(values)[:, pair])
        for which, place in zip("xy", pair, strict=True):
            label_axis(axes, which, labels, of.objectives[place])
        axes.set_title(wrap_text(labels.front(name), 28))
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    legend(figure, labels, looks, extra=[handle("other trials", color=LIGHT, marker=".", linestyle="none"), corner()])
    return figure


def planes(results: Results) -> list[tuple[str, tuple[int, int]]]:
    """Sets that have points, each with the places of every pair of its objectives."""
    sets = [name for name in results.compared_sets if results.fronts_of(name)]
    return [(name, pair) for name in sets for pair in combinations(range(len(results.objective_set(name).names)), 2)]


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    shown, labels = planes(results), Labels.of(results)
    sets = [results.objective_set(name) for name in dict.fromkeys(name for name, _ in shown)]
    described = [
        f"{labels.front(each.name)}: "
        + captions.join_names([f"{labels.words(one)} ({one.metric.best})" for one in each.objectives])
        for each in sets
    ]
    several = any(len(each.objectives) > 2 for each in sets)
    return captions.join_sentences(
        f"Frontiers under sets of objectives, on test: {'; '.join(described)}.",
        "The lower left corner is the better one.",
        "Of more than two objectives every pair is drawn: points of a frontier can be dominated in the plane of two, "
        "and lines bound what is reached there."
        if several
        else "",
        words(results),
        "Light dots are all trials.",
        tell_outside(*(fronts_on_test(results, name, pair=pair) for name, pair in shown)),
        captions.provenance(results),
    )
