"""A data set with some of its tasks."""

from collections.abc import Sequence
from dataclasses import replace

from paretofair.data.dataset import Dataset
from paretofair.data.reading.tables import suggest_known
from paretofair.errors import DataError


def with_tasks(dataset: Dataset, tasks: Sequence[str]) -> Dataset:
    """The data set with `tasks` alone, in this order; its rows and inputs stay as they are.

    Raises:
        DataError: No task, or one that the data set lacks.
    """
    for task in tasks:
        if task not in dataset.tasks:
            raise DataError(f"data set {dataset.name!r} has no task {task!r}; {suggest_known(task, dataset.tasks)}")
    if not tasks:
        raise DataError(f"data set {dataset.name!r}: no task is chosen; expected some of {', '.join(dataset.tasks)}")
    columns = [dataset.tasks.index(task) for task in tasks]
    kinds = tuple(dataset.kinds[column] for column in columns)
    return replace(dataset, tasks=tuple(tasks), kinds=kinds, labels=dataset.labels[:, columns])
