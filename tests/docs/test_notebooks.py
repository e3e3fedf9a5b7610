"""The cells of every notebook, run one after the other as a script."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def cells(path: Path) -> list[str]:
    """The code of a notebook."""
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_something(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARETOFAIR_OFFLINE", "1")
    monkeypatch.delenv("PARETOFAIR_DATA", raising=False)
    names: dict[str, object] = {}
    for code in cells(path):
        # As Jupyter does: what the last line of a cell gives is shown.
        tree = ast.parse(code)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, path.name, "exec"), names)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), path.name, "eval"), names)
            assert shown is None or repr(shown)
            # Of several ways to show itself, as a figure of matplotlib has, one is enough.
            ways = [getattr(shown, name) for name in ("_repr_html_", "_repr_png_") if hasattr(shown, name)]
            assert not ways or any(way() for way in ways)
    assert "error 0." in capsys.readouterr().out


def test_notebooks_hold_no_results():
    """Results are not kept in the repository: they may be rows of people, and they grow old."""
    for path in NOTEBOOKS:
        assert not any(cell.get("outputs") for cell in json.loads(path.read_text())["cells"]), path.name
