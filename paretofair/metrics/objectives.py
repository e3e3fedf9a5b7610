"""Named sets of objectives, all minimised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# Sets of objectives that say nothing more of a single task than its own set.
OF_SEVERAL_TASKS = ("accuracies", "all")


def objective_sets(tasks: Sequence[str]) -> list[str]:
    """The named sets of objectives, without those `OF_SEVERAL_TASKS` where there is one."""
    return ["arfg_are", *tasks, *(OF_SEVERAL_TASKS if len(tasks) > 1 else ())]


def known_sets(objectives: Iterable[str], tasks: Sequence[str]) -> list[str]:
    """The named sets `objectives` without those `OF_SEVERAL_TASKS` where there is one; `objective_sets` where none is
    left."""
    named = objective_sets(tasks)
    return [name for name in objectives if name in named or name not in OF_SEVERAL_TASKS] or named


def objective_names(objectives: str, tasks: Sequence[str]) -> list[str]:
    """The metrics of a named set of objectives, all minimised: `arfg_are`, a task, `accuracies` or `all`."""
    if objectives == "arfg_are":
        return ["arfg", "are"]
    if objectives == "accuracies":
        return [f"error_{task}" for task in tasks]
    if objectives == "all":
        return [f"{metric}_{task}" for metric in ("fpr_gap", "error") for task in tasks]
    return [f"fpr_gap_{objectives}", f"error_{objectives}"]
