"""Which classes are taken for which others, for every group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from paretofair.analysis.results import Results
from paretofair.analysis.tables import confusion_by_group
from paretofair.report import captions
from paretofair.report.drawing.letters import wrap_text
from paretofair.report.drawing.style import COLUMN, PAGE, apply_style, panels
from paretofair.report.labels import Labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CLASSES, _GROUPS, _METHODS = 20, 4, 4


@apply_style
def draw(results: Results) -> Figure | None:
    """Shares on test of the rows of each label that are decided to be of each class, at the chosen points: a row of
    panels for each group, a column for each method."""
    table = choose_shown(results)
    if table.empty:
        return None
    labels = Labels.of(results)
    methods, groups = list(dict.fromkeys(table["method"])), list(dict.fromkeys(table["group"]))
    classes = list(dict.fromkeys(table["label"]))
    width = COLUMN if len(methods) == 1 else PAGE
    figure, grid = panels(len(groups), len(methods), width=width, height=0.4 + 0.9 * width / len(methods))
    for group, row in zip(groups, grid, strict=True):
        for method, axes in zip(methods, row, strict=True):
            own = table[(table["method"] == method) & (table["group"] == group)]
            shares = own.pivot_table(index="label", columns="decided", values="share", dropna=False)
            image = axes.imshow(shares.reindex(index=classes, columns=classes), cmap="Blues", vmin=0, vmax=1)
            axes.set_title(f"{wrap_text(labels.method(method), 20)}, {labels.group(group)}")
            axes.set_xticks(range(len(classes)), classes, rotation=90)
            axes.set_yticks(range(len(classes)), classes if axes is row[0] else [])
        row[0].set_ylabel("label")
    for axes in grid[-1]:
        axes.set_xlabel("decided")
    figure.colorbar(image, ax=grid, shrink=0.6, label="share of the rows of a label")
    return figure


def choose_shown(results: Results) -> pd.DataFrame:
    """The rows of `tables/confusion.csv` that are drawn: the first task with few enough classes, on test, of the first
    methods and groups. Empty where there is none."""
    table = confusion_by_group(results)
    if table.empty:
        return table
    table = table[table["split"] == "test"]
    few = [task for task, own in table.groupby("task", sort=False) if own["label"].nunique() <= MOST_CLASSES]
    own = table[table["task"].isin(few[:1])]
    for name, most in (("method", _METHODS), ("group", _GROUPS)):
        own = own[own[name].isin(list(dict.fromkeys(own[name]))[:most])]
    return own


def caption(results: Results) -> str:
    """What is shown, and how it was chosen."""
    table, labels = choose_shown(results), Labels.of(results)
    every = confusion_by_group(results)
    left = [name for name in ("task", "method", "group") if table[name].nunique() < every[name].nunique()]
    more = f"Not every {captions.join_names(left)} is drawn; tables/confusion.csv has all." if left else ""
    return captions.join_sentences(
        f"What rows of each label are decided to be, {labels.task(str(table['task'].iloc[0]))}, by "
        f"{labels.attribute(str(table['attribute'].iloc[0]))}: shares on test, means over seeds, of each method's "
        f"{captions.tell_rule(results)}.",
        more,
        captions.provenance(results),
    )
