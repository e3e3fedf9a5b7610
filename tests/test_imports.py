"""The arrows of the design: what each part may import of ours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "paretofair"
# Modules that belong to no part: what is imported from Python, and the export of a trial.
TOP = ("api", "export", "exported")
MAY_IMPORT = {
    "data": set(),
    "models": set(),
    "metrics": set(),
    "pareto": set(),
    "methods": {"models", "metrics"},
    "training": {"data", "models", "metrics", "methods", "pareto"},
    "results": set(),
    "sampling": {"metrics"},
    "space": {"data", "metrics", "methods", "training", "results", "sampling"},
    "analysis": {"metrics", "pareto", "results"},
    "report": {"metrics", "pareto", "results", "analysis"},
    "sweep": {
        *("data", "models", "metrics", "methods", "training", "results", "pareto"),
        *("sampling", "space", "analysis", "report"),
    },
    "cluster": {"training", "results", "sweep"},
    "adapters": {"data", "metrics", "analysis", "results", "space", "sweep", "training", "cli"},
    "testing": {"data", "models", "methods", "training"},
    "cli": {*TOP, "data", "metrics", "results", "analysis", "report", "sampling", "space", "sweep", "cluster"},
}
# Open to all.
OPEN = ("errors", "sections", "user_code")
NOT_IN = {
    "training": {"ray", "yaml", "pyarrow", "pandas"},
    "methods": {"ray", "pandas"},
    "report": {"torch", "ray"},
    "analysis": {"torch", "ray", "matplotlib", "plotly"},
}
ONLY_IN = {"ray": {"cluster"}, "matplotlib": {"report"}, "plotly": {"report"}}


def imports(file: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_arrows(part):
    files = list((PACKAGE / part).rglob("*.py"))
    assert files
    for file in files:
        for name in imports(file):
            top, *rest = name.split(".")
            assert top not in NOT_IN.get(part, ()), f"{file} imports {name}"
            assert part in ONLY_IN.get(top, {part}), f"{file} imports {name}"
            if top == "paretofair" and rest[0] not in (part, *OPEN):
                assert rest[0] in MAY_IMPORT[part], f"{file} imports {name}"


def test_every_part_is_listed():
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(MAY_IMPORT)
