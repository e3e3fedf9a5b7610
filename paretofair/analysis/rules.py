"""Rules that take one point of a frontier, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from paretofair.analysis.frontiers import candidates
from paretofair.analysis.reading.settings import ReportSettings
from paretofair.analysis.results import Results, make_once
from paretofair.metrics.constraints import Constraint, parse_constraint
from paretofair.metrics.metric import Metric
from paretofair.metrics.objectives import Objective, ObjectiveSet, parse_goal, parse_objective
from paretofair.metrics.registry import METRICS
from paretofair.pareto.fronts import non_dominated
from paretofair.pareto.selection import knee, midpoint, smallest_sum, smallest_under

ARE_BOUND = 1.0  # as good as single-task models
ARFG_BOUND = 0.5  # half of their gaps
# Of ARFG-ARE frontiers, and those that every other set has.
KNEE, MIDPOINT = "knee", "midpoint"
RULES = (
    KNEE,
    MIDPOINT,
    f"smallest arfg, are <= {ARE_BOUND:g}",
    f"smallest are, arfg <= {ARFG_BOUND:g}",
    "smallest arfg + are",
)
OF_ANY_SET = RULES[:2]
_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_NAME = r"[A-Za-z_]\w*"
_WORD = "(smallest|largest|best)"
_BOUNDED = re.compile(rf"{_WORD} ({_NAME}), (.+)")
_SUM = re.compile(rf"{_WORD} ((?:{_NUMBER} )?{_NAME}(?: \+ (?:{_NUMBER} )?{_NAME})*)")
_WORDS = "best METRIC; best METRIC, METRIC <= NUMBER (or >=); best NUMBER METRIC + METRIC"


@dataclass(frozen=True)
class Rule:
    """Takes one point of a front.

    `reads` are the metrics that it looks at, on the split that chooses. `take(front, runs)` gives the place of the
    point, from their values `(m, reads)` of the front's points and `(n, reads)` of all trials; ValueError where no
    point keeps the rule's bound.
    """

    reads: tuple[Objective, ...]
    take: Callable[[np.ndarray, np.ndarray], int]


def default_rule(settings: ReportSettings) -> str:
    """The rule of every table, figure and audit that shows one point of each frontier.

    The knee, which follows from the frontier alone. The midpoint, which moves with the range of all trials, bad ones
    among them, is that of `protocol: paper`, as published.
    """
    return MIDPOINT if settings.protocol == "paper" else KNEE


def parse_rule(
    name: str, objectives: ObjectiveSet, tasks: Sequence[str], metrics: Mapping[str, Metric] = METRICS
) -> Rule:
    """The rule of this name for fronts under `objectives`.

    `midpoint`: the point whose last objective is nearest to the middle of its range over all trials; `knee`; `best
    error_income, fpr_gap_income <= 0.02`: the best of one metric under a bound on another, of the set or not; `best 2
    arfg + are`: the smallest weighted sum, in which maximised metrics count less than nothing; `best auc`: that of one
    metric. `smallest` says the same of metrics that are minimised, `largest` of those that are maximised.

    Raises:
        ValueError: a name that is none of these, or a metric that is none.
    """
    bounded, total = _read_bounded(name), _SUM.fullmatch(name)
    if name == MIDPOINT:
        last = objectives.objectives[-1]
        return Rule((last,), lambda front, runs: midpoint(last.metric.loss(front[:, 0]), last.metric.loss(runs[:, 0])))
    if name == KNEE:
        return Rule(objectives.objectives, lambda front, runs: knee(objectives.losses(front)))
    if bounded is not None:
        word, metric, limit = bounded
        best, limited = parse_goal(metric, tasks, metrics), parse_objective(limit.name, tasks, metrics)
        _check_word(name, word, [best])
        sign = 1 if limit.at_most else -1
        return Rule(
            (best, limited),
            lambda front, runs: smallest_under(best.metric.loss(front[:, 0]), sign * front[:, 1], sign * limit.bound),
        )
    if total is not None:
        terms = [each.split() for each in total[2].split(" + ")]
        reads = tuple(parse_goal(term[-1], tasks, metrics) for term in terms)
        _check_word(name, total[1], reads)
        weights = [float(term[0]) if len(term) > 1 else 1.0 for term in terms]
        summed = ObjectiveSet("sum", reads)
        return Rule(reads, lambda front, runs: smallest_sum(summed.losses(front), weights))
    own = objectives.names
    known = RULES if own == ["arfg", "are"] else (*OF_ANY_SET, f"best {own[0]}", f"best {own[0]}, {own[-1]} <= NUMBER")
    raise ValueError(
        f"found the rule {name!r}; accepted: {'; '.join(known)}; bounds and weights may be others, and with any "
        f"metrics: {_WORDS}, with smallest or largest in place of best"
    )


def _read_bounded(name: str) -> tuple[str, str, Constraint] | None:
    """The word, the metric and the bound on another one of `best METRIC, METRIC <= NUMBER`; None for any other rule."""
    found = _BOUNDED.fullmatch(name)
    if found is None:
        return None
    try:
        limit = parse_constraint(found[3])
    except ValueError:
        return None
    return (found[1], found[2], limit) if limit.name != found[2] else None


def _check_word(name: str, word: str, reads: Sequence[Objective]) -> None:
    for each in reads:
        direction = {"smallest": "minimised", "largest": "maximised"}.get(word)
        if direction is not None and each.metric.direction != direction:
            raise ValueError(f"found the rule {name!r}; {each.name} is {each.metric.direction}: write best")


def find_nearest_bound(
    results: Results, rule: str, of: str = "arfg_are", methods: Sequence[str] = (), seed: int | None = None
) -> str:
    """What comes nearest to the bound of a rule that no point keeps, as `error 0.17`; empty where the rule has none."""
    bounded = _read_bounded(rule)
    if bounded is None:
        return ""
    limit = bounded[2]
    found = parse_objective(limit.name, results.tasks, results.settings.metrics)
    results.derive([found])
    front, column = join_fronts(results, of, methods, seed), f"{results.settings.selected_on}_{found.name}"
    values = results.rows_of(front["trial_id"])[column].dropna()
    return "" if values.empty else f"{limit.name} {values.min() if limit.at_most else values.max():.4g}"


def select_trials(results: Results, rules: Sequence[str] = (), of: str = "arfg_are") -> pd.DataFrame:
    """The trial that each rule takes from each frontier under the set `of`, on the split that chooses.

    Columns `rule, method, seed, trial_id`; `trial_id` is None where no point keeps the rule's bound. `seed` is `all`
    where seeds are pooled. `rules` are by default all `RULES` of ARFG-ARE frontiers, those `OF_ANY_SET` of others, the
    `default_rule` first.

    Raises:
        ValueError: a rule that is none, or a metric that the table has no values of.
    """
    first = default_rule(results.settings)
    names = rules or tuple(dict.fromkeys([first, *(RULES if of == "arfg_are" else OF_ANY_SET)]))
    objectives, chosen_on, rows = results.objective_set(of), results.settings.selected_on, []
    parsed = {name: parse_rule(name, objectives, results.tasks, results.settings.metrics) for name in names}
    results.derive(each for rule in parsed.values() for each in rule.reads)
    columns = {name: [f"{chosen_on}_{each.name}" for each in rule.reads] for name, rule in parsed.items()}
    every = list(dict.fromkeys(column for own in columns.values() for column in own))
    fronts = results.fronts_of(of)
    if fronts:
        searched = candidates(results.trials, ["method", "seed", "trial_id", *every])
        values = searched.set_index("trial_id")
    for method, by_seed in fronts.items():
        runs = searched[searched["method"] == method]
        for seed, points in by_seed.items():
            own = runs if results.settings.pooled else runs[runs["seed"] == seed]
            of_points = values.loc[points["trial_id"]]
            for name, rule in parsed.items():
                try:
                    place = rule.take(of_points[columns[name]].to_numpy(float), own[columns[name]].to_numpy(float))
                    trial = points["trial_id"].iloc[place]
                except ValueError:
                    trial = None
                rows.append((name, method, seed, trial))
    order = {name: place for place, name in enumerate(names)}
    found = pd.DataFrame(rows, columns=["rule", "method", "seed", "trial_id"])
    return found.sort_values("rule", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def join_fronts(
    results: Results, of: str = "arfg_are", methods: Sequence[str] = (), seed: int | None = None
) -> pd.DataFrame:
    """The points of the frontiers under the set `of` that no point of another one beats on the split that chooses, as
    `Results.frontier` has them: of these `methods` and of this `seed`, by default of all."""
    objectives, chosen_on = results.objective_set(of), results.settings.selected_on
    fronts = [
        points
        for method, by_seed in results.fronts_of(of).items()
        for own, points in by_seed.items()
        if (not methods or method in methods) and (seed is None or own in (seed, "all"))
    ]
    if not fronts:
        return pd.DataFrame({"trial_id": []})
    points = pd.concat(fronts)
    losses = objectives.losses(points[[f"{chosen_on}_{name}" for name in objectives.names]].to_numpy(float))
    return points[non_dominated(losses)].reset_index(drop=True)


def choose_among_all(
    results: Results, rule: str, of: str = "arfg_are", methods: Sequence[str] = (), seed: int | None = None
) -> str | None:
    """The trial that a rule takes from all frontiers under the set `of` together, those of these `methods` and of this
    `seed`, by default of all. None where no point keeps the rule's bound, or there is no point.

    Of the points of all of them those count that no other one beats, on the split that chooses.

    Raises:
        ValueError: a rule that is none, or a metric that the table has no values of.
    """
    objectives, chosen_on = results.objective_set(of), results.settings.selected_on
    parsed = parse_rule(rule, objectives, results.tasks, results.settings.metrics)
    results.derive(parsed.reads)
    front = join_fronts(results, of, methods, seed)
    if front.empty:
        return None
    columns = list(dict.fromkeys(f"{chosen_on}_{each.name}" for each in parsed.reads))
    searched = candidates(results.trials, ["method", "seed", "trial_id", *columns])
    points = searched.set_index("trial_id").loc[front["trial_id"]]
    columns = [f"{chosen_on}_{each.name}" for each in parsed.reads]
    runs = searched[searched["method"].isin(methods)] if methods else searched
    runs = runs if seed is None else runs[runs["seed"] == seed]
    try:
        place = parsed.take(points[columns].to_numpy(float), runs[columns].to_numpy(float))
    except ValueError:
        return None
    return str(points.index[place])


@make_once
def choose_points(results: Results) -> pd.DataFrame:
    """The trial that the `default_rule` takes from every frontier under the leading set: full rows of the trial table,
    one for each method and seed (for each method where seeds are pooled), with `rule`, `selected_on` and the number of
    `trials` that it was chosen from. Empty where there is no frontier."""
    settings, rule = results.settings, default_rule(results.settings)
    found = select_trials(results, [rule], results.leading)
    rows = results.rows_of(found["trial_id"]).loc[found["trial_id"].tolist()]
    keys = ["method"] if settings.pooled else ["method", "seed"]
    counts = candidates(results.trials, ["method", "seed"]).groupby(keys).size()
    trials = [counts[tuple(key) if len(keys) > 1 else key[0]] for key in found[keys].itertuples(index=False)]
    return rows.assign(rule=rule, selected_on=settings.selected_on, trials=trials).reset_index(drop=True)
