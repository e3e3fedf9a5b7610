"""Draws Figures 2, 5 and 6 of MTA-F from the fronts in the ledgers."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from paretofair.report.drawing.planes import draw_plane
from paretofair.report.drawing.style import COLUMN, SETTINGS, looks, panels, save

# What each plane is called along x and y, by the name of the plane; a task's are its gap and its error.
_AXES = {"arfg_are": ("ARFG", "ARE"), "errors": ("error of income", "error of capital gain")}
_GAPS = ("FPR gap of income", "FPR gap of capital gain")


_OF_ERRORS = (
    "Left: fronts of both errors. Right: where the points of those fronts stand in both gaps (smallest errors), beside "
    "the fronts of the gaps themselves (smallest gaps)."
)
_OF_PLANES = "Fronts of each task, gap against error, and of ARFG against ARE."
_MARKERS = "Markers are points of every seed, thick lines what at least half of the seeds reach; all on test."


def draw(fronts: pd.DataFrame, path: Path) -> str:
    """Draws the figure of a table, by the planes that its fronts lie in, and gives its caption."""
    path.parent.mkdir(parents=True, exist_ok=True)
    of_errors = "errors" in set(fronts["plane"])
    with matplotlib.rc_context(SETTINGS):
        save(_draw_accuracy_fronts(fronts) if of_errors else _draw_fronts(fronts), [path])
    return f"{_OF_ERRORS if of_errors else _OF_PLANES} {_MARKERS}"


def _draw_fronts(fronts: pd.DataFrame) -> Figure:
    """One panel for each plane: the points on test of every seed's front, and what half of the seeds reach."""
    planes = list(fronts["plane"].unique())
    planes.sort(key=lambda name: name == "arfg_are")
    shown = looks(list(dict.fromkeys(fronts["method"])))
    figure, axes = panels(1, len(planes), width=COLUMN * 0.75 * len(planes), height=2.4)
    for plane, panel in zip(planes, axes[0], strict=True):
        of_plane = fronts[fronts["plane"] == plane]
        own = {method: _by_seed(rows) for method, rows in of_plane.groupby("method")}
        draw_plane(panel, own, {method: look for method, look in shown.items() if method in own})
        x, y = _AXES.get(plane, ("FPR gap", "error"))
        panel.set(xlabel=f"{x} on test", ylabel=f"{y} on test", title="" if plane in _AXES else plane)
    figure.legend(*axes[0, -1].get_legend_handles_labels(), loc="outside lower center", ncols=len(shown))
    return figure


def _draw_accuracy_fronts(fronts: pd.DataFrame) -> Figure:
    """Two panels: the fronts of the errors; in the gaps, where their points stand, beside the fronts of the gaps."""
    of_plane = {plane: _by_seed(rows) for plane, rows in fronts.groupby("plane")}
    pairs = {"smallest errors": "gaps of the front of errors", "smallest gaps": "gaps"}
    shown = looks(list(pairs))
    figure, axes = panels(1, 2, width=COLUMN * 1.5, height=2.4)
    draw_plane(axes[0, 0], {"smallest errors": of_plane["errors"]}, {"smallest errors": shown["smallest errors"]})
    draw_plane(axes[0, 1], {name: of_plane[plane] for name, plane in pairs.items()}, shown)
    for panel, names in zip(axes[0], (_AXES["errors"], _GAPS), strict=True):
        panel.set(xlabel=f"{names[0]} on test", ylabel=f"{names[1]} on test")
    figure.legend(*axes[0, -1].get_legend_handles_labels(), loc="outside lower center", ncols=len(shown))
    return figure


def _by_seed(rows: pd.DataFrame) -> list[np.ndarray]:
    return [own[["x", "y"]].to_numpy(float) for _, own in rows.groupby("seed")]
