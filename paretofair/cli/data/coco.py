"""Makes a table of objects and gender from the official annotations of COCO: one row for each image with a person, one
of the objects, and captions that name one gender. Space files read it under `csv:`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from paretofair.cli.program import make_parser

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = """
examples:
  paretofair coco --instances instances_train2014.json --captions captions_train2014.json --output coco.csv
  paretofair coco --instances instances_val2017.json --captions captions_val2017.json.gz --objects all --output all.csv
  paretofair coco --published gender_objects_val2014.csv --objects "tie,cell phone" --output coco.csv

`--words FILE` takes other words by which captions name a gender: {"man": ["man", "men"], "woman": ["woman", "women"]}.

Exit codes: 0 done, 1 a failure of the program, 2 wrong input, 130 interrupted.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    from paretofair.cli.ending import run_command

    return run_command(lambda: make_table(options, Console()))


def make_table(options: argparse.Namespace, console: Console) -> int:
    """Writes the table, and shows how biased every object is."""
    from paretofair.data.coco.table import OBJECTS, draw_test_images, read_published, select_images
    from paretofair.errors import DataError

    if options.objects == "all":
        objects = None
    else:
        objects = OBJECTS if options.objects is None else [name.strip() for name in options.objects.split(",")]
    if not 0 <= options.test < 1:
        raise DataError(f"--test is {options.test}; accepted: 0 to less than 1")
    if options.seed < 0:
        raise DataError(f"--seed is {options.seed}; accepted: integers from 0")
    if not options.output.parent.is_dir():
        raise DataError(f"--output: there is no folder {options.output.parent}")
    if options.published is not None:
        if options.instances or options.captions or options.words:
            raise DataError("--published stands alone: its table has gender and objects already")
        table = read_published(options.published, objects)
    elif options.instances and options.captions:
        words = {} if options.words is None else {"words": _read_words(options.words)}
        table = select_images(options.instances, options.captions, objects, **words)
    else:
        raise DataError("give --instances and --captions of the same images, or --published")
    if options.test > 0:
        table = draw_test_images(table, options.test, options.seed)
    table.to_csv(options.output, index=False)
    _show(table, console)
    console.print(f"written to {options.output}: {len(table):,} images", highlight=False, soft_wrap=True)
    return 0


def _read_words(path: Path) -> Mapping[str, Sequence[str]]:
    from paretofair.errors import DataError

    try:
        words = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{path}: is no JSON: {error}") from error
    lists = isinstance(words, dict) and all(isinstance(each, list) for each in words.values())
    if not lists or not all(isinstance(word, str) for each in words.values() for word in each):
        raise DataError(f'{path}: expected two lists of words: {{"man": [...], "woman": [...]}}')
    return dict(words)


def _show(table: pd.DataFrame, console: Console) -> None:
    """The bias of every object among the training rows: the paper's Table 1."""
    from paretofair.data.coco.table import object_columns

    train = table[table["split"] != "test"] if "split" in table else table
    shown = Table("object", "training images", "share of men", title="Gender of training images")
    for column in shown.columns[1:]:
        column.justify = "right"
    man = train["gender"] == "man"
    for name in object_columns(table):
        has = train[name] == 1
        shown.add_row(name, f"{has.sum():,}", f"{100 * man[has].mean():.2f} %" if has.any() else "")
    shown.add_row("all", f"{len(train):,}", f"{100 * man.mean():.2f} %")
    console.print(shown)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = make_parser("coco", __doc__, EXAMPLES)
    what = "instances_*.json of COCO 2014 or 2017, plain or gzipped"
    command.add_argument("--instances", type=Path, nargs="+", default=(), metavar="FILE", help=what)
    what = "captions_*.json of the same images"
    command.add_argument("--captions", type=Path, nargs="+", default=(), metavar="FILE", help=what)
    what = "in place of both: a table with the columns image_id, gender and objects (joined by ;)"
    command.add_argument("--published", type=Path, metavar="FILE", help=what)
    what = "names of categories with commas between them, or all (default: the 11 of the paper)"
    command.add_argument("--objects", metavar="NAMES", help=what)
    command.add_argument("--words", type=Path, metavar="FILE", help="JSON: the words by which captions name a gender")
    what = "share of test images, drawn by --seed (default: .15); 0 for no column `split`, or a published one"
    command.add_argument("--test", type=float, default=0.15, metavar="SHARE", help=what)
    command.add_argument("--seed", type=int, default=0, metavar="N", help="which test images are drawn (default: 0)")
    command.add_argument("--output", type=Path, required=True, metavar="FILE", help="the CSV file to write")
    return command
