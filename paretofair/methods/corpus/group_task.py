"""Which task predicts the group: for methods that compare predicted objects with predicted groups."""

from __future__ import annotations

from paretofair.methods.method import Names


def choose_group_task(names: Names, given: str | None) -> int:
    """The place of the task that an option `group_task` names; by default the first that is called as a group of its
    attribute is, as the task `man` where the attribute has the groups man and woman.

    Raises:
        ValueError: there is no such task.
    """
    if given is not None:
        return names.task("group_task", given)
    for place, (task, groups) in enumerate(zip(names.tasks, names.groups, strict=True)):
        if task in groups:
            return place
    if not names.tasks:  # made without a data set
        return 0
    raise ValueError(
        f"group_task: none is given, and no task is called as a group is; expected a task: {', '.join(names.tasks)}"
    )
