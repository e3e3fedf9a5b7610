"""Everything that a report writes."""

from __future__ import annotations

from pathlib import Path

from paretofair.analysis.results import Results
from paretofair.report.figures import write_figures
from paretofair.report.latex import write_latex
from paretofair.report.page import write_page
from paretofair.report.write import write_report


def write_everything(results: Results, folder: Path) -> list[Path]:
    """Tables, LaTeX, figures and the page; their paths."""
    tables, texts = write_report(results, folder), write_latex(results, folder)
    return [*tables, *texts, *write_figures(results, folder), write_page(results, folder)]
