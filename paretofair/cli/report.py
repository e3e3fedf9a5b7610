"""Writes tables, figures and a page to explore from the trial tables of one or more runs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from paretofair.cli.program import make_parser

if TYPE_CHECKING:
    from paretofair.analysis.results import Results

EXAMPLES = """
examples:
  python launch/report.py results/mtaf_lsac
  python launch/report.py results/mtaf_lsac results/mtaf_lsac_mmd --output results/both
  python launch/report.py results/mtaf_lsac --only figures
  python launch/report.py table.csv --output results/theirs --reference 2,1.2

RUN is a results folder of launch/sweep.py, or a table made elsewhere (.csv, .parquet or a folder of Parquet files) with
the columns that docs/reports.md names. Everything is computed from the trial tables; nothing is trained.
Exit codes: 0 done, 1 a failure of the program, 2 wrong input, 130 interrupted.
"""

WRITTEN = {
    "tables": "frontiers/*.csv, tables/*.csv and more CSV files (docs/reports.md)",
    "latex": "tables/*.tex (booktabs)",
    "figures": "figures/*.pdf and *.png, with their captions",
    "page": "report.html: opens in a browser, without a network",
    "wide": "wide.parquet: every rate of every group spelled out",
}
_BY_DEFAULT = ("tables", "latex", "figures", "page")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    # It takes a second to import; wrong options are told before.
    from paretofair.cli.ending import run_command

    return run_command(lambda: report(options, Console()), interrupted="The same command writes everything again.")


def report(options: argparse.Namespace, console: Console) -> int:
    """Reads the runs and writes what was asked for."""
    from paretofair.analysis.overview import overview
    from paretofair.analysis.results import Results
    from paretofair.cli.findings import print_findings
    from paretofair.errors import RunError

    if options.output is not None:
        check_output(options.output)
    changes = {name: value for name in ("objectives", "reference") if (value := getattr(options, name)) is not None}
    with console.status("reading"):
        results = Results(*options.run, **changes)
    if options.output is None and (len(options.run) > 1 or not (options.run[0] / "trials").is_dir()):
        raise RunError("--output is needed for several runs, and for tables made elsewhere")
    folder = options.output or options.run[0]
    written = write(results, folder, (*options.only, *(("wide",) if options.wide else ())), console)
    table = overview(results, results.methods)
    for row in table.itertuples():
        console.print(
            f"{row.method}: {row.trials:,} trials{volumes(row)}",
            highlight=False,
            soft_wrap=True,
        )
    for method, names in results.told_apart.items():
        words = ", ".join(f"{name} ({', '.join(map(place_of, runs))})" for name, runs in names.items())
        console.print(f"{method} was trained in different ways: {words}", highlight=False, markup=False, soft_wrap=True)
    print_findings(results, console)
    console.print(f"written to {folder}:", highlight=False, soft_wrap=True)
    for name, paths in ((name, paths) for name, paths in written.items() if paths):
        console.print(f"  {WRITTEN[name]} ({len(paths)} files)", highlight=False, markup=False, soft_wrap=True)
    return 0


def check_output(folder: Path) -> None:
    """Raises RunError where a file is in the way of the folder."""
    from paretofair.errors import RunError

    for place in (folder, *folder.parents):
        if os.path.lexists(place) and not place.is_dir():
            raise RunError(f"--output {folder}: {place} is a file; give a folder")


def place_of(run: Path) -> str:
    """Where to read how the trials of a run were trained."""
    from paretofair.results.files import SPACE

    return str(run / SPACE if (run / SPACE).exists() else run)


def volumes(row: Any) -> str:
    """The hypervolumes of a method; nothing where there are none."""
    if row.hypervolume != row.hypervolume:
        return ""
    return f", hypervolume {row.hypervolume:.4f}, of the same points on test {row.test_hypervolume:.4f}"


def write(results: Results, folder: Path, wanted: tuple[str, ...], console: Console) -> dict[str, list[Path]]:
    """Every part that is `wanted`, with a bar. Raises RunError where the folder cannot be made."""
    from paretofair.errors import RunError
    from paretofair.report.write import write_report
    from paretofair.results.files import make_folder

    plain: Any = {"highlight": False, "markup": False, "soft_wrap": True}

    def latex() -> list[Path]:
        from paretofair.report.latex import write_latex

        return write_latex(results, folder)

    def figures() -> list[Path]:
        from paretofair.report.figures import write_figures

        return write_figures(results, folder, lambda words: console.print(words, style="yellow", **plain))

    def page() -> list[Path]:
        from paretofair.report.page import write_page

        return [write_page(results, folder)]

    def wide() -> list[Path]:
        from paretofair.report.wide import write_wide

        return [write_wide(results, folder)]

    def tables() -> list[Path]:
        return write_report(results, folder)

    steps: dict[str, Callable[[], list[Path]]] = {
        "tables": tables,
        "latex": latex,
        "figures": figures,
        "page": page,
        "wide": wide,
    }
    try:
        make_folder(folder)
    except OSError as error:
        raise RunError(f"--output {folder} cannot be written: {error.strerror}") from None
    written = {}
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(wanted))
        for name in wanted:
            progress.update(task, description=name)
            written[name] = steps[name]()
            progress.advance(task)
    return written


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = make_parser("report", __doc__, EXAMPLES)
    command.add_argument("run", type=Path, nargs="+", metavar="RUN", help="results folder or table; several are merged")
    command.add_argument("--output", type=Path, metavar="DIR", help="folder to write (default: RUN, if it is one run)")
    what = f"some of {', '.join(_BY_DEFAULT)} (default: all of these)"
    command.add_argument("--only", type=_parts, default=_BY_DEFAULT, metavar="A,B", help=what)
    what = "sets of objectives in place of the run's: arfg_are, a task, accuracies, all, or of its space file"
    command.add_argument("--objectives", type=_names, metavar="A,B", help=what)
    what = "where hypervolume ends, in place of the run's, as in 1.5,1.1"
    command.add_argument("--reference", type=_reference, metavar="ARFG,ARE", help=what)
    command.add_argument("--wide", action="store_true", help=f"also {WRITTEN['wide']}")
    return command


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _parts(text: str) -> tuple[str, ...]:
    names = _names(text)
    for name in names:
        if name not in _BY_DEFAULT:
            raise argparse.ArgumentTypeError(f"found {name!r}; accepted: {', '.join(_BY_DEFAULT)}")
    return names


def _reference(text: str) -> tuple[float, float]:
    try:
        arfg, are = (float(each) for each in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected two numbers, as in 1.5,1.1") from None
    if not (0 < arfg < float("inf") and 0 < are < float("inf")):
        raise argparse.ArgumentTypeError(f"found {text!r}; expected two numbers above 0")
    return arfg, are
