"""Which tasks figures with a panel for each of them show, where there are too many for one page."""

from __future__ import annotations

from paretofair.analysis.results import Results

MOST_TASKS = 5  # panels beside one another that can still be read


def drawn_tasks(results: Results) -> list[str]:
    """All tasks, or of more than `MOST_TASKS` those whose gap on test is largest, in their order."""
    columns = {f"test_{results.settings.gap}_{task}": task for task in results.tasks}
    if len(columns) <= MOST_TASKS:
        return results.tasks
    gaps = results.searched[[name for name in columns if name in results.searched]].mean()
    largest = {columns[str(name)] for name in gaps.nlargest(MOST_TASKS).index}
    return [task for task in results.tasks if task in largest]


def tell_left_out(results: Results) -> str:
    """Which tasks are drawn, where they are not all."""
    every, drawn = len(results.tasks), len(drawn_tasks(results))
    return f"Of {every} tasks the {drawn} with the largest gaps are drawn; tables have all." if drawn < every else ""
