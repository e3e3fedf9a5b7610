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
from paretofair.metrics.metric import Metric
from paretofair.metrics.registry import METRICS
from paretofair.report import captions
from paretofair.report.drawing.choice import drawn_tasks, tell_left_out
from paretofair.report.labels import Labels
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
_OF_A_SET = ("hypervolume", "selected", "comparison")
TABLES = ("summary", "per_task", *_OF_A_SET)
_BOLD = "bold where the best differs from all others beyond their intervals, none where two are about as good"
_OVER = f"mean ± deviation over seeds; {_BOLD}"
# In points, of \footnotesize: one column of a paper, and the space between columns.
_COLUMN, _BETWEEN = 238, 6
# What LaTeX prints as one sign, or as nothing.
_SIGNS = (
    *((word, "±") for word in (r"$\pm$", r"$\leq$", r"$\geq$")),
    *((word, "−") for word in ("$-$", "$-", "{}")),
    *((word, "") for word in (r"\textbf", r"\textascii", "\\", "$", "{", "}")),
)


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
    columns: Mapping[str, str],
    *,
    caption: str,
    label: str,
    within: str | None = None,
    spread: str = "deviation",
    digits: int = 3,
    metrics: Mapping[str, Metric] = METRICS,
) -> str:
    r"""A `table` environment; the document needs `\usepackage{booktabs}`.

    Args:
        table: rows as they are printed; NaN is a dash.
        columns: those that are printed, in this order, each with the text above it. A number has the deviation
            `<name>_std` or the interval `<name>_low`, `<name>_high` of `table` behind it, where there is one, and
            is bold by `mark_leader`.
        caption, label: plain text, and the label of `\ref`.
        within: a column whose equal values, one after the other, are a block of rows with a leader of its own; they
            stand above their rows.
        spread: `deviation` or `interval`.
        digits: behind the point; whole numbers have none.
        metrics: what columns are of that are not named after a metric.

    Returns:
        LaTeX of a table for one column of a paper, of both (`table*`) where it would not fit.
    """
    blocks = table[within].to_numpy() if within is not None and len(table) else np.zeros(len(table))
    cells = [_cells(table, name, blocks, spread, digits, {**METRICS, **metrics}.get(name)) for name in columns]
    heads = [escape_latex(text) for text in columns.values()]
    is_wide = _measure_columns(heads, cells) > _COLUMN
    if is_wide and spread == "interval":
        cells = [[_stack(cell) for cell in own] for own in cells]
        is_wide = _measure_columns(heads, cells) > _COLUMN
    lines = []
    for place, row in enumerate(zip(*cells, strict=True)):
        if place and blocks[place] != blocks[place - 1]:
            lines.append(r"\addlinespace")
        if within is not None and (not place or blocks[place] != blocks[place - 1]):
            lines.append(
                rf"\multicolumn{{{len(columns)}}}{{@{{}}l@{{}}}}{{\emph{{{escape_latex(str(blocks[place]))}}}}} \\"
            )
        lines.append(" & ".join(row) + r" \\")
    environment = "table*" if is_wide else "table"
    alignment = "".join("r" if pd.api.types.is_numeric_dtype(table[name]) else "l" for name in columns)
    return "\n".join(
        [
            rf"\begin{{{environment}}}",
            rf"\centering\footnotesize\setlength{{\tabcolsep}}{{{_BETWEEN / 2:g}pt}}",
            rf"\caption{{{escape_latex(caption)}}}",
            rf"\label{{{label}}}",
            r"\smallskip",
            rf"\begin{{tabular}}{{@{{}}{alignment}@{{}}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            rf"\end{{{environment}}}",
            "",
        ]
    )


def _stack(cell: str) -> str:
    """A number with its interval under it."""
    number, bracket, interval = cell.partition(" [")
    return rf"\shortstack[r]{{{number}\\{{}}[{interval}}}" if bracket else cell


def _measure_columns(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> float:
    """About how wide a table is printed."""
    lines = [[line for cell in own for line in cell.removeprefix(r"\shortstack[r]").split(r"\\")] for own in cells]
    widest = [max(map(_measure_points, (head, *own))) for head, own in zip(heads, lines, strict=True)]
    return sum(widest) + (len(widest) - 1) * _BETWEEN


def _measure_points(text: str) -> float:
    """About how wide it is printed."""
    for sign in _SIGNS:
        text = text.replace(*sign)
    found = 0.0
    for letter in text:
        narrow = letter in " .,:;'|!()[]ijl"
        found += 2.6 if narrow else 6.6 if letter in "±−<>mwMW%" else 4.3
    return found


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
    if results.fronts_of(results.leading):
        found = _chosen_tables(results)
    found |= _compared(results, "arfg_are")
    for name in results.compared_sets:
        found |= {f"{name}/{table}": text for table, text in _compared(results, name).items()}
    return found


def _chosen_tables(results: Results) -> dict[str, str]:
    chosen, gap, labels = choose_points(results), results.settings.gap, Labels.of(results)
    words = f"at the {captions.tell_rule(results)}: {_OVER}."
    leading = results.objective_set(results.leading)
    named = captions.join_names([labels.objective(each) for each in leading.objectives])
    relative = any(each.metric.source == "baselines" for each in leading.objectives)
    of_gap = captions.tell_gap(results) if relative else ""
    whole = _order_by_method(summary(chosen, leading), results)
    of_tasks = _order_by_method(per_task(chosen, results.tasks, gap), results)
    parts = []
    for task in drawn_tasks(results):
        names = {f"{name}_{task}{end}": f"{name}{end}" for name in ("error", gap) for end in ("", "_std")}
        parts.append(of_tasks[["method", *names]].rename(columns=names).assign(task=labels.task(task)))
    heads = {each.name: labels.objective(each) for each in leading.objectives}
    return {
        "summary": booktabs(
            whole,
            {"method": "method", **heads, **_counts(whole)},
            caption=_caption(results, f"{named} on test {words}", of_gap),
            label="tab:summary",
            metrics={each.name: each.metric for each in leading.objectives},
        ),
        "per_task": booktabs(
            pd.concat(parts, ignore_index=True),
            {"method": "method", "error": labels.metric("error"), gap: labels.metric(gap)},
            caption=_caption(
                results,
                f"Error and {captions.name_gap(results)} on test, of each task, {words}",
                tell_left_out(results),
            ),
            label="tab:per_task",
            within="task",
            metrics=results.settings.metrics,
        ),
    }


def _compared(results: Results, of: str) -> dict[str, str]:
    """Tables that compare methods under a set of objectives; none where it has no values."""
    if not len(results.hypervolumes_of(of)) or not len(results.frontier(of)):
        return {}
    objectives, chosen_on, labels = results.objective_set(of), results.settings.selected_on, Labels.of(results)
    inside = "tab:" if of == "arfg_are" else f"tab:{of}:"
    named = {each.name: labels.objective(each) for each in objectives.objectives}
    exact = captions.exactness(objectives)
    spaces, rules = (_name_methods(table_of(results, of), labels) for table_of in (volumes, selected))
    kept = {"seeds": "seeds"} if rules["without"].any() else {}
    rules["seeds"] = [
        f"{own} of {own + without}" for own, without in zip(rules["seeds"], rules["without"], strict=True)
    ]
    on_test = {} if chosen_on == "test" else {"test_hypervolume": "on test"}
    tables = {
        "hypervolume": booktabs(
            spaces,
            {"method": "method", "hypervolume": f"on {chosen_on}", **on_test, **_counts(spaces)},
            caption=_caption(
                results,
                f"Hypervolume of the {captions.frontiers(labels, objectives)} "
                f"({captions.reference(labels, objectives)}) on {chosen_on}, where their points are chosen, and of the "
                f"same points on test: mean over seeds with {captions.name_intervals(results)}; {_BOLD}.",
                exact,
            ),
            label=f"{inside}hypervolume",
            spread="interval",
            metrics={"test_hypervolume": METRICS["hypervolume"]},
        ),
        "selected": booktabs(
            rules,
            {"method": "method", **named, **kept},
            caption=_caption(
                results,
                f"{captions.join_names(list(named.values()))} on test of the frontier points that rules take on "
                f"{chosen_on}: {_OVER}, for each rule.",
                "Seeds: those where a point keeps the bound, which the mean is over." if kept else "",
            ),
            label=f"{inside}selected",
            within="rule",
            metrics={each.name: each.metric for each in objectives.objectives},
        ),
    }
    pairs = _name_methods(comparison(results, of), labels)
    if len(pairs):
        seeds = int(pairs["seeds"].min())
        heads = {"against": "against", "difference": "difference", "p_value": "p", "p_holm": "Holm", **_counts(pairs)}
        needed = pairs["seeds_needed"].map(_spell_seeds)
        tables["comparison"] = booktabs(
            pairs.assign(method=pairs["method"] + " less", seeds_needed=needed),
            heads | {"seeds_needed": "needed"},
            caption=_caption(
                results,
                f"Difference of hypervolume on test ({captions.reference(labels, objectives)}), method less against, "
                f"over the same seeds: mean with {name_interval(seeds)}, p-value of a two-sided sign-flip test, and "
                f"adjusted for the number of pairs (Holm). {_tell_power(pairs)}",
                exact,
            ),
            label=f"{inside}comparison",
            within="method",
            spread="interval",
        )
    return tables


def _counts(table: pd.DataFrame) -> dict[str, str]:
    """The columns that say how many seeds and trials stand behind a row, where rows differ; else captions do."""
    return {name: name for name in ("seeds", "trials") if name in table and table[name].nunique() > 1}


def _name_methods(table: pd.DataFrame, labels: Labels) -> pd.DataFrame:
    return table.assign(**{name: table[name].map(labels.method) for name in ("method", "against") if name in table})


def _tell_power(pairs: pd.DataFrame) -> str:
    """Whether the tests could have found anything, and what the last column says."""
    needed = "Needed: how many seeds would find the difference seen with 80 % power, were it the true one."
    if pairs["testable"].all():
        return needed
    seeds = int(pairs["seeds"].min())
    least = min(1.0, least_p_value(seeds) * int(pairs["p_value"].notna().sum()))
    words = f"The adjusted p-value of {seeds} seeds is {least:.3g} or more: differences cannot be tested with them."
    return f"{words} {needed}"


def _spell_seeds(count: float) -> str:
    """`34`; of what is above the most that are counted `>1000`."""
    return "--" if np.isnan(count) else f"{count:.0f}" if np.isfinite(count) else f">{MOST_SEEDS}"


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
    """Rows in the order of the run's methods, with what these are called."""
    present = [name for name in results.methods if name in set(table["method"])]
    return _name_methods(table.set_index("method").loc[present].reset_index(), Labels.of(results))
