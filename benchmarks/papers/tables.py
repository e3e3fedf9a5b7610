"""The tables that are made: what is trained for each, how our numbers are read from it, and what the paper prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from papers.by_group import METRICS
from papers.numbers import (
    AP,
    GCM_COMPAS,
    GCM_EOR,
    GCM_LAYERS,
    GCM_MATCHING,
    MTL_ADULT,
    ODDS,
    PARITY,
    Published,
    mtaf_numbers,
)
from papers.ours import (
    Fronts,
    Numbers,
    read_accuracy_fronts,
    read_alone_and_together,
    read_by_group,
    read_compas,
    read_eor_ends,
    read_fronts,
    read_midpoints,
    read_points,
)
from paretofair.analysis.results import Results

GCM, MTAF, CHALLENGES = "Group contribution matching", "MTA-F", "Technical challenges"


@dataclass(frozen=True)
class Tuning:
    """Before the sweep every method has so many `settings` of these parameters compared, each by the same `draws` of
    its others: the setting with the largest hypervolume on validation is fixed."""

    parameters: tuple[str, ...]
    settings: int
    draws: int


@dataclass(frozen=True)
class Table:
    """A table of a paper, or several that share their runs.

    `space` is a file of search_spaces/ without its ending, `changes` are overrides of it; `draws` are trials for each
    method and seed. `together`: seeds that one command trains. `read` gives our numbers, those that are `published` and
    others, `read_fronts` what the paper's figures show. `near`: by metric, how far from a published number ours is
    called near it, where a plain loop of the published setting comes as near. `form`: how the page shows it.
    """

    name: str
    paper: str
    title: str
    space: str
    methods: tuple[str, ...]
    read: Callable[[Results], Numbers]
    read_fronts: Callable[[Results], Fronts] | None = None
    published: Published = field(default_factory=dict)
    draws: int = 1
    tuning: Tuning | None = None
    together: int = 10
    changes: tuple[str, ...] = ()
    near: dict[str, float] = field(default_factory=dict)
    form: str = "rows"


# These tables divide by no single-task model.
_NO_BASELINES = "stages.baselines={runs: 2, parameters: {epochs: 1}}"
_NEAR = {AP: 0.02, ODDS: 0.04, PARITY: 0.04}


def _gcm(name: str, title: str, methods: str, published: Published, **others: object) -> Table:
    made = {"read": read_points, "together": 10, "changes": (_NO_BASELINES,), "near": _NEAR} | others
    return Table(name, GCM, title, methods=tuple(methods.split()), published=published, **{"space": name} | made)


# Every method is searched as MTA-F's are: vanilla with a threshold for each group, and the rivals of GCM.
_RIVALS = (
    "methods.threshold_frontier={parameters: {tolerance: {uniform: [0, 0.2]}}}",
    "methods.eor={parameters: {fairness_weight: {log_uniform: [0.01, 30]}}}",
    "methods.adversarial={parameters: {penalty_weight: {log_uniform: [0.01, 5]}, adversary_learning_rate: 0.001}}",
)


def _mtaf(data: str, title: str, draws: int, tuning_draws: int) -> Table:
    return Table(
        f"mtaf_{data}",
        MTAF,
        title,
        space=f"mtaf_{data}",
        methods=("vanilla", "per_task", "mtaf", "threshold_frontier", "eor", "adversarial"),
        read=read_midpoints,
        read_fronts=read_fronts,
        published=mtaf_numbers(data),
        draws=draws,
        tuning=Tuning(("learning_rate", "epochs", "head_ratio"), 20, tuning_draws),
        changes=("points=[]", "stages.confirm=null", *_RIVALS),
    )


def _challenges(data: str, title: str, tasks: tuple[str, str], groups: tuple[str, str], epochs: int) -> Table:
    entries: dict[str, str] = {}
    for name, weights in (
        ("equal_loss", (100, 1000)),
        ("odds_penalty", (100, 1000)),
        ("disparate_impact", (100, 1000)),
    ):
        for weight in weights:
            entries[f"{name}_{weight}"] = f"{{class: {name}, parameters: {{penalty_weight: {weight}}}}}"
        last = 100 if name == "equal_loss" else 1000
        own = f"{{class: {name}, penalty_split: holdout, parameters: {{penalty_weight: {last}}}}}"
        entries[f"{name}_{last}_holdout"] = own
    for group in groups:
        for share in (0.1, 0.05, 0.01):
            own = f"{{class: label_flip, group: {group}, parameters: {{flip: {share}}}}}"
            entries[f"flip_{group}_{share:g}".replace(".", "p").replace("-", "_")] = own
    own_metrics = ", ".join(
        f"{name}: {{function: 'papers.by_group:{name}', reads: rows, direction: {direction}, worst: {worst}}}"
        for name, (direction, worst) in METRICS.items()
    )
    weights = ", ".join(f"{task}: 0.5" for task in tasks)
    return Table(
        f"challenges_{data}",
        CHALLENGES,
        title,
        space=f"penalties_{data}",
        methods=("vanilla", "vanilla_holdout", *entries, "max_min"),
        read=read_by_group,
        form="by_group",
        changes=(
            *(f"methods.{name}={entry}" for name, entry in entries.items()),
            *("parameters.learning_rate=0.001", f"parameters.epochs={epochs}"),
            f"parameters.task_weight={{{weights}}}",
            f"metrics={{{own_metrics}}}",
            "stages.baselines={runs: 2, parameters: {learning_rate: 0.001, epochs: 1}}",
        ),
    )


TABLES = {
    table.name: table
    for table in (
        _gcm(
            "gcm_matching_adult",
            "Tables 3 and 4, and the ends of Figure 4, Adult",
            "vanilla oversample iga_1 iga_2 iga_10 direct_0p3 direct_0p5 direct_0p8 direct_1 gcm_2_0p8 gcm_2_3",
            GCM_MATCHING,
        ),
        _gcm("gcm_layers_adult", "Table 2, Adult", "weight_0 bias_0 weight_1 bias_1 weight_0_1", GCM_LAYERS),
        _gcm("gcm_adult", "Figure 4, Adult: the ends of EOR's curve", "eor", GCM_EOR, read=read_eor_ends, draws=6),
        _gcm("gcm_compas", "Figure 4 and section 4.5, COMPAS", "vanilla oversample", GCM_COMPAS, read=read_compas),
        Table(
            "mtl_adult",
            MTAF,
            "Table 1b and Figure 2, Adult: tasks alone and together",
            space="mtl_adult",
            methods=("vanilla",),
            read=read_alone_and_together,
            read_fronts=read_accuracy_fronts,
            published=MTL_ADULT,
            draws=10,
        ),
        _mtaf("lsac", "Tables 3 and 4, LSAC", draws=64, tuning_draws=16),
        _mtaf("german", "Tables 3 and 4, German", draws=64, tuning_draws=16),
        _mtaf("adult", "Tables 3 and 4, Adult", draws=8, tuning_draws=4),
        _challenges(
            "compas",
            "the form of Tables 1 and 8 to 11, COMPAS",
            ("two_year_recid", "violent_recid"),
            ("African-American", "Caucasian"),
            epochs=100,
        ),
        _challenges(
            "adult",
            "the form of Tables 1 and 8 to 11, Adult",
            ("income", "capital_gain"),
            ("Female", "Male"),
            epochs=20,
        ),
    )
}
