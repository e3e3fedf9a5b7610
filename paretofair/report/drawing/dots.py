"""Dots in rows: a row for each thing, in it a dot for each method, with an interval over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.style import LIGHT, REFERENCE, Look
from paretofair.statistics.intervals import seed_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WITHIN = 0.7  # of a row's height that its dots take


def average_over_seeds(table: pd.DataFrame, by: Sequence[str], value: str) -> pd.DataFrame:
    """Mean of `value` over the rows of each `by`, one for each seed, and its `seed_interval`.

    Columns `by`, `mean`, `low`, `high`, `seeds`; the ends are NaN for one seed.
    """
    rows = []
    for key, own in table.groupby(list(by), sort=False):
        values = own[value].to_numpy(float)
        mean, _, low, high, seeds = seed_interval(values, resamples=2000)
        rows.append((*key, mean, low, high, seeds))
    return pd.DataFrame(rows, columns=[*by, "mean", "low", "high", "seeds"])


def height(rows: Iterable[str], methods: int) -> float:
    """Inches that rows of these names need."""
    return 0.6 + sum(max(0.2, 0.055 * methods, 0.13 * len(_wrap(row).split("\n"))) for row in rows)


def draw_dots(axes: Axes, table: pd.DataFrame, rows: Mapping[str, str], shown: Mapping[str, Look]) -> None:
    """`table` has `row`, `method`, `mean` and perhaps `low` and `high`; `rows` go from the top down, each with the text
    that stands for it."""
    places = {name: place for place, name in enumerate(rows)}
    for place in range(1, len(rows)):
        axes.axhline(place - 0.5, color=LIGHT, linewidth=0.5, zorder=0)
    offsets = np.linspace(-_WITHIN / 2, _WITHIN / 2, len(shown)) if len(shown) > 1 else [0.0]
    for offset, (method, look) in zip(offsets, shown.items(), strict=True):
        own = table[table["method"] == method]
        y = own["row"].map(places).to_numpy(float) + offset
        if "low" in own:
            axes.hlines(y, own["low"], own["high"], color=look.colour, linewidth=0.7, zorder=2)
        size = 3.0 if len(shown) <= 4 else 2.8
        edge = 1.0 if method == REFERENCE else 0.0
        axes.plot(
            own["mean"], y, look.marker, color=look.colour, markersize=size, markeredgewidth=edge, zorder=3, gid=method
        )
    axes.set_yticks(range(len(rows)), [_wrap(text) for text in rows.values()])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def _wrap(text: str) -> str:
    return wrap_text(text, 30)
