"""Names of users in figures: dollars that became formulas, braces that ended the report, letters that no font has."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from paretofair.analysis.results import Results
from paretofair.cli.report import main as report
from paretofair.report.drawing import letters
from paretofair.report.figures import FIGURES

from ..analysis.conftest import made_up_run, run_folder
from ..launch.processes import TIMEOUT
from ..report.made_table import write_table

__all__ = ["made_up_run", "run_folder"]

HOSTILE = [
    ["income $25k to $50k", "ba$$in"],
    ["$25k_{ to $50k", "{1}{$"],
    ["a^b_c", "100 % #1 & ~"],
    ["größer als ελ", "да"],
]
UNSEEN = "\u5b66\u751f"


@pytest.mark.parametrize("tasks", HOSTILE)
def test_every_name_is_drawn_as_it_is(tmp_path, capsys, tasks):
    methods = ["first", "second one"]
    path = write_table(tmp_path, tasks, methods)
    assert report([str(path), "--output", str(tmp_path / "out"), "--only", "figures"]) == 0
    assert capsys.readouterr().err == ""
    assert (tmp_path / "out" / "figures" / "tasks.pdf").exists()
    results = Results(path)
    for module in FIGURES.values():
        figure = module.draw(results)
        for text in figure.findobj(lambda each: hasattr(each, "get_parse_math")) if figure is not None else []:
            assert not (text.get_text() and text.get_parse_math()), text
    figure = FIGURES["tasks"].draw(results)
    assert [axes.get_title() for axes in figure.axes] == tasks
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == methods


def test_long_names_stay_apart(tmp_path):
    """Of panels, their titles and labels, and the legend; and inside of the figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    tasks = [f"{'a very long name of a task with ' * 2}{end}" for end in "abc"] + ["x" * 90, "long_" * 12]
    results = Results(write_table(tmp_path, tasks, ["first " * 12 + "a", "second_" * 14, "y" * 95]))
    for name, module in FIGURES.items():
        figure = module.draw(results)
        if figure is None:
            continue
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw_without_rendering()
        panels = [axes for axes in figure.axes if axes.axison]
        boxes = [axes.get_tightbbox(renderer) for axes in panels] + [
            legend.get_window_extent(renderer) for legend in figure.legends
        ]
        for place, one in enumerate(boxes):
            assert one.x0 >= -1, name
            assert one.x1 <= figure.bbox.x1 + 1, name
            assert one.y0 >= -1, name
            assert one.y1 <= figure.bbox.y1 + 1, name
            for other in boxes[place + 1 :]:
                across = min(one.x1, other.x1) - max(one.x0, other.x0)
                down = min(one.y1, other.y1) - max(one.y0, other.y0)
                assert min(across, down) <= 1, name
        assert all(axes.get_window_extent(renderer).width > 40 for axes in panels), name


def test_labels_and_groups_too(made_up_run, tmp_path):
    texts = {"Female": "wo$men_{", "sex": "$ex$", "bar": "b^{", "vanilla": "_{", "own_method": "$x$", "error": r"\e$"}
    results = made_up_run
    results.settings = replace(results.settings, labels=texts)
    for name, module in FIGURES.items():
        figure = module.draw(results)
        if figure is not None:
            figure.savefig(tmp_path / f"{name}.png")
    rows = [text.get_text() for text in FIGURES["amplification"].draw(results).axes[0].get_yticklabels()]
    assert any(row.startswith("b^{: wo$men_{") for row in rows)
    assert "$ex$ × race" in [text.get_text() for text in FIGURES["audit"].draw(results).axes[0].get_yticklabels()]


def test_letters_without_a_font_are_told_once(tmp_path, capsys, monkeypatch):
    """In one sentence, and not as warnings of matplotlib."""
    monkeypatch.setattr(letters, "_known", lambda: frozenset(range(0x600)))
    path = write_table(tmp_path, [UNSEEN, "x"], ["first", "second"])
    assert report([str(path), "--output", str(tmp_path / "out"), "--only", "figures"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    words = "No installed font has the letters \u5b66 \u751f, for which figures show boxes"
    assert said.out.count(words) == 1
    assert "Glyph" not in said.out
    assert (tmp_path / "out" / "figures" / "captions.md").read_text().startswith(words)


def test_nothing_of_matplotlib_is_on_the_terminal(tmp_path):
    path = write_table(tmp_path, [UNSEEN, "ba$$in_{"], ["first", "second"])
    code = "import sys; from paretofair.cli.report import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, str(path), "--only", "figures", "--output", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert (done.returncode, done.stderr) == (0, "")
