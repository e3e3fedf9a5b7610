"""Tables in LaTeX, with the package booktabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.analysis.comparison import comparison, selected, volumes
from paretofair.analysis.results import Results
from paretofair.analysis.rules import choose_points
from paretofair.analysis.tables import per_task, summary
from paretofair.metrics.registry import METRICS, Metric
from paretofair.report import captions
from paretofair.report.output import place_file, replace_earlier
from paretofair.results.files import write_text
from paretofair.statistics.comparison import MOST_SEEDS, find_leader, least_p_value
from paretofair.statistics.intervals import name_interval

_ESCAPES = {
    "\\": r"\textbackslash{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "<": "$<$",
    ">": "$>$",
    "±": r"$\pm$",
}
_HEADERS = {"arfg": "ARFG", "are": "ARE"}
_OF_A_SET = ("hypervolume", "selected", "comparison")
TABLES = ("summary", "per_task", *_OF_A_SET)
_BOLD = "bold where the best differs from all others beyond their intervals"
_OVER = f"mean ± deviation over seeds; {_BOLD}"


def escape_latex(text: str) -> str:
    r"""Text as LaTeX prints it.

    >>> escape_latex("fpr_gap <= 5 %")
    'fpr\\_gap $\\leq$ 5 \\%'
    """
    for sign, word in (("<=", "≤"), (">=", "≥")):
        text = text.replace(sign, word)
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def mark_leader(table: pd.DataFrame, name: str, metric: Metric | None) -> np.ndarray:
    """Mask of the best value of a column where it differs from all others beyond their intervals, `<name>_low` and
    `<name>_high`; none where there are no intervals, or no value is better than another."""
    if metric is None or metric.direction == "diagnostic" or f"{name}_low" not in table:
        return np.zeros(len(table), dtype=bool)
    values, low, high = (table[f"{name}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
    return find_leader(metric.loss(values), np.maximum(values - low, high - values))


def booktabs(
    table: pd.DataFrame,
    columns: Sequence[str],
    *,
    caption: str,
    label: str,
    within: str | None = None,
    spread: str = "deviation",
    digits: int = 3,
    wide: bool = False,
    metrics: Mapping[str, Metric] = METRICS,
) -> str:
    r"""A `table` environment; the document needs `\usepackage{booktabs}`.

    Args:
        table: rows as they are printed; NaN is a dash.
        columns: those that are printed, in this order. A number has the deviation `<name>_std` or the interval
            `<name>_low`, `<name>_high` of `table` behind it, where there is one, and is bold by `mark_leader`.
        caption, label: plain text, and the label of `\ref`.
        within: a column whose equal values, one after the other, are a block of rows with a leader of its own.
        spread: `deviation` or `interval`.
        digits: behind the point; whole numbers have none.
        wide: over both columns of a page (`table*`).
        metrics: what columns are of that are not named after a metric.
    """
    blocks = table[within].to_numpy() if within is not None and len(table) else np.zeros(len(table))
    cells = [_cells(table, name, blocks, spread, digits, {**METRICS, **metrics}.get(name)) for name in columns]
    lines = []
    for place, row in enumerate(zip(*cells, strict=True)):
        if place and blocks[place] != blocks[place - 1]:
            lines.append(r"\midrule")
        lines.append(" & ".join(row) + r" \\")
    environment = "table*" if wide else "table"
    alignment = "".join("r" if pd.api.types.is_numeric_dtype(table[name]) else "l" for name in columns)
    return "\n".join(
        [
            rf"\begin{{{environment}}}",
            r"\centering\small",
            rf"\caption{{{escape_latex(caption)}}}",
            rf"\label{{{label}}}",
            r"\smallskip",
            rf"\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            " & ".join(escape_latex(_HEADERS.get(name, name).replace("_", " ")) for name in columns) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            rf"\end{{{environment}}}",
            "",
        ]
    )


def _cells(
    table: pd.DataFrame, name: str, blocks: np.ndarray, spread: str, digits: int, metric: Metric | None
) -> list[str]:
    values = table[name]
    if not pd.api.types.is_numeric_dtype(values):
        return [escape_latex(str(value)) for value in values]
    if pd.api.types.is_integer_dtype(values):
        return [f"{value:,}" for value in values]
    bold = np.zeros(len(table), dtype=bool)
    for block in pd.unique(blocks):
        own = blocks == block
        bold[own] = mark_leader(table[own], name, metric)
    printed = []
    for (_, row), is_best in zip(table.iterrows(), bold, strict=True):
        if np.isnan(row[name]):
            printed.append("--")
            continue
        number = f"{row[name]:.{digits}f}"
        if number.startswith("-"):
            number = f"$-${number[1:]}"
        number = rf"\textbf{{{number}}}" if is_best else number
        printed.append(number + _spread(row, name, spread, digits))
    return printed


def _spread(row: pd.Series, name: str, spread: str, digits: int) -> str:
    if spread == "deviation":
        value = row.get(f"{name}_std", np.nan)
        return "" if np.isnan(value) else rf" $\pm$ {value:.{digits}f}"
    low, high = row.get(f"{name}_low", np.nan), row.get(f"{name}_high", np.nan)
    return "" if np.isnan(low) else f" [${low:.{digits}f}$, ${high:.{digits}f}$]"


def latex_tables(results: Results) -> dict[str, str]:
    """LaTeX of the `TABLES` that the run has, by name; those of a set of the space file as `<set>/<name>`."""
    found = dict[str, str]()
    if len(results.hypervolumes) and len(results.frontier("arfg_are")):
        found = _chosen_tables(results) | _compared(results, "arfg_are")
    for name in results.compared_sets:
        found |= {f"{name}/{table}": text for table, text in _compared(results, name).items()}
    return found


def _chosen_tables(results: Results) -> dict[str, str]:
    chosen, gap = choose_points(results), results.settings.gap
    tasks = {
        f"{metric}_{task}": results.settings.metrics[metric] for task in results.tasks for metric in ("error", gap)
    }
    words = f"at the {captions.tell_rule(results)}: {_OVER}."
    return {
        "summary": booktabs(
            _order_by_method(summary(chosen), results),
            ["method", "arfg", "are", "seeds"],
            caption=_caption(results, f"ARFG and ARE on test {words}", captions.tell_gap(results)),
            label="tab:summary",
        ),
        "per_task": booktabs(
            _order_by_method(per_task(chosen, results.tasks, gap), results),
            ["method", *tasks],
            caption=_caption(results, f"Error and {captions.name_gap(results)} on test, of each task, {words}"),
            label="tab:per_task",
            wide=len(tasks) > 2,
            metrics=tasks,
        ),
    }


def _compared(results: Results, of: str) -> dict[str, str]:
    """Tables that compare methods under a set of objectives; none where it has no values."""
    if not len(results.hypervolumes_of(of)) or not len(results.frontier(of)):
        return {}
    objectives, chosen_on = results.objective_set(of), results.settings.selected_on
    inside = "tab:" if of == "arfg_are" else f"tab:{of}:"
    named = captions.join_names([captions.say(each) for each in objectives.objectives])
    exact = captions.exactness(objectives)
    tables = {
        "hypervolume": booktabs(
            volumes(results, of),
            ["method", "hypervolume", "test_hypervolume", "seeds", "trials"],
            caption=_caption(
                results,
                f"Hypervolume of the {captions.frontiers(objectives)} ({captions.reference(objectives)}) on "
                f"{chosen_on}, where their points are chosen, and of the same points on test: mean over seeds with "
                f"{captions.name_intervals(results)}; {_BOLD}.",
                exact,
            ),
            label=f"{inside}hypervolume",
            spread="interval",
            wide=True,
            metrics={"test_hypervolume": METRICS["hypervolume"]},
        ),
        "selected": booktabs(
            selected(results, of),
            ["rule", "method", *objectives.names, "seeds", "without"],
            caption=_caption(
                results,
                f"{named} on test of the frontier points that rules take on {chosen_on}: {_OVER}, for each "
                "rule. Without: seeds where no point keeps the bound, which are in no mean.",
            ),
            label=f"{inside}selected",
            within="rule",
            wide=True,
            metrics={each.name: each.metric for each in objectives.objectives},
        ),
    }
    pairs = comparison(results, of)
    if len(pairs):
        seeds = int(pairs["seeds"].min())
        tables["comparison"] = booktabs(
            pairs.assign(seeds_needed=pairs["seeds_needed"].map(_spell_seeds)),
            ["method", "against", "difference", "p_value", "p_holm", "seeds", "seeds_needed"],
            caption=_caption(
                results,
                f"Difference of hypervolume on test ({captions.reference(objectives)}), method less against, over the "
                f"same seeds: mean with {name_interval(seeds)}, p-value of a two-sided sign-flip test, and adjusted "
                f"for the number of pairs (Holm). {_tell_power(pairs)}",
                exact,
            ),
            label=f"{inside}comparison",
            spread="interval",
            wide=True,
        )
    return tables


def _tell_power(pairs: pd.DataFrame) -> str:
    """Whether the tests could have found anything, and what the last column says."""
    needed = "Seeds needed: how many would find the difference seen with 80 % power, were it the true one."
    if pairs["testable"].all():
        return needed
    seeds = int(pairs["seeds"].min())
    least = min(1.0, least_p_value(seeds) * int(pairs["p_value"].notna().sum()))
    words = f"The adjusted p-value of {seeds} seeds is {least:.3g} or more: differences cannot be tested with them."
    return f"{words} {needed}"


def _spell_seeds(count: float) -> str:
    """`34`; of what is above the most that are counted `over 1000`."""
    return "--" if np.isnan(count) else f"{count:.0f}" if np.isfinite(count) else f"over {MOST_SEEDS}"


def write_latex(results: Results, folder: Path) -> list[Path]:
    """Writes `latex_tables` as `tables/<name>.tex` in `folder` and removes those that an earlier report alone has
    written; returns the paths of what was written."""
    written = [
        write_text(place_file(results, folder, f"tables/{name}.tex"), text)
        for name, text in latex_tables(results).items()
    ]
    names = [f"tables/{name}.tex" for name in (*TABLES, *(f"*/{name}" for name in _OF_A_SET))]
    replace_earlier(folder, names, written)
    return written


def _caption(results: Results, *sentences: str) -> str:
    more = captions.provenance(results), captions.reliability(results)
    return captions.stamp_caption(results, captions.join_sentences(*sentences, *more))


def _order_by_method(table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Rows in the order of the run's methods."""
    present = [name for name in results.methods if name in set(table["method"])]
    return table.set_index("method").loc[present].reset_index()
