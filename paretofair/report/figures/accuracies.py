"""Where the trials that are best in accuracy stand in fairness (MTA-F Figure 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from paretofair.analysis.results import Results
from paretofair.pareto.attainment import attainment_surface
from paretofair.report import captions
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.planes import fronts_on_test, staircase, steps, tell_outside
from paretofair.report.drawing.style import (
    PAGE,
    REFERENCE,
    Look,
    apply_style,
    corner,
    legend,
    looks_of,
    mark_best_corner,
    panels,
    sparse_ticks,
    view,
)
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@apply_style
def draw(results: Results) -> Figure | None:
    """Left the accuracy frontier of the first two tasks, right the same trials in the plane of their gaps."""
    if len(results.tasks) < 2 or not len(results.frontier("accuracies")):
        return None
    one, other = results.tasks[:2]
    shown, labels = looks_of(results), Labels.of(results)
    figure, grid = panels(1, 2, width=PAGE, height=2.4)
    errors, gaps, fair = planes(results)
    gap = results.settings.gap
    for axes, points, lines, metric in ((grid[0, 0], errors, errors, "error"), (grid[0, 1], gaps, fair, gap)):
        both = [np.concatenate([*points[method], *lines[method]]) for method in shown if points[method]]
        axes.set(xlim=view(own[:, 0] for own in both), ylim=view(own[:, 1] for own in both))
        for method, look in shown.items():
            _draw(axes, points[method], lines[method], look, method)
        for which, task in (("x", one), ("y", other)):
            axes.set(**{f"{which}label": wrap_text(f"{labels.quantity(metric, task)} on test", 36)})
        sparse_ticks(axes)
        mark_best_corner(axes)
    grid[0, 0].set_title("best in accuracies")
    grid[0, 1].set_title("the same trials, and the frontiers of fairness (lines)")
    legend(figure, labels, shown, extra=[corner()])
    return figure


def planes(results: Results) -> tuple[dict[str, list[np.ndarray]], ...]:
    """By method, a front for each seed, on test: errors of the trials on the frontier of accuracies, their gaps, and
    the gaps of the frontier of gaps; of the first two tasks."""
    one, other = results.tasks[:2]
    gap = results.settings.gap
    points = results.frontier("accuracies")
    table = results.rows_of(points["trial_id"])
    gaps: dict[str, list[np.ndarray]] = {}
    errors: dict[str, list[np.ndarray]] = {}
    for method in results.methods:
        own = points[points["method"] == method]
        keys = np.zeros(len(own)) if results.settings.pooled else own["seed"]
        ids = [front["trial_id"] for _, front in own.groupby(keys)]
        for found, metric in ((errors, "error"), (gaps, gap)):
            names = [f"test_{metric}_{one}", f"test_{metric}_{other}"]
            found[method] = [table.loc[own_ids, names].to_numpy(float) for own_ids in ids]
    return errors, gaps, fronts_on_test(results, f"{gap}_{one}", f"{gap}_{other}")


def _draw(axes: Axes, points: list[np.ndarray], lines: list[np.ndarray], look: Look, method: str) -> None:
    if not points:
        return
    own = [front for front in lines if len(front)]
    middle = attainment_surface(own, level=0.5) if own else np.empty((0, 2))
    boundary = staircase(steps(middle), axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot(*boundary, color=look.colour, linestyle=look.line, zorder=2, scalex=False, scaley=False)
    whole = np.concatenate(points)
    if method != REFERENCE:
        axes.plot(*whole.T, look.marker, color=look.colour, alpha=0.6, markersize=3, markeredgewidth=0, zorder=3)


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    one, other = (Labels.of(results).task(task) for task in results.tasks[:2])
    errors, gaps, fair = planes(results)
    more = " Frontiers are those of all tasks; the first two are drawn." if len(results.tasks) > 2 else ""
    return captions.join_sentences(
        f"Accuracy against fairness, as Figure 2 of Wang et al. 2021. Left: trials on the frontier of the errors of "
        f"{one} and {other}; right: the same trials (markers) by the {captions.name_gap(results)}, "
        "with the frontiers of these gaps (lines). All on test, better the smaller. Lines are what at least half of "
        f"the seeds reach (median attainment surface), markers are of all seeds.{more}",
        tell_outside(errors, {name: gaps[name] + fair[name] for name in gaps}),
        captions.provenance(results),
    )
