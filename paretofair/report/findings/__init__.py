"""What a careful reader would say of a run, in sentences: `findings.md`, the head of the page, the end of a command.

`comparison` says what was compared and which methods differ, `points` what treatment did at the chosen points."""

from __future__ import annotations

from pathlib import Path

from paretofair.analysis.results import Results, make_once
from paretofair.report.findings.comparison import (
    tell_comparison,
    tell_cost_of_choosing,
    tell_denominators,
    tell_differences,
)
from paretofair.report.findings.points import (
    CHANGES,
    tell_changes,
    tell_never_decided,
    tell_points,
    tell_price,
)
from paretofair.report.findings.sentence import Finding
from paretofair.report.output import place_file, replace_earlier
from paretofair.results.files import write_text

__all__ = ["CHANGES", "FINDINGS", "Finding", "find", "write_findings"]

FINDINGS = "findings.md"


def write_findings(results: Results, folder: Path) -> Path:
    """Writes `findings.md`: a sentence a line, each with the file that it is read from."""
    lines = [f"- {each.sentence}" + (f" ({each.file})" if each.file else "") for each in find(results)]
    text = "\n".join(["# Findings", "", *(lines or ["Nothing is finished yet."]), ""])
    path = write_text(place_file(results, folder, FINDINGS), text)
    replace_earlier(folder, [FINDINGS], [path])
    return path


@make_once
def find(results: Results) -> list[Finding]:
    """Everything that is found, in the order in which a reader needs it; empty before there are trials.

    What was compared, and what ARE and ARFG are worth; which methods differ, and what could not be tested; what was
    lost from validation to test; what treatment costs in error, what it does to its gap, who is worse off.
    """
    if results.trials.empty or not results.methods:
        return []
    return [
        *tell_comparison(results),
        *tell_denominators(results),
        *tell_differences(results),
        *tell_cost_of_choosing(results),
        *tell_points(results),
        *tell_never_decided(results),
        *tell_price(results),
        *tell_changes(results),
    ]
