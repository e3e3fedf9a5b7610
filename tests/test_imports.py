"""The arrows of the design: what each part may import of ours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "paretofair"
MAY_IMPORT = {
    "data": set(),
    "models": set(),
    "metrics": set(),
    "pareto": set(),
    "methods": {"models", "metrics"},
    "training": {"data", "models", "metrics", "methods", "pareto"},
    "results": set(),
    "testing": {"data", "models", "methods", "training"},
    "adapters": {"data", "metrics", "report", "results", "search", "training"},
    "report": {"metrics", "pareto", "results"},
    "search": {"data", "models", "metrics", "methods", "training", "results", "pareto", "report"},
}
# Open to all.
OPEN = ("commands", "errors", "sections")
NOT_IN = {"training": {"ray", "yaml", "pyarrow", "pandas"}, "methods": {"ray", "pandas"}, "report": {"torch", "ray"}}


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
            if top == "paretofair" and rest[0] not in (part, *OPEN):
                assert rest[0] in MAY_IMPORT[part], f"{file} imports {name}"


def test_every_part_is_listed():
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(MAY_IMPORT)
