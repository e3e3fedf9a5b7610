"""The space file: what a run searches. `load_space` reads and checks it, `dump` writes it back with every default."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import yaml
from pydantic import PrivateAttr

from paretofair.data.reading.csv_schema import CsvSchema
from paretofair.sampling import find_sampler
from paretofair.sections import Section
from paretofair.space.method_space import MethodSpace
from paretofair.space.names import check_items, check_labels, check_name, resolve_data
from paretofair.space.problems import KeyPath, Problems, show_value
from paretofair.space.resolve import Methods, resolve_baselines, resolve_code, resolve_methods, with_defaults
from paretofair.space.schema import Data, Settings
from paretofair.space.sweep_checks import check_samplers, resolve_sweep
from paretofair.space.validation import validate
from paretofair.space.yaml_lines import Dumper, override, read_document


class DatasetOutline(Protocol):
    """What a space needs to know of a data set."""

    @property
    def tasks(self) -> tuple[str, ...]: ...
    @property
    def attributes(self) -> tuple[str, ...]: ...
    @property
    def kinds(self) -> Mapping[str, str]: ...
    @property
    def group_names(self) -> Mapping[str, Sequence[str]]: ...
    @property
    def options(self) -> type[Section] | None: ...
    @property
    def files_in_options(self) -> tuple[str, ...]: ...


class Space(Settings):
    """A checked space file with every default written out; made by `load_space`, never changed.

    `method(name)` and `baselines` are what trainings need: all settings of one method, merged. Equal spaces search
    the same trials in the same way.
    """

    _tasks: tuple[str, ...] = PrivateAttr()
    _views: dict[str, MethodSpace] = PrivateAttr()
    _baselines: MethodSpace = PrivateAttr()
    _sizes: dict[str, int | None] = PrivateAttr()

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the data set, in the order of every vector."""
        return self._tasks

    @property
    def baselines(self) -> MethodSpace:
        """The space of the single-task trainings; the stage sets their task weights."""
        return self._baselines

    def method(self, name: str) -> MethodSpace:
        """The space of a listed method. Raises KeyError for any other."""
        return self._views[name]

    def trials_of(self, name: str) -> int:
        """Trials of a method's sweep for each seed: `stages.sweep.trials`, or all that its sampler has. Raises KeyError
        for a method that is not listed."""
        size, most = self._sizes[name], self.stages.sweep.trials
        return most if size is None else min(size, most)

    def check_labels(self, tasks: Sequence[str], group_names: Mapping[str, Sequence[str]]) -> None:
        """Raises SpaceError for labels of what neither the space nor the data, with these tasks and groups by
        attribute, have. Groups that are values of a file are not known before it is read."""
        problems = Problems(lambda path: (0, self.name))
        check_labels(self, tasks, group_names, problems, every_group=True)
        problems.raise_if_any()

    def advice(self, methods: Sequence[str]) -> list[str]:
        """What a user of these methods may not have meant: a sampler that does not come to what it is for."""
        sampler, trials = self.stages.sweep.sampler, self.stages.sweep.trials
        found = []
        for name in methods:
            size = self._sizes[name]
            if size is not None and size > trials:
                found.append(
                    f"The {sampler.name} of {name} has {size:,} combinations; the first {trials:,} are trained, which "
                    "differ in the last parameters alone (stages.sweep.trials)."
                )
        rules: dict[str, str] = {}
        for name in methods:
            rules.setdefault(str(self.method(name).threshold), name)
        if len(rules) > 1:
            words = ", ".join(f"{name} {rule}" for rule, name in rules.items())
            found.append(
                f"Methods decide by different rules ({words}): a part of what they differ in is the rule (threshold)."
            )
        at_random = find_sampler(sampler.name).Options(**sampler.options).at_random
        if 0 < trials <= at_random:
            found.append(
                f"{sampler.name} draws the first {at_random:,} trials of a method and seed at random; {trials:,} are "
                "trained, so that it learns nothing (stages.sweep.sampler)."
            )
        return found


def load_space(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    methods: Methods | None = None,
    datasets: Mapping[str, DatasetOutline] | None = None,
) -> Space:
    """Reads a space file, applies `key.path=value` overrides (values are YAML) in turn, and checks the whole.

    `methods` and `datasets` are the known ones by name, by default those of `paretofair.methods` and
    `paretofair.data`. Raises SpaceError, which lists every problem with its place, what was found and what is
    accepted.
    """
    methods = _import_methods() if methods is None else methods
    datasets = _import_datasets() if datasets is None else datasets
    document = read_document(path)
    for setting in overrides:
        override(document, setting)
    problems = Problems(document.place)
    for key_path, message in document.traps.items():
        problems.add(key_path, message)
    space = _check_space(document.data, methods, datasets, Path(path).parent, problems)
    problems.raise_if_any()
    assert space is not None, "a space without problems is complete"
    return space


def build_space(data: Mapping[str, Any], where: str, folder: Path = Path()) -> Space:
    """A space from the plain data that a space file would hold, checked in the same way.

    `where` is what errors begin with, in place of a file and a line; relative paths are relative to `folder`. Raises
    SpaceError.
    """
    problems = Problems(lambda path: (0, where))
    space = _check_space(dict(data), _import_methods(), _import_datasets(), folder, problems)
    problems.raise_if_any()
    assert space is not None, "a space without problems is complete"
    return space


def dump(space: Space) -> str:
    """The YAML text of a space, every default written out; `load_space` reads it back to an equal space."""
    data = space.model_dump(mode="json", exclude_none=True)
    for name, own in data["methods"].items():
        data["methods"][name] = {
            key: value for key, value in own.items() if value and (key, value) != ("penalty_split", "train")
        }
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, default_flow_style=None, width=110)


C = TypeVar("C", bound=CsvSchema)


class _File(NamedTuple):
    """What a space needs to know of files."""

    tasks: tuple[str, ...]
    attributes: tuple[str, ...]
    kinds: Mapping[str, str]
    group_names: Mapping[str, Sequence[str]]
    options: None = None
    files_in_options: tuple[str, ...] = ()


def _find_files(data: Data, folder: Path, problems: Problems) -> Data | None:
    """The same with the paths of files made absolute; None, and a problem, where one is no path."""
    if data.csv is not None:
        csv = _find_file(data.csv, folder, ("data", "csv"), problems)
        return None if csv is None else data.model_copy(update={"csv": csv})
    own = {name: _find_file(file, folder, ("data", "sources", name), problems) for name, file in data.sources.items()}
    return None if None in own.values() else data.model_copy(update={"sources": own})


def _find_file(csv: C, folder: Path, path: KeyPath, problems: Problems) -> C | None:
    """The same with the path made absolute; None, and a problem, where it is no path."""
    try:
        if "://" in csv.path:
            raise ValueError("a URL; download the file")
        found = csv.relative_to(folder)
        # A pipe would be waited for, a device read without end.
        if os.path.exists(found.path) and not (os.path.isfile(found.path) or os.path.isdir(found.path)):
            raise ValueError("a pipe or a device; expected a file")
        return found
    except (OSError, RuntimeError, ValueError) as error:
        problems.add((*path, "path"), f"found {show_value(csv.path)}; {str(error).splitlines()[0]}")
        return None


def _check_space(
    data: Any, methods: Methods, datasets: Mapping[str, DatasetOutline], folder: Path, problems: Problems
) -> Space | None:
    settings = validate(Settings, data, problems)
    if settings is None:
        return None
    source: DatasetOutline | None
    if settings.data.files:
        found = _find_files(settings.data, folder, problems)
        if found is None:
            return None
        kinds_of_files, attributes = found.tasks_of_files, found.attributes_of_files
        named = {name: tuple(each.groups.values()) for name, each in attributes.items()}
        source = _File(tuple(kinds_of_files), tuple(attributes), kinds_of_files, named)
        settings = settings.model_copy(update={"data": found})
    else:
        check_name(settings.data.name, datasets, ("data", "name"), problems)
        source = datasets.get(settings.data.name)
    if source is None:
        return None
    _check_options(settings.data, source, problems)
    settings = settings.model_copy(update={"data": _find_options(settings.data, source.files_in_options, folder)})
    check_items(settings.data.tasks, source.tasks, ("data", "tasks"), problems)
    tasks = settings.data.tasks or tuple(source.tasks)
    kinds = {task: source.kinds.get(task, "binary") for task in tasks}
    settings = resolve_data(settings, kinds, tuple(source.attributes), problems)
    every_group = all(source.group_names.values())
    check_labels(settings, source.tasks, source.group_names, problems, every_group=every_group)
    settings = resolve_code(settings, folder, problems)
    settings = resolve_sweep(settings, kinds, folder, problems)
    views = resolve_methods(settings, methods, tasks, kinds, problems)
    sizes = check_samplers(settings, views, problems)
    baselines = resolve_baselines(settings, methods, tasks, problems)
    if problems:
        return None
    settings = with_defaults(settings, views, baselines)
    space = Space.model_validate(settings.model_dump(exclude_none=True))
    space._tasks, space._views, space._baselines, space._sizes = tasks, views, baselines, sizes
    return space


def _check_options(data: Data, source: DatasetOutline, problems: Problems) -> None:
    if source.options is not None:
        validate(source.options, data.options, problems, ("data", "options"))
    elif data.options:
        problems.add(("data", "options"), f"found {show_value(data.options)}; {data.name} has none")


def _find_options(data: Data, files: Sequence[str], folder: Path) -> Data:
    """The same with the paths of `files` among its options made absolute."""
    found = {
        key: str((folder / data.options[key]).resolve()) for key in files if isinstance(data.options.get(key), str)
    }
    return data.model_copy(update={"options": data.options | found}) if found else data


def _import_methods() -> Methods:
    from paretofair.methods import METHODS

    return METHODS


def _import_datasets() -> Mapping[str, DatasetOutline]:
    from paretofair.data import DATASETS

    return DATASETS
