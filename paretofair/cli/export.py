"""Saves one trial of a run as an ordinary PyTorch model, with its preprocessing and a model card; or tells how far the
near-equal models of its fronts disagree about single rows."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from paretofair.cli.program import make_parser, name_program

EXAMPLES = """
examples:
  python launch/export.py results/mtaf_lsac --trial 3f2a9c
  python launch/export.py results/mtaf_lsac --trial 3f2a9c --output models/fair
  python launch/export.py results/mtaf_lsac --rules
  python launch/export.py results/mtaf_lsac --rule knee
  python launch/export.py results/mtaf_lsac --rule "smallest arfg, are <= 0.98" --method mtaf --seed 0
  python launch/export.py results/mtaf_lsac --multiplicity
  python launch/export.py results/aux_coco --amplification
  python launch/export.py results/faces_margins --rule knee --method vanilla --embeddings faces.npz

Then, in Python:
  paretofair.load("results/mtaf_lsac/exported/3f2a9c...").predict_proba(frame)

Exit codes: 0 done, 1 a failure of the program, 2 wrong input, 130 interrupted.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    # PyTorch takes seconds to import; wrong options are told before.
    from paretofair.cli.ending import run_command

    return run_command(lambda: export(options, Console()))


def export(options: argparse.Namespace, console: Console) -> int:
    """Exports the trial and says what was written."""
    from paretofair.export import choose_trial, export_trial

    if options.multiplicity:
        from paretofair.interface.multiplicity import write_multiplicity

        path = write_multiplicity(options.run, options.objectives, data_dir=options.data_dir)
        console.print(f"written to {path}: ambiguity and discrepancy by method, seed, split and task", soft_wrap=True)
        return 0
    if options.amplification:
        from paretofair.interface.amplification_intervals import write_amplification

        path = write_amplification(options.run, options.objectives, data_dir=options.data_dir)
        words = "amplification of every point of the fronts by object, with intervals by resampled rows"
        console.print(f"written to {path}: {words}", soft_wrap=True)
        return 0
    if options.rules:
        list_rules(options, console)
        return 0
    trial = options.trial or choose_trial(options.run, options.rule, options.method, options.seed, options.objectives)
    done = export_trial(options.run, trial, options.output, data_dir=options.data_dir)
    about = done.model.about
    console.print(f"{about['method']}, seed {about['seed']}, trial {about['trial_id']}", highlight=False)
    if about["source"] == "simulated":
        console.print("SIMULATED data: this model says nothing about real people.", style="bold yellow")
    how = "trained again: the run had not kept its weights" if done.retrained else "weights as the run has kept them"
    if done.difference == 0:
        agree = "its metrics are those of the table, bit for bit"
    else:
        agree = f"its metrics differ from those of the table by {done.difference:.2g} at most"
    console.print(f"{how}; {agree}", highlight=False, soft_wrap=True)
    console.print(f"written to {done.folder}: model.json, weights.pt, README.md", highlight=False, soft_wrap=True)
    if options.embeddings is not None:
        from paretofair.interface.features import write_features

        number, width = write_features(options.run, done.model, options.embeddings, options.data_dir)
        console.print(f"{number:,} vectors of {width} numbers written to {options.embeddings}", soft_wrap=True)
    return 0


def list_rules(options: argparse.Namespace, console: Console) -> None:
    """Prints every rule with the trial that it takes from all frontiers, or those of one method or seed."""
    from paretofair.analysis.results import Results
    from paretofair.analysis.rules import OF_ANY_SET, RULES
    from paretofair.errors import RunError
    from paretofair.export import check_fronts, choose_trial, find_objectives

    results = Results(options.run)
    of = find_objectives(results, options.objectives)
    check_fronts(results, of, options.method, options.seed)
    named = results.objective_set(of).names
    examples = [] if of == "arfg_are" else [f"best {named[-1]}, {named[0]} <= NUMBER"]
    trials = results.trials.set_index("trial_id")
    table = Table("rule", "method", "seed", "trial", *(f"{name} on test" for name in named), box=box.SIMPLE)
    for rule in (*(RULES if of == "arfg_are" else OF_ANY_SET), *examples):
        try:
            row = trials.loc[choose_trial(results, rule, options.method, options.seed, of)]
        except RunError:  # no point keeps its bound, or it has a number to fill in
            table.add_row(rule)
            continue
        values = [f"{row[f'test_{name}']:.4f}" for name in named]
        table.add_row(rule, str(row["method"]), str(row["seed"]), str(row.name), *values)
    console.print(table)
    console.print(f"{name_program('export')} {options.run} --rule RULE saves one.", markup=False, highlight=False)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = make_parser("export", __doc__, EXAMPLES)
    command.add_argument("run", type=Path, metavar="RUN", help="results folder of a sweep")
    what = "the trial_id (frontiers/all.csv, report.html), or how it begins"
    one = command.add_mutually_exclusive_group(required=True)
    one.add_argument("--trial", metavar="ID", help=what)
    what = "a rule of tables/selected.csv: knee, midpoint, 'smallest arfg, are <= 1', 'smallest 2 arfg + are'"
    one.add_argument("--rule", metavar="RULE", help=what)
    one.add_argument("--rules", action="store_true", help="list the rules, and what each takes of all frontiers")
    what = "how far the points of each front whose errors are within .01 of the smallest disagree: multiplicity.csv"
    one.add_argument("--multiplicity", action="store_true", help=what)
    what = "bias amplification of the points of each front, with intervals by resampled rows: amplification.csv"
    one.add_argument("--amplification", action="store_true", help=what)
    what = "but for --trial: the set of objectives whose frontier it is (default: the first one)"
    command.add_argument("--objectives", metavar="NAME", help=what)
    command.add_argument(
        "--method", metavar="NAME", help="with --rule or --rules: whose frontier (default: of all methods)"
    )
    command.add_argument(
        "--seed", type=int, metavar="N", help="with --rule or --rules: of which seed (default: of all)"
    )
    what = "folder to write (default: RUN/exported/ID)"
    command.add_argument("--output", type=Path, metavar="DIR", help=what)
    what = "of a model of identities: its features of every picture, as inputs that stay as they are (.npz)"
    command.add_argument("--embeddings", type=Path, metavar="FILE", help=what)
    command.add_argument("--data-dir", type=Path, metavar="DIR", help="where the real data sets are looked for first")
    return command
