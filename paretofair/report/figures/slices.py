"""Metrics against each hyperparameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from paretofair.analysis.importance import BINS, bins_of, importance
from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.style import (
    PAGE,
    Look,
    apply_style,
    is_logarithmic,
    legend,
    looks_of,
    make_logarithmic,
    panels,
    view,
)
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 8  # hyperparameters
_COLUMNS = 4
_BANDS = 4  # methods with a band at most
_LINE: dict[str, Any] = {"markersize": 2.2, "linewidth": 0.9}
_TITLES = {"arfg": "ARFG", "are": "ARE"}


@apply_style
def draw(results: Results) -> Figure | None:
    """Median of ARFG and ARE on the choosing split along each hyperparameter, by method."""
    names = choose_hyperparameters(results)
    if not names:
        return None
    labels = Labels.of(results)
    varying = set(importance(results).dropna()["method"])
    shown = {name: look for name, look in looks_of(results).items() if name in varying}
    blocks, columns = -(-len(names) // _COLUMNS), min(_COLUMNS, len(names))
    figure, grid = panels(2 * blocks, columns, width=PAGE, height=1.3)
    tables = {(name, metric): bin_metric(results, name, metric) for name in names for metric in _TITLES}
    heights = ["first", "third"] if len(shown) <= _BANDS else ["median"]
    for place, name in enumerate(names):
        pair = grid[2 * (place // columns) :, place % columns]
        for axes, metric in zip(pair, _TITLES, strict=False):
            _draw(axes, tables[name, metric], shown)
            if is_logarithmic(pd.to_numeric(results.searched[name], errors="coerce").to_numpy(float)):
                make_logarithmic(axes)
            else:
                axes.locator_params(axis="x", nbins=4)
            every = [each for (_, found), each in tables.items() if found == metric]
            axes.set_ylim(view(_values(every, method, heights) for method in shown))
        pair[0].tick_params(labelbottom=False)
        pair[1].set_xlabel(wrap_text(labels.hyperparameter(name), 24))
        if place % columns == 0:
            for axes, title in zip(pair, _TITLES.values(), strict=False):
                axes.set_ylabel(f"{title} on {results.settings.selected_on}")
        else:
            for axes in pair[:2]:
                axes.tick_params(labelleft=False)
    for axes in grid[-2:, len(names) - columns * (blocks - 1) :].flat:
        axes.set_axis_off()
    legend(figure, labels, shown)
    return figure


def _draw(axes: Axes, table: pd.DataFrame, shown: Mapping[str, Look]) -> None:
    for method, look in shown.items():
        own = table[table["method"] == method]
        if len(shown) <= _BANDS:
            axes.fill_between(own["value"], own["first"], own["third"], color=look.colour, alpha=0.12, linewidth=0)
        marker, line = look.marker, look.line
        axes.plot(own["value"], own["median"], marker=marker, color=look.colour, linestyle=line, gid=method, **_LINE)


def _values(tables: Sequence[pd.DataFrame], method: str, names: list[str]) -> np.ndarray:
    return np.concatenate([each.loc[each["method"] == method, names].to_numpy(float).ravel() for each in tables])


def choose_hyperparameters(results: Results) -> list[str]:
    """Those that explain most of either metric for some method, in the order of the table."""
    table = importance(results)
    if table["importance"].notna().sum() == 0:
        return []
    largest = table.groupby("hyperparameter", sort=False)["importance"].max().dropna()
    kept = set(largest.sort_values(ascending=False, kind="stable").index[:MOST])
    return [name for name in largest.index if name in kept]


def bin_metric(results: Results, name: str, metric: str) -> pd.DataFrame:
    """Columns `method, value, first, median, third, trials`: quartiles of the metric in each bin of a hyperparameter;
    `value` is the median of the bin."""
    column = f"{results.settings.selected_on}_{metric}"
    rows = []
    for method in results.methods:
        own = results.searched[results.searched["method"] == method]
        own = own[own[column].notna()]
        values = pd.to_numeric(own[name], errors="coerce").to_numpy(float)
        if np.isnan(values).any() or len(np.unique(values)) < 2:
            continue
        found = own[column].to_numpy(float)
        bins = bins_of(values)
        for place in np.unique(bins):
            inside = bins == place
            quartiles = np.quantile(found[inside], (0.25, 0.5, 0.75))
            rows.append((method, np.median(values[inside]), *quartiles, int(inside.sum())))
    return pd.DataFrame(rows, columns=["method", "value", "first", "median", "third", "trials"])


def caption(results: Results) -> str:
    """What is shown, and how it is computed."""
    chosen = results.settings.selected_on
    left = len(set(importance(results)["hyperparameter"])) - len(choose_hyperparameters(results))
    more = f" The {left} hyperparameters that explain least are left out." if left > 0 else ""
    bands = " with its quartiles (bands)" if len(set(importance(results).dropna()["method"])) <= _BANDS else ""
    return captions.join_sentences(
        f"ARFG and ARE on {chosen}, both better the smaller, against each hyperparameter: the median of all trials"
        f"{bands} in up to {BINS} bins of about equal numbers of trials, over all other hyperparameters and "
        f"seeds.{more}",
        f"All completed trials, on {chosen}; {captions.seeds(results)}; {captions.trials(results)}; "
        f"decision threshold {captions.threshold(results)}.",
    )
