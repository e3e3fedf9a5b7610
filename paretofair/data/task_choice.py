"""A data set with some of its tasks."""

from collections.abc import Sequence
from dataclasses import replace

from paretofair.data.dataset import Dataset
from paretofair.data.reading.tables import nearest
from paretofair.errors import DataError


def with_tasks(dataset: Dataset, tasks: Sequence[str]) -> Dataset:
    """The data set with `tasks` alone, in this order; its rows and inputs stay as they are.

    Raises:
        DataError: No task, or one that the data set lacks.
    """
    for task in tasks:
        if task not in dataset.tasks:
            raise DataError(f"data set {dataset.name!r} has no task {task!r}; {nearest(task, dataset.tasks)}")
    if not tasks:
        raise DataError(f"data set {dataset.name!r}: no task is chosen; expected some of {', '.join(dataset.tasks)}")
    columns = [dataset.tasks.index(task) for task in tasks]
    return replace(dataset, tasks=tuple(tasks), labels=dataset.labels[:, columns])
