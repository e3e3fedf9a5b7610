"""`report.html`: a run's frontiers, trials and groups as one page that opens from disk."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template

from plotly.offline import get_plotlyjs

from paretofair.analysis.results import Results
from paretofair.report.findings import find
from paretofair.report.output import place_file, replace_earlier
from paretofair.report.page.contents import contents_of
from paretofair.results.files import write_text

PAGE = "report.html"
# In this order: together they are one program.
_SCRIPTS = ("columns", "elements", "tasks", "fronts", "attainment", "figure", "points", "trial", "about", "page")


def write_page(results: Results, folder: Path, findings: Sequence[str] | None = None) -> Path:
    """Writes `folder/report.html` and returns its path; the file appears whole or not at all.

    `findings` are sentences that stand beside the figure, by default those of `report.findings`. Everything is inside:
    50,000 trials on LSAC make about 36 MB, of which plotly.js is 5.
    """
    if findings is None:
        findings = [each.sentence for each in find(results)]
    data = contents_of(results, findings)
    page = Template(_part("page.html")).substitute(
        title=html.escape(data["title"]),
        style=_part("page.css"),
        # What stands in a <script> ends at the first "</script", wherever that is.
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
        data=json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        script="\n".join(_part(f"{name}.js") for name in _SCRIPTS),
    )
    path = write_text(place_file(results, folder, PAGE), page)
    replace_earlier(folder, [PAGE], [path])
    return path


def _part(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
