"""Findings at the end of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from paretofair.analysis.results import Results

_SHOWN = 8


def print_findings(results: Results, console: Console) -> None:
    """The first sentences of `findings.md`, but for what the command says of baselines itself."""
    from paretofair.report.findings import FINDINGS, find

    sentences = [each.sentence for each in find(results) if each.file != "baselines.csv"]
    for sentence in sentences[:_SHOWN]:
        console.print(f"- {sentence}", markup=False, highlight=False, soft_wrap=True)
    if len(sentences) > _SHOWN:
        console.print(f"- {len(sentences) - _SHOWN} more in {FINDINGS}", markup=False, highlight=False)
