"""How often intervals hold the truth and tests find what is there: every interval and test that reports print.

    python benchmarks/simulations.py            # some minutes; writes benchmarks/results/simulations.json
    python benchmarks/simulations.py --quick    # a tenth of the draws, written nowhere

Seeds are drawn from a normal and a skewed distribution. Rows have a group and a score of their own, which the models of
several seeds share but for noise of their own (they agree on most rows); a model decides by a threshold for each group,
so that the true rates are known. Every number is the share of simulated runs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe
from scipy.special import ndtri

from paretofair.statistics.comparison import count_needed_seeds, find_leader, holm, paired_comparison
from paretofair.statistics.gaps import compare_with_null, gap_interval, relative_interval
from paretofair.statistics.intervals import bootstrap_interval, mean_interval, seed_interval
from paretofair.statistics.resampling import permute_groups, resample_rows

RESULTS = Path(__file__).parent / "results" / "simulations.json"
SEEDS = (3, 5, 6, 10)
SIZES = {2: (800, 1200), 4: (800, 600, 400, 200)}  # rows of one label in each group
SHARED = 0.9  # of the variance of a score that seeds have in common
RATE = 0.2
DRAWS = {
    "normal": lambda random, shape: random.normal(size=shape),
    "skewed": lambda random, shape: random.exponential(size=shape) - 1,
}

Row = dict[str, Any]


def main() -> None:
    """Runs all simulations and prints their tables."""
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("--quick", action="store_true", help="a tenth of the draws")
    scale = 0.1 if command.parse_args().quick else 1.0
    begun, found = time.perf_counter(), {}
    for name, (simulate, runs) in SIMULATIONS.items():
        found[name] = simulate(int(runs * scale))
        print(f"\n{name} ({int(runs * scale):,} runs)")
        for row in found[name]:
            print("  " + ", ".join(f"{key} {_round(value)}" for key, value in row.items()))
    if scale == 1:
        runs = {name: each for name, (_, each) in SIMULATIONS.items()}
        whole = {"machine": describe(), "seconds": round(time.perf_counter() - begun), "runs": runs, **found}
        RESULTS.write_text(json.dumps(whole, indent=1, default=_round) + "\n")


def intervals_over_seeds(runs: int) -> list[Row]:
    """Coverage of the 95 % interval of a mean over seeds: the one that is shown, and both that it could be."""
    rows = []
    for shape, draw in DRAWS.items():
        for seeds in SEEDS:
            samples = draw(np.random.default_rng(0), (runs, seeds))
            row = {"values": shape, "seeds": seeds}
            for name, find in (("shown", seed_interval), ("t", mean_interval), ("bootstrap", bootstrap_interval)):
                options = {} if find is mean_interval else {"resamples": 1000}
                row[name] = np.mean([each.low <= 0 <= each.high for each in (find(own, **options) for own in samples)])
            rows.append(row)
    return rows


def tests_of_pairs(runs: int) -> list[Row]:
    """How often a sign-flip test over seeds gives .05 or less, of one pair, and of any of three by Holm, where means
    differ by so many deviations; and how often a method is printed bold among three."""
    rows = []
    for effect in (0.0, 1.0, 2.0):
        for seeds in SEEDS:
            methods = np.random.default_rng(1).normal(size=(runs, 3, seeds))
            methods[:, 0] -= effect
            p_values = np.array([[_p_value(own[i], own[j]) for i, j in ((0, 1), (0, 2), (1, 2))] for own in methods])
            adjusted = np.array([holm(each) for each in p_values])
            # Where the first differs, the third pair alone is without a difference.
            of_holm = adjusted.min(1) if effect == 0 else adjusted[:, :2].min(1)
            row = {"effect": effect, "seeds": seeds, "one pair": np.mean(p_values[:, 0] <= 0.05)}
            rows.append(
                row | {"three, Holm": np.mean(of_holm <= 0.05), "bold": np.mean([_leads(own) for own in methods])}
            )
    return rows


def seeds_needed(runs: int) -> list[Row]:
    """The power of the sign-flip test with as many seeds as `count_needed_seeds` says, for the true difference."""
    rows = []
    for effect in (0.7, 1.0, 1.5):
        # Differences of two methods whose deviations are 1 deviate by the root of 2.
        known = np.tile([-1.0, 1.0], 500) * np.sqrt(999 / 1000 * 2) + effect
        seeds = int(count_needed_seeds(known))
        pairs = np.random.default_rng(2).normal(size=(runs, 2, seeds))
        power = np.mean([_p_value(own[0] + effect, own[1]) <= 0.05 for own in pairs])
        rows.append({"effect": effect, "seeds needed": seeds, "power": power})
    return rows


def tests_of_gaps(runs: int) -> list[Row]:
    """How often a gap of single-task models is resolved (p at most .05): where there is none, and where two groups
    differ by `detectable`. For two groups beside it how often Student's interval of the signed gap over seeds leaves
    out 0, where there is none: it looks at the same rows every time."""
    rows = []
    for groups, sizes in SIZES.items():
        for seeds in SEEDS:
            random, level = np.random.default_rng(3), np.full(groups, RATE)
            none = [decide(random, sizes, np.tile(level, (seeds, 1))) for _ in range(runs)]
            tested = [_test_gap(counts) for counts in none]
            # The two smallest groups, whose difference is known worst.
            apart = level.copy()
            apart[np.argmin(sizes)] += np.mean([each.detectable for each in tested])
            there = [_test_gap(decide(random, sizes, np.tile(apart, (seeds, 1)))) for _ in range(runs)]
            row = {"groups": groups, "seeds": seeds, "size": np.mean([each.p_value <= 0.05 for each in tested])}
            row["power at detectable"] = np.mean([each.p_value <= 0.05 for each in there])
            if groups == 2:
                signed = [mean_interval(-np.diff(_rates(counts))[:, 0]) for counts in none]
                row["size of signed t"] = np.mean([each.low > 0 or each.high < 0 for each in signed])
            rows.append(row)
    return rows


def intervals_of_gaps(runs: int) -> list[Row]:
    """Coverage of the interval of a gap over rows, beside that of percentiles of resampled gaps."""
    rows = []
    for groups, sizes in SIZES.items():
        for gap in (0.0, 0.03, 0.1):
            random, held = np.random.default_rng(4), np.zeros((runs, 2), dtype=bool)
            rates = _spread(groups, gap)
            for run in range(runs):
                counts = decide(random, sizes, rates[None])
                drawn = _rates(resample_rows(counts, resamples=1000, seed=run))[:, 0]
                own = _rates(counts)[0]
                low, high = gap_interval(np.ptp(own), np.ptp(drawn - own, axis=-1))
                held[run] = low <= gap <= high, _hold(np.ptp(drawn, axis=-1), gap)
            rows.append({"groups": groups, "gap": gap, "shown": held[:, 0].mean(), "percentiles": held[:, 1].mean()})
    return rows


def intervals_of_relative_gaps(runs: int) -> list[Row]:
    """Coverage of the interval of ARFG over two tasks, and how often it has an upper end, beside percentiles of
    resampled ratios. Models of the points and single-task models share the scores of rows, which the program does not
    know."""
    rows = []
    for groups, sizes in SIZES.items():
        for seeds in SEEDS:
            for gap, single in ((0.0, 0.1), (0.05, 0.1), (0.1, 0.05)):
                random, held = np.random.default_rng(5), np.zeros((runs, 3), dtype=bool)
                rates = np.stack([_spread(groups, gap), *[_spread(groups, single)] * seeds])
                for run in range(runs):
                    tasks = [decide(random, sizes, rates) for _ in range(2)]
                    held[run] = _hold_relative(tasks, gap / single, run)
                row = {"groups": groups, "seeds": seeds, "gap": gap, "single-task gap": single}
                rows.append(row | dict(zip(("shown", "bounded", "percentiles"), held.mean(0), strict=True)))
    return rows


def decide(random: np.random.Generator, sizes: tuple[int, ...], rates: np.ndarray) -> np.ndarray:
    """Counts `(models, groups, 2)` of models with these rates `(models, groups)` on rows that all of them see."""
    counts = []
    for group, size in enumerate(sizes):
        scores = np.sqrt(SHARED) * random.normal(size=size)
        scores = scores + np.sqrt(1 - SHARED) * random.normal(size=(len(rates), size))
        positive = (scores > ndtri(1 - rates[:, group])[:, None]).sum(1)
        counts.append(np.stack([size - positive, positive], -1))
    return np.stack(counts, 1)


def _hold_relative(tasks: list[np.ndarray], truth: float, seed: int) -> tuple[bool, bool, bool]:
    gaps, single, off, off_single, drawn_ratios, floors = [], [], [], [], [], []
    for place, counts in enumerate(tasks):
        own, alone = counts[:1], counts[1:]
        drawn = _rates(resample_rows(own, resamples=1000, seed=[seed, place, 0]))
        of_alone = _rates(resample_rows(alone, resamples=1000, seed=[seed, place, 1]))
        gaps.append(np.ptp(_rates(own), axis=-1)[0])
        single.append(np.ptp(_rates(alone), axis=-1).mean())
        off.append(np.ptp(drawn - _rates(own), axis=-1)[:, 0])
        off_single.append(np.ptp(of_alone - _rates(alone), axis=-1).mean(-1))
        drawn_ratios.append(np.ptp(drawn, axis=-1)[:, 0] / np.ptp(of_alone, axis=-1).mean(-1))
        floors.append(_test_gap(alone, 199).null_mean)
    low, high = relative_interval(
        np.array([gaps]), np.stack(off, -1)[:, None], single, np.stack(off_single, -1), floors
    )
    shown = bool(low[0] <= truth <= high[0])
    return shown, bool(np.isfinite(high[0])), _hold(np.mean(drawn_ratios, axis=0), truth)


def _hold(drawn: np.ndarray, truth: float) -> bool:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return bool(low <= truth <= high)


def _rates(counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts[..., 1] / counts.sum(-1))


def _spread(groups: int, gap: float) -> np.ndarray:
    """Rates from `RATE` up to a gap above it."""
    return RATE + gap * np.arange(groups) / (groups - 1)


def _test_gap(counts: np.ndarray, resamples: int = 499) -> Any:
    drawn = _rates(permute_groups(counts, resamples=resamples))
    fewest = np.argsort(counts[0].sum(-1))[:2]
    gap = np.ptp(_rates(counts), axis=-1).mean()
    return compare_with_null(gap, np.ptp(drawn, axis=-1).mean(-1), np.ptp(drawn[..., fewest], axis=-1).mean(-1))


def _p_value(a: np.ndarray, b: np.ndarray) -> float:
    return paired_comparison(a, b).p_value


def _leads(methods: np.ndarray) -> bool:
    found = [seed_interval(own, resamples=1000) for own in methods]
    return bool(find_leader([each.mean for each in found], [each.high - each.mean for each in found]).any())


def _round(value: Any) -> Any:
    return round(float(value), 3) if isinstance(value, float | np.floating) else value


SIMULATIONS: dict[str, tuple[Callable[[int], list[Row]], int]] = {
    "intervals_over_seeds": (intervals_over_seeds, 4000),
    "tests_of_pairs": (tests_of_pairs, 1000),
    "seeds_needed": (seeds_needed, 1000),
    "tests_of_gaps": (tests_of_gaps, 500),
    "intervals_of_gaps": (intervals_of_gaps, 1000),
    "intervals_of_relative_gaps": (intervals_of_relative_gaps, 400),
}

if __name__ == "__main__":
    main()
