"""Fronts of two objectives, drawn in their plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from paretofair.analysis.results import Results
from paretofair.metrics.objectives import Objective
from paretofair.pareto.attainment import attainment_surface
from paretofair.pareto.fronts import non_dominated
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.style import LIGHT, MANY, REFERENCE, Look, mark_best_corner, sparse_ticks, view
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONG = 32  # letters of a line of a label: as long as a panel is high
CLOUD = 20_000  # trials drawn behind the fronts at most
_POINT: dict[str, Any] = {"alpha": 0.45, "markersize": 2.6, "markeredgewidth": 0}

# The points of each front by method, `(m, 2)` each: one for every seed, or one where seeds are pooled.
Fronts = Mapping[str, list[np.ndarray]]


def fronts_on_test(results: Results, *objectives: str, pair: tuple[int, int] = (0, 1)) -> dict[str, list[np.ndarray]]:
    """Test values, as losses, of the points that the choosing split put on a frontier, a front for each seed: a `pair`
    of the objectives, by their places.

    `objectives` are as of `Results.frontier`. A front on test can hold points that others dominate there.
    """
    points, of = results.frontier(*objectives), results.objective_set(*objectives)
    losses = of.losses(points[[f"test_{name}" for name in of.names]].to_numpy(float))[:, pair]
    fronts: dict[str, list[np.ndarray]] = {}
    for method in results.methods:
        own = points[points["method"] == method]
        keys = np.zeros(len(own)) if results.settings.pooled else own["seed"]
        fronts[method] = [losses[front.index] for _, front in own.groupby(keys)]
    return fronts


def label_axis(axes: Axes, which: str, labels: Labels, objective: Objective) -> None:
    """Names an axis of losses on test: ticks of a maximised metric, which is turned round, have its own values."""
    metric, name = objective.metric, labels.objective(objective)
    axis = axes.xaxis if which == "x" else axes.yaxis
    if metric.direction == "maximised":
        axis.set_major_formatter(lambda value, _: f"{-value:g}")
    if metric.direction.startswith("best"):
        name = f"|{name} - {metric.direction[-1]}|"
    axes.set(**{f"{which}label": wrap_text(f"{name} on test", _LONG)})


def thin_fronts(fronts: Fronts) -> Fronts:
    """What a panel shows of the fronts: all of them, or of many methods the median over seeds alone."""
    if len(fronts) <= MANY:
        return fronts
    return {method: [median(own)] for method, own in fronts.items()}


def median(fronts: Sequence[np.ndarray]) -> np.ndarray:
    """Corners `(m, 2)` of what at least half of the fronts reach."""
    return attainment_surface(fronts, level=0.5) if fronts else np.empty((0, 2))


def limits(fronts: Fronts) -> tuple[tuple[float, float], tuple[float, float]]:
    """What a panel of these fronts shows: ends of the first and of the second axis.

    All medians but for outliers; and of the points those that are not far worse than all medians, three quarters of
    them at least: points that were chosen on one split can lie anywhere on another, and would squeeze the fronts.
    """
    whole = [np.concatenate(own) for own in thin_fronts(fronts).values() if own]
    middles = [median(own) for own in fronts.values()]
    return _ends(whole, middles, 0), _ends(whole, middles, 1)


def _ends(whole: Sequence[np.ndarray], middles: Sequence[np.ndarray], axis: int) -> tuple[float, float]:
    low, high = view(own[:, axis] for own in whole)
    first, last = view((own[:, axis] for own in middles), times=3.0)
    values = np.concatenate([own[:, axis] for own in whole]) if whole else np.array([high])
    most = max(last + 0.5 * (last - first), float(np.nanquantile(values, 0.75)))
    return min(low, first), max(last, min(high, most))


def count_outside(fronts: Fronts) -> int:
    """How many of the points drawn lie outside the panel."""
    ends = np.array(limits(fronts)).T
    whole = [np.concatenate(own) for own in thin_fronts(fronts).values() if own]
    return sum(int((~((own >= ends[0]) & (own <= ends[1])).all(axis=1)).sum()) for own in whole)


def tell_outside(*planes: Fronts) -> str:
    """A sentence on the points outside the panels; empty without any."""
    count = sum(map(count_outside, planes))
    return f"{count} point{'s lie' if count > 1 else ' lies'} outside what is shown." if count else ""


def steps(points: np.ndarray) -> np.ndarray:
    """The points `(m, 2)` that none dominates, by the first objective upwards: what the points reach begins there."""
    front = points[non_dominated(points)] if len(points) else points.reshape(0, 2)
    return front[np.lexsort(front.T[::-1])]


def staircase(surface: np.ndarray, right: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the boundary of what a surface attains, as a line from the upper end of the panel to the right one."""
    if len(surface) == 0:
        return np.empty(0), np.empty(0)
    x = np.append(np.repeat(surface[:, 0], 2), max(right, surface[-1, 0]))
    y = np.append(max(high, surface[0, 1]), np.repeat(surface[:, 1], 2))
    return x, y


def draw_plane(axes: Axes, fronts: Fronts, shown: Mapping[str, Look], cloud: np.ndarray | None = None) -> None:
    """Bold staircases of each method's median over seeds; of few methods also the seeds' own (faint) and all points.

    They bound what is reached, from one end of the panel to the other. `cloud`, `(n, 2)`, lies behind them.
    """
    few = len(fronts) <= MANY
    (left, right), (low, high) = limits(fronts)
    if cloud is not None:
        thin = cloud[:: max(1, -(-len(cloud) // CLOUD))]
        axes.plot(*thin.T, ".", color=LIGHT, markersize=1.5, markeredgewidth=0, rasterized=True, zorder=0)
    for method, look in shown.items():
        own = [front for front in fronts.get(method, []) if len(front)]
        line: dict[str, Any] = {"color": look.colour}
        middle = staircase(median(own), right, high)
        if method == REFERENCE:
            axes.plot(*middle, **line, linestyle=look.line, zorder=2, label=method)
            continue
        if few:
            for front in own if len(own) > 1 else []:
                axes.plot(*staircase(steps(front), right, high), **line, linewidth=0.4, alpha=0.35, zorder=1)
            for front in own:
                axes.plot(*front.T, look.marker, color=look.colour, zorder=3, gid=method, **_POINT)
        else:
            axes.plot(*median(own).T, look.marker, **line, markersize=3, zorder=4)
        axes.plot(*middle, **line, linestyle=look.line, zorder=4, label=method)
    axes.set(xlim=(left, right), ylim=(low, high))
    sparse_ticks(axes)
    mark_best_corner(axes)


def words(results: Results) -> str:
    """What the signs of `draw_plane` mean."""
    known = REFERENCE in results.methods
    grey = " The grey broken line is vanilla with a threshold for each group, a reference." if known else ""
    one_front = results.settings.pooled or results.searched["seed"].nunique() == 1
    half = "what at least half of the seeds reach (median attainment surface)"
    if len(results.methods) > MANY:
        return f"Lines bound {'what is reached' if one_front else half}, markers are its corners.{grey}"
    if one_front:
        return f"Markers are frontier points; lines bound what those of a method reach on test.{grey}"
    return (
        "Markers are frontier points. Every line bounds what is reached on test, which is to its right and above: a "
        f"thin, pale one what the points of one seed reach, a bold one {half}.{grey}"
    )
