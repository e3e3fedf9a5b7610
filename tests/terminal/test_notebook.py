"""What a notebook shows while it trains and of what came of it, in a real kernel."""

from __future__ import annotations

import re
import sys

import nbformat
import pytest
from nbclient import NotebookClient

CODE = [
    f"import sys; sys.path[:0] = {sys.path!r}",
    """
import paretofair
from tests.interface.conftest import SHORT, make_loans
given = {"tasks": "repaid", "sensitive": "sex", "methods": ["vanilla"], "trials": 2, "seeds": 1, "settings": SHORT}
run = paretofair.compare(make_loans(100), **given, engine="process", output="run")
""",
    "run.plot()",
    "run",
    "run.frontier()",
    "run.best().score(make_loans(100))",
    """
from paretofair.terminal import progress
progress._BAR_SECONDS = 0
with progress.show_progress("Reading <rows>", 20) as tell:
    tell(5)
    tell(15)
""",
    """
again = paretofair.compare(make_loans(100), **given, engine="process", output="run", quiet=True)
again.best().predict(make_loans(3))
""",
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Of each cell what stands below it at the end."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CODE])
    place = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    return [cell["outputs"] for cell in notebook["cells"]]


def test_one_bar_is_left_of_a_stage_and_says_that_all_is_done(outputs):
    shown = [each["data"]["text/html"] for each in outputs[1] if "data" in each and "text/html" in each["data"]]
    bars = [each for each in shown if "<progress" in each]
    assert bars
    assert len(bars) == len({each.partition("&ensp;")[0] for each in bars})
    ends = [re.search(r'value="(\d+)" max="(\d+)"', each).groups() for each in bars]
    assert all(done == total for done, total in ends)


def test_reading_has_a_bar_too(outputs):
    (bar,) = outputs[6]
    assert bar["data"]["text/plain"] == "Reading <rows>  20/20"
    assert "Reading &lt;rows&gt;" in bar["data"]["text/html"]
    assert 'value="20" max="20"' in bar["data"]["text/html"]


def test_nothing_is_printed_for_a_terminal(outputs):
    texts = [str(each) for cell in outputs for each in cell]
    assert not any("\x1b" in text or "\\r" in text or "ipywidgets" in text for text in texts)
    assert not any(each.get("name") == "stderr" for cell in outputs for each in cell)


def test_tables_and_figures_stand_below_their_cells(outputs):
    assert "image/png" in outputs[2][-1]["data"]
    assert "<table" in outputs[3][-1]["data"]["text/html"]
    assert "data:image/png" in outputs[3][-1]["data"]["text/html"]
    assert "<table" in outputs[4][-1]["data"]["text/html"]
    assert "by group" in outputs[5][-1]["data"]["text/html"]


def test_quiet_shows_nothing_but_what_was_asked_for(outputs):
    (frame,) = outputs[7]
    assert "<table" in frame["data"]["text/html"]
