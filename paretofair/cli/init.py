"""Looks at a table and writes a space file for it: what to predict, whose groups to compare, which methods to train.

What no flag says is asked, where there is somebody to ask.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from paretofair.cli.program import make_parser, name_program

if TYPE_CHECKING:
    from paretofair.data.reading.cell_table import CellTable

EXAMPLES = """
examples:
  paretofair init loans.csv
  paretofair init loans.csv --tasks repaid,large --sensitive sex --output loans.yaml
  paretofair init loans.csv --tasks status --positive good --sensitive sex,age --exclude id

Exit codes: 0 done, 1 a failure of the program, 2 wrong input, 130 interrupted.
"""
_SEPARATORS = (",", ";", "\t", "|")
_SHOWN = 4  # values of a column
_USUAL = ("sex", "gender", "race", "ethnic", "age", "relig", "disab", "national", "foreign")
_TRIALS, _SEEDS = 50, 6


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    # It takes seconds to import; wrong options are told before.
    from paretofair.cli.ending import run_command

    return run_command(lambda: write_space(options, Console(), sys.stdin.isatty()))


def write_space(options: argparse.Namespace, console: Console, asks: bool) -> int:
    """Looks at the file, asks what is not said, and writes the space file."""
    from paretofair.errors import RunError
    from paretofair.interface.describe import describe_space
    from paretofair.interface.given_data import gather_data
    from paretofair.results.files import write_text
    from paretofair.space.space import build_space

    target = options.output or Path(f"{options.data.name.partition('.')[0]}.yaml")
    if target.exists():
        raise RunError(f"{target} exists; give another --output")
    separator, cells = look_at(options.data, options.separator)
    if options.tasks is None or options.sensitive is None:
        show_columns(cells, console)
    tasks = options.tasks or _ask(console, asks, "--tasks", "What is to be predicted (columns)?", find_tasks(cells))
    usual = [name for name in find_attributes(cells) if name not in tasks]
    sensitive = options.sensitive or _ask(console, asks, "--sensitive", "Whose groups are to be compared?", usual)
    csv = {} if separator == "," else {"separator": separator}
    given = gather_data(
        *(options.data,),
        tasks=tasks,
        sensitive=sensitive,
        positive=options.positive,
        split=options.split,
        exclude=options.exclude or (),
        csv=csv,
    )
    name = target.stem
    data = {"csv": {**given.section["csv"], **csv}, "sensitive": given.section["sensitive"]}
    seeds = list(range(_SEEDS))
    made = describe_space(name, data, given.kinds, given.rows, "all", options.objectives, _TRIALS, seeds, {}, {})
    space, left_out = made
    build_space(space, str(target), Path())
    # Beside the data the file may be moved with them.
    try:
        space["data"]["csv"]["path"] = str(options.data.resolve().relative_to(target.resolve().parent))
    except ValueError:
        space["data"]["csv"]["path"] = str(options.data.resolve())
    write_text(target, spell_space(space, left_out))
    words = f"written to {target}; `{name_program('sweep')} --space {target} --dry-run` looks at it and at the data"
    console.print(words, highlight=False, markup=False, soft_wrap=True)
    return 0


def look_at(path: Path, separator: str | None) -> tuple[str, CellTable]:
    """The table, and what separates its fields: the first usual separator with which it can be read."""
    from paretofair.data.reading.cell_table import CellTable, read_raw_table
    from paretofair.data.reading.cells import CellRules
    from paretofair.errors import DataError

    first: DataError | None = None
    for each in (separator,) if separator else _SEPARATORS:
        try:
            return each, CellTable(path, read_raw_table(path, each, None), CellRules())
        except DataError as error:
            first = first or error
    assert first is not None, "there is a separator to try"
    raise first


def show_columns(cells: CellTable, console: Console) -> None:
    """Every column with what is in it."""
    table = Table("column", "values", "", title=f"{cells.path.name}: {cells.rows:,} rows")
    for name in cells.header:
        values = cells.values(name)
        missing = int((cells.texts(name) == "").sum())
        kind = "numbers" if cells.is_numeric(name) else "texts"
        shown = ", ".join(values[:_SHOWN]) + (", …" if len(values) > _SHOWN else "")
        table.add_row(name, f"{len(values):,} {kind}" + (f", {missing:,} missing" if missing else ""), shown)
    console.print(table)


def find_tasks(cells: CellTable) -> list[str]:
    """Columns of two values that are no usual attribute, the last ones first: labels mostly stand at the end."""
    two = [name for name in cells.header if len(cells.values(name)) == 2 and not _is_usual(name)]
    return two[::-1]


def find_attributes(cells: CellTable) -> list[str]:
    """Columns with the usual names of attributes and few values."""
    return [name for name in cells.header if _is_usual(name) and 2 <= len(cells.values(name)) <= 20]


def _is_usual(name: str) -> bool:
    return any(name.lower().startswith(word) for word in _USUAL)


def _ask(console: Console, asks: bool, flag: str, question: str, proposed: Sequence[str]) -> list[str]:
    """What is typed, by default the first proposal. Raises RunError where nobody is there to ask."""
    from paretofair.errors import RunError

    if not asks:
        hint = f"; columns that may be meant: {', '.join(proposed[:8])}" if proposed else ""
        raise RunError(f"{flag} is needed{hint}")
    default = f" [{proposed[0]}]" if proposed else ""
    while True:
        console.print(f"{question}{default} ", end="", markup=False, highlight=False)
        try:
            found = names(console.input()) or list(proposed[:1])
        except EOFError:
            raise RunError(f"{flag} is needed; nothing was typed") from None
        if found:
            return found


def spell_space(space: dict[str, Any], left_out: dict[str, str]) -> str:
    """The file, with a word on what each section is for."""
    import yaml

    from paretofair.space.yaml_lines import Dumper

    comments: dict[str, str] = {
        "name": "What is compared on whose data; every key has its words in the documentation. Check with --dry-run.",
        "data": "Tasks are columns, or expressions such as amount > 6000. The losses act on `sensitive`.",
        "training": "How networks are trained; `network: {shared: [32], head: [16]}` are their hidden layers.",
        "fairness": "On which rows groups are compared: fpr, tpr, odds or parity.",
        "parameters": "What is drawn for every trial; more of each method stands with it.",
        "methods": "Methods to compare; remove those that you do not need."
        + "".join(f"\n{name} is left out: it {why}." for name, why in left_out.items()),
        "seeds": "Each method is searched once for each seed. Fewer than six cannot show that two methods differ.",
        "stages": "`trials` for each method and seed. With `confirm: {runs: 5}` frontier points are trained again.",
        "frontiers": "What frontiers trade; docs/objectives.md lists the metrics.",
    }
    text = yaml.dump(space, Dumper=Dumper, sort_keys=False, default_flow_style=None, width=110)
    lines: list[str] = []
    for line in text.splitlines():
        key = line.partition(":")[0]
        if key in space:
            lines += ["", *(f"# {words}" for words in comments.get(key, "").splitlines())]
        lines.append(line)
    return "\n".join(lines[1:]) + "\n"


def names(text: str) -> list[str]:
    """Names between commas."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = make_parser("init", __doc__, EXAMPLES)
    add: Callable[..., Any] = command.add_argument
    add("data", type=Path, metavar="FILE", help="a CSV, Parquet or Feather file")
    add("--tasks", type=names, metavar="A,B", help="columns to predict")
    add("--sensitive", type=names, metavar="A,B", help="columns whose groups are compared; losses act on the first")
    add("--positive", metavar="VALUE", help="of one task the value that counts as a yes")
    add("--split", metavar="COLUMN", help="the column with the words train, validation and test")
    add("--exclude", type=names, metavar="A,B", help="columns that are no inputs, identifiers say")
    what = "what stands between fields, as in --separator ';' or '\\t' (default: found out)"
    add("--separator", type=lambda text: text.replace("\\t", "\t"), metavar="C", help=what)
    what = "metrics that frontiers trade (default: error,equalized_odds_max)"
    add("--objectives", type=names, default=["error", "equalized_odds_max"], metavar="A,B", help=what)
    add("--output", type=Path, metavar="FILE", help="the space file (default: the name of the data, with .yaml)")
    return command
