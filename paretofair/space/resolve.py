"""What each method sees of a validated file: its own and the shared settings merged, parameters and points read."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from paretofair import user_code
from paretofair.errors import SpaceError
from paretofair.methods.method import FAIRNESS, TRAINING_PARAMETERS, Method, Parameter
from paretofair.sampling.distributions import Distribution, Distributions, Number, Simplex
from paretofair.space import parameters as reading
from paretofair.space.method_space import MethodSpace, spell_distribution
from paretofair.space.names import check_keys, check_parameters
from paretofair.space.numbering import BASELINE_METHOD
from paretofair.space.problems import KeyPath, Problems, explain_unknown_key, list_known, propose, show_value
from paretofair.space.schema import WIDTHS, Fairness, MethodSettings, Network, Section, Settings, TuneBaselines
from paretofair.space.tune import count_settings, free_parameters
from paretofair.space.validation import validate
from paretofair.tasks.kind import IDENTITY
from paretofair.tasks.known import find_kind
from paretofair.training.optimizers import OPTIMIZERS, Optimizer

M = TypeVar("M", bound=Section)
Methods = Mapping[str, type[Method]]
# What the baselines are tuned over where the space file gives them nothing.
_TUNED = {"learning_rate": {"log_uniform": [0.001, 0.3]}, "epochs": [10, 20, 40]}


def resolve_methods(
    settings: Settings, methods: Methods, tasks: tuple[str, ...], kinds: Mapping[str, str], problems: Problems
) -> dict[str, MethodSpace]:
    """The space of every listed method; checks the methods, their options, their parameters and the points, and that
    each has a meaning for the `kinds` of the tasks."""
    listed = _classes(settings, methods, problems)
    for name, method in listed.items():
        _check_kinds(name, method, kinds, methods, problems)
        _check_loss(settings, name, method, kinds, problems)
    _check_identities(settings, kinds, problems)
    _check_shared_parameters(settings, listed, methods, problems)
    known: dict[str, Parameter] = {}
    for kind in (*methods.values(), *listed.values()):
        known |= _gather_parameters(kind, OPTIMIZERS.values())
    for index, point in enumerate(settings.points):
        names = sorted(dict(_spell_groups(known, point)))
        check_keys(point, names, ("points", index), problems, what="parameter of any method")
    return {name: _method_space(settings, name, kind, tasks, problems) for name, kind in listed.items()}


def _classes(settings: Settings, methods: Methods, problems: Problems) -> dict[str, type[Method]]:
    """The class of every listed method that is known."""
    users = [name for name in methods if name != BASELINE_METHOD]
    found: dict[str, type[Method]] = {}
    for name, own in settings.methods.items():
        path: KeyPath = ("methods", name) if own.class_ is None else ("methods", name, "class")
        kind = own.class_ or name
        if kind == BASELINE_METHOD or name == BASELINE_METHOD:
            problems.add(path, "the baselines stage runs it; see stages.baselines")
        elif kind in users:
            found[name] = methods[kind]
        elif own.class_ is not None and ":" in kind:
            try:
                found[name] = _own_class(kind)
            except SpaceError as error:
                problems.add(path, str(error))
        else:
            words = f"unknown method.{propose(kind, users)} Accepted: {list_known(users)}"
            problems.add(path, words + ("; or class: package.module:Class" if own.class_ is None else ""))
    return found


def _check_kinds(
    name: str, method: type[Method], kinds: Mapping[str, str], methods: Methods, problems: Problems
) -> None:
    for task, kind in kinds.items():
        gives = find_kind(kind).gives
        if not method.needs <= gives:
            able = [each for each, known in methods.items() if known.needs <= gives and each != BASELINE_METHOD]
            words = f"has no meaning for task {task}, which is {kind}. Methods that have: {list_known(able)}"
            problems.add(("methods", name), words)
            return


def _check_loss(
    settings: Settings, name: str, method: type[Method], kinds: Mapping[str, str], problems: Problems
) -> None:
    own = settings.methods[name].training
    loss, path = own.get("loss", settings.training.loss), ("methods", name) if "loss" in own else ()
    if loss != "cross_entropy" and "loss" not in method.reads:
        words = f"found {loss}; {name} has a loss of its own and does not read it"
        problems.add((*path, "training", "loss"), words)
    several = [task for task, kind in kinds.items() if kind != "binary"]
    if loss == "weighted" and several:
        words = f"found weighted; {several[0]}, which is {kinds[several[0]]}, has no positives; accepted: focal"
        problems.add((*path, "training", "loss"), words)


def _check_identities(settings: Settings, kinds: Mapping[str, str], problems: Problems) -> None:
    """A task of identities is trained alone, and only it has features that it is compared by."""
    found = [task for task, kind in kinds.items() if kind == IDENTITY]
    if found and len(kinds) > 1:
        others = [task for task in kinds if task not in found[:1]]
        words = f"{found[0]}, whose labels are identities, is trained alone; here beside {list_known(others)}"
        problems.add(("data", "tasks"), f"{words}. Choose one: tasks: [{found[0]}]")
    if not found and settings.network.features is not None:
        problems.add(("network", "features"), "belongs to tasks of kind identity; no task is")


def _own_class(reference: str) -> type[Method]:
    kind = user_code.load(reference)
    if not (isinstance(kind, type) and issubclass(kind, Method)):
        raise SpaceError(f"{reference} is no subclass of paretofair.methods.Method")
    return kind


def resolve_code(settings: Settings, folder: Path, problems: Problems) -> Settings:
    """`settings` with a digest beside every module of the user's own and every file of weights, paths being relative to
    `folder`; checks that these can be imported and read."""

    def with_code(network: Mapping[str, Any], path: KeyPath) -> dict[str, Any]:
        module, weights = network.get("module"), network.get("weights")
        if isinstance(weights, str):
            file = (folder / weights).resolve()
            try:
                with file.open("rb") as content:
                    found = hashlib.file_digest(content, "sha256").hexdigest()[:16]
            except OSError as error:
                problems.add((*path, "weights"), f"found {show_value(weights)}; {file}: {error.strerror}")
                return dict(network)
            if network.get("digest") not in (None, found):
                problems.add((*path, "weights"), f"{file} is not the file that the space was written with")
            return {**network, "weights": str(file), "digest": found}
        if not isinstance(module, str) or network.get("code"):
            return dict(network)
        try:
            if not callable(user_code.load(module)):
                raise SpaceError(f"{module} is not callable")
            return {**network, "code": user_code.digest(module)}
        except SpaceError as error:
            problems.add((*path, "module"), str(error))
            return dict(network)

    network = settings.network.model_copy(update=with_code(settings.network.model_dump(), ("network",)))
    methods = {}
    for name, own in settings.methods.items():
        update: dict[str, Any] = {"network": with_code(own.network, ("methods", name, "network"))}
        if own.class_ is not None and ":" in own.class_ and own.code is None:
            with suppress(SpaceError):  # told where the class is looked up
                update["code"] = user_code.digest(own.class_)
        methods[name] = own.model_copy(update=update)
    metrics = {}
    for name, metric in settings.metrics.items():
        update = {}
        if metric.function is not None and metric.code is None:
            try:
                if not callable(user_code.load(metric.function)):
                    raise SpaceError(f"{metric.function} is not callable")
                update["code"] = user_code.digest(metric.function)
            except SpaceError as error:
                problems.add(("metrics", name, "function"), str(error))
        metrics[name] = metric.model_copy(update=update)
    return settings.model_copy(update={"network": network, "methods": methods, "metrics": metrics})


def resolve_baselines(settings: Settings, methods: Methods, tasks: tuple[str, ...], problems: Problems) -> MethodSpace:
    """The space of the baselines: what the stage gives, else what all methods share. What is not one
    number there, or is given nowhere, is tuned."""
    path: KeyPath = ("stages", "baselines", "parameters")
    method, own = methods[BASELINE_METHOD], settings.stages.baselines.parameters
    # The stage gives each task the weight 1 in turn, so shares are not the user's to set.
    optimizer = OPTIMIZERS[settings.training.optimizer]
    known = {name: each for name, each in _gather_parameters(method, [optimizer]).items() if not each.sums_to_one}
    check_keys(own, known, path, problems, what="parameter of the baselines")
    distributions: dict[str, Distribution | Simplex | Mapping[str, Distribution]] = {}
    for name, parameter in known.items():
        source, at = (own, path) if name in own else (settings.parameters, ("parameters",))
        default = reading.default(parameter, tasks)
        value = source.get(name, _TUNED.get(name) if default is None else default)
        if name not in source and parameter.optional:
            continue
        found = _parse_parameter(parameter, value, tasks, (*at, name), problems)
        if found is not None:
            distributions[name] = found
    for where, words in reading.check_conditions(distributions):
        problems.add((*path, *where), words)
    if settings.stages.baselines.tune is not None and not free_parameters(distributions):
        words = "every parameter of the baselines is one number; remove this, or give a list or a range"
        problems.add(("stages", "baselines", "tune"), words)
    return dataclasses.replace(_build_shared_space(settings, BASELINE_METHOD, method, tasks), parameters=distributions)


def with_defaults(settings: Settings, views: Mapping[str, MethodSpace], baselines: MethodSpace) -> Settings:
    """`settings` with the parameters that methods and baselines took from defaults or from elsewhere written out."""
    methods = {}
    for name, view in views.items():
        own = settings.methods[name]
        given = {**settings.parameters, **own.parameters}
        missing = {key: spell_distribution(found) for key, found in view.parameters.items() if key not in given}
        methods[name] = own.model_copy(update={"parameters": {**own.parameters, **missing}})
    values = {name: spell_distribution(found) for name, found in baselines.parameters.items()}
    stage = settings.stages.baselines.model_copy(update={"parameters": values})
    if free_parameters(baselines.parameters):
        tune = stage.tune or TuneBaselines()
        settings_of_tune = count_settings(baselines, tune.settings)
        stage = stage.model_copy(update={"tune": tune.model_copy(update={"settings": settings_of_tune})})
    stages = settings.stages.model_copy(update={"baselines": stage})
    return settings.model_copy(update={"methods": methods, "stages": stages})


def _gather_parameters(method: type[Method], optimizers: Iterable[type[Optimizer]]) -> dict[str, Parameter]:
    """Every parameter that a method's trials can have, by name."""
    optimizers = list(optimizers)
    constants = [each for optimizer in optimizers for each in optimizer.parameters]
    found = {each.name: each for each in (*TRAINING_PARAMETERS, *constants, *method.parameters)}
    rates = optimizers[0].learning_rates if len(optimizers) == 1 else None
    if rates is not None:
        found["learning_rate"] = dataclasses.replace(found["learning_rate"], search={"log_uniform": list(rates)})
    return found


def _of_method(settings: Settings, name: str, method: type[Method]) -> dict[str, Parameter]:
    """Those that the trials of a listed method can have with its optimiser."""
    own = settings.methods[name].training.get("optimizer")
    known = _gather_parameters(method, [OPTIMIZERS.get(str(own), OPTIMIZERS[settings.training.optimizer])])
    given = [
        *settings.parameters,
        *settings.methods[name].parameters,
        *(key for each in settings.points for key in each),
    ]
    return dict(_spell_groups(known, given))


def _spell_groups(known: Mapping[str, Parameter], given: Iterable[str]) -> Iterator[tuple[str, Parameter]]:
    """Parameters by name, those per group once for every group that the space file gives one; which groups there are
    is checked when the data are read."""
    for name, parameter in known.items():
        if not parameter.per_group:
            yield name, parameter
            continue
        for own in dict.fromkeys(each for each in given if each.startswith(parameter.of_group(""))):
            yield own, dataclasses.replace(parameter, name=own, per_group=False, optional=True)


def _build_shared_space(settings: Settings, name: str, method: type[Method], tasks: tuple[str, ...]) -> MethodSpace:
    assert settings.frontiers.gap is not None, "its default is filled in with those of the data set"
    return MethodSpace(
        method=name,
        tasks=tasks,
        protocol=settings.protocol,
        data=settings.data,
        network=settings.network,
        training=settings.training,
        fairness=settings.fairness,
        threshold=settings.threshold,
        sampler=settings.stages.sweep.sampler,
        halving=settings.stages.sweep.successive_halving,
        led_by=settings.stages.sweep.led_by,
        tune=settings.stages.tune,
        gap=settings.frontiers.gap,
        metrics=settings.metrics,
        parameters={},
        points=(),
        reads=method.reads,
        version=method.version,
        kind=name,
        code=None,
        options={},
        penalty_split="train",
    )


def _method_space(
    settings: Settings, name: str, method: type[Method], tasks: tuple[str, ...], problems: Problems
) -> MethodSpace:
    at: KeyPath = ("methods", name)
    own = settings.methods[name]
    for section, given, of_losses in (("fairness", own.fairness, FAIRNESS), ("training", own.training, ("reduction",))):
        for key in sorted(set(given) & set(of_losses) - set(method.reads)):
            problems.add((*at, section, key), f"{name} does not read it; remove this")
    base = settings.fairness
    if own.fairness.get("distance", base.distance) != base.distance:
        # `hard` and `bandwidth` are settings of a distance: another one starts from its defaults.
        base = Fairness(distance=base.distance, goal=base.goal)
    known = _of_method(settings, name, method)
    check_parameters(
        name,
        {
            each.name: [f"{each.name}_{task}" for task in tasks] if each.per_task else [each.name]
            for each in known.values()
        },
        problems,
    )
    distributions = _distributions(settings, name, method, tasks, problems)
    if own.penalty_split == "holdout" and not method.holdout:
        problems.add((*at, "penalty_split"), f"{own.class_ or name} has no penalty that could be held out; remove this")
    options = _options(own, method, at, problems)
    view = dataclasses.replace(
        _build_shared_space(settings, name, method, tasks),
        kind=own.class_ or name,
        code=own.code,
        options=options.model_dump(mode="json", exclude_defaults=True) if options is not None else {},
        penalty_split=own.penalty_split,
        network=_own_network(settings.network, own.network, (*at, "network"), problems),
        training=_merge_section(settings.training, own.training, (*at, "training"), problems),
        fairness=_merge_section(base, own.fairness, (*at, "fairness"), problems),
        threshold=own.threshold or settings.threshold,
        parameters=distributions,
        points=_points(settings, known, distributions, tasks, problems),
    )
    if options is None:
        return view
    try:
        unread = method(view.loss_settings, options).unread
    except ValueError as error:
        where = (*at, "fairness") if "goal" in own.fairness else ("fairness",)
        problems.add((*where, "goal"), str(error))
        return view
    for key, words in unread.items():
        if key in own.parameters:
            problems.add((*at, "parameters", key), words)
    return dataclasses.replace(view, parameters={key: each for key, each in distributions.items() if key not in unread})


def _names(optimizer: type[Optimizer]) -> set[str]:
    return {each.name for each in optimizer.parameters}


def _options(own: MethodSettings, method: type[Method], at: KeyPath, problems: Problems) -> Any:
    """The method's own keys, checked and with every default; None where they have problems."""
    given = own.options
    known = [*MethodSettings.model_fields, *method.Options.model_fields]
    accepted_keys = ["class" if key == "class_" else key for key in known if key != "code"]
    for key in [key for key in given if key not in method.Options.model_fields]:
        problems.add((*at, key), explain_unknown_key(key, accepted_keys))
        del given[key]
    return validate(method.Options, given, problems, at)


def _own_network(shared: Network, own: Mapping[str, Any], path: KeyPath, problems: Problems) -> Network:
    name = own.get("name", "mlp" if {"shared", "embedding", "initial"} & set(own) else shared.name)
    if "module" in own or name != shared.name or (shared.module and {"name", *WIDTHS} & set(own)):
        # A network of the other kind, or of another module, takes nothing over.
        return validate(Network, own, problems, path) or shared
    return _merge_section(shared, own, path, problems)


def _merge_section(shared: M, own: Mapping[str, Any], path: KeyPath, problems: Problems) -> M:
    if not own:
        return shared
    return validate(type(shared), {**shared.model_dump(), **own}, problems, path) or shared


def _distributions(
    settings: Settings, name: str, method: type[Method], tasks: Sequence[str], problems: Problems
) -> Distributions:
    path: KeyPath = ("methods", name, "parameters")
    own, known = settings.methods[name].parameters, _of_method(settings, name, method)
    check_keys(own, known, path, problems, what=f"parameter of {name}")
    result: dict[str, Distribution | Simplex | Mapping[str, Distribution]] = {}
    for key, parameter in known.items():
        source, at = (own, path) if key in own else (settings.parameters, ("parameters",))
        value = source.get(key, reading.default(parameter, tasks))
        if key not in source and parameter.optional:
            continue
        if key not in source and value is None:
            value = parameter.search
        if key not in source and value is None:
            problems.add((*at, key), f"required by {name}, but not given; expected {reading.WRITTEN}")
            continue
        found = _parse_parameter(parameter, value, tasks, (*at, key), problems)
        if found is not None:
            result[key] = found
    for where, words in reading.check_conditions(result):
        problems.add((*(path if where[0] in own else ("parameters",)), *where), words)
    return result


def _points(
    settings: Settings,
    known: Mapping[str, Parameter],
    distributions: Distributions,
    tasks: Sequence[str],
    problems: Problems,
) -> tuple[dict[str, Number], ...]:
    points = []
    for index, given in enumerate(settings.points):
        values = reading.centre(distributions, tasks)
        for key in [key for key in given if key in known]:
            try:
                values.update(reading.point_values(known[key], given[key], tasks))
            except reading.Invalid as error:
                problems.add(("points", index, key, *error.where), str(error))
        points.append(values)
    return tuple(points)


def _parse_parameter(
    parameter: Parameter, value: Any, tasks: Sequence[str], path: KeyPath, problems: Problems
) -> Distribution | Simplex | dict[str, Distribution] | None:
    try:
        return reading.parse(parameter, value, tasks)
    except reading.Invalid as error:
        problems.add((*path, *error.where), str(error))
        return None


def _check_shared_parameters(settings: Settings, listed: Methods, methods: Methods, problems: Problems) -> None:
    read = {each for name, method in listed.items() for each in _of_method(settings, name, method)}
    for key in settings.parameters:
        if listed and key not in read:
            readers = [name for name, method in methods.items() if key in _gather_parameters(method, ())]
            readers += [f"training.optimizer={name}" for name, kind in OPTIMIZERS.items() if key in _names(kind)]
            hint = f" Read by: {list_known(readers)}." if readers else propose(key, read)
            words = f"no listed method reads it.{hint} Accepted: {list_known(sorted(read))}"
            problems.add(("parameters", key), words)
