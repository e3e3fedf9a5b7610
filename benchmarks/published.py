"""The tables of the papers beside ours, at a stated budget, ten seeds each.

    PARETOFAIR_DATA=... python benchmarks/published.py [--only mtaf_lsac,gcm_adult] [--budget 1] [--runs FOLDER]
    python benchmarks/published.py --page

Runs each space file of `EXPERIMENTS` with its number of draws times `--budget`, after saying how long it will train;
runs stay in `--runs`, and the same command goes on from them. Then writes benchmarks/results/published.csv: one row per
published number with ours, the 95 % interval of the mean over seeds, and whether the published number lies in it; and
from that alone the tables of docs/published.md, between their markers. `--page` does only the last.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "published.md"

from machine import describe  # noqa: E402

from paretofair.analysis.relative import baselines, with_relative  # noqa: E402
from paretofair.cluster.connection import WORKER_ENVIRONMENT  # noqa: E402
from paretofair.results import TrialTable  # noqa: E402
from paretofair.runs.build import build_experiment  # noqa: E402
from paretofair.runs.packs import Pack, as_trials  # noqa: E402
from paretofair.runs.run import RunOptions, load_splits  # noqa: E402
from paretofair.runs.stages import Context, packs_ahead  # noqa: E402
from paretofair.space.method_space import MethodSpace  # noqa: E402
from paretofair.space.space import Space, load_space  # noqa: E402
from paretofair.statistics.intervals import mean_interval  # noqa: E402
from paretofair.training import DeviceData, to_device, train_pack  # noqa: E402

# Draws per method and seed at budget 1.
EXPERIMENTS = {
    "mtaf_lsac": 24,
    "mtaf_adult": 8,
    "mtaf_german": 64,
    "mtl_adult": 0,
    "gcm_adult": 6,
    "gcm_compas": 16,
    "gcm_layers_adult": 1,
    "gcm_matching_adult": 1,
}
# The published learning rate and epochs, for every method alike.
TUNED = {"mtaf_lsac": (0.08, 60), "mtaf_adult": (0.02, 40), "mtaf_german": (0.06, 20)}
WIDTH = 32  # trials of the packs that are timed, at most


class Number(NamedTuple):
    """A published number: where it stands, what it is called there, and what it is."""

    table: str
    row: str
    metric: str
    published: float


MTAF_TABLE_3 = {
    "mtaf_adult": {"vanilla": (0.3444, 1.1040), "per_task": (0.0871, 1.1032), "mtaf": (0.0437, 1.0820)},
    "mtaf_german": {"vanilla": (0.1336, 0.8367), "per_task": (0.0999, 0.8356), "mtaf": (0.0364, 0.8264)},
    "mtaf_lsac": {"vanilla": (0.3497, 0.9778), "per_task": (0.1126, 0.9864), "mtaf": (0.0310, 0.9731)},
}
# Error and gap of the first task, then of the second.
MTAF_TABLE_4 = {
    "mtaf_adult": {
        "vanilla": (0.1911, 0.0715, 0.1359, 0.0091),
        "per_task": (0.1938, 0.0186, 0.1336, 0.0020),
        "mtaf": (0.1891, 0.0083, 0.1319, 0.0016),
    },
    "mtaf_german": {
        "vanilla": (0.205, 0.0150, 0.220, 0.0084),
        "per_task": (0.255, 0.0879, 0.180, 0.0069),
        "mtaf": (0.200, 0.0033, 0.220, 0.0034),
    },
    "mtaf_lsac": {
        "vanilla": (0.1555, 0.0503, 0.1565, 0.0004),
        "per_task": (0.1568, 0.0119, 0.1580, 0.0006),
        "mtaf": (0.1540, 0.0015, 0.1565, 0.0004),
    },
}
TASKS = {
    "mtaf_adult": ("income", "capital_gain"),
    "mtaf_german": ("good_loan", "high_credit"),
    "mtaf_lsac": ("high_grade", "pass_bar"),
}
# Table 1b: error and gap, alone and together.
MTL_TABLE_1B = {
    "income": {"single": (0.1659, 0.1200), "multi": (0.1656, 0.1205)},
    "capital_gain": {"single": (0.1313, 0.0661), "multi": (0.1299, 0.0738)},
}
# Average precision and minus the sum of the two gaps.
GCM_FIXED = {
    "gcm_adult": ("Figure 4, Adult", {"vanilla": (0.778, -0.096), "oversample": (0.762, -0.140)}),
    "gcm_layers_adult": (
        "Table 2",
        {
            "weight_0": (0.759, -0.118),
            "bias_0": (0.759, -0.058),
            "weight_1": (0.747, -0.079),
            "bias_1": (0.755, -0.070),
            "weight_0_1": (0.749, -0.090),
        },
    ),
    "gcm_matching_adult": (
        "Tables 3 and 4",
        {
            "iga_1": (0.765, -0.095),
            "iga_2": (0.771, -0.121),
            "iga_10": (0.755, -0.103),
            "direct_0p3": (0.750, -0.130),
            "direct_0p5": (0.748, -0.106),
            "direct_0p8": (0.738, -0.071),
            "direct_1": (0.732, -0.061),
        },
    ),
}
# The fairest point of a curve: the sum of gaps at this average precision.
GCM_CURVES = {"eor": (0.747, -0.051), "gcm_2": (0.751, -0.033)}
COMPAS_GAPS = {"vanilla": -0.383, "oversample": -0.038}


def main() -> None:
    """Runs what is missing, compares, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(EXPERIMENTS), metavar="A,B", help="only these experiments")
    parser.add_argument("--budget", type=float, default=1, help="times the draws of EXPERIMENTS")
    parser.add_argument("--seeds", type=int, default=10, metavar="N")
    parser.add_argument("--runs", type=Path, default=ROOT / "results" / "published", metavar="FOLDER")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="elsewhere, and no page")
    parser.add_argument("--page", action="store_true", help="only the tables of docs/published.md")
    options = parser.parse_args()
    if not options.page:
        if any(os.environ.get(name) != value for name, value in WORKER_ENVIRONMENT.items()):
            # What is timed here is to take as long as in a worker.
            os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | WORKER_ENVIRONMENT)
        names = options.only.split(",")
        write_results(names, options.budget, options.seeds, options.runs, options.results)
    if options.page or options.results == RESULTS:
        PAGE.write_text(with_tables(PAGE.read_text(), pd.read_csv(RESULTS / "published.csv")))
        print(f"written: {PAGE}")


def write_results(names: list[str], budget: float, seeds: int, runs: Path, results: Path) -> None:
    """Runs the experiments `names` and puts their rows into published.csv, their times into published.json."""
    rows, seconds = [], {}
    for name in names:
        draws = max(int(EXPERIMENTS[name] * budget), min(EXPERIMENTS[name], 1))
        seconds[name] = run(name, draws, seeds, runs / name)
        rows += list(compare_settings(name, runs / name, draws))
        print(f"{name}: {draws} draws per method and seed, {seconds[name]} s")
    table = pd.DataFrame(rows)
    results.mkdir(parents=True, exist_ok=True)
    target, times = results / "published.csv", results / "published.json"
    if target.exists():
        before = pd.read_csv(target)
        table = pd.concat([before[~before["experiment"].isin(names)], table], ignore_index=True)
    table.to_csv(target, index=False, float_format="%.4f")
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    known = json.loads(times.read_text())["seconds"] if times.exists() else {}
    times.write_text(json.dumps({"machine": describe(), "seconds": known | seconds}, indent=1) + "\n")


def run(name: str, draws: int, seeds: int, folder: Path) -> int:
    """Trains a space at this size; the seconds that it took."""
    file = ROOT / "search_spaces" / f"{name}.yaml"
    settings = ["stages.confirm=null", f"stages.sweep.trials={draws}", f"seeds={list(range(seeds))}"]
    if name in TUNED:
        rate, epochs = TUNED[name]
        settings += ["points=[]", f"parameters.learning_rate={rate}", f"parameters.epochs={epochs}"]
    print(f"{name}: {estimate_work(load_space(file, settings), folder)}", flush=True)
    command = [sys.executable, str(ROOT / "launch" / "sweep.py"), "--space", str(file), "--output", str(folder)]
    command += ["--require-real-data", *(word for each in settings for word in ("--set", each))]
    start = time.time()
    subprocess.run(command, check=True)
    return round(time.time() - start)


def estimate_work(space: Space, folder: Path) -> str:
    """How many trials are missing and about how long they will take: one small pack of every method is timed."""
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)  # the run itself will say it
    splits = load_splits(space, RunOptions(folder, [], require_real_data=True))
    first = splits.of(space.seeds[0])
    data = to_device(first, space.baselines.sensitive, torch.device("cpu"), torch.float32)
    finished = set(TrialTable(folder).read()["trial_id"])
    context = Context(space, list(space.methods), splits)
    packs = [pack.without(finished) for pack in packs_ahead(context)]
    missing: dict[str, list[Pack]] = {}
    for pack in packs:
        if len(pack):
            missing.setdefault(pack.method, []).append(pack)
    seconds = 0.0
    for method, own in missing.items():
        view = space.method(method) if method in space.methods else space.baselines
        small = max(own, key=len)
        small = small.take(np.arange(min(len(small), WIDTH)))
        one, three = (seconds_of(small, epochs, view, data) for epochs in (1, 3))
        for pack in own:
            a_trial = one + (three - one) / 2 * (pack.values["epochs"].mean() - 1)
            seconds += a_trial * len(pack) / len(small)
    cores = os.cpu_count() or 1
    trials = sum(len(pack) for own in missing.values() for pack in own)
    return f"{trials} trials to train, about {seconds / cores:.0f} s of {cores} cores; start and exports come on top"


def seconds_of(pack: Pack, epochs: int, space: MethodSpace, data: DeviceData) -> float:
    """Training and evaluation of a pack cut to so many epochs, on one core, uncompiled."""
    experiment = build_experiment(space, data, compiled=False)
    short = replace(pack, values=pack.values | {"epochs": np.full(len(pack), epochs)})
    trials = as_trials(short, data.tasks, type(experiment.method))
    start = time.perf_counter()
    for _ in train_pack(experiment, trials, width=len(pack)):
        pass
    return time.perf_counter() - start


def compare_settings(name: str, folder: Path, draws: int) -> Iterator[dict[str, object]]:
    """Each published number of an experiment beside ours."""
    for number, values in numbers(name, folder):
        found = mean_interval(values.to_numpy(float))
        yield {
            "experiment": name,
            **number._asdict(),
            "ours": found.mean,
            "low": found.low,
            "high": found.high,
            "seeds": found.runs,
            "draws": draws,
            "agrees": bool(found.low <= number.published <= found.high),
        }


def numbers(name: str, folder: Path) -> Iterator[tuple[Number, pd.Series]]:
    """Published numbers with ours, one for each seed."""
    table = TrialTable(folder)
    rows = table.read()
    trials = with_relative(rows, baselines(rows, TASKS[name]), TASKS[name])
    if name in MTAF_TABLE_3:
        chosen = choose_points(folder, trials)
        for method, (arfg, are) in MTAF_TABLE_3[name].items():
            own = chosen[chosen["method"] == method]
            yield Number("MTA-F Table 3", method, "arfg", arfg), own["test_arfg"]
            yield Number("MTA-F Table 3", method, "are", are), own["test_are"]
        for method, values in MTAF_TABLE_4[name].items():
            own = chosen[chosen["method"] == method]
            for task, error, gap in zip(TASKS[name], values[::2], values[1::2], strict=True):
                yield Number("MTA-F Table 4", method, f"error_{task}", error), own[f"test_error_{task}"]
                yield Number("MTA-F Table 4", method, f"fpr_gap_{task}", gap), own[f"test_fpr_gap_{task}"]
    elif name == "mtl_adult":
        alone, together = trials[trials["stage"] == "baselines"], trials[trials["stage"] == "points"]
        for task, published in MTL_TABLE_1B.items():
            for row, runs in (("single", alone[alone[f"task_weight_{task}"] == 1]), ("multi", together)):
                for metric, value in zip(("error", "fpr_gap"), published[row], strict=True):
                    yield Number("MTA-F Table 1b", row, f"{metric}_{task}", value), runs[f"test_{metric}_{task}"]
    else:
        yield from of_gcm(name, trials[trials["stage"] == "sweep"])


def choose_points(folder: Path, trials: pd.DataFrame) -> pd.DataFrame:
    """The midpoint of every method and seed."""
    from paretofair.analysis.results import ReportSettings, Results
    from paretofair.analysis.rules import MIDPOINT, select_trials

    chosen = select_trials(Results.of(trials, ReportSettings()), [MIDPOINT])
    return trials.set_index("trial_id").loc[chosen["trial_id"]]


def of_gcm(name: str, trials: pd.DataFrame) -> Iterator[tuple[Number, pd.Series]]:
    """Hard and soft gaps: the paper does not say which."""
    task = "two_year_recid" if name == "gcm_compas" else "income"
    for split in ("validation", "test"):
        for kind in ("", "soft_"):
            gaps = trials[f"{split}_{kind}fpr_gap_{task}"] + trials[f"{split}_{kind}tpr_gap_{task}"]
            trials = trials.assign(**{f"{split}_{kind}odds": -gaps})
    if name == "gcm_compas":
        for method, gap in COMPAS_GAPS.items():
            own = trials[trials["method"] == method].groupby("seed").first()
            for kind in ("", "soft_"):
                yield Number("GCM Figure 4, COMPAS", method, f"minus_{kind}odds_sum", gap), own[f"test_{kind}odds"]
        return
    where, fixed = GCM_FIXED[name]
    for method, (precision, gap) in fixed.items():
        own = trials[trials["method"] == method].groupby("seed").first()
        yield Number(f"GCM {where}", method, "average_precision", precision), own[f"test_average_precision_{task}"]
        for kind in ("", "soft_"):
            yield Number(f"GCM {where}", method, f"minus_{kind}odds_sum", gap), own[f"test_{kind}odds"]
    if name != "gcm_adult":
        return
    for method, (precision, gap) in GCM_CURVES.items():
        own = trials[trials["method"] == method]
        for kind in ("", "soft_"):
            # The fairest trial of each seed with at least the published precision; validation chooses.
            able = own[own[f"validation_average_precision_{task}"] >= precision]
            best = able.loc[able.groupby("seed")[f"validation_{kind}odds"].idxmax()]
            row = f"{method}, average precision >= {precision} on validation"
            yield Number(f"GCM {where}", row, f"minus_{kind}odds_sum", gap), best[f"test_{kind}odds"]
            name_of = f"average_precision at best {kind}odds_sum"
            yield Number(f"GCM {where}", row, name_of, precision), best[f"test_average_precision_{task}"]


def with_tables(text: str, table: pd.DataFrame) -> str:
    """The page `text` with its tables made anew from the rows of published.csv.

    A table stands between `<!-- table: EXPERIMENTS -->` and `<!-- end -->`, its experiments separated by commas.
    """

    def fill(marker: re.Match[str]) -> str:
        return f"<!-- table: {marker[1]} -->\n\n{page_table(marker[1].split(','), table)}\n\n<!-- end -->"

    return re.sub(r"<!-- table: (\S+) -->.*?<!-- end -->", fill, text, flags=re.DOTALL)


def page_table(names: Sequence[str], table: pd.DataFrame) -> str:
    """The rows of these experiments, and the size of their runs, in Markdown."""
    own = pd.concat([table[table["experiment"] == name] for name in names])
    if own.empty:
        return f"Not run yet: `python benchmarks/published.py --only {','.join(names)}`."
    lines = ["| | | published | ours | difference | 95 % |", "|---|---|---|---|---|---|"]
    for row in own.itertuples():
        between = f"{row.low:.3f} to {row.high:.3f}" + (" ✓" if row.agrees else "")
        numbers = f"{row.published:.3f} | {row.ours:.3f} | {row.ours - row.published:+.3f} | {between}"
        lines.append(f"| {row.row} | {row.metric} | {numbers} |")
    draws = (
        f"Draws per method and seed: {span(own['draws'])}" if own["draws"].any() else "No draws, one training a seed"
    )
    return "\n".join([*lines, "", f"{draws}. Seeds: {span(own['seeds'])}."])


def span(values: pd.Series) -> str:
    """`10`, or `8 to 10`."""
    return " to ".join(str(value) for value in dict.fromkeys((values.min(), values.max())))


if __name__ == "__main__":
    main()
