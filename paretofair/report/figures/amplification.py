"""Whether predictions are further from even shares of groups than the labels that they were learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results
from paretofair.analysis.rules import choose_points
from paretofair.metrics.rates import FN, FP, TP, merge
from paretofair.report import captions
from paretofair.report.drawing.choice import drawn_tasks, tell_left_out
from paretofair.report.drawing.dots import average_over_seeds, draw_dots, height
from paretofair.report.drawing.style import COLUMN, GREY, PAGE, apply_style, legend, looks_of, panels
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST = 100  # training rows with the label


@apply_style
def draw(results: Results) -> Figure | None:
    """Bias amplification of every method's chosen point, by task and group; where runs measured predicted groups, the
    bias of predictions against that of training labels, a marker for each object."""
    biases = measure_biases(results)
    if not biases.empty:
        return _draw_biases(results, biases)
    table = measure_amplification(results)
    if table.empty:
        return None
    shown = looks_of(results)
    rows = {row: row for row in table["row"]}
    figure, grid = panels(1, 1, width=COLUMN, height=height(rows, len(shown)))
    draw_dots(grid[0, 0], table, rows, shown)
    grid[0, 0].axvline(0, color=GREY, linewidth=0.6, zorder=0)
    grid[0, 0].set_xlabel("bias amplification (away from one half)")
    legend(figure, Labels.of(results), shown, kind="marker")
    return figure


def _draw_biases(results: Results, table: pd.DataFrame) -> Figure:
    shown = {name: look for name, look in looks_of(results).items() if name in set(table["method"])}
    columns = min(3, len(shown))
    width = COLUMN if columns == 1 else PAGE
    figure, grid = panels(-(-len(shown) // columns), columns, width=width, height=2.3)
    labels = Labels.of(results)
    for axes, (method, look) in zip(grid.flat, shown.items(), strict=False):
        own = table[table["method"] == method]
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, zorder=0)
        axes.plot(own["training"], own["predicted"], look.marker, color=look.colour, markersize=3.5, gid=method)
        for row in own.itertuples():
            axes.annotate(
                labels.task(str(row.task)),
                (row.training, row.predicted),
                (2, 2),
                textcoords="offset points",
                fontsize=4.5,
            )
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="share in training", ylabel="predicted share on test")
        axes.set_title(labels.method(method))
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    return figure


def measure_biases(results: Results) -> pd.DataFrame:
    """Columns `method, task, training, predicted`: the bias of each object by training labels and by the predictions of
    every method's chosen points on test, means over seeds. Empty where the run has not measured it."""
    names = [(f"test_predicted_bias_{task}", f"test_bias_amplification_towards_{task}", task) for task in results.tasks]
    names = [each for each in names if each[0] in results.trials and each[1] in results.trials]
    if not names or not results.fronts_of(results.leading):
        return pd.DataFrame()
    chosen = choose_points(results)
    rows = []
    for method, own in chosen.groupby("method", sort=False):
        for predicted, towards, task in names:
            known = own[[predicted, towards]].dropna().to_numpy(float)
            if len(known):
                share, moved = known.mean(0)
                rows.append({"method": method, "task": task, "training": share - moved, "predicted": share})
    return pd.DataFrame(rows)


def measure_amplification(results: Results) -> pd.DataFrame:
    """Columns `row, method, mean, low, high, seeds`, `row` naming task, group and its share among training labels.

    The share of a group among test rows that are predicted positive, less that among training rows labelled so,
    turned so that away from one half is positive (Zhao et al. 2017). The group is that of the row: a trial table
    knows no predicted groups. Of two groups the first is shown, as the other is its mirror.
    """
    cells = results.cells
    if cells is None or not results.fronts_of(results.leading):
        return pd.DataFrame()
    chosen = choose_points(results)
    counts = {split: cells.stack_against_rest(own) for split, own in cells.of(chosen["trial_id"].tolist()).items()}
    # Every class of a task stands on its own; of many tasks only the drawn ones are counted.
    owners = [task.name for task in results.schema.tasks for _ in task.classes or ("",)]
    drawn, labels = drawn_tasks(results), Labels.of(results)
    parts = []
    for attribute in cells.attributes:
        names = cells.group_names(attribute)
        place = cells.attributes.index(attribute)
        train, test = (
            merge(counts[split], cells.groups[:, place], cells.n_groups[place]) for split in ("train", "test")
        )
        labelled, predicted = train[..., TP] + train[..., FN], test[..., TP] + test[..., FP]
        for t, (task, owner) in enumerate(zip(cells.against_rest, owners, strict=True)):
            if owner not in drawn:
                continue
            with np.errstate(invalid="ignore", divide="ignore"):
                of_labels = labelled[:, t] / labelled[:, t].sum(-1, keepdims=True)
                of_predictions = predicted[:, t] / predicted[:, t].sum(-1, keepdims=True)
            for group in range(1 if len(names) == 2 else len(names)):
                enough = labelled[:, t].sum(-1) >= LEAST
                share = of_labels[:, group]
                value = np.where(enough, np.sign(share - 0.5) * (of_predictions[:, group] - share), np.nan)
                row = f"{labels.task(task)}: {labels.group(names[group])} ({np.nanmean(share):.2f})"
                parts.append(pd.DataFrame({"row": row, "method": chosen["method"], "value": value}))
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True)
    return average_over_seeds(table[table["value"].notna()], ["row", "method"], "value")


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    if not measure_biases(results).empty:
        return captions.join_sentences(
            f"Bias of each object for each method's {captions.tell_rule(results)}: the predicted share of the group "
            "among test rows for which the object is predicted, against its share among training rows labelled so. "
            "Objects on the line keep the bias of the training labels; a marker is the mean over seeds. An object that "
            "is never predicted is left out.",
            captions.provenance(results),
        )
    return captions.join_sentences(
        f"Bias amplification of each method's {captions.tell_rule(results)}: the share of a group among test rows that "
        "are predicted positive, less its share among training rows labelled positive (in brackets), turned so that "
        f"positive is away from one half (Zhao et al. 2017); best at 0. Tasks with at least {LEAST} training rows "
        "labelled positive. The group is the known one of the row, not a predicted one. Markers are means over seeds, "
        "lines "
        f"{captions.name_intervals(results)}.",
        tell_left_out(results),
        captions.provenance(results),
    )
