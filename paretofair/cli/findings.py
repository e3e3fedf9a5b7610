"""Findings at the end of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from paretofair.analysis.results import Results

_SHOWN = 8


def print_findings(results: Results, console: Console) -> None:
    """The warnings of `findings.md`, and the first of its other sentences."""
    from paretofair.report.findings import FINDINGS, find

    findings = find(results)
    others = [each for each in findings if not each.warns]
    for each in findings:
        if each.warns or each in others[:_SHOWN]:
            style = "yellow" if each.warns else None
            console.print(each.sentence, style=style, markup=False, highlight=False, soft_wrap=True)
    if len(others) > _SHOWN:
        console.print(f"{len(others) - _SHOWN} more sentences in {FINDINGS}", markup=False, highlight=False)
