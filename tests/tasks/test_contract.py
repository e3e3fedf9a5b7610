"""The contract of tasks, kept by every kind."""

from __future__ import annotations

from paretofair.tasks.binary import Binary
from paretofair.tasks.multiclass import Multiclass
from paretofair.testing import TaskContract


class TestBinary(TaskContract):
    task = Binary()


class TestMulticlass(TaskContract):
    task = Multiclass(4)


class TestTwoClasses(TaskContract):
    task = Multiclass(2)
