"""What a network predicts of an example: a task of one of the kinds `known.TASKS`.

To add a kind, write a module with a subclass of `Task` and name it in `known.TASKS`.
"""

from paretofair.tasks.kind import BINARY, TaskKind

__all__ = ["BINARY", "TaskKind"]
