"""Checks what a space file says about searching: samplers, successive halving, tuning, constraints, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from paretofair import user_code
from paretofair.metrics.constraints import parse_constraint
from paretofair.metrics.metric import Metric
from paretofair.metrics.objectives import OF_SEVERAL_TASKS, Objective, parse_goal, parse_objective
from paretofair.metrics.relative import GROUP_RISE
from paretofair.sampling import SAMPLERS, Adaptive, find_sampler
from paretofair.sampling.distributions import is_one_point
from paretofair.space.method_space import MethodSpace
from paretofair.space.names import check_items, check_name, check_objective, list_kept_epochs
from paretofair.space.problems import Problems, list_known, propose
from paretofair.space.schema import FrontierSet, SamplerSettings, Settings
from paretofair.space.tune import freeze_parameters, setting_values
from paretofair.space.validation import validate

SWEEP = ("stages", "sweep")
_AFTERWARDS = "cannot lead a search: it is computed from counts on disk. Take worst_group_error, which falls with it"


def resolve_sweep(settings: Settings, kinds: Mapping[str, str], folder: Path, problems: Problems) -> Settings:
    """`settings` with the sampler's options and what leads the search written out, paths being relative to `folder`;
    checks everything that needs no method."""
    leading = settings.frontiers.objectives[0] if settings.frontiers.objectives else None
    if leading is not None and leading.of:
        settings = _lead_by(leading, settings)
    sweep = settings.stages.sweep
    given = sweep.sampler.options
    options = find_sampler(sweep.sampler.name).Options
    known = list(options.model_fields)
    for key in [key for key in given if key not in known]:
        words = f"no option of {sweep.sampler.name}.{propose(key, known)} Accepted: {list_known(['name', *known])}"
        problems.add((*SWEEP, "sampler", key), words)
        del given[key]
    if leading is not None and leading.of and "objectives" in known:
        given.setdefault("objectives", list(leading.of))
    checked = validate(options, given, problems, (*SWEEP, "sampler"))
    metrics = settings.known_metrics
    if checked is not None:
        before = getattr(checked, "warm_start", None)
        if before is not None:
            checked = checked.model_copy(update={"warm_start": str((folder / before).resolve())})
        name = sweep.sampler.name
        code = user_code.digest(name) if ":" in name else None
        settings = _with_sampler(settings, SamplerSettings(name=name, code=code, **checked.model_dump(mode="json")))
        for index, goal in enumerate(getattr(checked, "objectives", ())):
            at = (*SWEEP, "sampler", "objectives", index)
            check_objective(goal, kinds, metrics, at, problems, parse=_parse_leading)
    _check_halving(settings, kinds, problems)
    _check_kept_epochs(settings, kinds, problems)
    for task, kind in kinds.items() if settings.curves is not None and settings.curves.contribution else ():
        if kind != "binary":
            problems.add(("curves", "contribution"), f"not for task {task}, which is {kind}: cells are of two labels")
            break
    tune = settings.stages.tune
    for seed in sorted(set(tune.seeds) & set(settings.seeds)) if tune is not None else ():
        problems.add(("stages", "tune", "seeds"), f"found {seed}, which is also a seed of the sweep; take others")
    if tune is not None:
        sets = (
            "arfg_are",
            *kinds,
            *OF_SEVERAL_TASKS,
            *(each.name for each in settings.frontiers.objectives if each.of),
        )
        check_name(tune.objectives, sets, ("stages", "tune", "objectives"), problems)
    for index, text in enumerate(settings.constraints):
        try:
            name = parse_constraint(text).name
        except ValueError as error:
            problems.add(("constraints", index), str(error))
            continue
        check_objective(name, kinds, metrics, ("constraints", index), problems, parse=parse_objective)
        if name == GROUP_RISE and issubclass(find_sampler(sweep.sampler.name), Adaptive):
            problems.add(("constraints", index), f"{name} {_AFTERWARDS}")
    return settings


def check_samplers(settings: Settings, views: Mapping[str, MethodSpace], problems: Problems) -> dict[str, int | None]:
    """Checks the sampler, the stage `tune` and curves against what each method has; how many different trials the
    sampler has for each method, None where there is no end."""
    sweep, tune = settings.stages.sweep, settings.stages.tune
    kind = find_sampler(sweep.sampler.name)
    swept = {name for view in views.values() for name in view.parameters}
    if tune is not None:
        check_items(tune.parameters, sorted(swept), ("stages", "tune", "parameters"), problems)
    sizes: dict[str, int | None] = dict.fromkeys(views)
    if problems:
        return sizes
    for name, view in views.items():
        if settings.curves is not None and settings.curves.contribution and (view.network.module or view.network.named):
            problems.add(("curves", "contribution"), f"{name}: for the built-in network alone")
        # The sweep has one of the settings that `tune` compares.
        of_sweep = view
        if tune is not None:
            of_sweep = freeze_parameters(
                view, {each: values[0].item() for each, values in setting_values(view).items()}
            )
        try:
            size = kind(of_sweep.parameters, view.tasks, 0, kind.Options(**sweep.sampler.options)).size
        except ValueError as error:
            problems.add((*SWEEP, "sampler"), f"{name}: {error}")
            continue
        if sweep.successive_halving is None and settings.protocol == "validation":
            # Trials of a seed begin with the same weights, those of the published protocol each with its own.
            size = 1 if is_one_point(of_sweep.parameters, view.tasks) else size
        sizes[name] = size
        if size is not None and size < sweep.trials and view.bracket is not None and size % view.bracket:
            words = f"found {view.bracket}; the {size:,} trials of {name} are no whole brackets"
            problems.add((*SWEEP, "successive_halving", "bracket"), words)
    return sizes


def _check_kept_epochs(settings: Settings, kinds: Mapping[str, str], problems: Problems) -> None:
    """What `training.keep_epoch` compares, here and in the methods' own sections."""
    for at, by in list_kept_epochs(settings):
        if isinstance(by, str):
            check_objective(by, kinds, settings.known_metrics, (*at, "by"), problems, parse=_parse_measured)
        if settings.curves is not None:
            problems.add(at, "curves show every epoch: leave out either")


def _parse_measured(name: str, tasks: Sequence[str], metrics: Mapping[str, Metric]) -> Objective:
    found = parse_goal(name, tasks, metrics)
    if found.metric.source == "baselines":
        raise ValueError(f"{name} is relative to baselines, which may not be trained yet; take what it is made of")
    return found


def _parse_leading(name: str, tasks: Sequence[str], metrics: Mapping[str, Metric]) -> Objective:
    found = parse_goal(name, tasks, metrics)
    if found.metric.name == GROUP_RISE:
        raise ValueError(f"{name} {_AFTERWARDS}")
    return found


def _lead_by(first: FrontierSet, settings: Settings) -> Settings:
    """`settings` in which successive halving and tuning follow a set where they name no objectives."""
    stages, halving = settings.stages, settings.stages.sweep.successive_halving
    if halving is not None and "objectives" not in halving.model_fields_set:
        own = halving.model_copy(update={"objectives": first.of})
        stages = stages.model_copy(update={"sweep": stages.sweep.model_copy(update={"successive_halving": own})})
    if stages.tune is not None and "objectives" not in stages.tune.model_fields_set:
        stages = stages.model_copy(update={"tune": stages.tune.model_copy(update={"objectives": first.name})})
    return settings.model_copy(update={"stages": stages})


def _check_halving(settings: Settings, kinds: Mapping[str, str], problems: Problems) -> None:
    sweep, halving = settings.stages.sweep, settings.stages.sweep.successive_halving
    if halving is None:
        return
    at = (*SWEEP, "successive_halving")
    for index, name in enumerate(halving.objectives):
        own = (*at, "objectives", index)
        check_objective(name, kinds, settings.known_metrics, own, problems, parse=_parse_leading)
    if list(halving.rungs) != sorted(set(halving.rungs)):
        problems.add((*at, "rungs"), f"found {list(halving.rungs)}; epochs must ascend")
    if issubclass(find_sampler(sweep.sampler.name), Adaptive):
        fixed = list_known([name for name, kind in SAMPLERS.items() if not kind.adaptive])
        problems.add(at, f"brackets are fixed ranges of indices, which {sweep.sampler.name} has not; accepted: {fixed}")
    if sweep.trials % halving.bracket:
        below = sweep.trials // halving.bracket * halving.bracket
        words = (
            f"found {sweep.trials}; must be whole brackets of {halving.bracket}: {below} or {below + halving.bracket}"
        )
        problems.add((*SWEEP, "trials"), words)
    if settings.curves is not None and "sweep" in settings.curves.stages:
        problems.add(
            ("curves", "stages"), "sweep cannot be measured under successive_halving; accepted: points, confirm"
        )


def _with_sampler(settings: Settings, sampler: SamplerSettings) -> Settings:
    sweep = settings.stages.sweep.model_copy(update={"sampler": sampler})
    return settings.model_copy(update={"stages": settings.stages.model_copy(update={"sweep": sweep})})
