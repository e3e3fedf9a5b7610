"""Makes vectors of pictures or texts by a network that is there; space files read them: `inputs: {embeddings: ...}`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from rich.console import Console

from paretofair.cli.program import make_parser

EXAMPLES = """
examples:
  paretofair embed train2014.zip --network resnet34 --weights resnet34-b627a593.pth --output vectors.npz
  paretofair embed coco.csv --column file_name --root train2014/ --key image_id --network resnet34 \\
      --weights resnet34-b627a593.pth --half --output vectors.npz
  paretofair embed faces/ --network results/faces/3f2a9c --output features.npz
  paretofair embed pictures.zip --network my_networks:make_encoder --weights encoder.safetensors --output vectors.npz
  paretofair embed reports.csv --text findings --key id --network sentence --weights models/minilm --output texts.npz

A space file reads the vectors by key:
  data: {csv: {path: coco.csv, ..., inputs: {embeddings: {file: vectors.npz, key: image_id}}}}

The keys of a folder or archive are the names of its files in it. A command that was broken off goes on where it was
when it is given again. Exit codes: 0 done, 1 a failure of the program, 2 wrong input, 130 interrupted.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    # PyTorch takes seconds to import; wrong options are told before.
    from paretofair.cli.ending import run_command

    logging.basicConfig(format="%(message)s")
    logging.getLogger("paretofair").setLevel(logging.INFO)
    return run_command(
        lambda: embed(options, Console()),
        interrupted="What is embedded is kept; the same command goes on from there.",
        failed="What is embedded is kept; the same command goes on from there.",
    )


def embed(options: argparse.Namespace, console: Console) -> int:
    """Writes the file and says what it holds."""
    from paretofair.data.inputs.pictures import PictureForm
    from paretofair.embedding.examples import KeyedExamples, list_pictures_in, read_keyed
    from paretofair.embedding.networks import find_network, find_text_encoder
    from paretofair.embedding.writing import write_vectors
    from paretofair.errors import DataError

    examples: KeyedExamples
    column = options.text or options.column
    if column is None:
        for name in ("root", "key"):
            if getattr(options, name) is not None:
                raise DataError(f"--{name} goes with --column or --text, which name a column of a table")
        if options.input.is_file() and options.input.suffix.lower() != ".zip":
            raise DataError(f"{options.input}: a table needs --column, which names its pictures, or --text")
        examples = list_pictures_in(options.input)
    else:
        root = None if options.text else options.root or options.input.parent
        examples = read_keyed(options.input, column, options.key, root, options.separator)
    if options.text:
        if options.key is None:
            raise DataError("--text needs --key, the column of the keys")
        network = find_text_encoder(options.network, options.weights)
    else:
        network = find_network(
            options.network,
            options.weights,
            form=PictureForm(options.size[0], options.size[1], options.channels, options.fit),
            mean=options.mean,
            deviation=options.deviation,
            width=options.width,
            device=options.device or _choose_device(),
        )
    found = write_vectors(
        examples,
        network,
        options.output,
        batch_size=options.batch_size,
        half=options.half,
        leave_out=options.leave_out,
    )
    plain: Any = {"highlight": False, "markup": False, "soft_wrap": True}
    for words in found.left_out:
        console.print(f"left out: {words}", style="yellow", **plain)
    before = f" ({found.before:,} were there from before)" if found.before else ""
    numbers = "16-bit numbers" if options.half else "numbers"
    console.print(
        f"written to {options.output}: {found.count:,} vectors of {found.width:,} {numbers} by "
        f"{found.about['network']}{before}",
        **plain,
    )
    return 0


def _choose_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = make_parser("embed", __doc__, EXAMPLES)
    what = "a folder or zip archive of pictures, or a table (CSV, Parquet, Feather) with --column or --text"
    command.add_argument("input", type=Path, metavar="IMAGES", help=what)
    one = command.add_mutually_exclusive_group()
    what = "the column of a table that names the pictures, by path in --root"
    one.add_argument("--column", metavar="NAME", help=what)
    one.add_argument("--text", metavar="NAME", help="the column of a table with texts")
    command.add_argument("--key", metavar="NAME", help="the column of the keys (default: that of --column)")
    what = "folder or zip archive of the pictures that a table names (default: the table's folder)"
    command.add_argument("--root", type=Path, metavar="DIR", help=what)
    command.add_argument("--separator", default=",", metavar="C", help="between the cells of a text file (default: ,)")
    what = (
        "cnn, resnet18, resnet34, resnet152, densenet121, alexnet; RUN/TRIAL or the folder of an exported model; "
        "package.module:factory; of texts sentence or package.module:Encoder"
    )
    command.add_argument("--network", required=True, metavar="NAME", help=what)
    what = "values of the network, safetensors or what torch.save wrote; of sentence the folder of a model"
    command.add_argument("--weights", type=Path, metavar="FILE", help=what)
    what = "scales the channels of a network by name (default: 1)"
    command.add_argument("--width", type=float, default=1.0, metavar="X", help=what)
    what = "pixels of a side, or HEIGHTxWIDTH (default: 224)"
    command.add_argument("--size", type=_size, default=(224, 224), metavar="N", help=what)
    what = "3 for colours, 1 for grey (default: 3)"
    command.add_argument("--channels", type=int, choices=(1, 3), default=3, help=what)
    what = "of another form: crop to the middle, or stretch (default: crop)"
    command.add_argument("--fit", choices=("crop", "stretch"), default="crop", help=what)
    what = "of each channel, from 0 to 1 (default: those of ImageNet, .485,.456,.406)"
    command.add_argument("--mean", type=_numbers, metavar="R,G,B", help=what)
    what = "likewise (default: those of ImageNet, .229,.224,.225)"
    command.add_argument("--deviation", type=_numbers, metavar="R,G,B", help=what)
    what = "examples at a time (default: 64)"
    command.add_argument("--batch-size", type=_count, default=64, metavar="N", help=what)
    command.add_argument("--half", action="store_true", help="write vectors in 16 bits")
    command.add_argument("--device", metavar="NAME", help="as cpu or cuda (default: a GPU where there is one)")
    what = "leave out pictures that cannot be read, in place of an error when all others are done"
    command.add_argument("--leave-out", action="store_true", help=what)
    command.add_argument("--output", type=Path, required=True, metavar="FILE", help="the .npz file to write")
    return command


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and 1 <= int(side) <= 4096 for side in sides):
        raise argparse.ArgumentTypeError(f"found {text!r}; expected pixels from 1 to 4096, as in 224 or 112x96")
    return int(sides[0]), int(sides[-1])


def _numbers(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(each) for each in text.split(","))
    except ValueError:
        found = ()
    if len(found) not in (1, 3) or not all(0 <= each <= 1 for each in found):
        raise argparse.ArgumentTypeError(f"found {text!r}; expected one or three numbers from 0 to 1, as in .5,.5,.5")
    return found


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number from 1")
    return int(text)
