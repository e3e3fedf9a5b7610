"""Frontiers of every task alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.choice import drawn_tasks, tell_left_out
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.planes import draw_plane, fronts_on_test, tell_outside, words
from paretofair.report.drawing.style import (
    COLUMN,
    LETTER,
    LIGHT,
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

_COLUMNS = 3


@apply_style
def draw(results: Results) -> Figure | None:
    """Gap and error of each task on test, both minimised; a panel for each task."""
    tasks = [task for task in drawn_tasks(results) if len(results.frontier(task))]
    if not tasks:
        return None
    shown, labels = looks_of(results), Labels.of(results)
    columns = min(_COLUMNS, len(tasks))
    width = COLUMN if columns == 1 else PAGE
    figure, grid = panels(-(-len(tasks) // columns), columns, width=width, height=2.3)
    for axes, task in zip(grid.flat, tasks, strict=False):
        gap = results.settings.gap
        names = [f"test_{gap}_{task}", f"test_error_{task}"]
        draw_plane(axes, fronts_on_test(results, task), shown, results.searched[names].to_numpy(float))
        axes.set(xlabel=f"{labels.metric(gap)} on test", ylabel=f"{labels.metric('error')} on test")
        axes.set_title(wrap_text(labels.task(task), int(width / columns / LETTER) - 8))
    for axes in grid.flat[len(tasks) :]:
        axes.set_axis_off()
    legend(figure, labels, shown, extra=[handle("other trials", color=LIGHT, marker=".", linestyle="none"), corner()])
    return figure


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    tasks = [task for task in drawn_tasks(results) if len(results.frontier(task))]
    return captions.join_sentences(
        f"Frontiers of each task ({captions.join_names([Labels.of(results).task(task) for task in tasks])}): "
        f"{captions.name_gap(results)} "
        f"{name_attributes(results)}against error on test, both better the smaller; every task has frontiers of its "
        "own.",
        words(results),
        "Light dots are all trials.",
        tell_left_out(results),
        tell_outside(*(fronts_on_test(results, task) for task in tasks)),
        captions.provenance(results),
    )


def name_attributes(results: Results) -> str:
    """`of sex `, the attributes whose groups are compared, where they are known."""
    known = results.sensitive
    names = [Labels.of(results).attribute(name) for name in dict.fromkeys(known.values())] if known else []
    return f"of {captions.join_names(names)} " if names else ""
