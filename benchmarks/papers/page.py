"""Writes docs/published.md: a summary of all papers, then every table with ours beside what was published."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from papers.by_group import METRICS
from papers.figures import draw
from papers.ledger import FRONT_COLUMNS, SECONDS, TRIALS, fronts_path, read_ledger
from papers.reasons import explain
from papers.tables import CHALLENGES, GCM, MTAF, TABLES, Table
from paretofair.statistics.intervals import Interval, seed_interval

ENOUGH = 3  # seeds: the interval of two is so wide that it holds almost anything


@dataclass(frozen=True)
class Line:
    """One number: what is printed (None where the paper has none), and ours over seeds."""

    row: str
    metric: str
    published: float | None
    ours: Interval

    @property
    def agrees(self) -> bool:
        """Whether the published number lies in our interval."""
        return self.published is not None and self.ours.low <= self.published <= self.ours.high

    @property
    def difference(self) -> float:
        """Ours less the published one."""
        return float("nan") if self.published is None else self.ours.mean - self.published

    def is_near(self, table: Table) -> bool:
        """Whether ours is as near to the published number as a plain loop of the published setting comes."""
        return abs(self.difference) <= table.near.get(self.metric, -1)

    def show_difference(self, table: Table) -> str:
        """With three digits; with four where three would say that it is as near as it may be, and it is not."""
        rounded = abs(round(self.difference, 3)) <= table.near.get(self.metric, -1)
        return f"{self.difference:+.{3 if rounded == self.is_near(table) else 4}f}"


def lines(table: Table, ledger: pd.DataFrame) -> list[Line]:
    """Every number of a table that enough seeds have, in the order of the published ones, then the others."""
    known = ledger[~ledger["metric"].isin([TRIALS, SECONDS])]
    ours = {key: seed_interval(own["value"]) for key, own in known.groupby(["row", "metric"], sort=False)}
    order = dict.fromkeys([*table.published, *ours])
    found = [Line(*key, table.published.get(key), ours[key]) for key in order if key in ours]
    return [line for line in found if line.ours.runs >= ENOUGH]


def write_page(page: Path, results: Path) -> None:
    """Fills the marked parts of the page from the ledgers: `<!-- summary -->` and `<!-- table: NAME -->`, each up to
    the next `<!-- end -->`."""
    ledgers = {name: read_ledger(results / f"{name}.csv") for name in TABLES}
    parts = {"summary": summarise(ledgers)}
    parts |= {f"table: {name}": show_table(table, ledgers[name]) for name, table in TABLES.items()}
    for name in TABLES:
        fronts = read_ledger(fronts_path(results / f"{name}.csv"), FRONT_COLUMNS)
        if len(fronts):
            figure = page.parent / "figures" / f"published_{name}.png"
            caption = draw(fronts, figure)
            parts[f"table: {name}"] += f"\n\n![Fronts of {name}](figures/{figure.name})\n\n*{caption}*"

    def fill(marker: re.Match[str]) -> str:
        return f"<!-- {marker[1]} -->\n\n{parts[marker[1]]}\n\n<!-- end -->"

    page.write_text(re.sub(r"<!-- (summary|table: \S+) -->.*?<!-- end -->", fill, page.read_text(), flags=re.DOTALL))


def summarise(ledgers: Mapping[str, pd.DataFrame]) -> str:
    """How many published numbers lie in our intervals, by paper and by table, and what does not reproduce and why."""
    heading = ["", "published", "run", "in our interval", "in it or near", "seeds", "seconds of two cores"]
    rows = []
    for paper in (GCM, MTAF, CHALLENGES):
        tables = [table for table in TABLES.values() if table.paper == paper]
        own = [_count(table, ledgers[table.name]) for table in tables]
        seconds = [two_cores(ledgers[table.name]) for table in tables]
        rows.append(
            [
                f"**{paper}**",
                *(f"**{sum(column)}**" for column in zip(*own, strict=True)),
                "",
                f"**{sum(seconds):,.0f}**",
            ]
        )
        for table, counts, spent in zip(tables, own, seconds, strict=True):
            seeds = span(seeds_by_row(ledgers[table.name]))
            rows.append([table.title, *(counts if table.published else ("–",) * 4), seeds, f"{spent:,.0f}"])
    missed = "\n".join(_tell_missed(ledgers))
    told = f"What lies neither in our interval nor near:\n\n{missed}" if missed else ""
    return f"{markdown(heading, rows)}\n\n{told}".rstrip()


def _count(table: Table, ledger: pd.DataFrame) -> tuple[int, int, int, int]:
    """Published numbers, those that were run, those that lie in our interval, and those that do or are near."""
    own = [line for line in lines(table, ledger) if line.published is not None]
    near = [line for line in own if line.agrees or line.is_near(table)]
    return len(table.published), len(own), sum(line.agrees for line in own), len(near)


def _tell_missed(ledgers: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """A line of a list for each reason why numbers of a table lie elsewhere, and by how much."""
    for table in TABLES.values():
        by_reason: dict[str, list[str]] = {}
        for line in lines(table, ledgers[table.name]):
            if line.published is not None and not line.agrees and not line.is_near(table):
                words = f"{line.row} {line.metric} ({line.show_difference(table)})"
                by_reason.setdefault(explain(table.name, line.row, line.metric), []).append(words)
        for reason, words in by_reason.items():
            yield f"- {table.paper}, {table.title}: {', '.join(words)}. {reason}"


def show_table(table: Table, ledger: pd.DataFrame) -> str:
    """A table with its notes and the size of its runs, in Markdown."""
    if not lines(table, ledger):
        seeds = f"{span(seeds_by_row(ledger))} seeds so far, of {ENOUGH} that an interval takes"
        return f"{seeds if len(ledger) else 'Not run yet'}: `python benchmarks/published.py --only {table.name}`."
    body = "\n\n".join(_by_group(table, ledger) if table.form == "by_group" else _by_row(table, ledger))
    trials = ledger[ledger["metric"] == TRIALS]["value"]
    a_unit = f"{span(trials.astype(int))} trials" if trials.max() > 1 else "One training"
    size = f"{a_unit} for each method and seed, {span(seeds_by_row(ledger))} seeds"
    return (
        f"{body}\n\n{size}; {two_cores(ledger):,.0f} seconds of two cores, single-task models and tuning not counted."
    )


def _by_row(table: Table, ledger: pd.DataFrame) -> Iterator[str]:
    """One line for each number, and the reasons of those that disagree below."""
    notes: dict[str, int] = {}
    rows = []
    for line in lines(table, ledger):
        published, difference, mark = "–", "", ""
        if line.published is not None:
            published, difference = f"{line.published:.3f}", line.show_difference(table)
            mark = "✓" if line.agrees else "≈" if line.is_near(table) else ""
            if not line.agrees:
                reason = explain(table.name, line.row, line.metric)
                mark += f" [{notes.setdefault(reason, len(notes) + 1)}]"
        between = f"{line.ours.low:.3f} to {line.ours.high:.3f}"
        ours = [f"{line.ours.mean:.3f}", between, str(line.ours.runs)]
        rows.append([line.row, line.metric, published, *ours, difference, mark.strip()])
    yield markdown(["", "", "published", "ours", "95 %", "seeds", "difference", ""], rows)
    if notes:
        yield "\n".join(f"[{number}] {reason}  " for reason, number in notes.items()).rstrip()


def _by_group(table: Table, ledger: pd.DataFrame) -> Iterator[str]:
    """The form of Tables 8 to 11: areas under the ROC curve of both groups and their gap on every split; then what the
    penalties themselves are on every split."""
    means = ledger.groupby(["method", "metric"], sort=False)["value"].mean()
    tasks = [name.removeprefix("test_error_") for name in ledger["metric"].unique() if name.startswith("test_error_")]
    splits, known = ("train", "validation", "test"), set(ledger["method"])
    methods = [method for method in table.methods if method in known]
    heading = ["", "", *(f"{split} {column}" for split in splits for column in ("first", "second", "gap"))]
    rows = []
    for method in methods:
        of_tasks = []
        for task in tasks:
            names = [f"{split}_{part}_{task}" for split in splits for part in ("auc_first", "auc_second", "auc_gap")]
            of_tasks.append([means[method, name] for name in names])
            rows.append([method, task, *(f"{value:.3f}" for value in of_tasks[-1])])
        average = pd.DataFrame(of_tasks).mean()
        rows.append([method, "average", *(f"{value:.3f}" for value in average)])
    yield markdown(heading, rows)
    penalties = [name for name in METRICS if not name.startswith("auc")]
    rows = []
    for name in penalties:
        for method in methods:
            if method.startswith((name, "vanilla")):
                of_splits = [pd.Series([means[method, f"{split}_{name}_{task}"] for task in tasks]) for split in splits]
                rows.append([name, method, *(f"{values.mean():.4f}" for values in of_splits)])
    yield markdown(["penalty", "trained by", *splits], rows)


def markdown(heading: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    lines_of = [list(map(str, heading)), ["---"] * len(list(heading)), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines_of)


def seeds_by_row(ledger: pd.DataFrame) -> pd.Series:
    """Seeds of each method."""
    return ledger[ledger["metric"] == TRIALS].groupby("method").size()


def two_cores(ledger: pd.DataFrame) -> float:
    """Seconds that two cores train for: of each method the median of its seeds, as the trials themselves were timed,
    times the number of seeds. Seeds that were trained beside other work would make a sum too large."""
    of_methods = ledger[ledger["metric"] == SECONDS].groupby("method")["value"]
    return float((of_methods.median() * of_methods.size()).sum() / 2)


def span(values: pd.Series) -> str:
    """`10`, or `8 to 10`; `0` of none.

    >>> span(pd.Series([8, 10])), span(pd.Series([3, 3])), span(pd.Series([], dtype=int))
    ('8 to 10', '3', '0')
    """
    ends = (values.min(), values.max()) if len(values) else (0,)
    return " to ".join(str(value) for value in dict.fromkeys(ends))
