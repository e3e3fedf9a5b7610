"""Lists the space files that come with the program, one for each published experiment, and copies them."""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path

from rich.console import Console

from paretofair.cli.program import make_parser, name_program

EXAMPLES = """
examples:
  paretofair spaces
  paretofair spaces mtaf_lsac
  paretofair spaces mtaf_lsac --output mine.yaml

Exit codes: 0 done, 1 a failure of the program, 2 wrong input, 130 interrupted.
"""
_FOLDER = "search_spaces"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    from paretofair.cli.ending import run_command

    return run_command(lambda: show_spaces(options, Console()))


def show_spaces(options: argparse.Namespace, console: Console) -> int:
    """Lists the files, or copies one."""
    from paretofair.data.reading.tables import suggest_known
    from paretofair.errors import RunError
    from paretofair.results.files import write_text

    files = find_spaces()
    if options.name is None:
        width = max(map(len, files), default=0)
        for name, path in files.items():
            words = f"{name:{width}}  {describe(path)}"
            console.print(words, highlight=False, markup=False, soft_wrap=True)
        return 0
    name = options.name.removesuffix(".yaml")
    if name not in files:
        raise RunError(f"found the space {name!r}; {suggest_known(name, list(files))}")
    target = options.output or Path(f"{name}.yaml")
    if target.exists():
        raise RunError(f"{target} exists; give another --output")
    write_text(target, files[name].read_text(encoding="utf-8"))
    words = f"written to {target}; `{name_program('sweep')} --space {target}` trains it"
    console.print(words, highlight=False, markup=False, soft_wrap=True)
    return 0


def find_spaces() -> dict[str, Path]:
    """The space files by name: those of the checkout, or those that were installed."""
    checkout = Path(__file__).parents[2]
    if (checkout / "pyproject.toml").is_file() and (checkout / _FOLDER).is_dir():
        paths = list((checkout / _FOLDER).glob("*.yaml"))
    else:
        installed = metadata.files("paretofair") or []
        paths = [Path(str(each.locate())) for each in installed if each.parent.name == _FOLDER]
    return {path.stem: path for path in sorted(paths)}


def describe(path: Path) -> str:
    """The first sentence of the comment that a file begins with."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines).partition(". ")[0].partition(": ")[0].rstrip(".")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = make_parser("spaces", __doc__, EXAMPLES)
    command.add_argument("name", nargs="?", metavar="NAME", help="the file to copy (default: list them)")
    command.add_argument("--output", type=Path, metavar="FILE", help="where to (default: NAME.yaml)")
    return command
