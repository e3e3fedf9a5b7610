"""LaTeX tables."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.results import Results
from paretofair.metrics.registry import METRICS
from paretofair.report.latex import booktabs, escape_latex, latex_tables, mark_leader, write_latex

from ..launch.processes import TIMEOUT
from .made_table import write_table

METHODS = ("vanilla", "per_task", "mtaf", "threshold_frontier")

TABLE = pd.DataFrame(
    {
        "method": ["a_b", "100%", "c"],
        "error_x": [0.12341, 0.12339, np.nan],
        "error_x_std": [0.01, np.nan, np.nan],
        "error_x_low": [0.1, 0.1, np.nan],
        "error_x_high": [0.15, 0.15, np.nan],
        "auc_x": [0.7, 0.8, -0.8],
        "auc_x_low": [0.69, np.nan, -0.9],
        "auc_x_high": [0.75, np.nan, 0.1],
        "tpr_gap_x": [0.1, 0.3, 0.4],
        "tpr_gap_x_low": [0.05, 0.25, 0.35],
        "tpr_gap_x_high": [0.15, 0.35, 0.45],
        "disparate_impact_ratio_x": [0.9, 1.05, 2.0],
        "seeds": [5, 4, 1200],
    }
)
OF_COLUMNS = {f"{name}_x": METRICS[name] for name in ("error", "auc", "tpr_gap", "disparate_impact_ratio")}


def test_values_spreads_and_the_leader():
    text = booktabs(
        TABLE,
        {"method": "method", "error_x": "error, x", "tpr_gap_x": "TPR_gap", "seeds": "seeds"},
        caption="5 % of a_b",
        label="t",
        metrics=OF_COLUMNS,
    )
    lines = text.splitlines()
    assert r"a\_b & 0.123 $\pm$ 0.010 & \textbf{0.100} & 5 \\" in lines
    assert r"100\% & 0.123 & 0.300 & 4 \\" in lines
    assert r"c & -- & 0.400 & 1,200 \\" in lines
    assert r"\caption{5 \% of a\_b}" in lines
    assert r"method & error, x & TPR\_gap & seeds \\" in lines
    assert r"\begin{tabular}{@{}lrrr@{}}" in lines
    interval = booktabs(
        TABLE,
        {"method": "method", "auc_x": "AUC"},
        caption="",
        label="t",
        spread="interval",
        digits=2,
        metrics=OF_COLUMNS,
    )
    assert r"a\_b & 0.70 [$0.69$, $0.75$] \\" in interval
    assert r"100\% & 0.80 \\" in interval
    assert r"c & $-$0.80 [$-0.90$, $0.10$] \\" in interval


def test_every_block_has_a_leader():
    table = pd.DataFrame({"rule": ["a", "a", "b", "b"], "method": list("vmvm"), "are": [1.0, 0.9, 2.0, 3.0]})
    table = table.assign(are_low=table["are"] - 0.01, are_high=table["are"] + 0.02)
    text = booktabs(table, {"method": "method", "are": "ARE"}, caption="", label="t", within="rule")
    assert r"m & \textbf{0.900} \\" in text
    assert r"v & \textbf{2.000} \\" in text
    assert [line for line in text.splitlines() if "multicolumn" in line] == [
        rf"\multicolumn{{2}}{{@{{}}l@{{}}}}{{\emph{{{rule}}}}} \\" for rule in "ab"
    ]


def spread(values: list[float], by: float) -> pd.DataFrame:
    return pd.DataFrame({"x": values, "x_low": np.subtract(values, by), "x_high": np.add(values, by)})


def test_nothing_leads_within_its_interval():
    assert mark_leader(spread([0.1, 0.2], 0.05), "x", METRICS["error"]).tolist() == [True, False]
    assert not mark_leader(spread([0.1, 0.2], 0.08), "x", METRICS["error"]).any()
    assert mark_leader(spread([0.1, 0.2], 0.05), "x", METRICS["auc"]).tolist() == [False, True]
    ratio = METRICS["disparate_impact_ratio"]
    assert mark_leader(spread([0.9, 1.01, -1.0], 0.01), "x", ratio).tolist() == [False, True, False]


def test_no_leader_without_any():
    table = spread([1.0, 2.0], 0.1)
    assert not mark_leader(spread([np.nan, np.nan], 0.1), "x", METRICS["error"]).any()
    assert not mark_leader(table, "x", METRICS["realised_positive_rate"]).any()
    assert not mark_leader(table, "x", None).any()
    assert not mark_leader(table[["x"]], "x", METRICS["error"]).any()
    assert escape_latex("a_b & c < 5 % ~ \\") == r"a\_b \& c $<$ 5 \% \textasciitilde{} \textbackslash{}"


def test_what_could_not_be_tested_is_said(made_up_run):
    text = latex_tables(made_up_run)["comparison"]
    assert "differences cannot be tested with them" in text
    assert "95 \\% Student's t interval" in text


def test_captions_say_how_it_was_chosen(made_up_run):
    tables = latex_tables(made_up_run)
    assert set(tables) == {"summary", "per_task", "hypervolume", "comparison", "selected"}
    for text in tables.values():
        caption = next(line for line in text.splitlines() if line.startswith(r"\caption"))
        assert caption.startswith(r"\caption{SIMULATED DATA.")
        assert "chosen on validation and shown on test; seeds 0, 1, 2, 3 on the same test rows;" in caption
        assert r"decision threshold base\_rate" in caption
    assert "ARFG 1.5; ARE 1.1" in tables["hypervolume"]
    order = [tables["summary"].index(name) for name in ("\nvanilla &", "\nMTA-F &", "\nown\\_method &")]
    assert order == sorted(order)


def test_a_paper_protocol_is_stamped(made_up_results):
    text = latex_tables(made_up_results(protocol="paper"))["summary"]
    assert "protocol: paper (chosen on test)" in text
    assert "the seeds of a method pooled" in text


def test_files(made_up_run, tmp_path):
    paths = write_latex(made_up_run, tmp_path)
    assert {path.name for path in paths} == {f"{name}.tex" for name in latex_tables(made_up_run)}
    before = [path.read_bytes() for path in paths]
    write_latex(made_up_run, tmp_path)
    assert [path.read_bytes() for path in paths] == before
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == sorted(path.name for path in paths)


@pytest.mark.system
def test_all_tables_compile(made_up_run, tmp_path):
    paths = write_latex(made_up_run, tmp_path)
    heads = dict(zip(TABLE, TABLE, strict=True))
    odd = booktabs(TABLE, heads, caption=r"Every sign: \ & % $ # _ { } ~ ^ < > <= >= ±", label="odd")
    assert r"\begin{table*}" in odd
    body = "\n".join(["\\documentclass[twocolumn]{article}", "\\usepackage{booktabs}", "\\begin{document}", odd])
    names = [rf"\input{{tables/{path.stem}}}" for path in paths]
    compile_latex(tmp_path, [body, *names, "\\end{document}"])


@pytest.mark.parametrize("tasks", [3, 80])
def test_tables_of_several_methods_are_for_one_column(tmp_path, tasks):
    """Of many tasks the ones with the largest gaps are in the table, and the caption says so."""
    names = [f"condition {place}" for place in range(tasks)]
    found = latex_tables(Results(write_table(tmp_path, names, METHODS)))
    for name, text in found.items():
        assert r"\begin{table}" in text, name
    assert found["per_task"].count(r"\emph{condition") == min(tasks, 5)
    assert ("Of 80 tasks the 5 with the largest gaps" in found["per_task"]) == (tasks == 80)


@pytest.mark.system
def test_they_fit_a_column_of_a_paper(tmp_path):
    """3.3 inches, as TeX measures them; nothing is too wide."""
    results = Results(write_table(tmp_path, ["two_year_recid", "violent_recid", "pass_bar"], METHODS))
    paths = write_latex(results, tmp_path)
    head = ["\\documentclass{article}", "\\usepackage{booktabs}", "\\textwidth=3.3in", "\\begin{document}"]
    body = [rf"\input{{tables/{path.stem}}}\clearpage" for path in paths]
    compile_latex(tmp_path, [*head, *body, "\\end{document}"])
    log = (tmp_path / "all.log").read_text()
    assert [line for line in log.splitlines() if line.startswith("Overfull")] == []


def compile_latex(folder: Path, lines: list[str]) -> None:
    if shutil.which("pdflatex") is None:
        pytest.fail("no pdflatex; install the Debian packages texlive-latex-base and texlive-latex-recommended")
    (folder / "all.tex").write_text("\n".join(lines))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout[-2000:]
