"""How far the samples that methods train on are like the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from paretofair.analysis.results import Results
from paretofair.report import captions
from paretofair.report.drawing.style import GREY, PAGE, apply_style, legend, looks_of, panels
from paretofair.report.labels import Labels
from paretofair.results.files import DESCRIPTORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@apply_style
def draw(results: Results) -> Figure | None:
    """Mean responses and energies of samples against those of examples, and how fast chains forget."""
    table = read_diagnostics(results)
    if table.empty:
        return None
    shown = {name: look for name, look in looks_of(results).items() if (table["method"] == name).any()}
    figure, ((responses, energies, mixing),) = panels(1, 3, width=PAGE, height=2.1)
    for name, look in shown.items():
        own = table[table["method"] == name]
        for axes, what in ((responses, "response"), (energies, "energy")):
            part = own[own["what"] == what]
            plain = {"color": look.colour, "linestyle": "none", "marker": look.marker, "markersize": 2.5}
            axes.plot(part["examples"], part["samples"], gid=name, alpha=0.7, zorder=2, **plain)
        part = own[own["what"] == "correlation"].sort_values("place")
        line = {"color": look.colour, "linestyle": look.line, "marker": look.marker}
        mixing.plot(part["place"], part["samples"], gid=name, **line)
    for axes, words in ((responses, "mean response of a filter"), (energies, "energy (2.5 to 97.5 %)")):
        _draw_equality(axes)
        axes.set_title(words)
        axes.set_xlabel("training rows")
        axes.set_ylabel("samples")
    mixing.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    mixing.set_xscale("log")
    mixing.xaxis.set_major_formatter("{x:g}")
    mixing.set_title("correlation of a chain with itself")
    mixing.set_xlabel("Langevin steps")
    legend(figure, Labels.of(results), shown)
    return figure


def read_diagnostics(results: Results) -> pd.DataFrame:
    """Columns `method, what, place, examples, samples` of the runs' `descriptors.csv`, of methods with trials; empty
    without any."""
    files = [folder / DESCRIPTORS for folder in results.folders if (folder / DESCRIPTORS).is_file()]
    if not files:
        return pd.DataFrame()
    table = pd.concat([pd.read_csv(file) for file in files], ignore_index=True)
    table = table[table["method"].isin(results.methods)]
    return table.drop_duplicates(["method", "what", "place"])


def caption(results: Results) -> str:
    """What is shown, with the mismatch of each method."""
    table, labels, said = read_diagnostics(results), Labels.of(results), []
    for name in dict.fromkeys(table["method"]):
        own = table[table["method"] == name].set_index("what")["samples"]
        off, chance = (100 * own[what] for what in ("mismatch", "mismatch by chance"))
        steps = f"a corrected walk would take {100 * own['acceptance']:.0f} % of steps"
        said.append(f"{labels.method(name)}: mean responses are off by {off:.2g} % (by chance {chance:.2g} %), {steps}")
    return captions.join_sentences(
        "Samples of the descriptor models that methods train on, against the training rows of the first seed, from "
        "which these were learned: mean rectified response of each filter, quantiles of the energy, and the "
        "correlation of the mean response of a chain with itself some Langevin steps later. Samples like the rows lie "
        "on the lines.",
        f"{'; '.join(said)}. Nothing is chosen on any split; the run has {captions.seeds(results)}.",
    )


def _draw_equality(axes: Axes) -> None:
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    ends = [min(left, bottom), max(right, top)]
    axes.plot(ends, ends, color=GREY, linewidth=0.6, zorder=0)
